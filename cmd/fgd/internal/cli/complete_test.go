package cli_test

import (
	"bytes"
	"context"
	"net"
	"testing"
	"time"

	"fgdsync.dev/cmd/fgd/internal/cli"
)

// TestNamesThatComeTooLate are not waited for: a server that takes the call and never answers keeps no shell waiting.
func TestNamesThatComeTooLate(t *testing.T) {
	t.Parallel()
	silent, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = silent.Close() })
	for _, words := range [][]string{{"sync", "start"}, {"sync", "show"}, {"resource", "get", "edge-1"}} {
		ctx, stop := context.WithTimeout(t.Context(), time.Minute) // a machine may be slow, a call waits as long
		var stdout, stderr bytes.Buffer
		args := append([]string{"__complete"}, words...)
		code := cli.Run(ctx, cli.Environment{
			Args: append(args, "--server", silent.Addr().String(), ""), Stdout: &stdout, Stderr: &stderr,
		})
		if code != 0 || stdout.String() != ":4\n" || ctx.Err() != nil {
			t.Errorf("%v: exit %d, %v\n%s%s", words, code, ctx.Err(), &stdout, &stderr)
		}
		stop()
	}
}
