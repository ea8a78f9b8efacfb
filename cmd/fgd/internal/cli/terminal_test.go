package cli_test

import (
	"bytes"
	"context"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/rivo/uniseg"

	"fgdsync.dev/cmd/fgd/internal/cli"
	"fgdsync.dev/testkit/gitserver"
	"fgdsync.dev/testkit/redistest"
	"fgdsync.dev/testkit/terminal"
)

// onTerminal runs a command line on a terminal that has so many columns.
func onTerminal(t *testing.T, columns uint16, environ []string, args ...string) (code int, stdout, stderr string) {
	t.Helper()
	out, err := terminal.Open(t, columns), terminal.Open(t, columns)
	environ = append([]string{"HEDGEHOG_FGD_GIT_USERNAME=u", "HEDGEHOG_FGD_GIT_PASSWORD=p"}, environ...)
	code = cli.Run(t.Context(), cli.Environment{Args: args, Environ: environ, Stdout: out.File, Stderr: err.File})
	return code, out.Text(), err.Text()
}

const narrow = 60

var colour = regexp.MustCompile(`\x1b\[[0-9;]*m`)

// TestSyncOnATerminal has marks and colours, says what it does and what to do next, and breaks lines between words.
func TestSyncOnATerminal(t *testing.T) {
	t.Parallel()
	host := gitserver.Start(t, gitserver.Options{User: "u", Password: "p"})
	host.Create(t, "r.git", "main", map[string]string{"f/raw/a.yaml": document + "---\nkind: [\n"})
	repository := host.URL("r.git")
	args := []string{"sync", "--repo", repository, "--dir", "f", "--allow-http", "--allow-network=127.0.0.0/8"}
	code, stdout, _ := onTerminal(t, narrow, nil, append(args, "--dry-run")...)
	for _, part := range []string{"\x1b[32m+kind: IPv4Namespace", " managed/", "\x1b[31merror: "} {
		if code != 3 || !strings.Contains(stdout, part) {
			t.Errorf("a dry run: exit %d, no %q in\n%s", code, part, stdout)
		}
	}
	if code, stdout, _ := onTerminal(t, narrow, nil, append(args, "--dry-run", "--stat")...); code != 3 ||
		strings.Contains(stdout, "+kind: IPv4Namespace") || !strings.Contains(stdout, "\x1b[32m+") {
		t.Errorf("only how much: exit %d\n%s", code, stdout)
	}
	code, stdout, stderr := onTerminal(t, narrow, nil, args...)
	for _, part := range []string{
		"\x1b[32m✔ completed", repository, "branch main", "1 quarantined: fgd", "--branch main",
	} {
		if code != 3 || !strings.Contains(stdout, part) {
			t.Errorf("exit %d, no %q in\n%s%s", code, part, stdout, stderr)
		}
	}
	for line := range strings.Lines(colour.ReplaceAllString(stdout, "")) {
		line = strings.TrimRight(line, "\n")
		if uniseg.StringWidth(line) > narrow && len(strings.Fields(line)) > 2 {
			t.Errorf("a line of %d columns: %q", uniseg.StringWidth(line), line)
		}
	}
	if code, stdout, _ := onTerminal(t, narrow, []string{"NO_COLOR=1"}, args...); code != 0 ||
		colour.MatchString(stdout) || !strings.Contains(stdout, "✔ completed") {
		t.Errorf("without colours: exit %d\n%q", code, stdout)
	}
	if code, stdout, stderr := run(t.Context(), t, args...); code != 0 || strings.ContainsAny(stdout, "\x1b✔") ||
		stderr != "" {
		t.Errorf("in a pipe: exit %d\n%q%q", code, stdout, stderr)
	}
}

// TestWhatACommandWaitsFor is said for as long as a host does not answer, by a sync and by a command that only looks.
func TestWhatACommandWaitsFor(t *testing.T) {
	t.Parallel()
	host := gitserver.Start(t, gitserver.Options{})
	host.Create(t, "r.git", "main", map[string]string{"f/raw/a.yaml": document})
	for _, command := range []string{"history", "sync"} {
		gate := make(chan struct{})
		host.Break(gitserver.Fault{On: gitserver.Fetch, Times: 1, Hold: gate})
		log, ended := terminal.Open(t, narrow), make(chan int, 1)
		go func() {
			ended <- cli.Run(t.Context(), cli.Environment{
				Args:   []string{command, "--repo", host.URL("r.git"), "--dir", "f", "--allow-http", "--allow-network=127.0.0.0/8"},
				Stdout: io.Discard, Stderr: log.File,
			})
		}()
		log.Await("fetching from 127.0.0.1, ")
		close(gate)
		if code := <-ended; code != 0 {
			t.Errorf("%s: exit %d", command, code)
		}
	}
}

// TestUpOnATerminal says where it is found, and logs in words. The first token is on the terminal once, at the start
// that has made it, and never in the log; after that it is said where it is.
func TestUpOnATerminal(t *testing.T) {
	t.Parallel()
	folder := t.TempDir()
	said, logged := upOnTerminal(t, folder)
	file := filepath.Join(folder, "bootstrap.token")
	token := firstToken(t, file)
	for _, part := range []string{"/docs", folder, "Ctrl-C ends it.", "gRPC", token, file} {
		if !strings.Contains(said, part) {
			t.Errorf("no %q in\n%s", part, said)
		}
	}
	if strings.Contains(logged, `{"time"`) || !strings.Contains(logged, "msg=started") || strings.Contains(logged, token) {
		t.Errorf("logged\n%s", logged)
	}
	said, logged = upOnTerminal(t, folder)
	if strings.Contains(said+logged, token) || !strings.Contains(said, file) {
		t.Errorf("the second time\n%s\nlogged\n%s", said, logged)
	}
	if err := os.Remove(file); err != nil {
		t.Fatal(err)
	}
	if said, _ = upOnTerminal(t, folder); strings.Contains(said, "bootstrap.token") {
		t.Errorf("without the file\n%s", said)
	}
}

// upOnTerminal runs fgd up until it has said everything, and returns what it said and what it logged.
func upOnTerminal(t *testing.T, folder string) (said, logged string) {
	t.Helper()
	ctx, stop := context.WithCancel(t.Context())
	out, log := terminal.Open(t, 200), terminal.Open(t, 200)
	ended := make(chan int, 1)
	go func() {
		ended <- cli.Run(ctx, cli.Environment{
			Args:   []string{"up", "--data", folder, "--http", "127.0.0.1:0", "--grpc", "127.0.0.1:0"},
			Stdout: out.File, Stderr: log.File,
		})
	}()
	out.Await("nothing is registered yet")
	stop()
	if code := <-ended; code != 0 {
		t.Errorf("exit %d", code)
	}
	return out.Text(), log.Text()
}

// TestASecondUp in a folder names the first one, and does not touch what it keeps.
func TestASecondUp(t *testing.T) {
	t.Parallel()
	folder := t.TempDir()
	up(t, nil, "--data", folder)
	var stderr bytes.Buffer
	code := cli.Run(t.Context(), cli.Environment{
		Args:   []string{"up", "--data", folder, "--http", "127.0.0.1:0", "--grpc", "127.0.0.1:0"},
		Stdout: io.Discard, Stderr: &stderr,
	})
	for _, part := range []string{"FGD_5020", "(process ", folder, "--data"} {
		if code != 1 || !strings.Contains(stderr.String(), part) {
			t.Errorf("exit %d, no %q in\n%s", code, part, &stderr)
		}
	}
}

// TestAnUnfitRedis: why it is refused is said, and not that something was cancelled because of it.
func TestAnUnfitRedis(t *testing.T) {
	t.Parallel()
	host := gitserver.Start(t, gitserver.Options{User: "u", Password: "p"})
	host.Create(t, "r.git", "main", map[string]string{"f/raw/a.yaml": document})
	server := redistest.Start(t)
	if err := server.Conn(t).Main.ConfigSet(t.Context(), "appendonly", "no").Err(); err != nil {
		t.Fatal(err)
	}
	args := []string{
		"sync", "--repo", host.URL("r.git"), "--dir", "f", "--allow-http",
		"--allow-network=127.0.0.0/8", "--redis", server.URL(),
	}
	if code, _, stderr := run(t.Context(), t, args...); code != 1 || !strings.Contains(stderr, "FGD_5009") ||
		!strings.Contains(stderr, "append-only") {
		t.Errorf("exit %d\n%s", code, stderr)
	}
}

// TestAnInterruptedCommand ends with the code that shells know, and without an error of what was cancelled.
func TestAnInterruptedCommand(t *testing.T) {
	t.Parallel()
	ctx, stop := context.WithCancel(t.Context())
	stop()
	host := gitserver.Start(t, gitserver.Options{User: "u", Password: "p"})
	host.Create(t, "r.git", "main", map[string]string{"f/raw/a.yaml": document})
	code, _, stderr := run(ctx, t, "sync", "--repo", host.URL("r.git"), "--dir", "f", "--allow-http",
		"--allow-network=127.0.0.0/8")
	if code != 130 || !strings.HasPrefix(stderr, "fgd: interrupted; whether it has published is on the branch") {
		t.Errorf("exit %d\n%s", code, stderr)
	}
}

// TestAQuestionIsAnswered: what can't be undone is asked of a person at a terminal, and a no leaves it.
func TestAQuestionIsAnswered(t *testing.T) {
	t.Parallel()
	at, _ := up(t, nil, "--redis", redistest.Start(t).URL())
	for _, one := range []struct {
		typed string
		code  int
		says  string
	}{{"n\n", 1, "Nothing was done."}, {"\n", 1, "Nothing was done."}, {"yes\n", 1, "FGD_1052"}} {
		in, stderr := terminal.Open(t, narrow), terminal.Open(t, narrow)
		if err := in.Type(one.typed); err != nil {
			t.Fatal(err)
		}
		code := cli.Run(t.Context(), cli.Environment{
			Args:  []string{"token", "revoke", "abcdefabcdef", "--server", at.GRPC, "--token-file", at.tokenFile},
			Stdin: in.File, Stdout: io.Discard, Stderr: stderr.File,
		})
		if said := stderr.Text(); code != one.code || !strings.Contains(said, "would be taken no more. Go on? [y/N]") ||
			!strings.Contains(said, one.says) {
			t.Errorf("%q: exit %d\n%s", one.typed, code, said)
		}
	}
}
