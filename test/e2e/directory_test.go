package e2e

import (
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"

	"go.yaml.in/yaml/v3"
)

// read returns the files below a folder, with the given prefix before their paths.
func read(t *testing.T, folder, prefix string) map[string]string {
	t.Helper()
	files := map[string]string{}
	err := filepath.WalkDir(folder, func(path string, entry os.DirEntry, err error) error {
		if err != nil || !entry.Type().IsRegular() {
			return err
		}
		content, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		name, err := filepath.Rel(folder, path)
		files[prefix+filepath.ToSlash(name)] = string(content)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return files
}

// below returns the files of a folder, with their paths in it.
func below(files map[string]string, folder string) map[string]string {
	out := map[string]string{}
	for path, content := range files {
		if name, inside := strings.CutPrefix(path, folder+"/"); inside {
			out[name] = content
		}
	}
	return out
}

func isYAML(path string) bool {
	return strings.HasSuffix(path, ".yaml") || strings.HasSuffix(path, ".yml")
}

// requireClean holds that nothing waits: raw/ is empty, and no YAML file of Hedgehog's stands outside the structure.
func requireClean(t *testing.T, directory map[string]string) {
	t.Helper()
	for path, content := range directory {
		top, _, nested := strings.Cut(path, "/")
		switch {
		case staysByName(path):
		case top == "raw":
			t.Errorf("%s still waits", path)
		case isYAML(path) && (!nested || !slices.Contains([]string{"managed", "unmanaged"}, top)) &&
			strings.Contains(content, "githedgehog.com/"):
			t.Errorf("%s is outside the structure", path)
		}
	}
}

// staysByName reports whether a file is left alone whatever is in it.
func staysByName(path string) bool {
	base := path[strings.LastIndex(path, "/")+1:]
	return strings.HasPrefix(path, ".") || strings.Contains(path, "/.") || strings.EqualFold(base, "kustomization") ||
		strings.HasPrefix(base, "kustomization.y")
}

// managed counts the resource files.
func managed(directory map[string]string) int {
	n := 0
	for path := range directory {
		if strings.HasPrefix(path, "managed/") && isYAML(path) {
			n++
		}
	}
	return n
}

// requireNothingLost looks for each document from before.
func requireNothingLost(t *testing.T, before, after map[string]string) {
	t.Helper()
	for _, what := range lost(before, after) {
		t.Error(what)
	}
}

// lost names what was there before and is neither, by its meaning, among the managed documents nor, by its bytes, among
// the quarantined ones or where it was. It reads YAML in its own way and knows nothing of the services' code.
func lost(before, after map[string]string) []string {
	var wishes, refused []any
	var texts, gone []string
	for path, content := range after {
		switch {
		case strings.HasPrefix(path, ".hnp/"):
			continue
		case strings.HasPrefix(path, "managed/") && isYAML(path):
			wishes = append(wishes, meanings(content)...)
		case isYAML(path):
			refused = append(refused, meanings(content)...)
		}
		texts = append(texts, content)
	}
	kept := strings.Join(texts, "\n")
	for path, content := range before {
		if strings.HasPrefix(path, ".hnp/") || slices.Contains(texts, content) {
			continue
		}
		if !isYAML(path) {
			gone = append(gone, path+" is lost")
			continue
		}
		for _, doc := range documents(content) {
			if !strings.Contains(kept, strings.TrimSpace(doc)) && !isAmong(wishes, meanings(doc)) &&
				!areAmong(append(wishes, refused...), doc) {
				gone = append(gone, "a document of "+path+" is lost:\n"+doc)
			}
		}
	}
	return gone
}

// documents splits where a line begins with the marker.
func documents(content string) []string {
	var docs []string
	for _, doc := range strings.Split("\n"+content, "\n---") {
		if _, rest, found := strings.Cut(doc, "\n"); found && hasContent(rest) {
			docs = append(docs, rest)
		}
	}
	return docs
}

func hasContent(doc string) bool {
	for line := range strings.Lines(doc) {
		if line = strings.TrimSpace(line); line != "" && !strings.HasPrefix(line, "#") {
			return true
		}
	}
	return false
}

// areAmong reports whether a document is a list, such as kubectl writes, and all its items are there: they lose the
// indentation that they have in the list.
func areAmong(known []any, doc string) bool {
	lists := meanings(doc)
	for _, meaning := range lists {
		list, _ := meaning.(map[string]any)
		items, _ := list["items"].([]any)
		if kind, _ := list["kind"].(string); !strings.HasSuffix(kind, "List") || len(items) == 0 {
			return false
		}
		var wanted []any
		for _, item := range items {
			object, _ := item.(map[string]any)
			wanted = append(wanted, plain(object))
		}
		if !isAmong(known, wanted) {
			return false
		}
	}
	return len(lists) > 0
}

func isAmong(wishes, wanted []any) bool {
	for _, wish := range wanted {
		if !slices.ContainsFunc(wishes, func(w any) bool { return reflect.DeepEqual(w, wish) }) {
			return false
		}
	}
	return len(wanted) > 0
}

// meanings decodes documents and takes off what ingestion adds and what says nothing: its annotations, the version, the
// default namespace.
func meanings(content string) []any {
	var out []any
	decoder := yaml.NewDecoder(strings.NewReader(content))
	for {
		var doc map[string]any
		err := decoder.Decode(&doc)
		if errors.Is(err, io.EOF) {
			return out
		}
		if err != nil {
			return nil
		}
		if doc != nil {
			out = append(out, plain(doc))
		}
	}
}

func plain(doc map[string]any) map[string]any {
	group, _, _ := strings.Cut(fmt.Sprint(doc["apiVersion"]), "/")
	doc["apiVersion"] = group
	if metadata, ok := doc["metadata"].(map[string]any); ok {
		plainMetadata(metadata)
	}
	return doc
}

func plainMetadata(metadata map[string]any) {
	if namespace, set := metadata["namespace"]; set && (namespace == "default" || namespace == nil) {
		delete(metadata, "namespace")
	}
	annotations, ok := metadata["annotations"].(map[string]any)
	maps.DeleteFunc(annotations, func(key string, _ any) bool { return strings.HasPrefix(key, "hnp.githedgehog.com/") })
	if _, set := metadata["annotations"]; set && (!ok || len(annotations) == 0) {
		delete(metadata, "annotations")
	}
}

// TestLost holds the tests' own judge to its word.
func TestLost(t *testing.T) {
	t.Parallel()
	const doc = "kind: A\nmetadata:\n  name: a\n"
	before := map[string]string{"raw/two.yaml": "# words\n---\n" + doc + "---\nkind: [\n"}
	for name, test := range map[string]struct {
		after map[string]string
		lost  int
	}{
		"gone":    {map[string]string{}, 2},
		"changed": {map[string]string{"managed/as/a.yaml": "kind: A\nmetadata:\n  name: b\n"}, 2},
		"in logs": {map[string]string{".hnp/archive-log.yaml": doc}, 2},
		"ingested": {map[string]string{"managed/as/a.yaml": "kind: A\nmetadata:\n  annotations:\n    " +
			"hnp.githedgehog.com/fabric: x\n  name: a\n"}, 1},
		"kept":    {map[string]string{"managed/as/a.yaml": doc, "unmanaged/two.doc-2.yaml": "kind: [\n"}, 0},
		"unmoved": {before, 0},
	} {
		if got := lost(before, test.after); len(got) != test.lost {
			t.Errorf("%s: %d lost, not %d: %q", name, len(got), test.lost, got)
		}
	}
}
