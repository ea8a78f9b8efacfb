package pipeline_test

import (
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"go.yaml.in/yaml/v3"

	"fgdsync.dev/libs/errs"
	"fgdsync.dev/libs/gittree"
	"fgdsync.dev/libs/hedgehog"
	"fgdsync.dev/libs/layout"
	"fgdsync.dev/services/ingestion/internal/corpus"
	"fgdsync.dev/services/ingestion/internal/document"
	"fgdsync.dev/services/ingestion/internal/finding"
	"fgdsync.dev/services/ingestion/internal/plan"
	"fgdsync.dev/services/ingestion/internal/schema"
	"fgdsync.dev/testkit/treestore"
)

// Verdicts, in the words of the corpus.
const (
	accepted = "accepted"
	warned   = "accepted once unknown fields are dropped"
	rejected = "rejected"
	noKind   = "no such kind"
	noType   = "no apiVersion or no kind"
	noParse  = "does not parse"
)

var verdicts = []string{accepted, warned, rejected, noKind, noType, noParse}

// sameVerdict are the words of the corpus that mean one of ours.
var sameVerdict = map[string]string{
	"no such group": noKind, "no such version of the kind": noKind, "not a Hedgehog document": noKind,
	"does not split into documents": noParse,
}

// verdictOf is ours of a document. Empty documents have none.
func verdictOf(doc *document.Doc) string {
	if doc.Valid && !slices.ContainsFunc(doc.Findings, aboutSchema) {
		return accepted
	}
	if doc.Valid {
		return warned
	}
	switch first := doc.FirstError(); {
	case first.Code == errs.EmptyDocument:
		return ""
	case first.Code == errs.InvalidYAML:
		return noParse
	case first.Code == errs.UnsupportedResource:
		return noKind
	case first.Code == errs.ValidationFailed && (first.Field == "" || first.Field == "apiVersion" ||
		first.Field == "kind"):
		return noType
	}
	return rejected
}

// aboutSchema reports whether a finding is about what an API server looks at too.
func aboutSchema(f finding.Finding) bool {
	return f.Code == errs.UnknownField || f.Code == errs.OldAPIVersion
}

// TestCorpusDifferences counts the verdicts on each case and compares them with those of an API server. What is
// different stands in differentVerdicts and, with its reason, in docs/validation.md.
func TestCorpusDifferences(t *testing.T) {
	t.Parallel()
	page, err := os.ReadFile("../../../../docs/validation.md")
	if err != nil {
		t.Fatal(err)
	}
	eachCase(t, func(t *testing.T, name, dir string) {
		got, want, p := map[string]int{}, upstream(t, dir), newPipeline(t)
		for path, content := range readFiles(t, filepath.Join(dir, "tree")) {
			file := validate(t, p, path, content)
			for i := range file.Docs {
				got[verdictOf(&file.Docs[i])]++
			}
		}
		differs := map[string]int{}
		for _, verdict := range verdicts {
			if d := got[verdict] - want[verdict]; d != 0 {
				differs[verdict] = d
			}
		}
		if !maps.Equal(differs, differentVerdicts[name]) {
			t.Errorf("differences to an API server: %v, not %v", differs, differentVerdicts[name])
		}
		if len(differs) > 0 && !strings.Contains(string(page), row(name, differs)) {
			t.Errorf("docs/validation.md does not have\n%s", row(name, differs))
		}
	})
}

// row is how the table begins a line about a case.
func row(name string, differs map[string]int) string {
	var parts []string
	for _, verdict := range verdicts {
		if d := differs[verdict]; d != 0 {
			parts = append(parts, fmt.Sprintf("%+d %s", d, verdict))
		}
	}
	return fmt.Sprintf("| `%s` | %s |", name, strings.Join(parts, "; "))
}

func eachCase(t *testing.T, visit func(t *testing.T, name, dir string)) {
	t.Helper()
	root := corpus.Dir(t, "corpus", "cases")
	cases, err := os.ReadDir(root)
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range cases {
		t.Run(c.Name(), func(t *testing.T) {
			t.Parallel()
			visit(t, c.Name(), filepath.Join(root, c.Name()))
		})
	}
}

// upstream reads the counts of a case.
func upstream(t *testing.T, dir string) map[string]int {
	t.Helper()
	data, err := os.ReadFile(filepath.Join(dir, "case.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	var about struct {
		Verdicts map[string]int `yaml:"verdicts_by_upstream_schema"`
	}
	if err := yaml.Unmarshal(data, &about); err != nil {
		t.Fatal(err)
	}
	out := map[string]int{}
	for verdict, n := range about.Verdicts {
		if ours, other := sameVerdict[verdict]; other {
			verdict = ours
		}
		out[verdict] += n
	}
	return out
}

// differentVerdicts are ours less those of an API server.
var differentVerdicts = map[string]map[string]int{
	"das-boot-wiring":               {accepted: -4, warned: -4, rejected: 8},
	"docs-v1alpha2":                 {accepted: -22, warned: 18, rejected: 4},
	"fabric-samples-v1alpha2":       {accepted: -19, warned: 3, rejected: 15, noKind: 1},
	"fabric-samples-v1alpha2-early": {accepted: -3, warned: -9, rejected: 12},
	"gitops-test-1--final-fab0aa68": {accepted: -20, warned: 19, rejected: 1},
	"hnp-docs":                      {accepted: -2, warned: 5, noKind: -3},
	"hnp-hostile-fixtures":          {rejected: 3, noKind: -2, noParse: 5},
	"kubeconform-fixtures":          {noKind: -5, noParse: 1},
}

// TestCorpusDefinitions: the built-in definitions and those that somebody brings along give the same verdicts.
func TestCorpusDefinitions(t *testing.T) {
	t.Parallel()
	brought, err := schema.Load(os.DirFS(corpus.Dir(t, "crds")), hedgehog.OperatorWritten)
	if err != nil {
		t.Fatal(err)
	}
	eachCase(t, func(t *testing.T, _, dir string) {
		builtIn, other := newPipeline(t), newPipeline(t)
		other.Schemas = brought
		for path, content := range readFiles(t, filepath.Join(dir, "tree")) {
			a, b := validate(t, builtIn, path, content), validate(t, other, path, content)
			for i := range a.Docs {
				if one, two := codesOf(&a.Docs[i]), codesOf(&b.Docs[i]); !slices.Equal(one, two) {
					t.Errorf("document %d of %s: %q and %q", i, path, one, two)
				}
			}
		}
	})
}

// codesOf is what is said of a document, but for the words: definitions that were brought along may know more groups.
func codesOf(doc *document.Doc) []string {
	out := []string{verdictOf(doc), doc.UpgradeTo}
	for _, f := range doc.Findings {
		out = append(out, f.Code.ID)
	}
	return out
}

func said(findings []finding.Finding) []string {
	out := make([]string, 0, len(findings))
	for _, f := range findings {
		out = append(out, fmt.Sprintf("%s:%d:%d: %s %v %s %s", f.File, f.Line, f.Column, f.Code.ID, f.Warning, f.Field,
			f.Message))
	}
	slices.Sort(out)
	return out
}

// TestCorpusValidated: validating files says of every document what ingesting them says. Only what depends on the other
// files of a fabric comes on top.
func TestCorpusValidated(t *testing.T) {
	t.Parallel()
	together := []errs.Code{
		errs.DuplicateResource, errs.ReferenceMissing, errs.PortConflict, errs.VLANOutOfRange,
		errs.SubnetConflict,
	}
	eachCase(t, func(t *testing.T, _, dir string) {
		store := treestore.New()
		p := pipelineOf(t, store.Serve(t), 2)
		files := map[string]string{}
		var validated []string
		for path, content := range readFiles(t, filepath.Join(dir, "tree")) {
			if path = "raw/" + path; layout.IsInput(path) {
				files[path] = content
				file := validate(t, p, path, content)
				validated = append(validated, said(file.Findings)...)
			}
		}
		snapshot, tree := store.Open(files)
		result := ingest(t, p, gittree.Ref{Snapshot: snapshot, ID: tree}, plan.Options{})
		slices.Sort(validated)
		ingested := said(slices.DeleteFunc(slices.Clone(result.Findings),
			func(f finding.Finding) bool { return slices.Contains(together, f.Code) }))
		if !slices.Equal(validated, ingested) {
			t.Errorf("validated:\n%s\ningested:\n%s", strings.Join(validated, "\n"), strings.Join(ingested, "\n"))
		}
	})
}
