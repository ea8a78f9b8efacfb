package githubsync_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"fgdsync.dev/libs/errs"
	gitv1 "fgdsync.dev/proto/fgd/git/v1"
)

// TestWhereAChangeWasMade: only a commit that says which sync made it can have been made in NetBox or by the API.
func TestWhereAChangeWasMade(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.host.Create(t, repository, branch, map[string]string{"f/b.yaml": "b: 1\n"})
	many := strings.Repeat("HNP-Change-Id: 5\n", 1200)
	var want []string
	for _, c := range []struct{ message, want string }{
		{"A\n", "GIT  []"},
		{"B\n\nHNP-Request-Id: r\nHNP-Change-Id: 1\nFgd-Action: edit\n", "GIT  []"},
		{"C\n\nFgd-Sync-Id: s\n", "GIT  []"},
		{"D\n\nFgd-Sync-Id: s\nFgd-Action: restore\n", "API  []"},
		{
			"E\n\nFgd-Sync-Id: s\nFgd-Action: edit\nHNP-Request-Id: r\nHNP-Change-Id: 7\nHNP-Change-Id: x\nHNP-Change-Id: 8\n",
			"NETBOX r [7 8]",
		},
		{"F\n\nFgd-Sync-Id: s\nHNP-Change-Id: 9\n", "NETBOX  [9]"},
		{"G\n\nHNP-Request-Id: r\n\nFgd-Sync-Id: s\n", "GIT  []"},
		{"H\n\nFgd-Sync-Id: s\n" + many, fmt.Sprint("NETBOX  ", slices.Repeat([]int64{5}, 1000))},
	} {
		b.host.CommitSaying(t, repository, branch, c.message, map[string]string{"f/a.yaml": c.message})
		want = append(want, c.want)
	}
	commits, _, err := b.listCommits(&gitv1.ListCommitsRequest{SnapshotId: b.open("f").GetSnapshotId()})
	if err != nil {
		t.Fatal(err)
	}
	slices.Reverse(commits)
	for i, want := range want {
		c := commits[i+1]
		got := fmt.Sprint(strings.TrimPrefix(c.GetOrigin().String(), "CHANGE_ORIGIN_"), " ", c.GetNetboxRequestId(), " ",
			c.GetNetboxChangeIds())
		if got != want {
			t.Errorf("%s: %s, not %s", c.GetSubject(), got, want)
		}
	}
}

// TestHistoryFromACommit: a list may begin at any commit of the branch, and at no other one.
func TestHistoryFromACommit(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.host.CreateEmpty(t, repository)
	linear(t, b.host, 6)
	log := strings.Fields(b.host.Git(t, repository, "log", "--format=%H", branch))
	request := &gitv1.ListCommitsRequest{SnapshotId: b.open("f").GetSnapshotId(), FromCommit: log[2], Limit: 2}
	commits, _, err := b.pages(request)
	if err != nil || !slices.Equal(ids(commits), log[2:]) {
		t.Errorf("%v, %v", ids(commits), err)
	}
	later := b.host.Commit(t, repository, branch, map[string]string{"f/new.yaml": "n: 1\n"})
	for _, commit := range []string{later, strings.Repeat("0", 40)} {
		request.FromCommit = commit
		_, _, err := b.listCommits(request)
		b.requireCode(err, errs.CommitNotFound)
	}
}
