package pipeline_test

import (
	"strings"
	"testing"

	"fgdsync.dev/libs/testkit/treestore"
	"fgdsync.dev/services/ingestion/internal/pipeline"
	"fgdsync.dev/services/ingestion/internal/plan"
)

// FuzzIngest ingests two files of whatever content, one in raw/ and one in managed/: nothing is lost, nothing waits
// afterwards, every finding says where and what, and a second ingestion changes nothing.
func FuzzIngest(f *testing.F) {
	good := vpcNamed("a")
	for _, one := range []string{
		good, good + "---\n" + vpcNamed("b"), "# c\n---\n" + good + "...\n# d\n", vpcA + "  odd: " + flowBomb(4) + "\n", good + "---\nkind: [\n", "\ufeff" + dos(good) + "--- # c\r\n{}\r\n",
		"{\"apiVersion\": \"vpc.githedgehog.com/v1beta1\", \"kind\": \"VPC\", \"metadata\": {\"name\": \"a\"}, \"spec\": {}}", strings.ReplaceAll(good, "\n", "\u2028"), mergedAnnotations,
		"apiVersion: v1\nkind: List\nitems:\n- apiVersion: vpc.githedgehog.com/v1beta1\n  kind: VPC\n  metadata:\n    name: a\n  spec: {}\n- kind: VPC\n", strings.Replace(good, "v1beta1", "v1alpha2", 1),
	} {
		f.Add(one, good)
		f.Add(good, one)
	}
	store := treestore.New()
	p := newPipeline(f, store, 1)
	f.Fuzz(func(t *testing.T, raw, managed string) {
		files := map[string]string{"raw/x.yaml": raw, "managed/vpcs/a.yaml": managed}
		snapshot, tree := store.Open(files)
		defer store.Close(snapshot)
		first := ingest(t, p, pipeline.Tree{Snapshot: snapshot, ID: tree}, plan.Options{})
		after := store.Files(first.Tree)
		requireNothingLost(t, files, after, first)
		if _, left := after["raw/x.yaml"]; left {
			t.Errorf("raw/x.yaml is left")
		}
		for _, finding := range first.Findings {
			lines := strings.Count(files[finding.File], "\n") + strings.Count(files[finding.File], "\r") + strings.Count(files[finding.File], "\u2028") + strings.Count(files[finding.File], "\u2029") + strings.Count(files[finding.File], "\u0085")
			if finding.Message == "" || finding.Fix() == "" || finding.Line < 0 || files[finding.File] != "" && finding.Line > lines+1 {
				t.Errorf("finding %+v", finding)
			}
		}
		again := ingest(t, p, pipeline.Tree{Snapshot: snapshot, ID: first.Tree}, plan.Options{})
		if again.Tree != first.Tree {
			t.Errorf("a second ingestion changes the tree: %v\nof %q", differences(after, store.Files(again.Tree)), after)
		}
	})
}
