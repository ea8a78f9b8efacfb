package cli

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"time"

	"github.com/spf13/cobra"

	"fgdsync.dev/cmd/fgd/internal/demo"
	"fgdsync.dev/cmd/fgd/internal/local"
	"fgdsync.dev/libs/errs"
)

func newDemo(env Environment) *cobra.Command {
	up, end := local.Up{}, false
	cmd := &cobra.Command{
		Use: "demo", Short: "Show a fabric directory being put in order", Args: noArguments,
		Long: `Makes a bare Git repository with a sample fabric, starts all services, registers the fabric over the JSON API,
and shows what its first sync makes of it. Everything is in a temporary folder and gone at the end.`,
		RunE: func(cmd *cobra.Command, _ []string) error { return runDemo(cmd.Context(), env, up, end) },
	}
	flags := cmd.Flags()
	flags.StringVar(&up.HTTP, "http", "127.0.0.1:0", "`address` of the JSON API; a free port when absent")
	flags.StringVar(&up.GRPC, "grpc", "127.0.0.1:0", "`address` of gRPC; a free port when absent")
	flags.BoolVar(&end, "exit", false, "end after the sync instead of waiting for Ctrl-C")
	return cmd
}

func runDemo(ctx context.Context, env Environment, up local.Up, end bool) (err error) {
	services := env.local()
	source, err := services.Source("")
	if err != nil {
		return err
	}
	tel, err := services.Telemetry(ctx, "warn", "text")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, local.Flush(ctx, tel)) }()
	folder, err := os.MkdirTemp("", "fgd-demo-")
	if err != nil {
		return errs.New(errs.FolderUnusable, "A temporary folder can't be made.").WithCause(err)
	}
	defer func() { err = errors.Join(err, os.RemoveAll(folder)) }()
	repository := filepath.Join(folder, "fabrics.git")
	if err := demo.CreateRepository(repository, time.Now()); err != nil {
		return err
	}
	up.DataDir, up.LocalPaths = filepath.Join(folder, "data"), []string{repository}
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	return up.Serve(ctx, services, source, tel, func(ctx context.Context, at local.Serving) error {
		token, err := at.FirstToken(ctx)
		if err != nil {
			return err
		}
		if err := demo.Show(ctx, env.Stdout, "http://"+at.HTTP, token, repository); err != nil {
			return err
		}
		if end {
			stop()
			return nil
		}
		env.printf("\nThe services go on: http://%s/docs shows the API. Its callers show the token in %s.\n"+
			"Ctrl-C ends them.\n", at.HTTP, at.TokenFile)
		return nil
	})
}
