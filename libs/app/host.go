// Package app runs services: one gRPC server and the HTTP servers beside it, started together and stopped together,
// the work first and the servers last. One process holds one service or all five; nothing else differs.
package app

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"time"

	"github.com/prometheus/client_golang/prometheus/promhttp"
	"golang.org/x/sync/errgroup"
	"google.golang.org/grpc"
	"google.golang.org/grpc/health/grpc_health_v1"
	"google.golang.org/grpc/reflection"

	"fgdsync.dev/libs/health"
	"fgdsync.dev/libs/rpc"
	"fgdsync.dev/libs/telemetry"
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

const (
	readHeaderTimeout = 10 * time.Second
	idleTimeout       = 2 * time.Minute
	stopTimeout       = 10 * time.Second
)

// Host holds what one process serves.
type Host struct {
	tel      *telemetry.Telemetry
	server   *grpc.Server
	names    []string
	services map[string]Service
	grpc     []net.Listener
	http     []httpServer
	requests context.Context // ends with the host, and with it the streams that browsers hold open
	endHTTP  context.CancelFunc
}

type httpServer struct {
	listener net.Listener
	server   *http.Server
}

// NewHost returns an empty host.
func NewHost(tel *telemetry.Telemetry) *Host {
	requests, endHTTP := context.WithCancel(context.Background())
	return &Host{
		tel: tel, server: rpc.NewServer(tel), services: map[string]Service{}, requests: requests,
		endHTTP: endHTTP,
	}
}

// Add takes a service in under its name, which is also its name in health checks.
func (h *Host) Add(name string, service Service) {
	h.names = append(h.names, name)
	h.services[name] = service
	service.Register(h.server)
}

// ServeGRPC serves all services on a listener.
func (h *Host) ServeGRPC(listener net.Listener) { h.grpc = append(h.grpc, listener) }

// ServeHTTP serves a handler on a listener.
func (h *Host) ServeHTTP(listener net.Listener, handler http.Handler) {
	h.http = append(h.http, httpServer{listener, &http.Server{
		Handler: handler, ReadHeaderTimeout: readHeaderTimeout, IdleTimeout: idleTimeout,
		BaseContext: func(net.Listener) context.Context { return h.requests },
	}})
}

// Operations is the handler of what operators look at on every process: metrics, liveness and readiness.
func (h *Host) Operations() http.Handler {
	mux := http.NewServeMux()
	mux.Handle("GET /metrics", h.Metrics())
	mux.HandleFunc("GET /healthz", func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte("ok\n")) })
	mux.HandleFunc("GET /readyz", func(w http.ResponseWriter, r *http.Request) {
		for _, name := range h.names {
			if err := h.services[name].Ready(r.Context()); err != nil {
				http.Error(w, name+" is not ready", http.StatusServiceUnavailable)
				return
			}
		}
		_, _ = w.Write([]byte("ok\n"))
	})
	return mux
}

// Metrics is the handler of the process's metrics.
func (h *Host) Metrics() http.Handler {
	return promhttp.HandlerFor(h.tel.Metrics, promhttp.HandlerOpts{})
}

// Run serves until ctx ends or something fails, then stops the services, and the servers after them. It closes the
// listeners it was given.
func (h *Host) Run(ctx context.Context) error {
	h.registerHealth()
	servers, serving := errgroup.WithContext(context.WithoutCancel(ctx))
	for _, listener := range h.grpc {
		servers.Go(func() error { return h.server.Serve(listener) })
	}
	for _, s := range h.http {
		servers.Go(func() error { return ignoreClosed(s.server.Serve(s.listener)) })
	}
	workErr := h.runServices(ctx, serving)
	stopErr := h.stopServers(context.WithoutCancel(ctx))
	return errors.Join(workErr, stopErr, servers.Wait())
}

// runServices ends when ctx ends, when a service fails, or when a server does.
func (h *Host) runServices(ctx, serving context.Context) error {
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	defer context.AfterFunc(serving, stop)()
	work, ctx := errgroup.WithContext(ctx)
	for _, name := range h.names {
		work.Go(func() error {
			if err := h.services[name].Run(ctx); err != nil && !errors.Is(err, context.Canceled) {
				return fmt.Errorf("run %s: %w", name, err)
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
	go func() { h.server.GracefulStop(); close(stopped) }()
	select {
	case <-stopped:
	case <-ctx.Done():
		h.server.Stop()
		<-stopped
	}
	return err
}

func (h *Host) registerHealth() {
	checks := map[string]health.Check{}
	for name, service := range h.services {
		checks[name] = service.Ready
	}
	grpc_health_v1.RegisterHealthServer(h.server, health.New(checks))
	reflection.Register(h.server)
}

func ignoreClosed(err error) error {
	if errors.Is(err, http.ErrServerClosed) {
		return nil
	}
	return err
}
