// Command fgd is all of FGD Sync in one program: the five services in one process, one sync from the command line,
// offline validation, and a demonstration.
package main

import (
	"context"
	"fmt"
	"os"
	"os/signal"
	"syscall"

	"fgdsync.dev/cmd/fgd/internal/cli"
	"fgdsync.dev/libs/app"
)

func main() { os.Exit(run()) }

func run() int {
	if err := app.RefuseCores(); err != nil {
		fmt.Fprintln(os.Stderr, "fgd:", err)
		return 1
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	return cli.Run(ctx, cli.Environment{
		Args: os.Args[1:], Environ: os.Environ(), Stdin: os.Stdin, Stdout: os.Stdout, Stderr: os.Stderr,
	})
}
