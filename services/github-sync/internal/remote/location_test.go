package remote_test

import (
	"os"
	"path/filepath"
	"testing"

	"fgdsync.dev/libs/errs"
	"fgdsync.dev/services/github-sync/internal/remote"
)

// TestOnlyListedFoldersAreRepositories: a listed folder permits what is in it, and not what begins with its name, lies
// beside it, or is led to by dots or by a link.
func TestOnlyListedFoldersAreRepositories(t *testing.T) {
	t.Parallel()
	base := t.TempDir()
	for _, folder := range []string{"git/a.git", "git-private/b.git", "elsewhere"} {
		if err := os.MkdirAll(filepath.Join(base, folder), 0o700); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Symlink(filepath.Join(base, "elsewhere"), filepath.Join(base, "git", "link")); err != nil {
		t.Fatal(err)
	}
	policy := remote.Policy{LocalPaths: []string{filepath.Join(base, "git")}}
	for path, permitted := range map[string]bool{
		"git/a.git": true, "git": true, "git-private/b.git": false, "elsewhere": false, "git/link": false,
		"git/../git-private/b.git": false, "": false,
	} {
		for _, prefix := range []string{"", "file://"} {
			location, err := policy.Parse(prefix + base + "/" + path)
			if (err == nil) != permitted || err != nil && !errs.HasCode(err, errs.RemoteRefused) {
				t.Errorf("%s%s: %v, %v", prefix, path, location, err)
			}
		}
	}
}
