package cli

import (
	"cmp"
	"context"
	"errors"
	"os"

	"github.com/spf13/cobra"

	"fgdsync.dev/cmd/fgd/internal/exit"
	"fgdsync.dev/cmd/fgd/internal/local"
	"fgdsync.dev/cmd/fgd/internal/render"
	"fgdsync.dev/libs/app"
	"fgdsync.dev/libs/telemetry"
	fabricv1 "fgdsync.dev/proto/fgd/fabric/v1"
)

func newUp(env Environment) *cobra.Command {
	up := local.Up{}
	cmd := &cobra.Command{
		Use: "up", Short: "Run all five services in one process", Args: noArguments,
		Long: `Runs all five services in one process. The JSON API and gRPC serve what is for callers; what only services may
reach is on no address. Callers show a token; the first one is made at the first start, and kept in bootstrap.token
of the data folder.`,
		RunE: func(cmd *cobra.Command, _ []string) error { return runUp(cmd.Context(), env, up) },
	}
	flags := cmd.Flags()
	addConfigFlag(cmd, &up.ConfigPath)
	flags.StringVar(&up.DataDir, "data", "fgd-data", "`folder` for everything that is kept")
	flags.StringVar(&up.HTTP, "http", "127.0.0.1:8080", "`address` of the JSON API")
	flags.StringVar(&up.GRPC, "grpc", "127.0.0.1:9090", "`address` of gRPC")
	flags.StringVar(&up.Redis, "redis", "", "`URL` of a Redis; without it a private redis-server is run")
	addRemotesFlags(cmd, &up.Remotes)
	return cmd
}

func runUp(ctx context.Context, env Environment, up local.Up) (err error) {
	services := env.local()
	source, err := services.Source(up.ConfigPath)
	if err != nil {
		return err
	}
	reports := struct {
		Level  string  `koanf:"log_level"`
		Format string  `koanf:"log_format"`
		Ratio  float64 `koanf:"otel_sample_ratio" min:"0" max:"1"`
	}{"info", "json", 1}
	if up.Reloads = !env.errors().Terminal(); !up.Reloads {
		reports.Format = "text"
	}
	if err := source.Into(&reports); err != nil {
		return exit.Misuse(err)
	}
	up.Kept, up.Redis = up.Redis != "", cmp.Or(up.Redis, source.Text("redis_url", ""))
	tel, err := services.Telemetry(ctx, telemetry.Config{
		LogLevel: reports.Level, LogFormat: reports.Format, SampleRatio: reports.Ratio,
	})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, local.Flush(ctx, tel)) }()
	return up.Serve(ctx, services, source, tel, func(ctx context.Context, at local.Serving) error {
		return welcome(ctx, env, at)
	})
}

// welcome tells a person at a terminal where the services are found, and what to do next.
func welcome(ctx context.Context, env Environment, at local.Serving) error {
	screen := env.results()
	if !screen.Terminal() {
		return nil
	}
	list, err := fabricv1.NewFabricServiceClient(at.Services).ListFabrics(ctx, &fabricv1.ListFabricsRequest{})
	if err != nil {
		return err
	}
	token, err := at.FirstToken(ctx)
	if err != nil {
		return err
	}
	if _, err := os.Stat(at.TokenFile); err != nil {
		at.TokenFile = "" // nobody is asked, or somebody has put it where it is safer
	}
	render.Serving(screen, render.Up{
		Version: app.Version, HTTP: at.HTTP, TLS: at.TLS, GRPC: at.GRPC, Data: at.Data, Redis: at.Redis,
		Token: token, TokenFile: at.TokenFile, Fabrics: len(list.GetFabrics()),
	})
	return nil
}
