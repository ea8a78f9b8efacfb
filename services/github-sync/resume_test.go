package githubsync_test

import (
	"fmt"
	"math"
	"strconv"
	"testing"
	"time"

	gitv1 "fgdsync.dev/proto/fgd/git/v1"
)

// openOf opens what a sync has published, or the head.
func (b *bench) openOf(syncID string) *gitv1.Snapshot {
	b.t.Helper()
	response, err := b.repositories.OpenSnapshot(b.t.Context(),
		&gitv1.OpenSnapshotRequest{Location: b.location("f"), SyncId: syncID})
	if err != nil {
		b.t.Fatal(err)
	}
	return response.GetSnapshot()
}

func (b *bench) publishAs(syncID string, fence int, files map[string]string) string {
	b.t.Helper()
	s := b.open("f")
	request := publishing(s, b.mustWrite(s, files))
	request.Message = fmt.Sprintf("Change a file\n\nFgd-Sync-Id: 9\n\nFgd-Sync-Id: %s\nFgd-Fence: %d\n", syncID, fence)
	response, err := b.repositories.Publish(b.t.Context(), request)
	if err != nil {
		b.t.Fatal(err)
	}
	return response.GetCommit()
}

// TestTheCommitOfASyncIsFound: at the head, below what others have pushed, and not where there is none.
func TestTheCommitOfASyncIsFound(t *testing.T) {
	t.Parallel()
	for name, anything := range map[string]string{"any commit": "true", "heads only": "false"} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := setup(t)
			b.host.Create(t, repository, branch, content)
			b.host.Git(t, repository, "config", "uploadpack.allowAnySHA1InWant", anything)
			b.findsCommitOfSync()
		})
	}
}

func (b *bench) findsCommitOfSync() {
	t := b.t
	own := b.publishAs("5", 77, map[string]string{"raw/a.yaml": "a", "raw/b.yaml": "b"})
	for _, others := range []int{0, 1, 248} {
		if others > 0 {
			b.host.History(t, repository, branch, "f/raw/c.yaml", others)
		}
		s := b.openOf("5")
		if s.GetCommit() != own || s.GetPublished().GetCounts().GetCreated() != 2 || s.GetFence() != 77 {
			t.Errorf("below %d commits: %v", others, s)
		}
		if files := b.files(s, s.GetTree()); len(files) < 2 || files["raw/a.yaml"] != "a" || files["raw/c.yaml"] != "" {
			t.Errorf("below %d commits: files %v", others, files)
		}
	}
	for _, unknown := range []string{"", "7", "9"} { // 9 is in the text of the messages, not in their trailers
		if s := b.openOf(unknown); s.GetPublished() != nil || s.GetCommit() == own {
			t.Errorf("sync %q: %v", unknown, s)
		}
	}
	b.publishAs("6", 79, map[string]string{"raw/d.yaml": "beyond the last 250"})
	if s := b.openOf("5"); s.GetPublished() != nil || s.GetFence() != 79 {
		t.Errorf("beyond the last 250 commits: %v", s)
	}
}

// TestAFenceOfSomebodyElse: trailers are text that anybody can write.
func TestAFenceOfSomebodyElse(t *testing.T) {
	t.Parallel()
	ahead := time.Now().Add(25 * time.Hour).UnixMicro()
	for value, ignored := range map[string]int64{
		"": 0, "x": 0, "-": 0, "1e3": 0, "99999999999999999999": math.MaxInt64, "9223372036854775807": math.MaxInt64,
		"9007199254740993": 1<<53 + 1, strconv.FormatInt(ahead, 10): ahead,
	} {
		b := setup(t)
		b.host.Create(t, repository, branch, content)
		s := b.open("f")
		request := publishing(s, b.mustWrite(s, map[string]string{"raw/a.yaml": "new"}))
		request.Message = "Change a file\n\nFgd-Fence: " + value + "\n"
		if _, err := b.repositories.Publish(t.Context(), request); err != nil {
			t.Fatal(err)
		}
		if s := b.open("f"); s.GetFence() != 0 || s.GetIgnoredFence() != ignored {
			t.Errorf("%q: fence %d, ignored %d", value, s.GetFence(), s.GetIgnoredFence())
		}
	}
}
