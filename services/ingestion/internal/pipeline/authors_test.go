package pipeline_test

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"fgdsync.dev/libs/errs"
	"fgdsync.dev/libs/gittree"
	"fgdsync.dev/services/ingestion/internal/finding"
	"fgdsync.dev/services/ingestion/internal/pipeline"
	"fgdsync.dev/services/ingestion/internal/plan"
)

// elsewhere are annotations that the document of another resource, or of another fabric, was given.
const elsewhere = `  annotations:
    hnp.githedgehog.com/managed-by: hedgehog-netbox-plugin
    hnp.githedgehog.com/fabric: "fabric-9" # theirs
    hnp.githedgehog.com/original-file: raw/theirs.yaml
    hnp.githedgehog.com/original-document-index: '7'
    hnp.githedgehog.com/ingested-at: '2020-01-01T00:00:00Z'
    hnp.githedgehog.com/ingestion-version: '1.0'
`

// stripping ingests files twice in a fabric with server_fields: strip, and returns what was said and what is there.
func stripping(t *testing.T, files map[string]string) (*pipeline.Result, map[string]string) {
	t.Helper()
	trees := &here{files: maps.Clone(files), blobs: map[string]string{}}
	p := newPipeline(t)
	p.Trees = trees
	req := request(gittree.Ref{}, plan.Options{})
	req.Schema.StripServer = true
	first, err := p.Ingest(t.Context(), req)
	if err != nil {
		t.Fatal(err)
	}
	after := maps.Clone(trees.files)
	if _, err := p.Ingest(t.Context(), req); err != nil || !maps.Equal(after, trees.files) {
		t.Errorf("a second ingestion changes %v, %v", differences(after, trees.files), err)
	}
	return first, after
}

// TestCopiedDocuments: a document that comes from elsewhere says of itself where it came from now, in the lines in
// which it said something else. One that somebody put into managed/ is left as it is.
func TestCopiedDocuments(t *testing.T) {
	t.Parallel()
	copied := vpc("v1beta1", "a", "", elsewhere, 7)
	want := strings.NewReplacer(`"fabric-9"`, `"fabric-1"`, "theirs.yaml", "x.yaml", "'7'", "'0'",
		"2020-01-01T00:00:00Z", commitTime.UTC().Format("2006-01-02T15:04:05Z")).Replace(copied)
	for _, place := range []string{"raw/x.yaml", "x.yaml"} {
		_, after := ingestTwice(t, map[string]string{place: copied}, plan.Options{})
		if got, want := after["managed/vpcs/a.yaml"], strings.Replace(want, "raw/x.yaml", place, 1); got != want {
			t.Errorf("%s became\n%s\nand not\n%s", place, got, want)
		}
	}
	if _, after := ingestTwice(t, map[string]string{"managed/vpcs/a.yaml": copied}, plan.Options{}); after["managed/vpcs/"+
		"a.yaml"] != copied {
		t.Errorf("the managed file is\n%s", after["managed/vpcs/a.yaml"])
	}
}

// TestUpdatesKeepTheOrigin: the newer wish for a managed resource has the annotations of that, whatever it brought.
func TestUpdatesKeepTheOrigin(t *testing.T) {
	t.Parallel()
	_, before := ingestTwice(t, map[string]string{"raw/first.yaml": vpc("v1beta1", "a", "", "", 7)}, plan.Options{})
	held := before["managed/vpcs/a.yaml"]
	before["raw/x.yaml"] = vpc("v1beta1", "a", "", elsewhere, 8)
	_, after := ingestTwice(t, before, plan.Options{})
	for line := range strings.Lines(held) {
		if key, _, found := strings.Cut(line, ": "); found && strings.Contains(key, "hnp.githedgehog.com/") {
			value := strings.Trim(strings.TrimSpace(strings.SplitN(line, ": ", 2)[1]), "'\"")
			if !strings.Contains(after["managed/vpcs/a.yaml"], value) {
				t.Errorf("%s is gone:\n%s", strings.TrimSpace(line), after["managed/vpcs/a.yaml"])
			}
		}
	}
	if strings.Contains(after["managed/vpcs/a.yaml"], "fabric-9") {
		t.Errorf("it still is another fabric's:\n%s", after["managed/vpcs/a.yaml"])
	}
}

// dump is what a cluster answers of a document.
func dump(text string) string {
	return strings.Replace(text, "metadata:\n", "metadata:\n  creationTimestamp: \"2026-01-01T00:00:00Z\"\n"+
		"  generation: 3\n  resourceVersion: \"12345\"\n  uid: u-1\n  managedFields:\n"+
		"  - manager: kubectl\n    operation: Update\n", 1) +
		"status: {}\n"
}

// TestDumps: what only a cluster writes is told, once a document, and kept or taken out; the resource is the same.
func TestDumps(t *testing.T) {
	t.Parallel()
	author := vpc("v1beta1", "a", "", "", 7)
	const names = "only a cluster writes metadata.resourceVersion, metadata.uid, metadata.generation, " +
		"metadata.creationTimestamp, metadata.managedFields, status"
	kept, after := ingestTwice(t, map[string]string{"raw/x.yaml": dump(author)}, plan.Options{})
	if got := messages(kept, errs.ServerFields); !slices.Equal(got, []string{names}) {
		t.Errorf("%q", got)
	}
	if got := withoutAnnotations(after["managed/vpcs/a.yaml"], author); got != dump(author) {
		t.Errorf("%s", got)
	}
	stripped, after := stripping(t, map[string]string{"raw/x.yaml": dump(author)})
	if got := messages(stripped, errs.ServerFields); !slices.Equal(got, []string{
		names + "; managed/ has the document without",
	}) {
		t.Errorf("%q", got)
	}
	if got := withoutAnnotations(after["managed/vpcs/a.yaml"], author); got != author {
		t.Errorf("%s", got)
	}
	null := strings.Replace(author, "metadata:\n", "metadata:\n  creationTimestamp: null\n", 1)
	if result, _ := ingestTwice(t, map[string]string{"raw/x.yaml": null}, plan.Options{}); len(result.Findings) > 0 {
		t.Errorf("null is told: %+v", result.Findings)
	}
}

func messages(result *pipeline.Result, code errs.Code) []string {
	var out []string
	for _, f := range result.Findings {
		if f.Code == code {
			out = append(out, f.Message)
		}
	}
	return out
}

// TestWhatAWishSays: a dump of what is managed is no wish; a clean document instead of a dump is one, and so are other
// comments.
func TestWhatAWishSays(t *testing.T) {
	t.Parallel()
	author := vpc("v1beta1", "a", "", "", 7)
	commented := strings.Replace(author, "spec:\n", "# by the network team\nspec:\n", 1)
	reordered := strings.Replace(author, "metadata:\n  name: a\n", "", 1) + "metadata: {name: \"a\"}\n"
	for name, test := range map[string]struct {
		managed, wish string
		want          plan.Outcome
	}{
		"the same":                      {author, author, plan.Duplicate},
		"the same in another order":     {author, reordered, plan.Duplicate},
		"a dump":                        {author, dump(author), plan.Duplicate},
		"a dump without the comments":   {commented, dump(author), plan.Duplicate},
		"a dump of something else":      {author, dump(strings.Replace(author, "vlan: 7", "vlan: 8", 1)), plan.Updated},
		"a later dump":                  {dump(author), strings.Replace(dump(author), "12345", "12346", 1), plan.Duplicate},
		"an author instead of a dump":   {dump(author), author, plan.Updated},
		"a comment more":                {author, commented, plan.Updated},
		"a comment less":                {commented, author, plan.Updated},
		"the comment of before":         {commented, commented, plan.Duplicate},
		"what looks like a comment":     {author, author + "  # by the team\n", plan.Updated},
		"comments in another order":     {"# a\n# b\n" + author, "# b\n# a\n" + author, plan.Duplicate},
		"the text of a comment changed": {"# a\n" + author, "# b\n" + author, plan.Updated},
	} {
		_, before := ingestTwice(t, map[string]string{"raw/x.yaml": test.managed}, plan.Options{})
		before["raw/x.yaml"] = test.wish
		result, after := ingestTwice(t, before, plan.Options{})
		var got []plan.Outcome
		for _, item := range result.Plan.Items {
			if item.File.Path == "raw/x.yaml" {
				got = append(got, item.Outcome)
			}
		}
		if !slices.Equal(got, []plan.Outcome{test.want}) {
			t.Errorf("%s: %v, not %v", name, got, test.want)
		}
		want := test.managed
		if test.want == plan.Updated {
			want = test.wish
		}
		if got := withoutAnnotations(after["managed/vpcs/a.yaml"], want); got != want {
			t.Errorf("%s: managed is\n%s", name, got)
		}
	}
}

// TestAnAuthorBeforeADump: of two documents in one batch that are the same but for what a cluster writes, the author's
// is the one that is kept.
func TestAnAuthorBeforeADump(t *testing.T) {
	t.Parallel()
	author := vpc("v1beta1", "a", "", "", 7)
	result, after := ingestTwice(t, map[string]string{"raw/a.yaml": dump(author), "raw/b.yaml": author}, plan.Options{})
	if got := withoutAnnotations(after["managed/vpcs/a.yaml"], author); got != author || len(result.Plan.Resources) != 1 {
		t.Errorf("managed is\n%s", got)
	}
}

// TestAnnotationsWithOursInThem: those that fit a cluster only without the system's own are refused.
func TestAnnotationsWithOursInThem(t *testing.T) {
	t.Parallel()
	const most = 256 << 10
	of := func(bytes int) string {
		return vpc("v1beta1", "a", "", "  annotations:\n    long: "+strings.Repeat("x", bytes-len("long"))+"\n", 7)
	}
	ours := 0
	_, after := ingestTwice(t, map[string]string{"raw/x.yaml": of(1000)}, plan.Options{})
	for line := range strings.Lines(after["managed/vpcs/a.yaml"]) {
		if line = strings.TrimSpace(line); strings.HasPrefix(line, "hnp.githedgehog.com/") {
			key, value, _ := strings.Cut(line, ": ")
			ours += len(key) + len(strings.Trim(value, "'"))
		}
	}
	if result, after := ingestTwice(t, map[string]string{"raw/x.yaml": of(most - ours)}, plan.Options{}); len(
		result.Findings) > 0 || after["managed/vpcs/a.yaml"] == "" {
		t.Errorf("the largest: %+v", result.Findings)
	}
	result, after := ingestTwice(t, map[string]string{"raw/x.yaml": of(most - ours + 1)}, plan.Options{})
	want := fmt.Sprintf("the annotations have %d bytes with those that are added; a cluster takes %d (256 KiB) at most",
		most+1, most)
	if got := messages(result, errs.ValidationFailed); !slices.Equal(got, []string{want}) || after["unmanaged/x.yaml"] !=
		of(most-ours+1) {
		t.Errorf("one byte more: %q", got)
	}
}

// TestFindingsByWeight: what keeps a document out comes first, then what it names and collides with, then the rest;
// each document has room for every code, and the counts are of all.
func TestFindingsByWeight(t *testing.T) {
	t.Parallel()
	odd := vpc("v1beta1", "a.b", "", "", 7) + "  vlanNamespace: nowhere\n"
	for i := range 25 {
		odd += fmt.Sprintf("  odd%d: 1\n", i)
	}
	result, _ := ingestTwice(t, map[string]string{
		"raw/a.yaml": odd, "raw/b.yaml": "kind: [\n", "raw/notes.txt": "text",
	}, plan.Options{})
	var codes []string
	for _, f := range result.Findings {
		codes = append(codes, f.Code.ID)
	}
	want := slices.Concat([]string{"FGD_1001", "FGD_1007", "FGD_1015", "FGD_1031"},
		slices.Repeat([]string{"FGD_1008"}, 10), []string{"FGD_1027"})
	if !slices.Equal(codes, want) {
		t.Errorf("%q", codes)
	}
	if !slices.Contains(result.Counts, finding.Count{Code: errs.UnknownField, Warning: true, Number: 25}) {
		t.Errorf("counts %+v", result.Counts)
	}
	if got := messages(result, errs.FindingsCut); !slices.Equal(got, []string{
		"there is more to say of the document than is listed: 15 of FGD_1008 UNKNOWN_FIELD",
	}) {
		t.Errorf("%q", got)
	}
}

// TestReaderDiffers: a warning comes exactly where PyYAML gives up at a tab and a cluster does not.
func TestReaderDiffers(t *testing.T) {
	t.Parallel()
	author := vpc("v1beta1", "a", "", "", 7)
	docs := []string{
		author, strings.Replace(author, "metadata:\n", "metadata:\t\n", 1),
		strings.Replace(author, "kind: VPC", "kind:\tVPC", 1),
		author + "# a\tb\n", author + "  mode: 'a\tb'\n", author + "  mode: |\n    a\tb\n", author + "  mode: b\t# c\n",
		strings.Replace(author, "# a VPC", "\t# a VPC", 1), author + "  mode: \"a\\\n    \tb\"\n",
		"{\n\t\"apiVersion\": \"vpc.githedgehog.com/v1beta1\", \"kind\": \"VPC\", \"metadata\": {\"name\": \"a\"},\n" +
			"\"spec\": {}}\n",
	}
	p, read := newPipeline(t), readings(t, docs)
	for i, doc := range docs {
		file := validate(t, p, "x.yaml", doc)
		warned := slices.ContainsFunc(file.Docs[0].Findings, func(f finding.Finding) bool {
			return f.Code == errs.ReaderDiffers
		})
		if !file.Docs[0].Valid {
			t.Errorf("%q: %+v", doc, file.Docs[0].Findings)
		}
		if read != nil && warned != strings.HasPrefix(read[i][0], "error:") {
			t.Errorf("%q: warned %v, PyYAML reads %s", doc, warned, read[i][0])
		}
	}
}

// TestANameWithDots is one for a cluster, and not for NetBox: it is ingested, and said once.
func TestANameWithDots(t *testing.T) {
	t.Parallel()
	s := newSynced(t, map[string]string{
		"raw/a.yaml": vpc("v1beta1", "a.b", "", "", 7), "raw/b.yaml": vpc("v1beta1", "b", "", "", 8),
	})
	s.sync(plan.Options{})
	if said := s.found(errs.NameWithDots); len(said) != 1 || !said[0].Warning || said[0].File != "raw/a.yaml" ||
		s.files["managed/vpcs/a.b.yaml"] == "" {
		t.Errorf("said %+v, files %v", said, s.files)
	}
}

// TestAnAuthorsOwnAnnotation: of annotations with the system's prefix, only those that it writes itself mean nothing.
func TestAnAuthorsOwnAnnotation(t *testing.T) {
	t.Parallel()
	owned := func(by string) string {
		return vpc("v1beta1", "a", "", "  annotations:\n    hnp.githedgehog.com/owner: "+by+"\n", 1)
	}
	s := newSynced(t, map[string]string{"raw/a.yaml": owned("alice")})
	s.sync(plan.Options{})
	s.files["raw/a.yaml"] = owned("bob")
	s.sync(plan.Options{})
	if !strings.Contains(s.files[managedA], "hnp.githedgehog.com/owner: bob\n") {
		t.Errorf("managed: %s", s.files[managedA])
	}
	s.files["raw/a.yaml"] = owned("bob")
	s.sync(plan.Options{})
	if s.result.Plan.Items[1].Outcome != plan.Duplicate {
		t.Errorf("the same again: %+v", s.result.Plan.Items)
	}
	s.requireRest()
}
