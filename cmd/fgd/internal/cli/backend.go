package cli

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"path/filepath"

	"github.com/alicebob/miniredis/v2"

	"fgdsync.dev/libs/app"
	"fgdsync.dev/libs/config"
	"fgdsync.dev/libs/errs"
	"fgdsync.dev/libs/redisconn"
	"fgdsync.dev/libs/redisproc"
	"fgdsync.dev/libs/telemetry"
)

// backend is the Redis that a command works with, and how to end it.
type backend struct {
	*redisconn.Conn
	kind string
	stop func() error
}

func (b *backend) close() error { return errors.Join(b.Close(), b.stop()) }

func openGiven(ctx context.Context, url string) (*backend, error) {
	conn, err := redisconn.Open(url)
	if err != nil {
		return nil, err
	}
	if err := conn.Ping(ctx); err != nil {
		return nil, errors.Join(err, conn.Close())
	}
	return &backend{conn, "given", func() error { return nil }}, nil
}

func openInMemory() (*backend, error) {
	server := miniredis.NewMiniRedis()
	if err := server.Start(); err != nil {
		return nil, errs.New(errs.RedisConnectionFailed, "The in-memory Redis can't be started.").WithCause(err)
	}
	conn, err := redisconn.Open("redis://" + server.Addr())
	if err != nil {
		server.Close()
		return nil, err
	}
	return &backend{conn, "in memory", func() error { server.Close(); return nil }}, nil
}

// openBest takes the Redis given, else runs a private one, else falls back to memory and says what that costs.
func openBest(ctx context.Context, url, dataDir string, log *slog.Logger) (*backend, error) {
	if url != "" {
		return openGiven(ctx, url)
	}
	server, err := redisproc.Start(ctx, filepath.Join(dataDir, "redis"))
	if errors.Is(err, redisproc.ErrNotInstalled) {
		log.WarnContext(ctx, "redis-server is not installed: the history of syncs is kept in memory and is lost when this "+
			"process ends; fabrics and syncs that have not ended are kept in the data folder")
		return openInMemory()
	}
	if err != nil {
		return nil, err
	}
	conn, err := redisconn.Open(server.URL())
	if err != nil {
		return nil, errors.Join(err, server.Stop())
	}
	return &backend{conn, "private redis-server", server.Stop}, nil
}

// loadSource reads the configuration file and the environment.
func loadSource(env Environment, path string) (*config.Source, error) {
	source, err := config.Load(path, env.Environ)
	if err != nil {
		return nil, usage{err}
	}
	return source, nil
}

// process reads the keys that every process has.
type process struct {
	LogLevel  string `koanf:"log_level"`
	LogFormat string `koanf:"log_format"`
	RedisURL  string `koanf:"redis_url"`

	Unauthenticated bool `koanf:"allow_unauthenticated"`
}

func newTelemetry(ctx context.Context, env Environment, p process) (*telemetry.Telemetry, error) {
	tel, err := telemetry.New(ctx, telemetry.Config{
		Service: "fgd", Version: app.Version, LogWriter: env.Stderr, LogLevel: p.LogLevel, LogFormat: p.LogFormat,
		OTLPEndpoint: app.Environment(env.Environ, "OTEL_EXPORTER_OTLP_ENDPOINT"),
	})
	if err != nil {
		return nil, usage{errs.New(errs.ConfigurationInvalid, "%v", err)}
	}
	return tel, nil
}

func pathError(path string, err error) error {
	return usage{errs.New(errs.InvalidRequest, "%s can't be read", path).WithCause(err)}
}

func printf(env Environment, format string, args ...any) {
	// A reader that went away is no reason to stop the work.
	_, _ = fmt.Fprintf(env.Stdout, format, args...)
}
