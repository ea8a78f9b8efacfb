package local

import (
	"context"
	"errors"
	"net"
	"os"
	"path/filepath"

	"google.golang.org/grpc"

	"fgdsync.dev/cmd/fgd/internal/exit"
	"fgdsync.dev/cmd/fgd/internal/suite"
	"fgdsync.dev/libs/app"
	"fgdsync.dev/libs/config"
	"fgdsync.dev/libs/errs"
	"fgdsync.dev/libs/telemetry"
)

// Up is the five services in this process, served to callers until they are told to end. What only services may reach
// is on no network address.
type Up struct {
	DataDir string // has everything that is kept
	HTTP    string // address of the JSON API
	GRPC    string // address of gRPC
	Redis   string // URL; without it a private one is run
	Remotes
	LocalPaths []string // repositories on this machine that may be synced, beside those of the configuration
}

// Serving is where callers find the services, and what those keep.
type Serving struct {
	HTTP     string           // address of the JSON API
	GRPC     string           // address of gRPC
	Data     string           // folder with everything that is kept
	Redis    string           // what kind of Redis it is
	Services *grpc.ClientConn // a connection to what is served to services
}

// Serve runs the services until ctx ends. It calls started once everything listens; an error of that ends them.
func (u Up) Serve(ctx context.Context, env Environment, source *config.Source, tel *telemetry.Telemetry,
	started func(context.Context, Serving) error,
) (err error) {
	app.WarnOfVariables(ctx, source, tel.Log)
	if err := u.guard(ctx, source, tel); err != nil {
		return exit.Misuse(err)
	}
	if source, err = u.configure(source); err != nil {
		return err
	}
	release, err := claim(u.DataDir)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, release()) }()
	grpcListener, httpListener, err := u.listen()
	if err != nil {
		return err
	}
	redis, err := redisForUp(ctx, u.Redis, u.DataDir, source, tel.Log)
	if err != nil {
		return errors.Join(err, grpcListener.Close(), httpListener.Close())
	}
	defer func() { err = errors.Join(err, redis.stop()) }()
	s, err := newSuite(suite.Definitions(), env, source, redis, tel, app.Instance(grpcListener.Addr().String()))
	if err != nil {
		return errors.Join(err, grpcListener.Close(), httpListener.Close())
	}
	s.Serve(grpcListener, httpListener)
	tel.Log.InfoContext(ctx, "started", "http", httpListener.Addr().String(), "grpc", grpcListener.Addr().String(),
		"redis", redis.kind, "version", app.Version)
	return redis.during(ctx, tel.Log, func(ctx context.Context) error {
		return runWith(ctx, s, func(ctx context.Context) error {
			folder, err := resolve(u.DataDir)
			return errors.Join(err, started(ctx, Serving{
				HTTP: httpListener.Addr().String(), GRPC: grpcListener.Addr().String(), Data: folder, Redis: redis.kind,
				Services: s.Internal(),
			}))
		})
	})
}

// guard refuses addresses that others can reach, unless the configuration permits them.
func (u Up) guard(ctx context.Context, source *config.Source, tel *telemetry.Telemetry) error {
	var configured struct {
		Unauthenticated bool `koanf:"allow_unauthenticated"`
	}
	if err := source.Into(&configured); err != nil {
		return err
	}
	if err := app.GuardListen(ctx, "--grpc", u.GRPC, configured.Unauthenticated, tel.Log); err != nil {
		return err
	}
	return app.GuardListen(ctx, "--http", u.HTTP, configured.Unauthenticated, tel.Log)
}

func (u Up) configure(source *config.Source) (*config.Source, error) {
	if err := os.MkdirAll(u.DataDir, 0o700); err != nil {
		return nil, errs.New(errs.FolderUnusable, "The folder %s can't be made.", u.DataDir).WithCause(err)
	}
	source, err := inFolder(source, u.DataDir, u.LocalPaths, u.Remotes)
	if err != nil {
		return nil, err
	}
	source, err = source.With(map[string]any{
		"audit_file":     filepath.Join(u.DataDir, "audit", "audit.jsonl"),
		"audit_key_file": filepath.Join(u.DataDir, "audit", "audit.key"),
	})
	if err != nil {
		return nil, err
	}
	return withKeyFile(source, filepath.Join(u.DataDir, "credentials.key"))
}

func (u Up) listen() (grpcListener, httpListener net.Listener, err error) {
	if grpcListener, err = app.Listen(u.GRPC, "--grpc"); err != nil {
		return nil, nil, err
	}
	if httpListener, err = app.Listen(u.HTTP, "--http"); err != nil {
		return nil, nil, errors.Join(err, grpcListener.Close())
	}
	return grpcListener, httpListener, nil
}

// newSuite builds services that work with a Redis.
func newSuite(definitions []app.Definition, env Environment, source *config.Source, redis *redis,
	tel *telemetry.Telemetry, instance string,
) (*suite.Suite, error) {
	source, err := source.With(map[string]any{"redis_url": redis.url})
	if err != nil {
		return nil, err
	}
	return suite.New(suite.Options{
		Definitions: definitions, Source: source, Telemetry: tel, Instance: instance, LookupEnv: app.Lookup(env.Environ),
	})
}
