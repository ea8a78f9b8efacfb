// Package gitserver serves bare repositories over smart HTTP for tests: git's own http-backend behind a server that can
// be told to misbehave.
package gitserver

import (
	"bytes"
	"crypto/subtle"
	"encoding/hex"
	"fmt"
	"io"
	"net/http"
	"net/http/cgi" //nolint:gosec // long mended
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
)

// Options say how a server serves.
type Options struct {
	User, Password string                           // the credentials that it asks for; none without a user
	Accepts        func(user, password string) bool // judges credentials, in place of the two
	// its processes take the cores that nobody else wants, as if they had others: nice 19
	Yielding bool
}

// Server serves the repositories of a folder until the test ends.
type Server struct {
	Folder string
	opts   Options
	http   *httptest.Server

	mu       sync.Mutex
	faults   []*Fault
	requests map[Request]int
}

// Start starts a server without repositories.
func Start(t testing.TB, opts Options) *Server {
	t.Helper()
	s := &Server{Folder: t.TempDir(), opts: opts, requests: map[Request]int{}}
	backend := &cgi.Handler{
		Stderr: io.Discard,
		Env: []string{
			"GIT_PROJECT_ROOT=" + s.Folder, "GIT_HTTP_EXPORT_ALL=1", "REMOTE_USER=tester",
			"GIT_CONFIG_NOSYSTEM=1", "HOME=" + s.Folder, "PATH=" + os.Getenv("PATH"),
		},
	}
	backend.Path, backend.Args = command(t, opts)
	s.http = httptest.NewServer(s.authenticated(s.faulty(withProtocol(backend))))
	t.Cleanup(s.http.Close)
	return s
}

// command returns the program that serves and its arguments.
func command(t testing.TB, opts Options) (path string, args []string) {
	t.Helper()
	folder, err := exec.Command("git", "--exec-path").Output()
	if err != nil {
		t.Fatalf("find git: %v", err)
	}
	path = filepath.Join(strings.TrimSpace(string(folder)), "git-http-backend")
	if !opts.Yielding {
		return path, nil
	}
	nice, err := exec.LookPath("chrt")
	if err != nil {
		t.Fatal(err)
	}
	return nice, []string{"--idle", "0", path}
}

// withProtocol hands over what CGI does not know by itself: the version of the protocol that a client asks for, and
// bodies whose length is not said. A body is handed over once all of it is there: git's http-backend never ends when a
// client goes away in the middle of one.
func withProtocol(backend *cgi.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		handler := *backend
		body, err := io.ReadAll(r.Body)
		if err != nil {
			return // the client went away
		}
		r.Body, r.ContentLength, r.TransferEncoding = io.NopCloser(bytes.NewReader(body)), int64(len(body)), nil
		if version := r.Header.Get("Git-Protocol"); version != "" {
			handler.Env = append(handler.Env[:len(handler.Env):len(handler.Env)], "GIT_PROTOCOL="+version)
		}
		handler.ServeHTTP(w, r)
	})
}

func (s *Server) authenticated(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if user, password, _ := r.BasicAuth(); !s.accepts(user, password) {
			w.Header().Set("WWW-Authenticate", `Basic realm="git"`)
			http.Error(w, "authentication required", http.StatusUnauthorized)
			return
		}
		next.ServeHTTP(w, r)
	})
}

func (s *Server) accepts(user, password string) bool {
	if s.opts.Accepts != nil {
		return s.opts.Accepts(user, password)
	}
	return s.opts.User == "" || user == s.opts.User && subtle.ConstantTimeCompare([]byte(password),
		[]byte(s.opts.Password)) == 1
}

// Address is where it listens.
func (s *Server) Address() string { return s.http.Listener.Addr().String() }

// URL is the address of a repository.
func (s *Server) URL(repository string) string { return s.http.URL + "/" + repository }

// Path is the folder of a repository.
func (s *Server) Path(repository string) string { return filepath.Join(s.Folder, repository) }

// CreateEmpty makes a repository without a commit.
func (s *Server) CreateEmpty(t testing.TB, repository string) {
	t.Helper()
	s.Git(t, "", "init", "-q", "--bare", "-b", "main", s.Path(repository))
	s.Git(t, repository, "config", "http.receivepack", "true")
}

// Create makes a repository whose branch has one commit with the given files.
func (s *Server) Create(t testing.TB, repository, branch string, files map[string]string) {
	t.Helper()
	s.CreateEmpty(t, repository)
	s.Commit(t, repository, branch, files)
}

// Git runs git in a repository, as nobody in particular and with a fixed date, and gives what it prints.
func (s *Server) Git(t testing.TB, repository string, args ...string) string {
	t.Helper()
	return s.git(t, repository, nil, args...)
}

// GitWith does the same with something to read.
func (s *Server) GitWith(t testing.TB, repository, input string, args ...string) string {
	t.Helper()
	return s.git(t, repository, []byte(input), args...)
}

func (s *Server) git(t testing.TB, repository string, stdin []byte, args ...string) string {
	t.Helper()
	out, err := s.run(repository, stdin, args...)
	if err != nil {
		t.Fatal(err)
	}
	return out
}

func (s *Server) run(repository string, stdin []byte, args ...string) (string, error) {
	command := exec.Command("git", args...)
	command.Dir = s.Path(repository)
	command.Stdin = bytes.NewReader(stdin)
	command.Env = []string{
		"PATH=" + os.Getenv("PATH"), "HOME=" + s.Folder, "GIT_CONFIG_NOSYSTEM=1",
		"GIT_AUTHOR_NAME=Tester", "GIT_AUTHOR_EMAIL=tester@example.com", "GIT_AUTHOR_DATE=2026-01-02T03:04:05Z",
		"GIT_COMMITTER_NAME=Tester", "GIT_COMMITTER_EMAIL=tester@example.com", "GIT_COMMITTER_DATE=2026-01-02T03:04:05Z",
	}
	var stdout, stderr bytes.Buffer
	command.Stdout, command.Stderr = &stdout, &stderr
	if err := command.Run(); err != nil {
		return "", fmt.Errorf("git %s: %w\n%s%s", strings.Join(args, " "), err, &stdout, &stderr)
	}
	return stdout.String(), nil
}

// Commit adds a commit to a branch, which it makes when it is not there, with the given files changed and those that
// are empty by the name of Removed taken away. It gives the commit's id.
func (s *Server) Commit(t testing.TB, repository, branch string, files map[string]string) string {
	t.Helper()
	return s.CommitSaying(t, repository, branch, message, files)
}

// message is what commits say that were given nothing else to say.
const message = "files"

// CommitSaying does the same with a message of the commit. A path that begins with a double quote is one as git
// fast-import quotes it, which can be any bytes.
func (s *Server) CommitSaying(t testing.TB, repository, branch, message string, files map[string]string) string {
	t.Helper()
	var changes, removed strings.Builder
	for path, content := range files {
		if content == Removed { // first, since a folder may come in its place
			fmt.Fprintf(&removed, "D %s\n", path)
			continue
		}
		fmt.Fprintf(&changes, "M 100644 inline %s\ndata %d\n%s\n", path, len(content), content)
	}
	return s.add(t, repository, branch, message, removed.String()+changes.String())
}

// Import adds a commit whose changes are given in the words of git fast-import, which knows all sorts of entries. It
// begins again when somebody else was faster.
func (s *Server) Import(t testing.TB, repository, branch, changes string) string {
	t.Helper()
	return s.add(t, repository, branch, message, changes)
}

func (s *Server) add(t testing.TB, repository, branch, message, changes string) string {
	t.Helper()
	for {
		head := s.Git(t, repository, "for-each-ref", "--format=%(objectname)", "refs/heads/"+branch)
		var stream bytes.Buffer
		fmt.Fprintf(&stream, "commit refs/heads/%s\ncommitter Tester <tester@example.com> 1767323045 +0000\ndata %d\n%s\n",
			branch, len(message), message)
		if head != "" {
			fmt.Fprintf(&stream, "from %s", head)
		}
		stream.WriteString(changes + "done\n")
		_, err := s.run(repository, stream.Bytes(), "fast-import", "--quiet", "--done")
		if err == nil {
			return s.Head(t, repository, branch)
		}
		if head == s.Git(t, repository, "for-each-ref", "--format=%(objectname)", "refs/heads/"+branch) {
			t.Fatal(err)
		}
	}
}

// History puts commits on a branch, each of which changes one file, in one go.
func (s *Server) History(t testing.TB, repository, branch, path string, commits int) {
	t.Helper()
	var stream bytes.Buffer
	for i := range commits {
		fmt.Fprintf(&stream, "commit refs/heads/%s\ncommitter Tester <tester@example.com> %d +0000\ndata 5\nfiles\n", branch,
			1767323045+i)
		if i == 0 {
			fmt.Fprintf(&stream, "from %s\n", s.Head(t, repository, branch))
		}
		content := fmt.Sprintf("version: %d\n", i)
		fmt.Fprintf(&stream, "M 100644 inline %s\ndata %d\n%s\n", path, len(content), content)
	}
	stream.WriteString("done\n")
	s.git(t, repository, stream.Bytes(), "fast-import", "--quiet", "--done")
}

// Object writes an object of whatever content, also one that Git would not make, and gives its id.
func (s *Server) Object(t testing.TB, repository, kind string, content io.Reader) string {
	t.Helper()
	command := exec.CommandContext(t.Context(), "git", "hash-object", "-t", kind, "-w", "--literally", "--stdin")
	command.Dir, command.Stdin = s.Path(repository), content
	out, err := command.Output()
	if err != nil {
		t.Fatalf("write %s: %v", kind, err)
	}
	return strings.TrimSpace(string(out))
}

// TreeEntry is one entry of a tree as Object takes it.
func TreeEntry(t testing.TB, mode, name, id string) string {
	t.Helper()
	raw, err := hex.DecodeString(id)
	if err != nil {
		t.Fatal(err)
	}
	return mode + " " + name + "\x00" + string(raw)
}

// CommitTree adds a commit of a tree to a branch.
func (s *Server) CommitTree(t testing.TB, repository, branch, tree string) {
	t.Helper()
	commit := fmt.Sprintf("tree %s\nparent %s\nauthor T <t@example.com> 1767323045 +0000\ncommitter T <t@example.com> "+
		"1767323045 +0000\n\ntrees\n", tree, s.Head(t, repository, branch))
	s.Git(t, repository, "update-ref", "refs/heads/"+branch, s.Object(t, repository, "commit", strings.NewReader(commit)))
}

// Removed as the content of a file takes it away.
const Removed = "\x00removed"

// Head is the commit of a branch.
func (s *Server) Head(t testing.TB, repository, branch string) string {
	t.Helper()
	return strings.TrimSpace(s.Git(t, repository, "rev-parse", "refs/heads/"+branch))
}

// Commits is the number of commits of a branch.
func (s *Server) Commits(t testing.TB, repository, branch string) int {
	t.Helper()
	return len(strings.Fields(s.Git(t, repository, "rev-list", "refs/heads/"+branch)))
}

// Files returns the files of a branch.
func (s *Server) Files(t testing.TB, repository, branch string) map[string]string {
	t.Helper()
	files := map[string]string{}
	var wanted bytes.Buffer
	var paths []string
	for entry := range strings.SplitSeq(s.Git(t, repository, "ls-tree", "-r", "-z", "refs/heads/"+branch), "\x00") {
		meta, path, found := strings.Cut(entry, "\t")
		if fields := strings.Fields(meta); found && fields[1] == "blob" {
			paths = append(paths, path)
			wanted.WriteString(fields[2] + "\n")
		}
	}
	contents := s.git(t, repository, wanted.Bytes(), "cat-file", "--batch")
	for _, path := range paths {
		var id, kind string
		var size int
		header, rest, _ := strings.Cut(contents, "\n")
		if _, err := fmt.Sscan(header, &id, &kind, &size); err != nil {
			t.Fatalf("read %s: %v", path, err)
		}
		files[path], contents = rest[:size], rest[size+1:]
	}
	return files
}

// RequireSound checks a repository as git itself does. It begins again when a push landed meanwhile, as one may whose
// client has gone away: git reads the objects before the refs.
func (s *Server) RequireSound(t testing.TB, repository string) {
	t.Helper()
	refs := func() string { return s.Git(t, repository, "for-each-ref", "--format=%(refname) %(objectname)") }
	for {
		before := refs()
		_, err := s.run(repository, nil, "fsck", "--strict", "--full")
		if err == nil {
			return
		}
		if before == refs() {
			t.Fatal(err)
		}
	}
}

// Hook installs a shell script as a hook.
func (s *Server) Hook(t testing.TB, repository, name, script string) {
	t.Helper()
	path := filepath.Join(s.Path(repository), "hooks", name)
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte("#!/bin/sh\n"+script), 0o700); err != nil { //nolint:gosec // a hook is run
		t.Fatal(err)
	}
}
