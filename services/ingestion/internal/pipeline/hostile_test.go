package pipeline_test

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"testing"

	"fgdsync.dev/services/ingestion/internal/pipeline"
	"fgdsync.dev/services/ingestion/internal/plan"
)

// hostile is an input that is bad or odd, and what has to become of it.
type hostile struct {
	in      string            // raw/x.yaml
	files   map[string]string // further files, or others instead
	managed map[string]string // file in managed/: the document as its author wrote it
	kept    map[string]string // file in unmanaged/: its bytes
	says    []string          // findings, "FGD_1001 raw/x.yaml:3:1"; warnings have a "?" behind the code
}

// hold ingests an input and holds the result to what is wanted. Whatever it is: nothing is lost, a second ingestion
// changes nothing, and what is ingested is byte for byte the author's but for the annotations. It returns pairs of the
// author's document and the managed one.
func (h hostile) hold(t *testing.T, in *trees) [][2]string {
	t.Helper()
	files := maps.Clone(h.files)
	if files == nil {
		files = map[string]string{}
	}
	if h.in != "" {
		files["raw/x.yaml"] = h.in
	}
	result, after := in.ingestTwice(t, files, plan.Options{})
	h.holdFindings(t, result)
	managed, kept := map[string]string{}, map[string]string{}
	for p, content := range after {
		switch {
		case strings.HasPrefix(p, "managed/"):
			managed[p] = content
		case strings.HasPrefix(p, "unmanaged/"):
			kept[p] = content
		case !strings.HasPrefix(p, ".hnp/"):
			t.Errorf("%s is left", p)
		}
	}
	if !maps.Equal(kept, h.kept) {
		t.Errorf("quarantined: %q\nwant: %q", kept, h.kept)
	}
	for p := range kept {
		if !strings.Contains(after[".hnp/unmanaged-log.yaml"], fmt.Sprintf("- {path: %q, ", p)) {
			t.Errorf("the log does not speak of %s:\n%s", p, after[".hnp/unmanaged-log.yaml"])
		}
	}
	if want, got := slices.Sorted(maps.Keys(h.managed)), slices.Sorted(maps.Keys(managed)); !slices.Equal(want, got) {
		t.Errorf("managed: %q\nwant: %q", got, want)
	}
	requireAuthors(t, h.managed, managed)
	var pairs [][2]string
	for p, author := range h.managed {
		pairs = append(pairs, [2]string{author, managed[p]})
	}
	return pairs
}

func (h hostile) holdFindings(t *testing.T, result *pipeline.Result) {
	t.Helper()
	var says []string
	for _, f := range result.Findings {
		mark := ""
		if f.Warning {
			mark = "?"
		}
		says = append(says, fmt.Sprintf("%s%s %s:%d:%d", f.Code.ID, mark, f.File, f.Line, f.Column))
		if f.Message == "" || f.RemedyText() == "" {
			t.Errorf("finding without message or remedy: %+v", f)
		}
	}
	slices.Sort(says)
	if !slices.Equal(says, slices.Sorted(slices.Values(h.says))) {
		t.Errorf("findings: %q\nwant: %q", says, h.says)
		for _, f := range result.Findings {
			t.Logf("%s %s", f.Field, f.Message)
		}
	}
}

// requireAuthors holds that managed files are their authors' documents with annotations put in.
func requireAuthors(t *testing.T, authors, managed map[string]string) {
	t.Helper()
	for p, author := range authors {
		inBraces := strings.Contains(managed[p], "annotations: {") || strings.Contains(managed[p], `"annotations": {`)
		if got := withoutAnnotations(managed[p], author); got != author && !inBraces {
			t.Errorf("%s is %q\nwithout annotations %q\nbut was %q", p, managed[p], got, author)
		}
	}
}

// requireReadAsBefore holds that other readers read managed documents as they read the authors', which come first in
// each pair.
func requireReadAsBefore(t *testing.T, pairs [][2]string) {
	t.Helper()
	docs := make([]string, 0, 2*len(pairs))
	for _, pair := range pairs {
		docs = append(docs, pair[0], pair[1])
	}
	read := readings(t, docs)
	for i := 0; i+1 < len(read); i += 2 {
		for version, before := range read[i] {
			if after := read[i+1][version]; before != after {
				t.Errorf("%q reads in YAML 1.%d as\n%s\nand before as\n%s", docs[i+1], version+1, after, before)
			}
		}
	}
}

// withoutAnnotations takes out of a managed document the lines that were put in.
func withoutAnnotations(text, author string) string {
	var out strings.Builder
	had := strings.Contains(author, "annotations:")
	if strings.Contains(text, "\r") && !strings.Contains(text, "\n") {
		return strings.ReplaceAll(withoutAnnotations(strings.ReplaceAll(text, "\r", "\n"), author), "\n", "\r")
	}
	for line := range strings.Lines(text) {
		if trimmed := strings.TrimSpace(line); strings.HasPrefix(trimmed, "hnp.githedgehog.com/") || !had &&
			trimmed == "annotations:" {
			continue
		}
		out.WriteString(line)
	}
	return out.String()
}

// hold tries several inputs, and has other readers read what was ingested.
func hold(t *testing.T, inputs map[string]hostile) {
	t.Helper()
	var mu sync.Mutex
	var pairs [][2]string
	in := newTrees(t)
	t.Run("inputs", func(t *testing.T) {
		for name, h := range inputs {
			t.Run(name, func(t *testing.T) {
				t.Parallel()
				got := h.hold(t, in)
				mu.Lock()
				defer mu.Unlock()
				pairs = append(pairs, got...)
			})
		}
	})
	requireReadAsBefore(t, pairs)
}

// add adds inputs about one thing to others.
func add(to map[string]hostile, about string, inputs map[string]hostile) {
	for name, h := range inputs {
		to[about+", "+name] = h
	}
}

// refused is an input of one document that goes to unmanaged/ as it is.
func refused(in, code string, line, column int) hostile {
	return hostile{
		in: in, kept: map[string]string{"unmanaged/x.yaml": in},
		says: []string{fmt.Sprintf("%s raw/x.yaml:%d:%d", code, line, column)},
	}
}

// taken is an input of one document that becomes the VPC "a", with warnings.
func taken(in string, warnings ...string) hostile {
	return hostile{in: in, managed: map[string]string{"managed/vpcs/a.yaml": in}, says: warnings}
}

// vpcA is a VPC that has nothing wrong, of five lines and more to come below spec.
const vpcA = "apiVersion: vpc.githedgehog.com/v1beta1\nkind: VPC\nmetadata:\n  name: a\nspec:\n"

// vpcNamed is one with a name.
func vpcNamed(name string) string {
	return strings.Replace(vpcA, "name: a", "name: "+name, 1) + "  subnets: {}\n"
}
