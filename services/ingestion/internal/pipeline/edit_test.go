package pipeline_test

import (
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"fgdsync.dev/libs/gittree"
	"fgdsync.dev/testkit/treestore"
)

// marked is a value that a test edits; it stands once in a document.
const marked = "before-the-edit"

// TestEditsAreOneLine: whoever changes one field changes one line, in managed/ or by putting the document into raw/
// once more, however it is written.
func TestEditsAreOneLine(t *testing.T) {
	t.Parallel()
	store := treestore.New()
	p := pipelineOf(t, store.Serve(t), 2)
	rapid.Check(t, func(r *rapid.T) {
		docs := drawPlain(r, 4)
		raw := map[string]string{"raw/a.yaml": strings.Join(docs, "---\n")}
		snapshot, tree := store.Open(raw)
		defer store.Close(snapshot)
		before := store.Files(ingest(t, p, gittree.Ref{Snapshot: snapshot, ID: tree}, planDefault).Tree)
		chosen := rapid.IntRange(0, len(docs)-1).Draw(r, "edited")
		file := fmt.Sprintf("managed/servers/server-%d.yaml", chosen)

		edited := maps.Clone(before)
		switch rapid.SampledFrom([]string{"managed", "raw", "all of raw"}).Draw(r, "place") {
		case "managed":
			edited[file] = edit(before[file])
		case "raw":
			edited["raw/a.yaml"] = edit(docs[chosen])
		default:
			changed := slices.Clone(docs)
			changed[chosen] = edit(docs[chosen])
			edited["raw/a.yaml"] = strings.Join(changed, "---\n")
		}
		again, editedTree := store.Open(edited)
		defer store.Close(again)
		later := request(gittree.Ref{Snapshot: again, ID: editedTree}, planDefault)
		later.Time = later.Time.AddDate(1, 0, 0)
		result, err := p.Ingest(t.Context(), later)
		if err != nil {
			r.Fatal(err)
		}
		after := store.Files(result.Tree)
		want := maps.Clone(before)
		want[file] = edit(before[file])
		for _, files := range []map[string]string{want, after} {
			maps.DeleteFunc(files, func(name, _ string) bool { return !strings.HasPrefix(name, "managed/") })
		}
		if !maps.Equal(after, want) {
			r.Fatalf("%v\nbefore:\n%s\nafter:\n%s", differences(want, after), before[file], after[file])
		}
	})
}

func edit(text string) string { return strings.Replace(text, marked, "after it", 1) }

var origin = regexp.MustCompile(`hnp\.githedgehog\.com/original-[^\n]*\n`)

// TestOrderMakesNoDifference: the same documents in another order, in one file or in many, make the same files, but for
// the annotations that say where they were.
func TestOrderMakesNoDifference(t *testing.T) {
	t.Parallel()
	store := treestore.New()
	p := pipelineOf(t, store.Serve(t), 2)
	rapid.Check(t, func(r *rapid.T) {
		docs := drawPlain(r, 6)
		var made []map[string]string
		for _, order := range [][]string{docs, rapid.Permutation(docs).Draw(r, "order")} {
			files := map[string]string{}
			for i, doc := range order {
				name := rapid.SampledFrom([]string{"raw/a.yaml", "raw/sub/b.yaml", "c.yml"}).Draw(r, fmt.Sprint("file ", i))
				files[name] = strings.TrimPrefix(files[name]+"---\n"+doc, "---\n")
			}
			snapshot, tree := store.Open(files)
			defer store.Close(snapshot)
			after := store.Files(ingest(t, p, gittree.Ref{Snapshot: snapshot, ID: tree}, planDefault).Tree)
			maps.DeleteFunc(after, func(name, _ string) bool { return !strings.HasPrefix(name, "managed/") })
			for name, text := range after {
				after[name] = origin.ReplaceAllString(text, "")
			}
			made = append(made, after)
		}
		if !maps.Equal(made[0], made[1]) {
			r.Fatalf("%v\n%v", differences(made[0], made[1]), made)
		}
	})
}

// drawPlain draws valid documents of different resources, in all sorts of styles.
func drawPlain(r *rapid.T, most int) []string {
	docs := make([]string, rapid.IntRange(1, most).Draw(r, "documents"))
	for i := range docs {
		docs[i] = drawStyled(r, fmt.Sprintf("server-%d", i))
	}
	return docs
}

func drawStyled(r *rapid.T, name string) string {
	description := rapid.SampledFrom([]string{
		marked, `"` + marked + `"`, "'" + marked + "' # why", "|-\n    " + marked,
		">-\n    " + marked + "\n    and more",
	}).Draw(r, "description")
	parts := rapid.Permutation([]string{
		"apiVersion: wiring.githedgehog.com/v1beta1\n",
		"kind: Server # a server\n",
		"metadata:\n" + rapid.SampledFrom([]string{
			"", "  # of the name\n", "  labels: {z: a, a: z}\n",
			"  annotations:\n    mine: \"1\"\n", "  annotations: {}\n",
		}).Draw(r, "metadata") + "  name: " + name + "\n",
		"spec:\n  description: " + description + "\n",
	}).Draw(r, "parts")
	doc := rapid.SampledFrom([]string{"", "# Head\n"}).Draw(r, "head") +
		strings.Join(parts, rapid.SampledFrom([]string{"", "\n"}).Draw(r, "between"))
	if rapid.Bool().Draw(r, "dos") {
		doc = strings.ReplaceAll(doc, "\n", "\r\n")
	}
	return doc
}
