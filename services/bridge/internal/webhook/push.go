package webhook

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"fgdsync.dev/libs/errs"
	"fgdsync.dev/libs/printable"
)

const (
	// mostCommits is how many a push of GitHub lists at most.
	mostCommits = 2048
	// mostPaths is how many paths of a commit are taken for all of them.
	mostPaths = 300
	// longestName is that of who pushed, in characters.
	longestName = 80
)

// push is what a host says of one: claims of who knows the secret, and no more.
type push struct {
	urls    []string // of the repository, in any spelling
	branch  string   // empty when it was no branch that moved
	deleted bool
	by      string   // who pushed
	head    string   // the commit that the branch has now
	paths   []string // that its commits touched
	all     bool     // there may be others, so that paths says nothing
}

// commit is one of a push, as all hosts write it.
type commit struct {
	Added    []string `json:"added"`
	Modified []string `json:"modified"`
	Removed  []string `json:"removed"`
}

// hubPush is a push as GitHub and Gitea write it.
type hubPush struct {
	Ref        string   `json:"ref"`
	Before     string   `json:"before"`
	After      string   `json:"after"`
	Created    bool     `json:"created"`
	Deleted    bool     `json:"deleted"`
	Forced     bool     `json:"forced"`
	Commits    []commit `json:"commits"`
	Total      int64    `json:"total_commits"` // of Gitea, which lists only some
	Repository struct {
		CloneURL string `json:"clone_url"`
		SSHURL   string `json:"ssh_url"`
		HTMLURL  string `json:"html_url"`
	} `json:"repository"`
	Pusher struct {
		Name  string `json:"name"`
		Login string `json:"login"`
	} `json:"pusher"`
	Sender struct {
		Login string `json:"login"`
	} `json:"sender"`
}

// labPush is a push as GitLab writes it.
type labPush struct {
	Ref      string   `json:"ref"`
	Before   string   `json:"before"`
	After    string   `json:"after"`
	Username string   `json:"user_username"`
	Name     string   `json:"user_name"`
	Commits  []commit `json:"commits"`
	Total    int64    `json:"total_commits_count"`
	Project  struct {
		HTTPURL string `json:"git_http_url"`
		SSHURL  string `json:"git_ssh_url"`
		WebURL  string `json:"web_url"`
	} `json:"project"`
}

// readPush reads the body of a push event.
func readPush(host Host, body []byte) (push, error) {
	if host == GitLab {
		return readLabPush(body)
	}
	return readHubPush(body)
}

func readHubPush(body []byte) (push, error) {
	var in hubPush
	if err := json.Unmarshal(body, &in); err != nil {
		return push{}, unreadable(err)
	}
	r := in.Repository
	out := newPush(in.Ref, in.Before, in.After, in.Commits, in.Total, r.CloneURL, r.SSHURL, r.HTMLURL)
	out.by = name(in.Pusher.Login, in.Pusher.Name, in.Sender.Login)
	out.deleted = out.deleted || in.Deleted
	out.all = out.all || in.Created || in.Forced
	return out, out.check()
}

func readLabPush(body []byte) (push, error) {
	var in labPush
	if err := json.Unmarshal(body, &in); err != nil {
		return push{}, unreadable(err)
	}
	p := in.Project
	out := newPush(in.Ref, in.Before, in.After, in.Commits, in.Total, p.HTTPURL, p.SSHURL, p.WebURL)
	out.by = name(in.Username, in.Name)
	return out, out.check()
}

func newPush(ref, before, after string, commits []commit, total int64, urls ...string) push {
	branch, is := strings.CutPrefix(ref, "refs/heads/")
	if !is {
		branch = ""
	}
	out := push{
		branch: branch, head: after, deleted: isNone(after),
		all: before == "" || isNone(before) || len(commits) == 0 || len(commits) >= mostCommits ||
			total > int64(len(commits)),
	}
	for _, url := range urls {
		if url != "" && !slices.Contains(out.urls, url) {
			out.urls = append(out.urls, url)
		}
	}
	for _, one := range commits {
		paths := slices.Concat(one.Added, one.Modified, one.Removed)
		// One without paths is empty, or a merge whose paths the host does not tell.
		out.all = out.all || len(paths) == 0 || len(paths) >= mostPaths
		out.paths = append(out.paths, paths...)
	}
	return out
}

// check returns the error of a push that does not say enough.
func (p push) check() error {
	if len(p.urls) == 0 || p.branch == "" && p.head == "" {
		return unreadable(fmt.Errorf("%d URLs, branch %q, head %q", len(p.urls), p.branch, p.head))
	}
	return nil
}

// touches reports whether a push may have changed something in a directory; an empty one is the repository.
func (p push) touches(directory string) bool {
	directory = strings.Trim(directory, "/")
	return p.all || directory == "" || directory == "." || slices.ContainsFunc(p.paths, func(path string) bool {
		return path == directory || strings.HasPrefix(path, directory+"/") || strings.HasPrefix(directory, path+"/")
	})
}

// isNone reports whether an object id is the one that stands for none.
func isNone(id string) bool { return id != "" && strings.Trim(id, "0") == "" }

// name returns the first that somebody has, in one short line.
func name(candidates ...string) string {
	for _, one := range candidates {
		if line := printable.Truncate(printable.Line(one), longestName); line != "" {
			return line
		}
	}
	return "somebody"
}

func unreadable(cause error) error {
	return errs.New(errs.WebhookUnreadable, "The body is no push event of this kind of host.").WithCause(cause)
}
