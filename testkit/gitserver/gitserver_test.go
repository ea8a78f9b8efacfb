package gitserver_test

import (
	"errors"
	"fmt"
	"maps"
	"net"
	"os"
	"os/exec"
	"strings"
	"testing"

	"fgdsync.dev/testkit/gitserver"
)

// TestServer clones and pushes with git itself.
func TestServer(t *testing.T) {
	s := gitserver.Start(t, gitserver.Options{User: "u", Password: "p"})
	files := map[string]string{"a.yaml": "a: 1\n", "b/c.yaml": "", "ü x.txt": "no newline"}
	s.Create(t, "r.git", "main", files)
	if got := s.Files(t, "r.git", "main"); !maps.Equal(got, files) {
		t.Errorf("files: %q", got)
	}
	work := t.TempDir()
	url := strings.Replace(s.URL("r.git"), "http://", "http://u:p@", 1)
	git(t, work, true, "clone", "-q", url, ".")
	if err := os.WriteFile(work+"/new.yaml", []byte("n: 1\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	git(t, work, true, "add", ".")
	git(t, work, true, "-c", "user.name=n", "-c", "user.email=n@example.com", "commit", "-qm", "new")
	s.Break(gitserver.Fault{On: gitserver.Receive, Times: 1, Lose: true})
	git(t, work, false, "push", "-q", "origin", "main")
	if s.Commits(t, "r.git", "main") != 2 || s.Files(t, "r.git", "main")["new.yaml"] != "n: 1\n" {
		t.Error("the push with the lost answer was not done")
	}
	s.Break(gitserver.Fault{On: gitserver.Receive, Times: 1, Status: 502, Late: true})
	git(t, work, false, "push", "-q", "origin", "main:late")
	if s.Commits(t, "r.git", "late") != 2 {
		t.Error("the push with the late refusal was not done")
	}
	s.CommitSaying(t, "r.git", "late", "why\n\nA: b\n", map[string]string{`"caf\351"`: "x"})
	if said := s.Git(t, "r.git", "log", "-1", "--format=%B", "late"); said != "why\n\nA: b\n\n" {
		t.Errorf("the commit says %q", said)
	}
	if s.Files(t, "r.git", "late")["caf\xe9"] != "x" {
		t.Error("the name is another one")
	}
	s.Break(gitserver.Fault{On: gitserver.Fetch, Damage: true})
	git(t, work, false, "fetch", "-q")
	s.Mend()
	s.Break(gitserver.Fault{On: gitserver.Refs, Times: 1, Status: 503})
	git(t, work, false, "fetch", "-q")
	git(t, work, true, "fetch", "-q")
	git(t, work, false, "ls-remote", s.URL("r.git"))
	s.Commit(t, "r.git", "main", map[string]string{"a.yaml": gitserver.Removed})
	if _, there := s.Files(t, "r.git", "main")["a.yaml"]; there {
		t.Error("a.yaml is still there")
	}
	s.RequireSound(t, "r.git")
}

func git(t *testing.T, folder string, works bool, args ...string) {
	t.Helper()
	command := exec.CommandContext(t.Context(), "git", args...)
	command.Dir = folder
	command.Env = []string{"PATH=" + os.Getenv("PATH"), "HOME=" + folder, "GIT_TERMINAL_PROMPT=0", "GIT_CONFIG_NOSYSTEM=1"}
	if out, err := command.CombinedOutput(); (err == nil) != works {
		t.Fatalf("git %v: %v\n%s", args, err, out)
	}
}

// TestAClientThatDiesInABody leaves nothing behind: the server ends with the test, which it would not as long as a
// process of git waits for the rest.
func TestAClientThatDiesInABody(t *testing.T) {
	s := gitserver.Start(t, gitserver.Options{})
	s.Create(t, "r.git", "main", map[string]string{"a": "a\n"})
	conn, err := net.Dial("tcp", s.Address())
	if err != nil {
		t.Fatal(err)
	}
	_, err = fmt.Fprintf(conn,
		"POST /r.git/git-receive-pack HTTP/1.1\r\nHost: h\r\nContent-Type: application/x-git-receive-pack-request\r\n"+
			"Content-Length: 1000\r\n\r\n0000")
	if err = errors.Join(err, conn.Close()); err != nil {
		t.Fatal(err)
	}
}
