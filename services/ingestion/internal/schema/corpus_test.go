package schema

import (
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	kyaml "sigs.k8s.io/yaml"

	"fgdsync.dev/services/ingestion/internal/corpus"
	"fgdsync.dev/services/ingestion/internal/yamldoc"
)

func nobody(string, string) bool { return false }

// TestCorpusVerdicts compares verdicts with those an API server gave for documents of the field.
func TestCorpusVerdicts(t *testing.T) {
	t.Parallel()
	set := load(t, corpus.Dir(t, "crds"))
	older := load(t, corpus.Dir(t, "crds", "older-v1alpha2"))
	cases, err := os.ReadDir(corpus.Dir(t, "corpus", "cases"))
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range cases {
		t.Run(c.Name(), func(t *testing.T) {
			t.Parallel()
			dir := corpus.Dir(t, "corpus", "cases", c.Name())
			want := expected(t, dir)
			got := map[string]int{}
			eachDocument(t, filepath.Join(dir, "tree"), func(doc yamldoc.Document) {
				root, err := yamldoc.Parse(doc.Bytes, yamldoc.DefaultLimits())
				if err != nil {
					return
				}
				judgedBy := set
				if strings.HasSuffix(yamldoc.Text(root, "apiVersion"), "/v1alpha2") {
					judgedBy = older
				}
				v := judgedBy.Check(t.Context(), root, Options{})
				switch {
				case v.Valid && len(v.Findings) == 0:
					got["accepted"]++
				case v.Valid:
					got["accepted once unknown fields are dropped"]++
				case v.Plural != "" && v.Findings[0].Code.ID != "FGD_1002" && v.Findings[0].Code.ID != "FGD_1009":
					got["rejected"]++
				}
			})
			for _, verdict := range []string{"accepted", "accepted once unknown fields are dropped", "rejected"} {
				if got[verdict] != want[verdict] {
					t.Errorf("%s: %d, want %d", verdict, got[verdict], want[verdict])
				}
			}
		})
	}
}

func load(t testing.TB, dir string) *Set {
	t.Helper()
	set, err := Load(os.DirFS(dir), nobody)
	if err != nil {
		t.Fatal(err)
	}
	return set
}

func expected(t *testing.T, dir string) map[string]int {
	data, err := os.ReadFile(filepath.Join(dir, "case.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	var c struct {
		Verdicts map[string]int `json:"verdicts_by_upstream_schema"`
	}
	if err := kyaml.Unmarshal(data, &c); err != nil {
		t.Fatal(err)
	}
	return c.Verdicts
}

func eachDocument(t testing.TB, dir string, visit func(yamldoc.Document)) {
	err := filepath.WalkDir(dir, func(path string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		data, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		for _, doc := range yamldoc.Split(data) {
			visit(doc)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}
