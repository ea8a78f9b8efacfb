package cli_test

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"fgdsync.dev/cmd/fgd/internal/cli"
	"fgdsync.dev/testkit/gitserver"
)

// TestThePager has what may be long on a terminal, with how much differs first; nobody has one who asks for none.
func TestThePager(t *testing.T) {
	t.Parallel()
	host := gitserver.Start(t, gitserver.Options{User: "u", Password: "p"})
	host.Create(t, "r.git", "main", map[string]string{"f/raw/a.yaml": document})
	host.Commit(t, "r.git", "main", map[string]string{"f/raw/a.yaml": document + "# more\n"})
	where := []string{"--repo", host.URL("r.git"), "--dir", "f", "--allow-http", "--allow-network=127.0.0.0/8"}
	diff, pager := append([]string{"diff", "HEAD~1"}, where...), "PAGER=sed 's/^/paged: /'"
	for _, one := range []struct {
		environ []string
		args    []string
		begins  string
	}{
		{[]string{"TERM=xterm", "NO_COLOR=1", pager}, diff, "paged:  raw/a.yaml  +1 -0\npaged: \npaged: diff --git"},
		{[]string{"TERM=xterm", "NO_COLOR=1", pager}, append([]string{"history"}, where...), "paged: commit "},
		{[]string{"TERM=xterm", "NO_COLOR=1", "PAGER="}, diff, " raw/a.yaml  +1 -0\n\ndiff --git"},
		{[]string{"TERM=dumb", pager}, diff, " raw/a.yaml  +1 -0\n"},
		{[]string{"TERM=xterm", "NO_COLOR=1", "PAGER=true"}, diff, ""}, // left before the end
	} {
		code, stdout, stderr := onTerminal(t, narrow, one.environ, one.args...)
		if code != 0 || !strings.HasPrefix(stdout, one.begins) {
			t.Errorf("%v %v: exit %d\n%s%s", one.environ, one.args[0], code, stdout, stderr)
		}
	}
	started := filepath.Join(t.TempDir(), "started")
	code, stdout, _ := onPipe(t, []string{"TERM=xterm", "PAGER=touch " + started}, diff...)
	if code != 0 || !strings.HasPrefix(stdout, " raw/a.yaml") {
		t.Errorf("in a pipe: exit %d\n%s", code, stdout)
	}
	if _, err := os.Stat(started); err == nil {
		t.Error("a pager was started for a pipe")
	}
}

// TestStepsOnATerminal are told as they end, with what is done now below them, and what could not be done.
func TestStepsOnATerminal(t *testing.T) {
	t.Parallel()
	host := gitserver.Start(t, gitserver.Options{User: "u", Password: "p"})
	host.Create(t, "r.git", "main", map[string]string{"f/raw/a.yaml": document})
	args := []string{"sync", "--repo", host.URL("r.git"), "--dir", "f", "--allow-http", "--allow-network=127.0.0.0/8"}
	code, stdout, stderr := onTerminal(t, narrow, []string{"NO_COLOR=1"}, args...)
	for _, part := range []string{
		"✔ fetched from 127.0.0.1, ", "✔ looked at the directory, ", "✔ looked for files, ", "✔ ingested files: 1, ",
		"✔ done with 127.0.0.1, ", "✔ compared with the last sync, ",
	} {
		if code != 0 || strings.Count(stderr, part) != 1 {
			t.Errorf("exit %d, not once %q in\n%s", code, part, stderr)
		}
	}
	if !strings.Contains(stdout, "see what changed: fgd diff") {
		t.Errorf("no next step in\n%s", stdout)
	}
	host.Commit(t, "r.git", "main", map[string]string{"f/raw/b.yaml": strings.Replace(document, "default", "b", 1)})
	host.Break(gitserver.Fault{On: gitserver.Receive, Status: 403})
	code, stdout, stderr = onTerminal(t, narrow, []string{"NO_COLOR=1"}, args...)
	if code == 0 || !strings.Contains(stderr, "✗ pushing to 127.0.0.1, ") ||
		!strings.Contains(stdout, "do what the error says") {
		t.Errorf("exit %d\n%s%s", code, stdout, stderr)
	}
}

// onPipe runs a command line whose results nobody looks at.
func onPipe(t *testing.T, environ []string, args ...string) (code int, stdout, stderr string) {
	t.Helper()
	var out, err bytes.Buffer
	environ = append([]string{"HEDGEHOG_FGD_GIT_USERNAME=u", "HEDGEHOG_FGD_GIT_PASSWORD=p"}, environ...)
	code = cli.Run(t.Context(), cli.Environment{Args: args, Environ: environ, Stdout: &out, Stderr: &err})
	return code, out.String(), err.String()
}
