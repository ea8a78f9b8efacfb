package app

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/signal"
	"strings"
	"syscall"
	"time"

	"google.golang.org/grpc"

	"fgdsync.dev/libs/config"
	"fgdsync.dev/libs/errs"
	"fgdsync.dev/libs/rpc"
	"fgdsync.dev/libs/telemetry"
)

// Version is the version of the suite; the linker sets it.
var Version = "dev"

// settings are the keys that every process has.
type settings struct {
	LogLevel            string `koanf:"log_level"`
	LogFormat           string `koanf:"log_format"`
	GRPCListen          string `koanf:"grpc_listen"`
	HTTPListen          string `koanf:"http_listen"`
	Unauthenticated     bool   `koanf:"allow_unauthenticated"`
	OrchestratorAddress string `koanf:"orchestrator_address"`
	IngestionAddress    string `koanf:"ingestion_address"`
	DirectoryAddress    string `koanf:"directory_address"`
	GithubSyncAddress   string `koanf:"github_sync_address"`
}

// Definition is what makes one service's process differ from another's.
type Definition struct {
	Name       string
	GRPCListen string // where it listens when nothing is configured
	HTTPListen string
	// Build makes the service. It returns the handler of the HTTP listener, or nil for metrics and health only.
	Build func(ctx context.Context, p *Process) (Service, http.Handler, error)
}

// Process is what a service is built from when it runs on its own.
type Process struct {
	Source    *config.Source
	Telemetry *telemetry.Telemetry
	Host      *Host
	settings  settings
	closers   []func() error
}

// Main is the main function of a service's process. It answers the exit code.
func Main(def Definition, args, environ []string, stderr io.Writer) int {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	err := run(ctx, def, args, environ, stderr)
	switch {
	case errors.Is(err, flag.ErrHelp):
		return 0
	case err != nil && ctx.Err() == nil:
		e := errs.From(err)
		fmt.Fprintf(stderr, "%s: %v\n  %s\n", def.Name, err, e.RemedyText())
		return 1
	}
	return 0
}

func run(ctx context.Context, def Definition, args, environ []string, stderr io.Writer) (err error) {
	flags := flag.NewFlagSet(def.Name, flag.ContinueOnError)
	flags.SetOutput(stderr)
	path := flags.String("config", "", "configuration file; see fgd.yaml for every key")
	if err := flags.Parse(args); err != nil {
		return err
	}
	p, err := newProcess(ctx, def, *path, environ, stderr)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, p.close(ctx)) }()
	service, handler, err := def.Build(ctx, p)
	if err != nil {
		return err
	}
	p.Host.Add(def.Name, service)
	if handler == nil {
		handler = p.Host.Operations()
	} else if err := GuardListen(p.settings.HTTPListen, p.settings.Unauthenticated); err != nil {
		return err
	}
	if err := p.listen(handler); err != nil {
		return err
	}
	p.Telemetry.Log.InfoContext(ctx, "started", "grpc", p.settings.GRPCListen, "http", p.settings.HTTPListen, "version",
		Version)
	return p.Host.Run(ctx)
}

func newProcess(ctx context.Context, def Definition, path string, environ []string, stderr io.Writer) (*Process,
	error,
) {
	source, err := config.Load(path, environ)
	if err != nil {
		return nil, err
	}
	s := settings{
		LogLevel: "info", LogFormat: "json",
		OrchestratorAddress: "127.0.0.1:9091", IngestionAddress: "127.0.0.1:9092", DirectoryAddress: "127.0.0.1:9093",
		GithubSyncAddress: "127.0.0.1:9094",
	}
	if err := source.Into(&s); err != nil {
		return nil, err
	}
	if s.GRPCListen == "" {
		s.GRPCListen = def.GRPCListen
	}
	if s.HTTPListen == "" {
		s.HTTPListen = def.HTTPListen
	}
	tel, err := telemetry.New(ctx, telemetry.Config{
		Service: "fgd-" + def.Name, Version: Version, LogWriter: stderr, LogLevel: s.LogLevel, LogFormat: s.LogFormat,
		OTLPEndpoint: Environment(environ, "OTEL_EXPORTER_OTLP_ENDPOINT"),
	})
	if err != nil {
		return nil, errs.New(errs.ConfigurationInvalid, "%v", err)
	}
	return &Process{Source: source, Telemetry: tel, Host: NewHost(tel), settings: s}, nil
}

// Environment looks a variable up in what os.Environ gave.
func Environment(environ []string, name string) string {
	for _, entry := range environ {
		if key, value, _ := strings.Cut(entry, "="); key == name {
			return value
		}
	}
	return ""
}

func (p *Process) listen(handler http.Handler) error {
	grpcListener, err := Listen(p.settings.GRPCListen, "grpc_listen")
	if err != nil {
		return err
	}
	httpListener, err := Listen(p.settings.HTTPListen, "http_listen")
	if err != nil {
		return errors.Join(err, grpcListener.Close())
	}
	p.Host.ServeGRPC(grpcListener)
	p.Host.ServeHTTP(httpListener, handler)
	return nil
}

// GuardListen keeps the JSON API, which has no authentication yet, from being opened to others by accident.
func GuardListen(address string, allowed bool) error {
	host, _, err := net.SplitHostPort(address)
	if err != nil {
		return errs.New(errs.ConfigurationInvalid, "%q is no address of the JSON API; write host:port.", address)
	}
	if ip := net.ParseIP(host); allowed || host == "localhost" || (ip != nil && ip.IsLoopback()) {
		return nil
	}
	return errs.New(errs.ConfigurationInvalid,
		"The address %s can be reached by others, and the JSON API has no authentication.", address).
		WithRemedy("Listen on 127.0.0.1, or put a proxy that authenticates in front and set " +
			"HEDGEHOG_FGD_ALLOW_UNAUTHENTICATED=true.")
}

// Listen opens a TCP listener; its error names the key or flag that sets the address.
func Listen(address, key string) (net.Listener, error) {
	listener, err := net.Listen("tcp", address)
	if err != nil {
		return nil, errs.New(errs.ListenFailed, "%s: can't listen on %s", key, address).WithCause(err)
	}
	return listener, nil
}

// Dial makes a client connection that is closed with the process, to a service or to its replicas.
func (p *Process) Dial(address string) (*grpc.ClientConn, error) {
	conn, err := rpc.Dial(address, p.Telemetry.Tracers)
	if err != nil {
		return nil, errs.New(errs.ConfigurationInvalid, "The address %q can't be dialled.", address).WithCause(err)
	}
	p.OnClose(conn.Close)
	return conn, nil
}

// Peers are connections to the other services.
type Peers struct{ Orchestrator, Ingestion, Directory, GithubSync, Self *grpc.ClientConn }

// DialPeers makes connections to all services at their configured addresses. They connect when they are first used.
func (p *Process) DialPeers() (*Peers, error) {
	var peers Peers
	for _, target := range []struct {
		conn    **grpc.ClientConn
		address string
	}{
		{&peers.Orchestrator, p.settings.OrchestratorAddress},
		{&peers.Ingestion, p.settings.IngestionAddress},
		{&peers.Directory, p.settings.DirectoryAddress},
		{&peers.GithubSync, p.settings.GithubSyncAddress},
		{&peers.Self, p.settings.GRPCListen},
	} {
		conn, err := p.Dial(target.address)
		if err != nil {
			return nil, err
		}
		*target.conn = conn
	}
	return &peers, nil
}

// Instance tells this process from the other replicas of its service, and is the same when it is started again.
func (p *Process) Instance() string { return Instance(p.settings.GRPCListen) }

// Instance names a replica by its host and by what no other on that host has, as the address at which it listens.
func Instance(own string) string {
	host, err := os.Hostname()
	if err != nil {
		host = "localhost"
	}
	return host + "/" + own
}

// OnClose remembers what to close when the process ends, in reverse order.
func (p *Process) OnClose(closer func() error) { p.closers = append(p.closers, closer) }

func (p *Process) close(ctx context.Context) error {
	var err error
	for i := len(p.closers) - 1; i >= 0; i-- {
		err = errors.Join(err, p.closers[i]())
	}
	const flushTimeout = 5 * time.Second
	flush, cancel := context.WithTimeout(context.WithoutCancel(ctx), flushTimeout)
	defer cancel()
	return errors.Join(err, p.Telemetry.Shutdown(flush))
}
