package suite_test

import (
	"context"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"testing"

	"fgdsync.dev/libs/rpc"
	editv1 "fgdsync.dev/proto/fgd/edit/v1"
	fabricv1 "fgdsync.dev/proto/fgd/fabric/v1"
	reportv1 "fgdsync.dev/proto/fgd/report/v1"
	syncv1 "fgdsync.dev/proto/fgd/sync/v1"
	"fgdsync.dev/testkit/gitserver"
)

// edit has a sync make a change of the resource "one".
func (i *internals) edit(ctx context.Context, set *editv1.EditSet, change *editv1.Edit) *syncv1.Sync {
	i.Helper()
	change.Resource = &reportv1.ResourceKey{Kind: "VLANNamespace", Namespace: "default", Name: "one"}
	set.Edits = []*editv1.Edit{change}
	started, err := i.syncs.StartSync(ctx, &syncv1.StartSyncRequest{FabricId: 35, EditSet: set})
	if err != nil {
		i.Fatal(err)
	}
	return i.await(started.GetSyncId())
}

func ranges(from int) *editv1.Edit_MergePatch {
	return &editv1.Edit_MergePatch{MergePatch: fmt.Appendf(nil, `{"spec":{"ranges":[{"from":%d,"to":2000}]}}`, from)}
}

// changes returns the changes of the resource "one", a line each: what became of it, where and by whom, where its file
// was and is, and what it says since.
func (i *internals) changes(limit int32) (lines []string) {
	i.Helper()
	request := &fabricv1.ListResourceChangesRequest{
		FabricId: 35, Limit: limit, Resource: &reportv1.ResourceKey{Kind: "VLANNamespace", Namespace: "default", Name: "one"},
	}
	for {
		token := ""
		err := rpc.Collect(i.Context(), i.resources.ListResourceChanges, request,
			func(part *fabricv1.ListResourceChangesResponse) error {
				for _, c := range part.GetChanges() {
					lines = append(lines, lineOf(c))
				}
				token = part.GetNextPageToken()
				return nil
			})
		if err != nil {
			i.Fatal(err)
		}
		if request.PageToken = token; token == "" {
			return lines
		}
	}
}

// pages returns how many changes the pages of the history of the resource "one" have.
func (i *internals) pages() (pages []int) {
	i.Helper()
	request := &fabricv1.ListResourceChangesRequest{
		FabricId: 35, Resource: &reportv1.ResourceKey{Kind: "VLANNamespace", Namespace: "default", Name: "one"},
	}
	for more := true; more; more = request.GetPageToken() != "" {
		found := 0
		err := rpc.Collect(i.Context(), i.resources.ListResourceChanges, request,
			func(part *fabricv1.ListResourceChangesResponse) error {
				found += len(part.GetChanges())
				request.PageToken = part.GetNextPageToken()
				return nil
			})
		if err != nil {
			i.Fatal(err)
		}
		pages = append(pages, found)
	}
	return pages
}

func lineOf(c *fabricv1.ResourceChange) string {
	commit, says := c.GetCommit(), string(c.GetAfter().GetSpec())
	if c.GetAfter().GetProblem() != nil {
		says = "not valid"
	}
	line := fmt.Sprintf("%s %s: %s -> %s %s", strings.ToLower(strings.TrimPrefix(commit.GetOrigin().String(),
		"CHANGE_ORIGIN_")), commit.GetAuthor().GetName(), c.GetBefore().GetPath(), c.GetAfter().GetPath(), says)
	if id := commit.GetNetboxRequestId(); id != "" {
		line += fmt.Sprint(" ", id, commit.GetNetboxChangeIds())
	}
	if id := commit.GetSyncId(); id != "" {
		line += " synced"
	}
	if !c.GetConfirmed() {
		line += " unconfirmed"
	}
	return line
}

const (
	own   = "managed/vlannamespaces/one.yaml"
	moved = "managed/elsewhere/one.yaml"
)

func says(from int) string { return fmt.Sprintf(`{"ranges":[{"from":%d,"to":2000}]}`, from) }

// vlans is a document of the resource "one".
func vlans(from int) string {
	return fmt.Sprintf("apiVersion: wiring.githedgehog.com/v1beta1\nkind: VLANNamespace\nmetadata:\n  name: one\nspec:\n"+
		"  ranges:\n    - from: %d\n      to: 2000\n", from)
}

// TestHowAResourceCameToBe: each change is told with who made it and where, also where the file was elsewhere, was not
// valid, or was gone for a while; and nothing that other documents of the same file say.
func TestHowAResourceCameToBe(t *testing.T) {
	t.Parallel()
	i := newInternals(t, map[string]string{"README.md": "x"})
	ctx := rpc.WithPrincipal(t.Context(), "jo@example.com")
	i.create(ctx, &fabricv1.CreateFabricRequest{Fabric: &fabricv1.Fabric{}})
	i.commit("Ann", map[string]string{"f1/raw/all.yaml": namespace("other", "10.1.0.0/16")})
	i.commit("Bob", map[string]string{"f1/raw/all.yaml": namespace("other", "10.1.0.0/16") + "---\n" + vlans(1)})
	i.commit("Cy", map[string]string{"f1/raw/all.yaml": namespace("other", "10.2.0.0/16") + "---\n" + vlans(1)})
	i.sync(ctx, nil)
	i.edit(ctx, &editv1.EditSet{}, &editv1.Edit{Change: ranges(2)})
	i.edit(ctx, &editv1.EditSet{
		Author: &editv1.Author{Name: "Net Boxer"}, NetboxRequestId: "req-1", NetboxChangeIds: []int64{7, 8},
	}, &editv1.Edit{Change: ranges(3)})
	file := i.host.Files(t, repository, "main")["f1/"+own]
	i.commit("Dee", map[string]string{
		"f1/" + own: gitserver.Removed, "f1/" + moved: strings.Replace(file, "from: 3", "from: 4", 1),
	})
	i.sync(ctx, nil)
	i.commit("Eve", map[string]string{"f1/" + own: "{{"})
	i.commit("Eve", map[string]string{"f1/" + own: gitserver.Removed})
	i.commit("Flo", map[string]string{"f1/raw/again.yaml": vlans(5)})
	last := i.sync(ctx, nil)
	i.edit(ctx, &editv1.EditSet{}, &editv1.Edit{Change: &editv1.Edit_Delete{Delete: true}})
	i.sync(ctx, &syncv1.SyncOptions{RestoreCommit: last.GetResult().GetCommitSha(), RestorePaths: []string{own}})
	want := []string{
		"api jo@example.com:  -> " + own + " " + says(5) + " synced",
		"api jo@example.com: " + own + " ->   synced",
		"git jo@example.com: raw/again.yaml -> " + own + " " + says(5) + " synced",
		"git Flo:  -> raw/again.yaml " + says(5),
		"git Eve: " + own + " ->  ",
		"git Eve: " + own + " -> " + own + " not valid",
		"git jo@example.com: " + moved + " -> " + own + " " + says(4) + " synced",
		"git Dee: " + own + " -> " + moved + " " + says(4),
		"netbox Net Boxer: " + own + " -> " + own + " " + says(3) + " req-1[7 8] synced",
		"api jo@example.com: " + own + " -> " + own + " " + says(2) + " synced",
		"git jo@example.com: raw/all.yaml -> " + own + " " + says(1) + " synced",
		"git Bob:  -> raw/all.yaml " + says(1),
	}
	for _, limit := range []int32{0, 1, 3} {
		if got := i.changes(limit); !slices.Equal(got, want) {
			t.Errorf("by %d the changes are\n%s\nand not\n%s", limit, strings.Join(got, "\n"), strings.Join(want, "\n"))
		}
	}
}

// TestWhoMayPushMayWriteTrailers: what a person's commit says of NetBox and of a sync is believed of no commit that the
// system can tell from one of its own, and marked where it can't.
func TestWhoMayPushMayWriteTrailers(t *testing.T) {
	t.Parallel()
	i := newInternals(t, map[string]string{"README.md": "x", "f1/raw/one.yaml": vlans(1)})
	i.create(t.Context(), &fabricv1.CreateFabricRequest{Fabric: &fabricv1.Fabric{}})
	i.edit(t.Context(), &editv1.EditSet{
		Author: &editv1.Author{Name: "Net Boxer"}, NetboxRequestId: "req-1", NetboxChangeIds: []int64{7},
	}, &editv1.Edit{Change: ranges(2)})
	ours := i.host.Git(t, repository, "log", "-1", "--format=%B", "main")
	file := i.host.Files(t, repository, "main")["f1/"+own]
	id := regexp.MustCompile("Fgd-Sync-Id: (.*)").FindStringSubmatch(ours)[1]
	for n, message := range []string{
		"Mine\n\nHNP-Request-Id: req-2\nHNP-Change-Id: 9\n",
		ours,
		strings.ReplaceAll(ours, id, "nobody's"),
		strings.ReplaceAll(ours, id[:8], "01234567"),
	} {
		i.commitSaying("Eve", message, map[string]string{
			"f1/" + own: strings.Replace(file, "from: 2", fmt.Sprint("from: ", 3+n), 1),
		})
	}
	line := " " + own + " -> " + own + " "
	want := []string{
		"netbox Eve:" + line + says(6) + " req-1[7] synced unconfirmed",
		"git Eve:" + line + says(5),
		"git Eve:" + line + says(4),
		"git Eve:" + line + says(3),
		"netbox Net Boxer:" + line + says(2) + " req-1[7] synced",
	}
	if got := i.changes(0); !slices.Equal(got[:min(len(got), len(want))], want) {
		t.Errorf("the changes are\n%s\nand not\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
}

// TestVersionsThatCantBeRead: one that is too large says so, what is no file says nothing, and no one keeps the rest of
// the history from being told.
func TestVersionsThatCantBeRead(t *testing.T) {
	t.Parallel()
	i := newInternals(t, map[string]string{"README.md": "x", "f1/" + own: vlans(1)})
	large := vlans(2) + strings.Repeat("# wide\n", 2<<20)
	i.commit("Ann", map[string]string{"f1/" + own: large})
	i.commit("Bob", map[string]string{"f1/" + own: vlans(3)})
	head := i.host.Head(t, repository, "main")
	for n, mode := range []string{"160000 " + head, "120000 inline"} {
		stream := fmt.Sprintf("commit refs/heads/main\ncommitter Cy <cy@example.com> %d +0000\ndata 0\nfrom %s\n"+
			"M %s f1/%s\n", 1767323046+n, i.host.Head(t, repository, "main"), mode, own)
		if n == 1 {
			stream += "data 6\nb.yaml\n"
		}
		i.host.GitWith(t, repository, stream+"done\n", "fast-import", "--quiet", "--done")
	}
	i.commit("Dee", map[string]string{"f1/" + own: vlans(4)})
	i.create(t.Context(), &fabricv1.CreateFabricRequest{Fabric: &fabricv1.Fabric{}})
	want := []string{
		"git Dee:  -> " + own + " " + says(4),
		"git Cy: " + own + " ->  ",
		"git Bob: " + own + " -> " + own + " " + says(3),
		"git Ann: " + own + " -> " + own + " not valid",
		"git Tester:  -> " + own + " " + says(1),
	}
	got := i.changes(0)
	if got = got[max(0, len(got)-len(want)):]; !slices.Equal(got, want) {
		t.Errorf("the changes are\n%s\nand not\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
}

// TestAFileThatChangesForOthers: a page looks at so many commits and no more, and the next one goes on from there.
func TestAFileThatChangesForOthers(t *testing.T) {
	t.Parallel()
	i := newInternals(t, map[string]string{"README.md": "x", "f1/raw/all.yaml": vlans(1)})
	var stream strings.Builder
	for n := range 250 {
		content := fmt.Sprintf("# %d\n---\n%s", n, vlans(1))
		fmt.Fprintf(&stream, "commit refs/heads/main\ncommitter T <t@example.com> %d +0000\ndata 2\nn\n", 1767323045+n)
		if n == 0 {
			fmt.Fprintf(&stream, "from %s\n", i.host.Head(t, repository, "main"))
		}
		fmt.Fprintf(&stream, "M 100644 inline f1/raw/all.yaml\ndata %d\n%s\n", len(content), content)
	}
	i.host.GitWith(t, repository, stream.String()+"done\n", "fast-import", "--quiet", "--done")
	i.create(t.Context(), &fabricv1.CreateFabricRequest{Fabric: &fabricv1.Fabric{}})
	pages := i.pages()
	if !slices.Equal(pages, []int{1, 1}) {
		t.Errorf("the pages have %d changes", pages)
	}
}

// TestChangesOfAResourceThatSaysMuch: a page ends where it has enough bytes, and the next one goes on from there.
func TestChangesOfAResourceThatSaysMuch(t *testing.T) {
	t.Parallel()
	const commits = 8
	i := newInternals(t, map[string]string{"README.md": "x"})
	wide := "\n  annotations:\n    wide: " + strings.Repeat("wide", 50_000) + "\nspec:"
	var want []string
	for n := range commits {
		i.commit("Ann", map[string]string{"f1/" + own: strings.Replace(vlans(n+1), "\nspec:", wide, 1)})
		before := own
		if n == 0 {
			before = ""
		}
		want = append([]string{"git Ann: " + before + " -> " + own + " " + says(n+1)}, want...)
	}
	i.create(t.Context(), &fabricv1.CreateFabricRequest{Fabric: &fabricv1.Fabric{}})
	got := i.changes(0)
	if got = got[max(0, len(got)-len(want)):]; !slices.Equal(got, want) {
		t.Errorf("the changes are\n%s\nand not\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
	if pages := i.pages(); !slices.Equal(pages, []int{3, 3, 2}) {
		t.Errorf("the pages have %d changes", pages)
	}
}
