// Package webpage knows the pages on which Git hosts show what a repository has.
package webpage

import (
	"strings"

	"github.com/go-git/go-git/v5/plumbing"

	"fgdsync.dev/libs/filepage"
	gitv1 "fgdsync.dev/proto/fgd/git/v1"
)

// form is how a Git host writes the URLs of its pages: what stands between a repository and a commit, between a
// repository and the commit of a file, and between a file and a line.
type form struct{ commit, files, line string }

var (
	gitHub    = form{"/commit/", "/blob/", "#L"}
	gitLab    = form{"/-/commit/", "/-/blob/", "#L"}
	gitea     = form{"/commit/", "/src/commit/", "#L"} // Forgejo's too
	bitbucket = form{"/commits/", "/src/", "#lines-"}
)

// public are the hosts that are known without being told of.
var public = map[string]form{
	"github.com": gitHub, "gitlab.com": gitLab, "bitbucket.org": bitbucket, "gitea.com": gitea, "codeberg.org": gitea,
}

// Pages are those of a repository. Those of one on a host that is not known have no URL.
type Pages struct {
	repository string // URL of its first page
	form       form
}

// GitHub returns the pages of a repository on a GitHub, by the URL of its first page.
func GitHub(url string) Pages { return Pages{url, gitHub} }

// Public returns the pages of a repository on a host that everybody knows. It is known by its key.
func Public(key string) Pages {
	host, path, _ := strings.Cut(key, "/")
	known, is := public[host]
	escaped, ok := filepage.Escape(path)
	if !is || !ok {
		return Pages{}
	}
	return Pages{"https://" + host + "/" + escaped, known}
}

// Commit returns the page of a commit; empty when there is none.
func (p Pages) Commit(id plumbing.Hash) string {
	if p.repository == "" {
		return ""
	}
	return p.repository + p.form.commit + id.String()
}

// Files returns where the files of a directory are shown as a commit has them; nil when they are not.
func (p Pages) Files(id plumbing.Hash, directory string) *gitv1.FilePages {
	if p.repository == "" {
		return nil
	}
	url := p.repository + p.form.files + id.String() + "/"
	if directory != "" {
		escaped, ok := filepage.Escape(directory)
		if !ok {
			return nil
		}
		url += escaped + "/"
	}
	return &gitv1.FilePages{DirectoryUrl: url, LineMark: p.form.line}
}
