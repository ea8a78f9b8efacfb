package githubsync_test

import (
	"fmt"
	"maps"
	"strings"
	"testing"

	gitv1 "fgdsync.dev/proto/fgd/git/v1"
)

// syncedCommit is a commit in the form of fast-import. One of a sync has its trailers.
func syncedCommit(seconds int, bySync bool, path, text string) string {
	message := "by hand\n"
	if bySync {
		message = "Sync fabric one\n\nFgd-Sync-Id: s\nFgd-Fabric: one (1)\n"
	}
	return fmt.Sprintf("commit refs/heads/%s\ncommitter T <t@example.com> %d +0000\ndata %d\n%sM 100644 inline %s\n"+
		"data %d\n%s\n", branch, epoch+seconds, len(message), message, path, len(text), text)
}

// TestTheLastSync is found however many commits are on top, up to 250, and not taken for that of another directory
// whose fabric has the same number and name.
func TestTheLastSync(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		before, onTop    int
		synced           bool
		found, truncated bool
	}{
		"the head":            {1, 0, true, true, false},
		"the first commit":    {0, 3, true, true, false},
		"a few commits below": {20, 3, true, true, false},
		"many commits below":  {20, 100, true, true, false},
		"too many":            {20, 300, true, false, true},
		"none":                {3, 3, false, false, false},
		"none in a long past": {200, 200, false, false, true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := setup(t)
			b.host.CreateEmpty(t, repository)
			var all strings.Builder
			for n := range test.before {
				all.WriteString(syncedCommit(n, false, "f/early.yaml", fmt.Sprint(n)))
			}
			all.WriteString(syncedCommit(1000, test.synced, "f/a.yaml", "as synced"))
			for n := range test.onTop {
				all.WriteString(syncedCommit(2000+n, n == 0, "other/a.yaml", fmt.Sprint(n)))
			}
			all.WriteString(syncedCommit(9000, false, "f/a.yaml", "by hand"))
			importAll(t, b.host, all.String())
			s := b.open("f")
			last, err := b.history.FindLastSync(t.Context(), &gitv1.FindLastSyncRequest{SnapshotId: s.GetSnapshotId()})
			if err != nil || (last.GetCommit() != "") != test.found || last.GetTruncated() != test.truncated {
				t.Fatalf("%v, %v", last, err)
			}
			if !test.found {
				return
			}
			want := map[string]string{"a.yaml": "as synced"}
			if test.before > 0 {
				want["early.yaml"] = fmt.Sprint(test.before - 1)
			}
			if got := b.files(s, last.GetTree()); !maps.Equal(got, want) || last.GetCommitTime().GetSeconds() != epoch+1000 {
				t.Errorf("%v: %q", last, got)
			}
		})
	}
}
