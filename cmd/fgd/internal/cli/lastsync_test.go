package cli_test

import (
	"fmt"
	"strings"
	"testing"

	"fgdsync.dev/testkit/gitserver"
)

// namespaces are files with a namespace in each.
func namespaces(folder string, total int, content func(name string) string) map[string]string {
	files := map[string]string{}
	for i := range total {
		name := fmt.Sprintf("ns-%02d", i)
		files[folder+"/"+name+".yaml"] = content(name)
	}
	return files
}

func named(name string) string { return strings.Replace(document, "name: default", "name: "+name, 1) }

func removed(string) string { return gitserver.Removed }

// TestACommandKnowsTheLastSync from the branch, although it keeps nothing: it stops what takes many resources away,
// and counts what is gone and what came back. A sync of another directory whose fabric has the same number and name is
// not the last one of this.
func TestACommandKnowsTheLastSync(t *testing.T) {
	t.Parallel()
	host := gitserver.Start(t, gitserver.Options{})
	host.Create(t, "r.git", "main", namespaces("a/f/raw", 14, named))
	host.Commit(t, "r.git", "main", namespaces("b/f/raw", 1, named))
	command := func(want int, says string, args ...string) {
		t.Helper()
		code, stdout, stderr := run(t.Context(), t, append(args, "--repo", host.URL("r.git"), "--allow-http",
			"--allow-network=127.0.0.0/8")...)
		if code != want || !strings.Contains(stdout, says) || strings.Contains(stdout, "FGD_3016") {
			t.Errorf("%v: exit %d, and no %q in\n%s%s", args, code, says, stdout, stderr)
		}
	}
	command(0, "resources    14 (14 created,", "sync", "--dir", "a/f")
	synced := host.Head(t, "r.git", "main")
	host.Commit(t, "r.git", "main", namespaces("a/f/managed/ipv4namespaces", 12, removed))
	command(0, "resources    1 (1 created,", "sync", "--dir", "b/f")
	head := host.Head(t, "r.git", "main")
	command(0, "resources    2 (0 created, 0 updated, 0 moved, 12 deleted)", "sync", "--dir", "a/f", "--dry-run")
	command(1, "The sync would take away 12 of 14 resources.", "sync", "--dir", "a/f")
	if now := host.Head(t, "r.git", "main"); now != head {
		t.Errorf("the refused sync has made the commit %s", now)
	}
	host.Commit(t, "r.git", "main", namespaces("a/f/raw", 1, named))
	command(0, "resources    3 (0 created, 1 updated, 0 moved, 11 deleted)", "sync", "--dir", "a/f", "--force")
	command(0, "resources    3 (0 created, 0 updated, 0 moved, 0 deleted)", "sync", "--dir", "a/f")
	command(0, "resources    14 (11 created, 0 updated, 0 moved, 0 deleted)", "restore", "--commit", synced, "--dir",
		"a/f")
	host.Commit(t, "r.git", "main", namespaces("a/f/managed/ipv4namespaces", 12, removed)) // and no sync
	command(0, "resources    14 (12 created, 0 updated, 0 moved, 0 deleted)", "restore", "--commit", synced, "--dir",
		"a/f")
	if message := host.Git(t, "r.git", "log", "-1", "--format=%B", "main"); !strings.Contains(message,
		"Resources: 12 created, 0 updated, 14 in all.") {
		t.Errorf("the commit says\n%s", message)
	}
}

// TestALastSyncOutOfReach: that nothing is known of it is said, and nothing is counted as if it were.
func TestALastSyncOutOfReach(t *testing.T) {
	t.Parallel()
	host := gitserver.Start(t, gitserver.Options{})
	host.Create(t, "r.git", "main", namespaces("f/raw", 2, named))
	command := []string{
		"sync", "--repo", host.URL("r.git"), "--dir", "f", "--allow-http", "--allow-network=127.0.0.0/8",
	}
	if code, stdout, stderr := run(t.Context(), t, command...); code != 0 || strings.Contains(stdout, "FGD_3016") {
		t.Fatalf("the first sync: exit %d\n%s%s", code, stdout, stderr)
	}
	host.History(t, "r.git", "main", "other.yaml", 300)
	if code, stdout, stderr := run(t.Context(), t, command...); code != 0 ||
		!strings.Contains(stdout, "warning: FGD_3016 LAST_SYNC_UNKNOWN: ") {
		t.Errorf("exit %d\n%s%s", code, stdout, stderr)
	}
}
