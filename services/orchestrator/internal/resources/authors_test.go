package resources

import (
	"errors"
	"fmt"
	"testing"

	"fgdsync.dev/libs/rpc"
	gitv1 "fgdsync.dev/proto/fgd/git/v1"
	"fgdsync.dev/services/orchestrator/internal/eventlog"
)

const (
	file = "managed/vpcs/a.yaml"
	raw  = "raw/a.yaml"
)

// by is a commit of a person; of a sync when somebody is named who asked for it.
func by(name, requester string, changes ...*gitv1.FileChange) *gitv1.Commit {
	c := &gitv1.Commit{
		Commit: fmt.Sprint("of ", name), Author: &gitv1.Signature{Name: name, Email: name + "@example.com"},
		Changes: changes,
	}
	if requester != "" {
		c.SyncId, c.RequestedBy = "sync of "+name, requester
	}
	return c
}

// editedBy is a commit of a sync that made edits of somebody else than who asked.
func editedBy(editor string, c *gitv1.Commit) *gitv1.Commit {
	c.EditedBy = editor
	return c
}

func change(path, from, to string) *gitv1.FileChange {
	return &gitv1.FileChange{Path: path, OldBlobId: from, NewBlobId: to}
}

// TestWhoChangedAFile: people are named, also where a sync did as they wanted.
func TestWhoChangedAFile(t *testing.T) {
	t.Parallel()
	since := &changes{from: "of Since", old: map[string]string{file: "1"}}
	for name, c := range map[string]struct {
		since   *changes
		commits []*gitv1.Commit // newest first
		want    string
	}{
		"nobody is found": {nil, []*gitv1.Commit{by("Bo", "", change("raw/b.yaml", "1", "2"))}, " of head"},
		"somebody did":    {nil, []*gitv1.Commit{by("Bo", ""), by("Al", "", change(file, "1", "2"))}, "Al of Al"},
		"the last one did": {nil, []*gitv1.Commit{
			by("Al", "", change(file, "1", "2")), by("Bo", "", change(file, "", "1")),
		}, "Al of Al"},
		"it was put into raw": {nil, []*gitv1.Commit{
			by("Sync", "Jo", change(file, "1", "2"), change(raw, "2", "")), by("Al", "", change(raw, "1", "2")),
			by("Bo", "", change(raw, "", "1")),
		}, "Al of Al"},
		"what was put there later is another thing": {nil, []*gitv1.Commit{
			by("Late", "", change(raw, "", "3")), by("Sync", eventlog.System, change(file, "1", "2"), change(raw, "2", "")),
			by("Al", "", change(raw, "", "2")),
		}, "Al of Al"},
		"somebody restored it, and it was put there once": {nil, []*gitv1.Commit{
			by("Sync", "Jo Doe <jo@example.com>", change(file, "1", "2")), by("Old", eventlog.System, change(raw, "1", "")),
			by("Al", "", change(raw, "", "1")), by("Bo", "", change(file, "", "1")),
		}, "Jo Doe of Sync"},
		"a sync by itself": {nil, []*gitv1.Commit{by("Sync", eventlog.System, change(file, "1", "2"))}, "Sync of Sync"},
		"a sync of nobody": {nil, []*gitv1.Commit{by("Sync", rpc.AnonymousCaller, change(file, "1", "2"))}, "Sync of Sync"},
		"a sync by itself, of what somebody wrote": {nil, []*gitv1.Commit{
			by("Sync", eventlog.System, change(file, "1", "2")), by("Al", "", change(file, "", "1")),
		}, "Al of Al"},
		"a hook": {nil, []*gitv1.Commit{by("Sync", "al (host)", change(file, "1", "2"))}, "al (host) of Sync"},
		"an edit in NetBox": {nil, []*gitv1.Commit{
			editedBy("Jo Doe <jo@example.com>", by("Sync", "netbox", change(file, "1", "2"))),
			by("Al", "", change(file, "", "1")),
		}, "Jo Doe of Sync"},
		"an edit that the system asked for": {nil, []*gitv1.Commit{
			editedBy("Jo Doe <jo@example.com>", by("Sync", eventlog.System, change(file, "1", "2"))),
			by("Al", "", change(file, "", "1")),
		}, "Jo Doe of Sync"},
		"since then": {since, []*gitv1.Commit{
			by("Sync", eventlog.System, change(file, "1", "2")), by("Since", "", change(file, "0", "1")),
			by("Al", "", change(file, "", "0")),
		}, "Sync of Sync"},
		"since then, and since is not among them": {since, []*gitv1.Commit{
			by("Sync", eventlog.System, change(file, "2", "3")), by("Al", "", change(file, "1", "2")),
			by("Bo", "", change(file, "", "1")),
		}, "Al of Al"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			a := &authors{head: (&authors{commits: []*gitv1.Commit{{Commit: "of head"}}}).of(0), touched: map[string]*touches{}}
			w := walk{authors: a, since: c.since, left: mostCommits}
			if err := w.takeAll(&gitv1.ListCommitsResponse{Commits: c.commits}); err != nil {
				t.Fatal(err)
			}
			got := a.who(file, raw)
			if text := got.GetName() + " " + got.GetCommit(); text != c.want {
				t.Errorf("got %q, want %q", text, c.want)
			}
			if got.GetName() == "Jo Doe" && got.GetEmail() != "jo@example.com" {
				t.Errorf("the address is %q", got.GetEmail())
			}
		})
	}
}

// TestCommitsThatAreLookedAt: a commit may come in parts, and there is an end, sooner where it is known since when.
func TestCommitsThatAreLookedAt(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		since *changes
		want  int
	}{
		"all":        {nil, mostCommits},
		"since one":  {&changes{from: "commit 3"}, 4 + moreCommits},
		"since none": {&changes{from: "elsewhere"}, mostCommits},
	} {
		a := &authors{touched: map[string]*touches{}}
		w := walk{authors: a, since: c.since, left: mostCommits}
		var err error
		for i := 0; err == nil && i < 2*mostCommits; i++ {
			for part := range 2 {
				path := fmt.Sprintf("raw/%d", part)
				err = errors.Join(err, w.take(&gitv1.Commit{
					Commit: fmt.Sprint("commit ", i), Changes: []*gitv1.FileChange{change(path, "1", "2")},
				}))
			}
		}
		if !errors.Is(err, errEnough) || len(a.commits) != c.want || len(a.touched["raw/1"].at) != c.want {
			t.Errorf("%s: %d commits, want %d; %v", name, len(a.commits), c.want, err)
		}
	}
}

func TestWhoAskedForASync(t *testing.T) {
	t.Parallel()
	for by, want := range map[string][2]string{
		"Jo Doe <jo@example.com>": {"Jo Doe", "jo@example.com"}, "Jo Doe jo@example.com": {"Jo Doe", "jo@example.com"},
		"jo@example.com": {"jo@example.com", "jo@example.com"}, "jo (github.com)": {"jo (github.com)", ""},
		"jo": {"jo", ""}, "at @": {"at @", ""},
	} {
		if name, address := nameAndAddress(by); [2]string{name, address} != want {
			t.Errorf("%s: got %q and %q", by, name, address)
		}
	}
}
