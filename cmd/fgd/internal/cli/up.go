package cli

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"time"

	"github.com/spf13/cobra"

	"fgdsync.dev/cmd/fgd/internal/suite"
	"fgdsync.dev/libs/app"
	"fgdsync.dev/libs/config"
	"fgdsync.dev/libs/errs"
	"fgdsync.dev/libs/telemetry"
)

type upOptions struct {
	configPath, dataDir, http, grpc, redis string
	allowInsecure                          bool
	localPaths                             []string
}

func newUp(env Environment) *cobra.Command {
	o := upOptions{}
	cmd := &cobra.Command{
		Use: "up", Short: "Run all five services in one process", Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return up(cmd.Context(), env, o) },
	}
	flags := cmd.Flags()
	flags.StringVar(&o.configPath, "config", "", "configuration `file`; see fgd.yaml for every key")
	flags.StringVar(&o.dataDir, "data", "fgd-data", "`folder` for everything that is kept")
	flags.StringVar(&o.http, "http", "127.0.0.1:8080", "`address` of the JSON API")
	flags.StringVar(&o.grpc, "grpc", "127.0.0.1:9090", "`address` of gRPC")
	flags.StringVar(&o.redis, "redis", "", "`URL` of a Redis; without it a private redis-server is run")
	flags.BoolVar(&o.allowInsecure, "allow-insecure-remotes", false, "permit http and loopback or private addresses")
	return cmd
}

func up(ctx context.Context, env Environment, o upOptions) (err error) {
	source, err := loadSource(env, o.configPath)
	if err != nil {
		return err
	}
	p := process{LogLevel: "info", LogFormat: "json"}
	if err := source.Into(&p); err != nil {
		return usage{err}
	}
	if err := app.GuardListen(o.http, p.Unauthenticated); err != nil {
		return usage{err}
	}
	if o.redis == "" {
		o.redis = p.RedisURL
	}
	tel, err := newTelemetry(ctx, env, p)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, flush(ctx, tel)) }()
	return serve(ctx, source, o, tel, func(context.Context, string) error { return nil })
}

// serve runs the suite until ctx ends. The call is made once everything listens, with the address of the JSON API.
func serve(ctx context.Context, source *config.Source, o upOptions, tel *telemetry.Telemetry,
	started func(context.Context, string) error,
) (err error) {
	cfg, err := upConfig(source, o)
	if err != nil {
		return err
	}
	grpcListener, err := app.Listen(o.grpc, "--grpc")
	if err != nil {
		return err
	}
	httpListener, err := app.Listen(o.http, "--http")
	if err != nil {
		return errors.Join(err, grpcListener.Close())
	}
	redis, err := openBest(ctx, o.redis, o.dataDir, tel.Log)
	if err != nil {
		return errors.Join(err, grpcListener.Close(), httpListener.Close())
	}
	defer func() { err = errors.Join(err, redis.close()) }()
	s, err := suite.New(cfg, redis.Conn, app.Instance(grpcListener.Addr().String()), tel)
	if err != nil {
		return errors.Join(err, grpcListener.Close(), httpListener.Close())
	}
	s.Host().ServeGRPC(grpcListener)
	s.Host().ServeHTTP(httpListener, s.Handler())
	tel.Log.InfoContext(ctx, "started", "http", httpListener.Addr().String(), "grpc", grpcListener.Addr().String(),
		"redis", redis.kind, "version", app.Version)
	return runWith(ctx, s, func(ctx context.Context) error { return started(ctx, httpListener.Addr().String()) })
}

// runWith runs the suite, and a call beside it. An error of the call ends the suite.
func runWith(ctx context.Context, s *suite.Suite, call func(context.Context) error) error {
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	ended := make(chan error, 1)
	go func() { ended <- s.Run(ctx) }()
	if err := call(ctx); err != nil {
		stop()
		return errors.Join(err, <-ended)
	}
	return <-ended
}

func upConfig(source *config.Source, o upOptions) (suite.Config, error) {
	cfg, err := suite.Load(source)
	if err != nil {
		return cfg, usage{err}
	}
	if err := os.MkdirAll(o.dataDir, 0o700); err != nil {
		return cfg, errs.New(errs.FolderUnusable, "The folder %s can't be made.", o.dataDir).WithCause(err)
	}
	cfg.GithubSync.DataDir = filepath.Join(o.dataDir, "git")
	cfg.Orchestrator.LedgerFile = filepath.Join(o.dataDir, "ledger.db")
	if cfg.GithubSync.CredentialsKeyFile == "" {
		cfg.GithubSync.CredentialsKeyFile = filepath.Join(o.dataDir, "credentials.key")
	}
	cfg.GithubSync.AllowInsecureRemotes = cfg.GithubSync.AllowInsecureRemotes || o.allowInsecure
	cfg.GithubSync.AllowedLocalPaths = append(cfg.GithubSync.AllowedLocalPaths, o.localPaths...)
	return cfg, nil
}

const flushTimeout = 5 * time.Second

func flush(ctx context.Context, tel *telemetry.Telemetry) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), flushTimeout)
	defer cancel()
	return tel.Shutdown(ctx)
}
