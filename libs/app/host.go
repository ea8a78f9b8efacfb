// Package app runs services: a gRPC server for each audience and the HTTP servers beside them, started together and
// stopped together, the work first and the servers last. One process holds one service or all five; nothing else
// differs.
package app

import (
	"cmp"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"net"
	"net/http"
	"slices"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus/promhttp"
	"golang.org/x/sync/errgroup"
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/health/grpc_health_v1"
	"google.golang.org/grpc/reflection"

	"fgdsync.dev/libs/errs"
	"fgdsync.dev/libs/health"
	"fgdsync.dev/libs/hosts"
	"fgdsync.dev/libs/mtls"
	"fgdsync.dev/libs/rpc"
	"fgdsync.dev/libs/telemetry"
	healthv1 "fgdsync.dev/proto/fgd/health/v1"
)

// Service is what every service of the suite is to its host.
type Service interface {
	// Register adds the service's RPCs to a server.
	Register(grpc.ServiceRegistrar)
	// Run works until ctx ends, then hands back what it holds and returns.
	Run(ctx context.Context) error
	// Ready reports whether work can be taken.
	Ready(ctx context.Context) error
}

// Admitting is a service that decides who may call the server that it is on.
type Admitting interface {
	// Admission returns what decides.
	Admission() rpc.Admission
}

// Parted is a service that has parts whose health matters by itself.
type Parted interface {
	// Parts returns the parts; it is called once, before the service runs.
	Parts() []health.Part
}

const (
	readHeaderTimeout = 10 * time.Second
	idleTimeout       = 2 * time.Minute
	stopTimeout       = 10 * time.Second
)

// Security is what a process shows to those who come over a network, and asks of them. Each part may be nil: then that
// is in clear, and nobody is asked.
type Security struct {
	Services *mtls.Keys   // between services
	Callers  *mtls.Served // to callers
}

// of returns what a gRPC server for an audience speaks over a network.
func (s Security) of(audience rpc.Audience) credentials.TransportCredentials {
	switch {
	case audience == rpc.Callers && s.Callers != nil:
		return s.Callers.Server()
	case audience == rpc.Services && s.Services != nil:
		return s.Services.Server()
	}
	return nil
}

// parts are the certificates that a service of an audience needs.
func (s Security) parts(audience rpc.Audience) []health.Part {
	var parts []health.Part
	if s.Services != nil {
		parts = append(parts, health.Part{Name: health.ServiceCertificate, Check: s.Services.Check})
	}
	if s.Callers != nil && audience == rpc.Callers {
		parts = append(parts, health.Part{Name: health.CallersCertificate, Check: s.Callers.Check})
	}
	return parts
}

// Host holds what one process serves.
type Host struct {
	tel      *telemetry.Telemetry
	security Security
	monitor  *health.Monitor
	servers  map[rpc.Audience]*rpc.Server
	gates    map[rpc.Audience]*rpc.Gate
	services []served
	logs     map[string]*slog.Logger // by the service of the contract; complete before anything is served
	grpc     []grpcListener
	http     []httpServer
	extra    map[string][]health.Part // of the process, by the service that tells of them
	reloader *Reloader                // nil where nothing is read again
	requests context.Context          // ends with the host, and with it the streams that browsers hold open
	endHTTP  context.CancelFunc
}

// served is a service, and what it is served as.
type served struct {
	Service
	name     string
	audience rpc.Audience
	grpc     []string // the names of the gRPC services that it serves
}

type grpcListener struct {
	net.Listener
	server *rpc.Server
}

type httpServer struct {
	listener net.Listener
	server   *http.Server
}

func (s httpServer) serve() error {
	if s.server.TLSConfig != nil {
		return s.server.ServeTLS(s.listener, "", "")
	}
	return s.server.Serve(s.listener)
}

// audiences are those that a host has a server for, in the order in which the servers stop: what callers asked for may
// need the services.
func audiences() []rpc.Audience { return []rpc.Audience{rpc.Callers, rpc.Services} }

// NewHost returns an empty host. Whoever does not run it closes it.
func NewHost(tel *telemetry.Telemetry, security Security) *Host {
	h := &Host{
		tel: tel, security: security, servers: map[rpc.Audience]*rpc.Server{}, gates: map[rpc.Audience]*rpc.Gate{},
		logs: map[string]*slog.Logger{}, extra: map[string][]health.Part{},
		monitor: health.NewMonitor(func(name string) *slog.Logger { return tel.For(LogName(name)).Log }, tel.Metrics),
	}
	for _, audience := range audiences() {
		h.gates[audience] = &rpc.Gate{}
		h.servers[audience] = rpc.NewServer(tel, audience, h.gates[audience], security.of(audience), h.logOf)
	}
	h.requests, h.endHTTP = context.WithCancel(context.Background())
	return h
}

// Reload has the services of the process take their configuration anew when the reloader is told to. The service of a
// name tells of it in the health; it is called before that one is added.
func (h *Host) Reload(r *Reloader, service string) {
	h.reloader = r
	h.extra[service] = append(h.extra[service], r.Part())
}

// Add takes a service in under its name. In health checks it has that, and the names of its gRPC services. It is served
// to its audience alone.
func (h *Host) Add(name string, service Service, audience rpc.Audience) {
	server := h.servers[audience]
	before := server.GetServiceInfo()
	service.Register(server)
	after := server.GetServiceInfo()
	maps.DeleteFunc(after, func(name string, _ grpc.ServiceInfo) bool { _, was := before[name]; return was })
	if admitting, does := service.(Admitting); does {
		h.gates[audience].Set(admitting.Admission())
	}
	for grpcService := range after {
		h.logs[grpcService] = h.tel.For(LogName(name)).Log
	}
	h.services = append(h.services, served{service, name, audience, slices.Collect(maps.Keys(after))})
	var parts []health.Part
	if parted, has := service.(Parted); has {
		parts = parted.Parts()
	}
	parts = slices.Concat(parts, h.security.parts(audience), h.extra[name])
	h.monitor.Add(name, service.Ready, parts...)
}

// logOf returns the log of the service that serves a service of the contract, or that of the process.
func (h *Host) logOf(grpcService string) *slog.Logger {
	return cmp.Or(h.logs[grpcService], h.tel.Log)
}

// ServeGRPC serves the services of an audience on a listener, with their health and reflection. No client has more than
// a fair part of the connections.
func (h *Host) ServeGRPC(listener net.Listener, audience rpc.Audience) {
	listener = newFairListener(listener, maxGRPCPerClient, h.tel.Log)
	h.grpc = append(h.grpc, grpcListener{listener, h.servers[audience]})
}

// Inside returns a connection inside the process to what is served to an audience.
func (h *Host) Inside(audience rpc.Audience) grpc.ClientConnInterface {
	return h.servers[audience].Inside()
}

// ServeHTTP serves a handler on a listener, in clear. No client has more than a fair part of the connections.
func (h *Host) ServeHTTP(listener net.Listener, handler http.Handler) {
	h.serveHTTP(listener, handler, nil)
}

// ServeCallers is ServeHTTP for what is for callers: over TLS, when there is a certificate to show to them.
func (h *Host) ServeCallers(listener net.Listener, handler http.Handler) {
	if h.security.Callers == nil {
		h.ServeHTTP(listener, handler)
		return
	}
	h.serveHTTP(listener, handler, h.security.Callers.Config())
}

func (h *Host) serveHTTP(listener net.Listener, handler http.Handler, config *tls.Config) {
	listener = newFairListener(listener, maxHTTPPerClient, h.tel.Log)
	h.http = append(h.http, httpServer{listener, &http.Server{
		Handler: handler, ReadHeaderTimeout: readHeaderTimeout, IdleTimeout: idleTimeout, TLSConfig: config,
		MaxHeaderBytes: rpc.MaxHeaderBytes,
		BaseContext:    func(net.Listener) context.Context { return h.requests },
	}})
}

// Operations returns the handler of what operators look at on every process: metrics, liveness and readiness. Requests
// for other hosts than the public ones are refused.
func (h *Host) Operations(public hosts.Public) http.Handler {
	mux := http.NewServeMux()
	mux.Handle("GET /metrics", h.Metrics())
	mux.HandleFunc("GET /healthz", func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte("ok\n")) })
	mux.HandleFunc("GET /readyz", h.readyz)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if !public.Allows(r) {
			e := errs.From(hosts.Refusal(r))
			http.Error(w, e.Code.ID+": "+e.Message+" "+e.RemedyText(), http.StatusMisdirectedRequest)
			return
		}
		mux.ServeHTTP(w, r)
	})
}

// readyz says whether all services can take work, or which one can't. It is open to everybody: why is in the log, and
// in the health for who may see it.
func (h *Host) readyz(w http.ResponseWriter, r *http.Request) {
	for _, service := range h.services {
		if err := service.Ready(r.Context()); err != nil {
			text := fmt.Sprintf("%s is not ready (%s); its log says why", service.name, errs.From(err).Code.ID)
			http.Error(w, text, http.StatusServiceUnavailable)
			return
		}
	}
	_, _ = w.Write([]byte("ok\n"))
}

// Metrics returns the handler of the process's metrics. In OpenMetrics they have traces of what was measured.
func (h *Host) Metrics() http.Handler {
	return promhttp.HandlerFor(h.tel.Metrics, promhttp.HandlerOpts{EnableOpenMetrics: true})
}

// Run serves until ctx ends or something fails, then stops the services, and the servers after them. It closes the
// listeners it was given. It refuses to serve an RPC to an audience that its contract does not give it to.
func (h *Host) Run(ctx context.Context) error {
	if err := h.checkAudiences(); err != nil {
		return errors.Join(err, h.Close())
	}
	h.registerHealth()
	if err := h.admitServices(); err != nil {
		return errors.Join(err, h.Close())
	}
	for _, server := range h.servers {
		server.Open()
	}
	servers, serving := errgroup.WithContext(context.WithoutCancel(ctx))
	for _, listener := range h.grpc {
		servers.Go(func() error { return ignoreClosed(listener.server.Serve(listener.Listener)) })
	}
	for _, s := range h.http {
		servers.Go(func() error { return ignoreClosed(s.serve()) })
	}
	workErr := h.runServices(ctx, serving)
	stopErr := h.stopServers(context.WithoutCancel(ctx))
	return errors.Join(workErr, stopErr, servers.Wait())
}

// Close closes the listeners of a host that is not run.
func (h *Host) Close() error {
	h.endHTTP()
	var err error
	for _, listener := range h.grpc {
		err = errors.Join(err, listener.Close())
	}
	for _, s := range h.http {
		err = errors.Join(err, s.listener.Close())
	}
	return err
}

func (h *Host) checkAudiences() error {
	for _, audience := range audiences() {
		if err := rpc.CheckAudience(h.servers[audience].GetServiceInfo(), audience); err != nil {
			return err
		}
	}
	return nil
}

// admitServices lets each service call what the contracts say, on the server for services.
func (h *Host) admitServices() error {
	peers, err := rpc.NewPeers(h.servers[rpc.Services].GetServiceInfo(), h.security.Services != nil)
	if err != nil {
		return err
	}
	h.gates[rpc.Services].Set(peers)
	return nil
}

// runServices ends when ctx ends, when a service fails, or when a server does.
func (h *Host) runServices(ctx, serving context.Context) error {
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	defer context.AfterFunc(serving, stop)()
	work, ctx := errgroup.WithContext(ctx)
	var watching sync.WaitGroup
	watching.Go(func() { h.monitor.Run(ctx) })
	if h.reloader != nil {
		watching.Go(func() { h.reloader.run(ctx, h.services) })
	}
	defer watching.Wait()
	for _, service := range h.services {
		work.Go(func() error {
			if err := service.Run(ctx); err != nil && !errors.Is(err, context.Canceled) {
				return fmt.Errorf("run %s: %w", service.name, err)
			}
			return nil
		})
	}
	return work.Wait()
}

func (h *Host) stopServers(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, stopTimeout)
	defer cancel()
	h.endHTTP()
	var err error
	for _, s := range h.http {
		if e := s.server.Shutdown(ctx); e != nil {
			err = errors.Join(err, e, s.server.Close())
		}
	}
	stopped := make(chan struct{})
	go func() {
		defer close(stopped)
		for _, audience := range audiences() {
			h.servers[audience].GracefulStop()
			h.servers[audience].End(ctx)
		}
	}()
	select {
	case <-stopped:
	case <-ctx.Done():
		for _, server := range h.servers {
			server.Stop()
		}
		<-stopped
	}
	return err
}

// registerHealth adds to each server the health of what it serves, and reflection of it, even when that is nothing.
// Only services are told of components.
func (h *Host) registerHealth() {
	healthv1.RegisterComponentServiceServer(h.servers[rpc.Services], health.NewComponents(h.monitor))
	for audience, server := range h.servers {
		checks, aliases := map[string]health.Check{}, map[string]string{}
		for _, service := range h.services {
			if service.audience != audience {
				continue
			}
			checks[service.name] = service.Ready
			for _, name := range service.grpc {
				aliases[name] = service.name
			}
		}
		grpc_health_v1.RegisterHealthServer(server, health.New(checks, aliases))
		reflection.Register(server)
		rpc.Announce(h.tel, server)
	}
}

// ignoreClosed takes a server that was stopped, be it before it began, for one that ended well.
func ignoreClosed(err error) error {
	if errors.Is(err, http.ErrServerClosed) || errors.Is(err, grpc.ErrServerStopped) {
		return nil
	}
	return err
}
