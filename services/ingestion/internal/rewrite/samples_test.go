package rewrite

import (
	"bytes"
	"fmt"
	"hash/fnv"
	"io/fs"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"fgdsync.dev/services/ingestion/internal/corpus"
	"fgdsync.dev/services/ingestion/internal/yamldoc"
)

// TestFieldsOfSamples changes fields of the documents that the project has itself.
func TestFieldsOfSamples(t *testing.T) {
	t.Parallel()
	root := filepath.Join("..", "..", "..", "..")
	for _, dir := range []string{"services/directory/internal/structure/samples", "cmd/fgd/internal/demo/sample"} {
		changeFields(t, filepath.Join(root, dir), "SafeLoader")
	}
}

// TestFieldsOfTheField changes fields of documents that others wrote.
func TestFieldsOfTheField(t *testing.T) {
	t.Parallel()
	changeFields(t, corpus.Dir(t, "corpus", "cases"), "CSafeLoader")
}

// changeFields makes twenty changes to each document in a directory, each to the document as it was.
func changeFields(t *testing.T, dir, loader string) {
	t.Helper()
	py, total, seen := startPython(t, loader), tally{}, map[string]bool{}
	err := filepath.WalkDir(dir, func(path string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		data, err := os.ReadFile(path)
		if err != nil || yamldoc.FileFault(data) != nil || filepath.Base(path) == "case.yaml" {
			return err
		}
		for _, doc := range yamldoc.Split(data) {
			if seen[string(doc.Bytes)] {
				continue
			}
			seen[string(doc.Bytes)] = true
			total.add(changeDocument(t, py, fmt.Sprintf("%s#%d", path, doc.Number), doc.Bytes))
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if total.documents == 0 {
		t.Error("no document was found")
	}
	t.Logf("%d changes to %d documents, %d of them read by PyYAML too; %d refused", total.changes, total.documents, total.python,
		total.refused)
}

// tally counts what was done.
type tally struct {
	documents, changes int
	python             int // changes whose result PyYAML read too
	refused            int // changes of what two places share
}

func (a *tally) add(b tally) {
	a.documents, a.changes = a.documents+b.documents, a.changes+b.changes
	a.python, a.refused = a.python+b.python, a.refused+b.refused
}

// changeDocument makes changes to one document. PyYAML reads the results when it reads in the document what a cluster
// does.
func changeDocument(t *testing.T, py *python, name string, doc []byte) (done tally) {
	t.Helper()
	_, have, err := read(doc)
	if err != nil || !strings.Contains(fmt.Sprint(have["apiVersion"]), "githedgehog.com") {
		return done
	}
	object, isObject := have[spec].(map[string]any)
	if _, err := wanted(have, Content{}); err != nil || !isObject {
		return done
	}
	agreed := py != nil && equal(py.read(t, doc), any(have))
	seed := fnv.New64a()
	_, _ = seed.Write(doc)
	random := rand.New(rand.NewPCG(seed.Sum64(), 0))
	d := drawer{chance: func(n int, _ string) int { return random.IntN(n) }}
	done.documents = 1
	for range 20 {
		now, change, ok := d.change(object)
		if !ok {
			continue
		}
		want := contentOf(have)
		want.Spec = now
		out, err := Apply(doc, want, fieldKeys)
		if err != nil && bytes.ContainsAny(doc, "&") && isShared(err) {
			done.refused++
			continue
		}
		if err != nil {
			t.Fatalf("%s: %v: %v in\n%s", name, change.path, err, doc)
		}
		whole, _ := wanted(have, want)
		if agreed && !equal(py.read(t, out), any(whole)) {
			t.Fatalf("%s: %v: PyYAML reads something else in\n%s\nfrom\n%s", name, change.path, out, doc)
		}
		requireLines(t, doc, out, change)
		if done.changes++; agreed {
			done.python++
		}
	}
	return done
}

// isShared reports whether a document was refused because two places in it share what one of them says.
func isShared(err error) bool {
	return strings.Contains(err.Error(), "by the alias") || strings.Contains(err.Error(), "merge (<<)")
}

// contentOf returns what a document says.
func contentOf(have map[string]any) Content {
	meta, _ := have[metadata].(map[string]any)
	var c Content
	c.Spec, _ = have[spec].(map[string]any)
	c.Labels, _ = meta[labels].(map[string]any)
	c.Annotations, _ = meta[annotations].(map[string]any)
	return c
}

// fieldKeys are keys of lists that Hedgehog has.
func fieldKeys(path []string) []string {
	switch path[len(path)-1] {
	case "ranges":
		return []string{"from"}
	case "prefixes":
		return []string{"prefix"}
	case "links":
		if path[len(path)-2] == "fabric" {
			return []string{"spine", "port"}
		}
		return []string{"server", "port"}
	}
	return nil
}
