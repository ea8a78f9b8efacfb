package filepage_test

import (
	"net/url"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"fgdsync.dev/libs/filepage"
	gitv1 "fgdsync.dev/proto/fgd/git/v1"
)

const directory = "https://github.com/ada/fabrics/blob/0123/gitops/"

func TestURL(t *testing.T) {
	t.Parallel()
	pages := &gitv1.FilePages{DirectoryUrl: directory, LineMark: "#L"}
	for _, c := range []struct {
		pages *gitv1.FilePages
		path  string
		line  int32
		want  string
	}{
		{pages, "managed/vpcs/a.yaml", 12, directory + "managed/vpcs/a.yaml#L12"},
		{pages, "managed/vpcs/a.yaml", 0, directory + "managed/vpcs/a.yaml"},
		{pages, "raw/a b#L1?x=%2e&y.yaml", 1, directory + "raw/a%20b%23L1%3Fx=%252e&y.yaml#L1"},
		{pages, "raw/\"><script>\n\u202e.yaml", 0, directory + "raw/%22%3E%3Cscript%3E%0A%E2%80%AE.yaml"},
		{pages, "raw/\xff\\.yaml", 0, directory + "raw/%FF%5C.yaml"},
		{&gitv1.FilePages{DirectoryUrl: directory}, "a.yaml", 7, directory + "a.yaml"},
		{nil, "a.yaml", 7, ""},
		{pages, "", 0, ""},
		{pages, "../../settings", 0, ""},
		{pages, "a/./b", 0, ""},
		{pages, "/etc", 0, ""},
		{pages, "a//b", 0, ""},
	} {
		if got := filepage.URL(c.pages, c.path, c.line); got != c.want {
			t.Errorf("%q at %d is %s, not %s", c.path, c.line, got, c.want)
		}
	}
}

// TestEveryPathComesBack: whatever a file is called, its page is in the directory, and of that file alone.
func TestEveryPathComesBack(t *testing.T) {
	t.Parallel()
	pages := &gitv1.FilePages{DirectoryUrl: directory, LineMark: "#L"}
	rapid.Check(t, func(t *rapid.T) {
		path := rapid.OneOf(rapid.String(), rapid.StringMatching(`[a./%?#\\ ]{1,9}`)).Draw(t, "path")
		page := filepage.URL(pages, path, 3)
		if page == "" {
			return
		}
		u, err := url.Parse(page)
		if err != nil || u.Host != "github.com" || u.RawQuery != "" || u.Fragment != "L3" {
			t.Fatalf("%q became %s: %v", path, page, err)
		}
		prefix, _ := strings.CutPrefix(directory, "https://github.com")
		if u.Path != prefix+path || u.JoinPath().Path != u.Path {
			t.Fatalf("%q became %s, which is %q", path, page, u.Path)
		}
	})
}
