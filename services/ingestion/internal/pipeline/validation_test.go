package pipeline_test

import (
	"maps"
	"slices"
	"strings"
	"testing"

	"fgdsync.dev/libs/gittree"
	"fgdsync.dev/services/ingestion/internal/pipeline"
	"fgdsync.dev/services/ingestion/internal/plan"
	"fgdsync.dev/testkit/treestore"
)

// validate judges one file that is in no directory.
func validate(t testing.TB, p *pipeline.Pipeline, name, content string) pipeline.Judged {
	t.Helper()
	v := p.Validate()
	judged, err := v.File(t.Context(), pipeline.Loose{Name: name, Content: []byte(content)})
	if err != nil {
		t.Fatal(err)
	}
	if rest := v.Rest(); len(rest) > 0 {
		t.Errorf("%s is in no directory, and nobody else's: %+v", name, rest)
	}
	return judged
}

// TestValidatedAsIngested: of files of a directory, wherever they stand, validation says what an ingestion does, and
// names them as who sent them does.
func TestValidatedAsIngested(t *testing.T) {
	t.Parallel()
	ours, theirs := vpc("v1beta1", "a", "", "", 1), "site_name: x\n"
	files := map[string]string{
		"mkdocs.yml": theirs, "apps/values.yaml": "image: {}\n", "apps/template.yaml": "name: {{ x }\n",
		"apps/a.yaml": theirs, "apps/b.yaml": "# nothing\n", "apps/large.yaml": "x: " + strings.Repeat("y", 400) + "\n",
		"apps/mixed.yaml": theirs + "---\n" + ours, "apps/old.yaml": "apiVersion: old.githedgehog.com/v1\nkind: Old\n",
		"apps/notes.txt": "n\n", "apps/kustomization.yaml": "resources: []\n", "apps/Kustomization": "resources: []\n",
		"raw/theirs.yaml": theirs, "raw/notes.txt": "n\n", "raw/kustomization.yml": "resources: []\n", "raw/.x.yaml": theirs,
		"raw/large.yaml": "x: " + strings.Repeat("y", 400) + "\n", "raw/kept.yaml.archived": ours,
		"managed/kustomization.yaml": "resources: []\n", "managed/vpcs/theirs.yaml": theirs, "managed/vpcs/notes.txt": "n\n",
		"managed/vpcs/empty.yaml": "apiVersion: v1\nkind: List\nitems: []\n", ".github/x.yaml": theirs,
	}
	store := treestore.New()
	p := pipelineOf(t, store.Serve(t), 2)
	p.MaxFileBytes = 300
	snapshot, tree := store.Open(files)
	ingested := ingest(t, p, gittree.Ref{Snapshot: snapshot, ID: tree}, plan.Options{})
	v, prefix := p.Validate(), "/home/x/"
	var judged []pipeline.Judged
	for _, path := range slices.Sorted(maps.Keys(files)) {
		one, err := v.File(t.Context(), pipeline.Loose{Name: prefix + path, InDirectory: path, Content: []byte(files[path])})
		if err != nil {
			t.Fatal(err)
		}
		judged = append(judged, one)
	}
	var validated []string
	for _, one := range append(judged, v.Rest()...) {
		for _, line := range said(one.Findings) {
			if !strings.HasPrefix(line, prefix) {
				t.Errorf("not named as it was sent: %s", line)
			}
			validated = append(validated, strings.TrimPrefix(line, prefix))
		}
	}
	slices.Sort(validated)
	if want := said(ingested.Findings); !slices.Equal(validated, want) {
		t.Errorf("validated:\n%s\ningested:\n%s", strings.Join(validated, "\n"), strings.Join(want, "\n"))
	}
	if found := strings.Join(validated, "\n"); strings.Count(found, "FGD_1014") != 4 ||
		strings.Count(found, "FGD_1024") != 2 {
		t.Errorf("of others:\n%s", found)
	}
}
