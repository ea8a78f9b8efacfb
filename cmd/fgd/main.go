// Command fgd is all of FGD Sync in one program: the five services in one process, one sync from the command line,
// offline validation, and a demonstration.
package main

import (
	"context"
	"os"
	"os/signal"
	"syscall"

	"fgdsync.dev/cmd/fgd/internal/cli"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	code := cli.Run(ctx, cli.Environment{
		Args: os.Args[1:], Environ: os.Environ(), Stdin: os.Stdin, Stdout: os.Stdout, Stderr: os.Stderr,
	})
	stop()
	os.Exit(code)
}
