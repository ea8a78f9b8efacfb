package remote

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/go-git/go-git/v5/plumbing"

	"fgdsync.dev/libs/errs"
)

// TestUnwritable: a repository on this machine that can't be written is refused in the words of the system, and is no
// defect of ours. A file stands where a folder has to be, since who is root may write whatever the mode says.
func TestUnwritable(t *testing.T) {
	t.Parallel()
	path := t.TempDir()
	for _, folder := range []string{"objects", "refs"} {
		if err := os.Mkdir(filepath.Join(path, folder), 0o700); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.WriteFile(filepath.Join(path, "objects", "pack"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	err := (&localPusher{path: path}).Push(t.Context(), "main", plumbing.ZeroHash, plumbing.ZeroHash, []byte("PACK"))
	if !errs.HasCode(err, errs.PushRejected) || !strings.Contains(err.Error(), "can't be written: not a directory") {
		t.Errorf("%v", err)
	}
}
