package webpage_test

import (
	"testing"

	"github.com/go-git/go-git/v5/plumbing"

	"fgdsync.dev/libs/filepage"
	"fgdsync.dev/services/github-sync/internal/webpage"
)

// TestPages are those that each host has, and none where the host is not known or a name would lead elsewhere.
func TestPages(t *testing.T) {
	t.Parallel()
	const id = "0123456789abcdef0123456789abcdef01234567"
	for _, c := range []struct {
		pages                   webpage.Pages
		directory, commit, file string
	}{
		{
			webpage.Public("github.com/ada/fabrics"), "gitops/a b",
			"https://github.com/ada/fabrics/commit/" + id,
			"https://github.com/ada/fabrics/blob/" + id + "/gitops/a%20b/raw/x.yaml#L12",
		},
		{
			webpage.GitHub("http://git.example.com:3000/ada/fabrics"), "",
			"http://git.example.com:3000/ada/fabrics/commit/" + id,
			"http://git.example.com:3000/ada/fabrics/blob/" + id + "/raw/x.yaml#L12",
		},
		{
			webpage.Public("gitlab.com/net/ops/fabrics"), "f",
			"https://gitlab.com/net/ops/fabrics/-/commit/" + id,
			"https://gitlab.com/net/ops/fabrics/-/blob/" + id + "/f/raw/x.yaml#L12",
		},
		{
			webpage.Public("bitbucket.org/ada/fabrics"), "f",
			"https://bitbucket.org/ada/fabrics/commits/" + id,
			"https://bitbucket.org/ada/fabrics/src/" + id + "/f/raw/x.yaml#lines-12",
		},
		{
			webpage.Public("codeberg.org/ada/fabrics"), "f",
			"https://codeberg.org/ada/fabrics/commit/" + id,
			"https://codeberg.org/ada/fabrics/src/commit/" + id + "/f/raw/x.yaml#L12",
		},
		{
			webpage.Public("github.com/ada/f?x#y"), "100%/#1",
			"https://github.com/ada/f%3Fx%23y/commit/" + id,
			"https://github.com/ada/f%3Fx%23y/blob/" + id + "/100%25/%231/raw/x.yaml#L12",
		},
		{webpage.Public("github.com/ada/fabrics"), "a/../..", "https://github.com/ada/fabrics/commit/" + id, ""},
		{webpage.Public("github.com/ada/../eve"), "", "", ""},
		{webpage.Public("github.com"), "", "", ""},
		{webpage.Public("github.com.evil.example/ada/fabrics"), "", "", ""},
		{webpage.Public("git.example.com/ada/fabrics"), "", "", ""},
		{webpage.Public("file:///srv/github.com/x"), "", "", ""},
		{webpage.Pages{}, "", "", ""},
	} {
		at := plumbing.NewHash(id)
		if got := c.pages.Commit(at); got != c.commit {
			t.Errorf("%v: the commit is at %q, not %q", c.pages, got, c.commit)
		}
		if got := filepage.URL(c.pages.Files(at, c.directory), "raw/x.yaml", 12); got != c.file {
			t.Errorf("%v: the file is at %q, not %q", c.pages, got, c.file)
		}
	}
}
