package app

import (
	"cmp"
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"os/signal"
	"slices"
	"strings"
	"syscall"
	"time"

	"google.golang.org/grpc"

	"fgdsync.dev/libs/config"
	"fgdsync.dev/libs/errs"
	"fgdsync.dev/libs/failpoint"
	"fgdsync.dev/libs/health"
	"fgdsync.dev/libs/hosts"
	"fgdsync.dev/libs/mtls"
	"fgdsync.dev/libs/rpc"
	"fgdsync.dev/libs/secret"
	"fgdsync.dev/libs/telemetry"
)

// Version is the version of the suite; the linker sets it.
var Version = "dev"

// settings are the keys that every process has.
type settings struct {
	LogLevel  string `koanf:"log_level" oneof:"debug,info,warn,error" reload:"yes"`
	LogFormat string `koanf:"log_format" oneof:"json,text"`
	// OtelSampleRatio is how many of the traces that begin in the process are kept.
	OtelSampleRatio float64 `koanf:"otel_sample_ratio" min:"0" max:"1"`

	GRPCListen      string `koanf:"grpc_listen" allowed:"HOST:PORT"`
	HTTPListen      string `koanf:"http_listen" allowed:"HOST:PORT"`
	Unauthenticated bool   `koanf:"allow_unauthenticated"`
	// PublicHosts are the names and addresses, without ports, by which the process may be asked over HTTP beside those
	// of loopback.
	PublicHosts []string `koanf:"public_hosts" allowed:"names and IP addresses, each without a scheme, a port or a path"`

	Keys   mtls.Files       `koanf:",squash"`
	Served mtls.ServedFiles `koanf:",squash"`
}

// LogName is what a service is called in logs and traces, be it alone in its process or one of five.
func LogName(service string) string { return "fgd-" + service }

// Validate returns the errors of the keys whose values are not allowed.
func (s *settings) Validate() error {
	return errors.Join(config.CheckTags(s), hosts.Check(s.PublicHosts), s.Keys.Check(), s.Served.Check(),
		checkAddress("grpc_listen", s.GRPCListen), checkAddress("http_listen", s.HTTPListen))
}

// checkAddress refuses what is no address. An empty one means the service's own.
func checkAddress(key, address string) error {
	if _, _, err := net.SplitHostPort(address); address != "" && err != nil {
		return errs.New(errs.ConfigurationInvalid, "%s: %q is no address; write host:port.", key, address).
			WithMeta(config.KeyMeta, key)
	}
	return nil
}

// Settings returns what every process reads, with its defaults.
func Settings() config.Validator {
	s := defaultSettings()
	return &s
}

func defaultSettings() settings {
	return settings{LogLevel: "info", LogFormat: "json", OtelSampleRatio: 1}
}

// placed returns the settings with the places of a service where none are configured.
func (s settings) placed(def Definition) settings {
	s.GRPCListen, s.HTTPListen = cmp.Or(s.GRPCListen, def.GRPCListen), cmp.Or(s.HTTPListen, def.HTTPListen)
	return s
}

// Definition is what makes one service different from another. It is all that a process needs to know of a service, be
// it the only one in it or one of five.
type Definition struct {
	Name       string
	Audience   rpc.Audience // who calls it
	GRPCListen string       // where it listens when it runs on its own and nothing is configured
	HTTPListen string
	Peers      []Peer // the services that it calls
	// Config returns the struct that it reads its keys into, with their defaults.
	Config func() any
	// Build makes the service. It returns the handler of the HTTP listener, or nil for metrics and health only. It opens
	// nothing that it does not close with the process, and starts nothing.
	Build func(p *Process) (Service, http.Handler, error)
}

// Peer is a service that another one calls.
type Peer struct {
	Name    string
	Address string // where it is when nothing is configured
}

// AddressKey returns the key that says where the service is.
func (p Peer) AddressKey() string { return strings.ReplaceAll(p.Name, "-", "_") + "_address" }

// Process is what a service is built from.
type Process struct {
	Source    *config.Source
	Telemetry *telemetry.Telemetry
	// Peers are connections to the other services by their names.
	Peers map[string]grpc.ClientConnInterface
	// Addresses are where the peers are, by their names; one in this process has none.
	Addresses map[string]string
	// Self is a connection to the server that the service is on.
	Self grpc.ClientConnInterface
	// MetricsPage serves the metrics of the process.
	MetricsPage http.Handler
	// Instance tells this process from the other replicas of its services, and is the same when it is started again.
	Instance  string
	LookupEnv func(string) (string, bool)
	Now       func() time.Time
	// Private says that callers are served inside the process alone, so that nobody has to be asked who they are.
	Private bool
	// Parts are those of the process, which the bridge tells of beside its own.
	Parts []health.Part
	// FirstToken, unless it is nil, is told once when it is known whether there is a token: the first one of the
	// installation when this process has made it, nothing otherwise. It does not block.
	FirstToken func(secret.String)

	keys    *mtls.Keys // prove to peers who this is; nil where nobody asks
	closers []func() error
}

// OnClose remembers what to close when the process ends, in reverse order.
func (p *Process) OnClose(closer func() error) { p.closers = append(p.closers, closer) }

// Close closes what was opened for services.
func (p *Process) Close() error {
	var err error
	for _, closer := range slices.Backward(p.closers) {
		err = errors.Join(err, closer())
	}
	p.closers = nil
	return err
}

// misused is the exit code of a call that can't be understood.
const misused = 2

// Main runs a service as the only one of its process, until a signal ends it, and returns the exit code.
func Main(def Definition, args, environ []string, stderr io.Writer) int {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	line, code := parse(def.Name, args, stderr)
	if line == nil {
		return code
	}
	if err := runWithoutCores(ctx, def, *line, environ, stderr); err != nil && ctx.Err() == nil {
		e := errs.From(err)
		fmt.Fprintf(stderr, "%s: %v\n  %s\n", def.Name, err, e.RemedyText())
		return 1
	}
	return 0
}

// commandLine is what the call of a service says.
type commandLine struct {
	config string // path of the configuration file
	ready  bool   // start nothing, and ask whether the one that runs is ready
}

// parse reads the command line of a service. It returns nil, and the exit code, when there is nothing to do; what there
// is to say has then been said.
func parse(name string, args []string, stderr io.Writer) (line *commandLine, code int) {
	line = &commandLine{}
	flags := flag.NewFlagSet(name, flag.ContinueOnError)
	flags.SetOutput(stderr)
	flags.StringVar(&line.config, "config", "", "configuration `file`; see fgd.yaml for every key")
	flags.BoolVar(&line.ready, "ready", false,
		"start nothing; ask the one that runs with this configuration whether it is ready")
	version := flags.Bool("version", false, "print the version and end")
	switch err := flags.Parse(args); {
	case errors.Is(err, flag.ErrHelp):
		return nil, 0
	case err != nil: // flags has said it
		return nil, misused
	case *version:
		fmt.Fprintln(stderr, name+" "+Version)
		return nil, 0
	case flags.NArg() > 0:
		fmt.Fprintf(stderr, "%s: %q is no flag, and %s takes nothing else. See %s --help.\n", name, flags.Arg(0), name, name)
		return nil, misused
	}
	return line, 0
}

func runWithoutCores(
	ctx context.Context, def Definition, line commandLine, environ []string, stderr io.Writer,
) error {
	if err := RefuseCores(); err != nil {
		return err
	}
	return runService(ctx, def, line, environ, stderr)
}

func runService(ctx context.Context, def Definition, line commandLine, environ []string, stderr io.Writer) (err error) {
	source, err := config.Load(line.config, environ)
	if err != nil {
		return err
	}
	s := defaultSettings()
	if err := source.Into(&s); err != nil {
		return err
	}
	s = s.placed(def)
	if line.ready {
		return askReady(ctx, s.HTTPListen, s.servedFile(def.Audience))
	}
	tel, err := telemetry.New(ctx, telemetry.Config{
		Service: LogName(def.Name), Version: Version, LogWriter: stderr, LogLevel: s.LogLevel, LogFormat: s.LogFormat,
		OTLPEndpoint: Environment(environ, "OTEL_EXPORTER_OTLP_ENDPOINT"), SampleRatio: s.OtelSampleRatio,
		ContextAttrs: rpc.LogAttrs,
	})
	if err != nil {
		return errs.New(errs.ConfigurationInvalid, "%v", err)
	}
	defer func() { err = errors.Join(err, flush(ctx, tel)) }()
	WarnOfVariables(ctx, source, tel.Log)
	security, err := s.security(def, tel.Log)
	if err != nil {
		return err
	}
	if err := guardListeners(ctx, def.Audience, s, tel.Log); err != nil {
		return err
	}
	reloader, err := NewReloader(source, func() (*config.Source, error) { return config.Load(line.config, environ) }, tel,
		def)
	if err != nil {
		return err
	}
	host := NewHost(tel, security)
	host.Reload(reloader, def.Name)
	p := &Process{
		Parts:  []health.Part{reloader.Part()},
		Source: source, Telemetry: tel, MetricsPage: host.Metrics(), Instance: Instance(s.GRPCListen),
		LookupEnv: Lookup(environ), Now: failpoint.Now,
	}
	defer func() { err = errors.Join(err, p.Close()) }()
	if err := p.build(def, s, host); err != nil {
		return errors.Join(err, host.Close())
	}
	tel.Log.InfoContext(ctx, "started", "grpc", s.GRPCListen, "http", s.HTTPListen, "version", Version)
	return host.Run(ctx)
}

// security reads the certificates that are configured.
func (s *settings) security(def Definition, log *slog.Logger) (security Security, err error) {
	if security.Services, err = mtls.Load(s.Keys, def.Name, log, time.Now); err != nil {
		return security, err
	}
	if def.Audience == rpc.Callers {
		security.Callers, err = mtls.LoadServed(s.Served, log, time.Now)
	}
	return security, err
}

// servedFile returns the file with the certificate of the HTTP listener; empty when that speaks in clear.
func (s *settings) servedFile(audience rpc.Audience) string {
	if audience == rpc.Callers {
		return s.Served.CertificateFile
	}
	return ""
}

// WarnOfVariables says which variables of the environment look like settings, and are none.
func WarnOfVariables(ctx context.Context, source *config.Source, log *slog.Logger) {
	for _, v := range source.Unknown() {
		log.WarnContext(ctx, "a variable is the name of no key: nothing reads it", "variable", v.Name, "perhaps", v.Nearest)
	}
}

// build puts the service on the host, and the host on its listeners.
func (p *Process) build(def Definition, s settings, host *Host) error {
	if err := p.dialPeers(def.Peers, host.security.Services); err != nil {
		return err
	}
	p.Self = host.Inside(def.Audience)
	service, handler, err := def.Build(p)
	if err != nil {
		return err
	}
	host.Add(def.Name, service, def.Audience)
	if handler == nil {
		handler = host.Operations(hosts.New(s.PublicHosts))
	}
	return listen(host, s, handler, def.Audience)
}

// dialPeers makes connections to services at their configured addresses. They connect when they are first used, and
// with keys each side proves who it is.
func (p *Process) dialPeers(peers []Peer, keys *mtls.Keys) error {
	p.keys = keys
	p.Peers, p.Addresses = map[string]grpc.ClientConnInterface{}, map[string]string{}
	for _, peer := range peers {
		address := p.Source.Text(peer.AddressKey(), peer.Address)
		conn, err := rpc.DialNamed(peer.Name, address, keys, p.Telemetry.Tracers)
		if err != nil {
			return errs.New(errs.ConfigurationInvalid, "%s: %q can't be dialled.", peer.AddressKey(), address).WithCause(err)
		}
		p.OnClose(conn.Close)
		p.Peers[peer.Name], p.Addresses[peer.Name] = conn, address
	}
	return nil
}

// Lookup returns what looks variables up in what os.Environ gave, as os.LookupEnv does.
func Lookup(environ []string) func(name string) (string, bool) {
	return func(name string) (string, bool) {
		for _, entry := range environ {
			if key, value, _ := strings.Cut(entry, "="); key == name {
				return value, true
			}
		}
		return "", false
	}
}

// Environment returns a variable of what os.Environ gave; empty when it is not set.
func Environment(environ []string, name string) string {
	value, _ := Lookup(environ)(name)
	return value
}

func listen(host *Host, s settings, handler http.Handler, audience rpc.Audience) error {
	grpcListener, err := Listen(s.GRPCListen, "grpc_listen")
	if err != nil {
		return err
	}
	httpListener, err := Listen(s.HTTPListen, "http_listen")
	if err != nil {
		return errors.Join(err, grpcListener.Close())
	}
	host.ServeGRPC(grpcListener, audience)
	if audience == rpc.Callers {
		host.ServeCallers(httpListener, handler)
	} else {
		host.ServeHTTP(httpListener, handler)
	}
	return nil
}

// CheckListeners returns why the service would not listen where a source says, alone in its process. It opens nothing.
func (d Definition) CheckListeners(ctx context.Context, source *config.Source) error {
	s := defaultSettings()
	if err := source.Into(&s); err != nil {
		return err
	}
	return guardListeners(ctx, d.Audience, s.placed(d), slog.New(slog.DiscardHandler))
}

// guardListeners refuses addresses that others can reach, unless those who come are asked who they are.
func guardListeners(ctx context.Context, audience rpc.Audience, s settings, log *slog.Logger) error {
	if audience == rpc.Services {
		return guardServices(s.GRPCListen, s.Keys.CertificateFile != "")
	}
	return GuardCallers(ctx, s.Unauthenticated, s.Served.CertificateFile != "", log,
		Place{"grpc_listen", s.GRPCListen}, Place{"http_listen", s.HTTPListen})
}

// guardServices refuses an address for services that other machines can reach, unless all prove who they are there.
// What is served over HTTP beside it is metrics and health alone, and may be anywhere.
func guardServices(address string, proven bool) error {
	local, err := isLocal("grpc_listen", address)
	if err != nil || local || proven {
		return err
	}
	return errs.New(errs.ConfigurationInvalid,
		"grpc_listen: other machines can reach %s, where no service has to prove who it is.", address).
		WithMeta(config.KeyMeta, "grpc_listen").
		WithRemedy("Listen on 127.0.0.1; or make certificates with fgd certs init, and set service_ca_file, " +
			"service_certificate_file and service_key_file.")
}

// isLocal reports whether an address can be reached from this machine alone. The key or flag is what sets it.
func isLocal(key, address string) (bool, error) {
	host, _, err := net.SplitHostPort(address)
	if err != nil {
		return false, errs.New(errs.ConfigurationInvalid, "%s: %q is no address; write host:port.", key, address)
	}
	ip := net.ParseIP(host)
	return host == "localhost" || (ip != nil && ip.IsLoopback()), nil
}

// Listen opens a TCP listener; its error names the key or flag that sets the address.
func Listen(address, key string) (net.Listener, error) {
	listener, err := net.Listen("tcp", address)
	if err != nil {
		return nil, errs.New(errs.ListenFailed, "%s: can't listen on %s", key, address).WithCause(err)
	}
	return listener, nil
}

// Instance names a replica by its host and by what no other on that host has, as the address at which it listens.
func Instance(own string) string {
	host, err := os.Hostname()
	if err != nil {
		host = "localhost"
	}
	return host + "/" + own
}

const flushTimeout = 5 * time.Second

// flush sends the traces that still wait.
func flush(ctx context.Context, tel *telemetry.Telemetry) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), flushTimeout)
	defer cancel()
	return tel.Shutdown(ctx)
}
