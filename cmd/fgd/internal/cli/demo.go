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
	"fgdsync.dev/libs/telemetry"
)

func newDemo(env Environment) *cobra.Command {
	up, end := local.Up{}, false
	cmd := &cobra.Command{
		Use: "demo", Short: "Show a fabric directory being put in order", Args: noArguments,
		Long: `Makes a bare Git repository with a sample fabric and an emulated NetBox, starts all services, registers the fabric
over the JSON API, and shows what its first sync makes of it, how NetBox follows, and what comes of changes on both
sides. Then the console goes on, with a document in quarantine and a conflict to settle, until Ctrl-C. Everything is in
a temporary folder and gone at the end.`,
		RunE: func(cmd *cobra.Command, _ []string) error { return runDemo(cmd.Context(), env, up, end) },
	}
	flags := cmd.Flags()
	flags.StringVar(&up.HTTP, "http", "127.0.0.1:0", "`address` of the JSON API; a free port when absent")
	flags.StringVar(&up.GRPC, "grpc", "127.0.0.1:0", "`address` of gRPC; a free port when absent")
	flags.BoolVar(&end, "exit", false, "end after the story instead of waiting for Ctrl-C")
	return cmd
}

func runDemo(ctx context.Context, env Environment, up local.Up, end bool) (err error) {
	folder, err := os.MkdirTemp("", "fgd-demo-")
	if err != nil {
		return errs.New(errs.FolderUnusable, "A temporary folder can't be made.").WithCause(err)
	}
	defer func() { err = errors.Join(err, os.RemoveAll(folder)) }()
	return demonstrate(ctx, env, folder, up, end)
}

// demonstrate runs the demonstration in a folder.
func demonstrate(ctx context.Context, env Environment, folder string, up local.Up, end bool) (err error) {
	repository, credentials := filepath.Join(folder, "fabrics.git"), filepath.Join(folder, "credentials")
	if err := demo.CreateRepository(repository, time.Now()); err != nil {
		return err
	}
	netbox, err := demo.ServeNetBox(ctx, credentials)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, netbox.Close()) }()
	services := env.local()
	source, err := services.Source("")
	if err != nil {
		return err
	}
	if source, err = source.With(map[string]any{"credentials_dir": credentials}); err != nil {
		return err
	}
	tel, err := services.Telemetry(ctx, telemetry.Config{LogLevel: "warn", LogFormat: "text", SampleRatio: 1})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, local.Flush(ctx, tel)) }()
	up.DataDir, up.LocalPaths = filepath.Join(folder, "data"), []string{repository}
	up.AllowHTTP, up.AllowNetworks = true, []string{"127.0.0.0/8"} // where the NetBox is
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	return up.Serve(ctx, services, source, tel, func(ctx context.Context, at local.Serving) error {
		token, err := at.FirstToken(ctx)
		if err != nil {
			return err
		}
		shown := &demo.Demonstration{
			Out: env.Stdout, Base: "http://" + at.HTTP, Token: token, Repository: repository, NetBox: netbox,
		}
		if err := shown.Show(ctx); err != nil {
			return err
		}
		if end {
			stop()
			return nil
		}
		env.printf("\nThe services go on, until Ctrl-C. Open http://%s/ and sign in with the token in\n  %s\n", at.HTTP,
			at.TokenFile)
		for _, page := range shown.Pages() {
			env.printf("  %-22s %s\n", page[0], page[1])
		}
		return nil
	})
}
