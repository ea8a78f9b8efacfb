package cli_test

import (
	"context"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"regexp"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"
	"go.uber.org/goleak"

	"fgdsync.dev/cmd/fgd/internal/cli"
	"fgdsync.dev/testkit/gitserver"
	"fgdsync.dev/testkit/redistest"
)

// TestMain runs the tests, or, as a command of a script, fgd.
func TestMain(m *testing.M) { testscript.Main(leakless{m}, map[string]func(){"fgd": fgd}) }

// leakless is tests that leave no goroutine behind.
type leakless struct{ *testing.M }

// Run returns the exit code of the tests.
func (l leakless) Run() int {
	code := l.M.Run()
	if code != 0 {
		return code
	}
	if err := goleak.Find(); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	return 0
}

// fgd is the program.
func fgd() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	os.Exit(cli.Run(ctx, cli.Environment{
		Args: os.Args[1:], Environ: os.Environ(), Stdin: os.Stdin, Stdout: os.Stdout, Stderr: os.Stderr,
	}))
}

// offered runs a command until its output has a match of a pattern: offered PATTERN PROGRAM [ARGUMENT…]. What a server
// offers to complete a word may come too late for a shell, and then comes when the key is pressed again.
func offered(script *testscript.TestScript, negated bool, words []string) {
	if negated || len(words) < 2 {
		script.Fatalf("usage: offered PATTERN PROGRAM [ARGUMENT...]")
	}
	wanted := regexp.MustCompile("(?m)" + words[0])
	for until := time.Now().Add(time.Minute); ; {
		script.Check(script.Exec(words[1], words[2:]...))
		if wanted.MatchString(script.ReadFile("stdout")) {
			return
		}
		if time.Now().After(until) {
			script.Fatalf("in vain: no %s in\n%s", wanted, script.ReadFile("stdout"))
		}
	}
}

// TestScripts runs each script with the program itself, beside a running system that knows no fabric. In a repository
// at $REPO is a directory for each script, by its name.
func TestScripts(t *testing.T) {
	t.Parallel()
	host := gitserver.Start(t, gitserver.Options{})
	files, err := filepath.Glob("testdata/script/*.txtar")
	if err != nil || len(files) == 0 {
		t.Fatal(files, err)
	}
	content := map[string]string{}
	for _, file := range files {
		name := filepath.Base(file)
		content[name[:len(name)-len(".txtar")]+"/raw/a.yaml"] = document + "---\nkind: [\n"
	}
	host.Create(t, "r.git", "main", content)
	at, _ := up(t, nil, "--redis", redistest.Start(t).URL(), "--allow-http", "--allow-network=127.0.0.0/8")
	params := testscript.Params{
		Dir: "testdata/script", RequireExplicitExec: true, RequireUniqueNames: true,
		Cmds: map[string]func(*testscript.TestScript, bool, []string){"offered": offered},
		Setup: func(env *testscript.Env) error {
			env.Setenv("REPO", host.URL("r.git"))
			env.Setenv("SERVER", at.GRPC)
			env.Setenv("TOKEN_FILE", at.tokenFile)
			env.Setenv("XDG_CONFIG_HOME", filepath.Join(env.WorkDir, "home"))
			return nil
		},
	}
	t.Run("with a running system", func(t *testing.T) { testscript.Run(t, params) })
	// What has all fabrics synced is tried when nobody waits for a sync of his own.
	params.Dir = "testdata/alone"
	t.Run("alone with it", func(t *testing.T) { testscript.Run(t, params) })
}
