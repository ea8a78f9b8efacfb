package pipeline_test

import (
	"strings"
	"testing"

	"fgdsync.dev/libs/errs"
	"fgdsync.dev/services/ingestion/internal/plan"
)

// inList writes documents as the items of a list.
func inList(docs ...string) string {
	var out strings.Builder
	for _, doc := range docs {
		out.WriteString("- " + strings.Join(strings.SplitAfter(strings.TrimSuffix(doc, "\n"), "\n"), "  ") + "\n")
	}
	return out.String()
}

// TestListsOfOthers: what ends in List is a list only as Kubernetes and Hedgehog have them. Everything else is a
// document, whatever it has under items.
func TestListsOfOthers(t *testing.T) {
	t.Parallel()
	for name, items := range map[string]string{
		"empty": "items: []\n", "null": "items:\n", "full": "items:\n" + inList(vpcNamed("a")), "none": "",
	} {
		for _, version := range []string{"example.com/v1", "v1", "List/v1"} {
			doc := "apiVersion: " + version + "\nkind: AllowList\nmetadata: {name: x}\nspec: {keep: me}\n" + items
			_, after := ingestTwice(t, map[string]string{"raw/a.yaml": doc}, plan.Options{})
			if after["unmanaged/a.yaml"] != doc {
				t.Errorf("%s, %s: %v", name, version, after)
			}
		}
	}
}

// TestWhatAListSays: comments, annotations and other fields of a list are in none of its items, and are kept in
// unmanaged/. What kubectl writes about a list is nothing to keep.
func TestWhatAListSays(t *testing.T) {
	t.Parallel()
	head := "# M1\napiVersion: v1 # M2\nkind: List\nmetadata:\n  annotations: {a: M3}\n# M4\nitems: # M5\n# M6\n"
	tail := "extra: M7\n# M8\n"
	list := head + inList(vpcNamed("a"), "# M9\n"+vpcNamed("b")) + tail
	_, after := ingestTwice(t, map[string]string{"raw/a.yaml": list}, plan.Options{})
	kept := after["unmanaged/a.doc-0.yaml"]
	if kept != head+tail || after["managed/vpcs/a.yaml"] == "" || after["managed/vpcs/b.yaml"] == "" {
		t.Errorf("%v", after)
	}
	result, _ := ingestTwice(t, map[string]string{"raw/a.yaml": list}, plan.Options{})
	if said := messages(result, errs.ListRemainder); len(said) != 1 {
		t.Errorf("said %q", said)
	}

	plain := "apiVersion: vpc.githedgehog.com/v1beta1\nkind: VPCList\n" +
		"metadata: {resourceVersion: \"\", selfLink: \"\"}\nitems:\n"
	_, after = ingestTwice(t, map[string]string{"raw/a.yaml": plain + inList(vpcNamed("a"))}, plan.Options{})
	if len(after) != 2 || after["managed/vpcs/a.yaml"] == "" {
		t.Errorf("as kubectl writes it: %v", after)
	}

	for name, whole := range map[string]string{
		"empty":   "# M1\napiVersion: v1\nkind: List\nitems: []\n",
		"in JSON": `{"apiVersion": "v1", "kind": "List", "more": 1, "items": [` + `{"kind": "A"}` + "]}\n",
	} {
		_, after := ingestTwice(t, map[string]string{"raw/a.yaml": whole}, plan.Options{})
		if after["unmanaged/a.yaml"] != whole {
			t.Errorf("%s: %v", name, after)
		}
	}
}
