package pipeline_test

import (
	"context"
	"maps"
	"slices"
	"strings"
	"testing"

	"fgdsync.dev/libs/gittree"
	"fgdsync.dev/services/ingestion/internal/pipeline"
	"fgdsync.dev/services/ingestion/internal/plan"
	"fgdsync.dev/services/ingestion/internal/stage"
)

// FuzzIngest ingests two files of whatever content, one in raw/ and one in managed/: nothing is lost, nothing waits
// afterwards, every finding says where and what, and a second ingestion changes nothing.
func FuzzIngest(f *testing.F) {
	good := vpcNamed("a")
	for _, one := range []string{
		good, good + "---\n" + vpcNamed("b"), "# c\n---\n" + good + "...\n# d\n", vpcA + "  odd: " + flowBomb(4) + "\n",
		good + "---\nkind: [\n", "\ufeff" + dos(good) + "--- # c\r\n{}\r\n",
		"{\"apiVersion\": \"vpc.githedgehog.com/v1beta1\", \"kind\": \"VPC\", \"metadata\": {\"name\": \"a\"}, \"spec\": {}}",
		strings.ReplaceAll(good, "\n", "\u2028"), mergedAnnotations,
		"apiVersion: v1\nkind: List\nitems:\n- apiVersion: vpc.githedgehog.com/v1beta1\n  kind: VPC\n  metadata:\n    " +
			"name: a\n  spec: {}\n- kind: VPC\n", strings.Replace(good, "v1beta1", "v1alpha2", 1),
	} {
		f.Add(one, good)
		f.Add(good, one)
	}
	p := newPipeline(f)
	f.Fuzz(func(t *testing.T, raw, managed string) {
		files := map[string]string{"raw/x.yaml": raw, "managed/vpcs/a.yaml": managed}
		p := *p
		first, after := ingestHere(t, &p, files)
		requireNothingLost(t, files, after, first)
		if _, left := after["raw/x.yaml"]; left {
			t.Errorf("raw/x.yaml is left")
		}
		for _, finding := range first.Findings {
			lines := strings.Count(files[finding.File], "\n") + strings.Count(files[finding.File], "\r") +
				strings.Count(files[finding.File], "\u2028") + strings.Count(files[finding.File], "\u2029") +
				strings.Count(files[finding.File], "\u0085")
			if finding.Message == "" || finding.RemedyText() == "" || finding.Line < 0 || files[finding.File] != "" &&
				finding.Line > lines+1 {
				t.Errorf("finding %+v", finding)
			}
		}
		if _, again := ingestHere(t, &p, after); !maps.Equal(again, after) {
			t.Errorf("a second ingestion changes the tree: %v\nof %q", differences(after, again), after)
		}
	})
}

// ingestHere ingests files without a service in between: the fuzzer wants to see the same steps each time.
func ingestHere(t *testing.T, p *pipeline.Pipeline, files map[string]string) (*pipeline.Result, map[string]string) {
	t.Helper()
	trees := &here{files: maps.Clone(files), blobs: map[string]string{}}
	p.Trees = trees
	return ingest(t, p, gittree.Ref{}, plan.Options{}), trees.files
}

// here is one tree.
type here struct{ files, blobs map[string]string }

func (h *here) Listing(context.Context, gittree.Ref) (gittree.Listing, error) {
	var entries []gittree.Entry
	for _, p := range slices.Sorted(maps.Keys(h.files)) {
		blob := stage.BlobID([]byte(h.files[p]))
		h.blobs[blob] = h.files[p]
		entries = append(entries, gittree.Entry{Path: p, Blob: blob, Size: int64(len(h.files[p]))})
	}
	return gittree.Listing{Entries: entries}, nil
}

func (h *here) Read(_ context.Context, _ string, blobs []string, visit func(content []byte) error) error {
	for _, blob := range blobs {
		if err := visit([]byte(h.blobs[blob])); err != nil {
			return err
		}
	}
	return nil
}

func (h *here) Write(_ context.Context, _ gittree.Ref, changes []gittree.Change) (string, error) {
	for _, c := range changes {
		switch {
		case c.Remove:
			delete(h.files, c.Path)
		case c.Content != nil:
			h.files[c.Path] = string(c.Content)
		default:
			h.files[c.Path] = h.blobs[c.Blob]
		}
	}
	return "", nil
}
