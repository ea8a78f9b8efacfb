package cli_test

import (
	"strings"
	"testing"

	"fgdsync.dev/cmd/fgd/internal/cli"
	"fgdsync.dev/testkit/terminal"
)

// TestTopOnATerminal: a sync that runs is seen, shown and cancelled by keys; q ends it, and Ctrl-C with its own code.
func TestTopOnATerminal(t *testing.T) {
	t.Parallel()
	at, _, running, release := heldSync(t)
	defer release()
	for _, end := range []struct {
		key  string
		code int
	}{{"\x03", 130}, {"q", 0}} {
		screen, ended := terminal.Open(t, 80), make(chan int, 1)
		var said lines
		go func() {
			ended <- cli.Run(t.Context(), cli.Environment{
				Args:    []string{"top", "--server", at.GRPC, "--token-file", at.tokenFile},
				Environ: []string{"TERM=xterm-256color"}, Stdin: screen.File, Stdout: screen.File, Stderr: &said,
			})
		}()
		screen.Await("RUNNING")
		screen.Await(running[:13])
		if end.code == 0 {
			for _, step := range []struct{ key, seen string }{
				{"\r", "bootstrap"}, // who asked for it; of what was there already only what differs is printed
				{"c", "Cancel the sync " + running},
				{"n", "Nothing was done."},
				{"c", "Cancel the sync " + running},
				{"y", "was asked to end."},
			} {
				if err := screen.Type(step.key); err != nil {
					t.Fatal(err)
				}
				screen.Await(step.seen)
			}
		}
		if err := screen.Type(end.key); err != nil {
			t.Fatal(err)
		}
		if code := <-ended; code != end.code {
			t.Errorf("exit %d, not %d", code, end.code)
		}
	}
	code, stdout, stderr := run(t.Context(), t, "sync", "show", running, "--server", at.GRPC, "--token-file", at.tokenFile)
	if code != 0 || !strings.Contains(stdout, "cancelled") && !strings.Contains(stdout, "initializing") {
		t.Errorf("exit %d\n%s%s", code, stdout, stderr)
	}
}

// TestTopElsewhere: where there is no terminal, one picture is printed, in each form.
func TestTopElsewhere(t *testing.T) {
	t.Parallel()
	at, _, running, release := heldSync(t)
	defer release()
	for args, want := range map[string]string{
		"":                                "syncs    1 running, 0 waiting\n",
		"-o wide":                         running,
		"-o yaml":                         "sync_id: " + running,
		"--jq .running[0].sync_id":        running + "\n",
		"--jq .health.components[0].name": "bridge\n",
		"--jq .fabrics.running":           "1\n",
	} {
		code, stdout, stderr := run(t.Context(), t, append([]string{"top", "--server", at.GRPC, "--token-file", at.tokenFile},
			strings.Fields(args)...)...)
		if code != 0 || !strings.Contains(stdout, want) || strings.Contains(stdout, "\x1b") {
			t.Errorf("%s: exit %d\n%s%s", args, code, stdout, stderr)
		}
	}
	if code, _, stderr := run(t.Context(), t, "top", "--server", "127.0.0.1:1"); code != 5 {
		t.Errorf("away: exit %d\n%s", code, stderr)
	}
}
