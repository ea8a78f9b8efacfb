package local

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"time"

	"google.golang.org/grpc"

	"fgdsync.dev/cmd/fgd/internal/exit"
	"fgdsync.dev/cmd/fgd/internal/suite"
	"fgdsync.dev/libs/app"
	"fgdsync.dev/libs/config"
	"fgdsync.dev/libs/errs"
	"fgdsync.dev/libs/mtls"
	"fgdsync.dev/libs/secret"
	"fgdsync.dev/libs/telemetry"
)

// Up is the five services in this process, served to callers until they are told to end. What only services may reach
// is on no network address.
type Up struct {
	DataDir string // has everything that is kept
	HTTP    string // address of the JSON API
	GRPC    string // address of gRPC
	Redis   string // URL; without it a private one is run
	Kept    bool   // the Redis stays, whatever becomes of redis_url
	Remotes
	ConfigPath string   // of the configuration file
	Reloads    bool     // reads the file again at SIGHUP, which on a terminal says that it has gone, and ends the services
	LocalPaths []string // repositories on this machine that may be synced, beside those of the configuration
}

// Serving is where callers find the services, and what those keep.
type Serving struct {
	HTTP     string                   // address of the JSON API
	TLS      bool                     // whether it and gRPC speak TLS
	GRPC     string                   // address of gRPC
	Data     string                   // folder with everything that is kept
	Redis    string                   // what kind of Redis it is
	Services grpc.ClientConnInterface // a connection to what is served to services
	// TokenFile is where the first token is kept, until somebody removes it.
	TokenFile string

	made <-chan secret.String
}

// FirstToken waits until it is known whether there is a token, and returns the first one when it has just been made, to
// be shown this once. It is called once.
func (s Serving) FirstToken(ctx context.Context) (secret.String, error) {
	select {
	case made := <-s.made:
		return made, nil
	case <-ctx.Done():
		return secret.String{}, ctx.Err()
	}
}

// Serve runs the services until ctx ends. It calls started once everything listens; an error of that ends them.
func (u Up) Serve(ctx context.Context, env Environment, source *config.Source, tel *telemetry.Telemetry,
	started func(context.Context, Serving) error,
) (err error) {
	app.WarnOfVariables(ctx, source, tel.Log)
	served, err := servedTo(source, tel)
	if err != nil {
		return err
	}
	if err := u.guard(ctx, source, served != nil, tel); err != nil {
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
	callers, err := u.listen()
	if err != nil {
		return err
	}
	redis, err := redisForUp(ctx, u.Redis, u.DataDir, source, tel.Log)
	if err != nil {
		return errors.Join(err, callers.Close())
	}
	defer func() { err = errors.Join(err, redis.stop()) }()
	return u.serveOn(ctx, env, source, tel, suite.Options{Callers: callers, Served: served}, redis, started)
}

// serveOn runs the services on listeners, and with a Redis.
func (u Up) serveOn(ctx context.Context, env Environment, source *config.Source, tel *telemetry.Telemetry,
	o suite.Options, redis *redis, started func(context.Context, Serving) error,
) error {
	folder, err := resolve(u.DataDir)
	if err != nil {
		return errors.Join(err, o.Callers.Close())
	}
	tokenFile, err := resolve(source.Text(bootstrapKey, filepath.Join(u.DataDir, "bootstrap.token")))
	if err != nil {
		return errors.Join(err, o.Callers.Close())
	}
	made := make(chan secret.String, 1)
	at := Serving{
		HTTP: o.Callers.HTTP.Addr().String(), TLS: o.Served != nil, GRPC: o.Callers.GRPC.Addr().String(), Data: folder,
		Redis: redis.kind, TokenFile: tokenFile, made: made,
	}
	o.Definitions, o.Telemetry, o.Instance = suite.Definitions(), tel, app.Instance(at.GRPC)
	o.FirstToken = func(first secret.String) { made <- first }
	if o.Reloader, err = u.reloader(env, source, tel); err != nil {
		return errors.Join(err, o.Callers.Close())
	}
	s, err := newSuite(o, env, source, redis)
	if err != nil {
		return errors.Join(err, o.Callers.Close())
	}
	at.Services = s.Internal()
	tel.Log.InfoContext(ctx, "started", "http", at.HTTP, "grpc", at.GRPC, "redis", redis.kind, "version", app.Version)
	return redis.during(ctx, tel.Log, func(ctx context.Context) error {
		return runWith(ctx, s, func(ctx context.Context) error { return started(ctx, at) })
	})
}

// reloader returns what reads the configuration again, with what the flags say over it; nil where it is not to be.
func (u Up) reloader(
	env Environment, source *config.Source, tel *telemetry.Telemetry,
) (*app.Reloader, error) {
	if !u.Reloads {
		return nil, nil //nolint:nilnil // nothing is read again
	}
	started, err := u.withRedis(source)
	if err != nil {
		return nil, err
	}
	return app.NewReloader(started, func() (*config.Source, error) {
		again, err := config.Load(u.ConfigPath, env.Environ)
		if err != nil {
			return nil, err
		}
		if again, err = u.configure(again); err != nil {
			return nil, err
		}
		return u.withRedis(again)
	}, tel, suite.Definitions()...)
}

// withRedis returns a source in which redis_url is what counts at the next start: what a flag says, or else the key,
// and nothing where a private Redis is run.
func (u Up) withRedis(source *config.Source) (*config.Source, error) {
	if u.Kept {
		return source.With(map[string]any{"redis_url": u.Redis})
	}
	return source.WithDefaults(map[string]any{"redis_url": ""})
}

// guard refuses addresses that others can reach, where nobody is asked who they are.
func (u Up) guard(ctx context.Context, source *config.Source, tls bool, tel *telemetry.Telemetry) error {
	var configured struct {
		Unauthenticated bool `koanf:"allow_unauthenticated"`
	}
	if err := source.Into(&configured); err != nil {
		return err
	}
	return app.GuardCallers(ctx, configured.Unauthenticated, tls, tel.Log, app.Place{Key: "--grpc", Address: u.GRPC},
		app.Place{Key: "--http", Address: u.HTTP})
}

// servedTo reads the certificate that is shown to callers, if there is one.
func servedTo(source *config.Source, tel *telemetry.Telemetry) (*mtls.Served, error) {
	var files mtls.ServedFiles
	if err := source.Into(&files); err != nil {
		return nil, err
	}
	return mtls.LoadServed(files, tel.Log, time.Now)
}

func (u Up) configure(source *config.Source) (*config.Source, error) {
	if err := os.MkdirAll(u.DataDir, 0o700); err != nil {
		return nil, errs.New(errs.FolderUnusable, "The folder %s can't be made.", u.DataDir).WithCause(err)
	}
	source, err := inFolder(source, u.DataDir, u.LocalPaths, u.Remotes)
	if err != nil {
		return nil, err
	}
	// Whoever runs a second one over the same Redis says where these are, and has the first one's keys.
	return source.WithDefaults(map[string]any{
		"credentials_key_file": filepath.Join(u.DataDir, "credentials.key"),
		"token_pepper_file":    filepath.Join(u.DataDir, "token.peppers"),
		"webhook_key_file":     filepath.Join(u.DataDir, "webhook.keys"),
		bootstrapKey:           filepath.Join(u.DataDir, "bootstrap.token"),
		"audit_file":           filepath.Join(u.DataDir, "audit", "audit.jsonl"),
		"audit_key_file":       filepath.Join(u.DataDir, "audit", "audit.key"),
	})
}

// bootstrapKey is the key of where the first token of an installation is kept.
const bootstrapKey = "bootstrap_token_file"

func (u Up) listen() (*suite.Listeners, error) {
	grpcListener, err := app.Listen(u.GRPC, "--grpc")
	if err != nil {
		return nil, err
	}
	httpListener, err := app.Listen(u.HTTP, "--http")
	if err != nil {
		return nil, errors.Join(err, grpcListener.Close())
	}
	return &suite.Listeners{GRPC: grpcListener, HTTP: httpListener}, nil
}

// newSuite builds services that work with a Redis.
func newSuite(o suite.Options, env Environment, source *config.Source, redis *redis) (*suite.Suite, error) {
	source, err := source.With(map[string]any{"redis_url": redis.url})
	if err != nil {
		return nil, err
	}
	o.Source, o.LookupEnv = source, app.Lookup(env.Environ)
	return suite.New(o)
}
