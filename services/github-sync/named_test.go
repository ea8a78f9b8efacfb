package githubsync_test

import (
	"fmt"
	"strings"
	"testing"

	"fgdsync.dev/libs/errs"
	gitv1 "fgdsync.dev/proto/fgd/git/v1"
)

// from compares with a commit that has a name, and returns its id.
func (b *bench) from(s *gitv1.Snapshot, name string) (string, error) {
	b.t.Helper()
	stream, err := b.history.DiffCommits(b.t.Context(),
		&gitv1.DiffCommitsRequest{SnapshotId: s.GetSnapshotId(), FromCommit: name})
	if err != nil {
		b.t.Fatal(err)
	}
	first, err := stream.Recv()
	for next := err; next == nil; {
		_, next = stream.Recv()
	}
	return first.GetFromCommit(), err
}

// TestNamesOfCommits: a commit can be named as people name it for git, and what could be several is none of them.
func TestNamesOfCommits(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.host.Create(t, repository, branch, content)
	b.host.History(t, repository, branch, "f/c.yaml", 40)
	ids := strings.Fields(b.host.Git(t, repository, "rev-list", branch))
	s := b.open("f")
	for name, want := range map[string]string{
		"HEAD": ids[0], "@": ids[0], "HEAD~1": ids[1], "HEAD^": ids[1], "HEAD~": ids[1], "HEAD~3^": ids[4],
		"HEAD~40": ids[40],
		ids[7]:    ids[7], ids[7][:12]: ids[7], ids[39][:12]: ids[39], ids[7][:12] + "~2": ids[9],
	} {
		if got, err := b.from(s, name); err != nil || got != want {
			t.Errorf("%s is %s, %v; want %s", name, got, err, want)
		}
	}
	for name, code := range map[string]errs.Code{
		"HEAD~41": errs.CommitNotFound, "ffffffffff": errs.CommitNotFound, "abc": errs.InvalidRequest,
		"main": errs.InvalidRequest, "HEAD~x": errs.InvalidRequest, "": errs.InvalidRequest,
		"--output=x": errs.InvalidRequest, "HEAD~1\n": errs.InvalidRequest,
	} {
		_, err := b.from(s, name)
		b.requireCode(err, code)
	}
}

// TestABeginningOfSeveral: a beginning that two commits share names them.
func TestABeginningOfSeveral(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.host.Create(t, repository, branch, content)
	const commits = 2000 // among which two begin alike, as birthdays go: 2000² / 2 / 16⁴ is 30
	b.host.History(t, repository, branch, "f/c.yaml", commits)
	seen := map[string]string{}
	for _, id := range strings.Fields(b.host.Git(t, repository, "rev-list", branch)) {
		other := seen[id[:4]]
		if seen[id[:4]] = id; other == "" {
			continue
		}
		_, err := b.from(b.open("f"), id[:4])
		b.requireCode(err, errs.InvalidRequest)
		if !strings.Contains(fmt.Sprint(err), id) || !strings.Contains(fmt.Sprint(err), other) {
			t.Errorf("%s and %s are not named: %v", id, other, err)
		}
		return
	}
	t.Fatal("all commits begin otherwise")
}
