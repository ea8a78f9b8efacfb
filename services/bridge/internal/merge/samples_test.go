package merge

import (
	"bytes"
	"encoding/json"
	"io/fs"
	"os"
	"path/filepath"
	"testing"

	"go.yaml.in/yaml/v3"
	"pgregory.net/rapid"
)

// sample is a resource that somebody wrote.
type sample struct {
	kind    string
	content *Content
}

// samples returns the resources of the samples that each fabric directory gets, and of the corpus when it is at hand.
func samples(t *testing.T) []sample {
	t.Helper()
	roots := []string{"../../../directory/internal/structure/samples"}
	for dir, _ := filepath.Abs("."); dir != filepath.Dir(dir); dir = filepath.Dir(dir) {
		if corpus := filepath.Join(dir, "shared", "corpus"); isDir(corpus) {
			roots = append(roots, corpus)
		}
	}
	var all []sample
	for _, root := range roots {
		err := filepath.WalkDir(root, func(path string, entry fs.DirEntry, err error) error {
			if err != nil || entry.IsDir() || filepath.Ext(path) != ".yaml" {
				return err
			}
			raw, err := os.ReadFile(path)
			all = append(all, documents(raw)...)
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	if len(all) < 12 {
		t.Fatalf("%d samples", len(all))
	}
	return all
}

func isDir(path string) bool {
	info, err := os.Stat(path)
	return err == nil && info.IsDir()
}

// documents returns the resources of a file, up to the first document that is none.
func documents(raw []byte) (all []sample) {
	decoder := yaml.NewDecoder(bytes.NewReader(raw))
	for {
		var document any
		if decoder.Decode(&document) != nil {
			return all
		}
		asJSON, err := json.Marshal(document)
		if err != nil {
			return all
		}
		var resource struct {
			Kind     string
			Metadata struct{ Labels, Annotations map[string]any }
			Spec     map[string]any
		}
		numbers := json.NewDecoder(bytes.NewReader(asJSON))
		numbers.UseNumber()
		if numbers.Decode(&resource) == nil && keyTable()[resource.Kind] != nil {
			content := Content{resource.Spec, resource.Metadata.Labels, resource.Metadata.Annotations}
			all = append(all, sample{resource.Kind, &content})
		}
	}
}

// TestLawsOfSamples: of what people wrote, edited on both sides.
func TestLawsOfSamples(t *testing.T) {
	t.Parallel()
	m, specs, all := merger(t), definitions(t), samples(t)
	kinds := map[string]bool{}
	for _, s := range all {
		kinds[s.kind] = true
	}
	if len(kinds) != len(specs) {
		t.Errorf("samples of %v alone", kinds)
	}
	rapid.Check(t, func(rt *rapid.T) {
		s, draw := rapid.SampledFrom(all).Draw(rt, "sample"), drawn{T: rt, tame: true}
		laws(rt, m, s.kind, Sides{s.content, draw.side(specs[s.kind], s.content), draw.side(specs[s.kind], s.content)})
	})
}
