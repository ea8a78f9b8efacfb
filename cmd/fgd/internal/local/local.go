// Package local runs the services in this process: for as long as one command takes, or until it is told to end. A
// command works on one directory and leaves nothing of its own behind.
package local

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os/user"
	"path/filepath"
	"time"

	"fgdsync.dev/cmd/fgd/internal/exit"
	"fgdsync.dev/cmd/fgd/internal/suite"
	"fgdsync.dev/libs/app"
	"fgdsync.dev/libs/config"
	"fgdsync.dev/libs/errs"
	"fgdsync.dev/libs/rpc"
	"fgdsync.dev/libs/telemetry"
)

// Environment is what the services have of the process that they run in.
type Environment struct {
	Environ []string  // as os.Environ returns it
	Log     io.Writer // where they log
}

// User returns the name of the person who runs the process.
func (e Environment) User() string {
	for _, name := range []string{"SUDO_USER", "USER", "LOGNAME"} {
		if name := app.Environment(e.Environ, name); name != "" {
			return name
		}
	}
	if person, err := user.Current(); err == nil && person.Username != "" {
		return person.Username
	}
	return "fgd"
}

// Source reads the configuration file, when a path is given, and the environment, for a process that logs.
func (e Environment) Source(path string) (*config.Source, error) {
	source, err := config.Load(path, e.Environ)
	if err != nil {
		return nil, exit.Misuse(err)
	}
	return source, nil
}

// commandSource reads them for a command, which says in words which variables nothing reads.
func (e Environment) commandSource(path string) (*config.Source, error) {
	source, err := e.Source(path)
	if err != nil {
		return nil, err
	}
	for _, v := range source.Unknown() {
		meant := ""
		if v.Nearest != "" {
			meant = "; perhaps " + v.Nearest + " is meant"
		}
		fmt.Fprintf(e.Log, "fgd: warning: nothing reads the variable %s%s\n", v.Name, meant)
	}
	return source, nil
}

// Telemetry makes what the services report through, at a level, in a format, with a share of the traces. Whoever makes
// it flushes it.
func (e Environment) Telemetry(ctx context.Context, cfg telemetry.Config) (*telemetry.Telemetry, error) {
	cfg.Service, cfg.Version, cfg.LogWriter, cfg.ContextAttrs = "fgd", app.Version, e.Log, rpc.LogAttrs
	cfg.OTLPEndpoint = app.Environment(e.Environ, "OTEL_EXPORTER_OTLP_ENDPOINT")
	tel, err := telemetry.New(ctx, cfg)
	if err != nil {
		return nil, exit.Misuse(errs.New(errs.ConfigurationInvalid, "%v", err))
	}
	return tel, nil
}

// quiet makes the telemetry of a command, which reports what fails and no more.
func (e Environment) quiet(ctx context.Context) (*telemetry.Telemetry, error) {
	return e.Telemetry(ctx, telemetry.Config{LogLevel: "error", LogFormat: "text", SampleRatio: 1})
}

const flushTimeout = 5 * time.Second

// Flush sends the traces that still wait.
func Flush(ctx context.Context, tel *telemetry.Telemetry) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), flushTimeout)
	defer cancel()
	return tel.Shutdown(ctx)
}

// Remotes are Git hosts that are permitted besides those at public addresses over https and ssh.
type Remotes struct {
	AllowHTTP     bool
	AllowNetworks []string // private ones
}

// inFolder returns a configuration in which what is kept is in a folder, repositories on this machine may be synced,
// and such Git hosts too as are permitted besides those of the configuration.
func inFolder(source *config.Source, folder string, paths []string, permitted Remotes) (*config.Source, error) {
	var configured struct {
		Paths    []string `koanf:"allowed_local_paths"`
		Networks []string `koanf:"allowed_private_networks"`
	}
	if err := source.Into(&configured); err != nil {
		return nil, exit.Misuse(err)
	}
	keys := map[string]any{
		"data_dir":            filepath.Join(folder, "git"),
		"ledger_file":         filepath.Join(folder, "ledger.db"),
		"outbox_file":         filepath.Join(folder, "outbox.db"),
		"allowed_local_paths": append(configured.Paths, paths...),

		"allowed_private_networks": append(configured.Networks, permitted.AllowNetworks...),
	}
	if permitted.AllowHTTP {
		keys["allow_http"] = true
	}
	return source.With(keys)
}

// runWith runs a suite, and work beside it. An error of the work ends the suite, and the end of the suite the context
// of the work. The error of the suite comes first: what the work has to say then follows from it.
func runWith(ctx context.Context, s *suite.Suite, work func(context.Context) error) error {
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	ended := make(chan error, 1)
	go func() {
		ended <- s.Run(ctx)
		stop()
	}()
	if err := work(ctx); err != nil {
		stop()
		return errors.Join(<-ended, err)
	}
	return <-ended
}

// runFor runs a suite for as long as work takes.
func runFor(ctx context.Context, s *suite.Suite, work func(context.Context) error) error {
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	var outcome error
	err := runWith(ctx, s, func(ctx context.Context) error {
		outcome = work(ctx)
		stop()
		return nil
	})
	return errors.Join(err, outcome)
}

// unreadable is the error of a path on the command line that can't be read.
func unreadable(path string, err error) error {
	return exit.Misuse(errs.New(errs.InvalidRequest, "%s can't be read", path).WithCause(err))
}

// resolve makes a path absolute.
func resolve(path string) (string, error) {
	absolute, err := filepath.Abs(path)
	if err != nil {
		return "", fmt.Errorf("resolve %s: %w", path, err)
	}
	return absolute, nil
}
