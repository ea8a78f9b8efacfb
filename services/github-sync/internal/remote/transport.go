package remote

import (
	"crypto/tls"
	"fmt"
	"net"
	"net/http"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"go.opentelemetry.io/contrib/instrumentation/net/http/otelhttp"
	"go.opentelemetry.io/otel/trace"

	"fgdsync.dev/libs/reach"
	"fgdsync.dev/libs/secret"
	"fgdsync.dev/libs/telemetry"
	"fgdsync.dev/services/github-sync/internal/pack"
)

const (
	dialTimeout           = 10 * time.Second
	tlsTimeout            = 10 * time.Second
	responseHeaderTimeout = 60 * time.Second
	idleTimeout           = 60 * time.Second
	idlePerHost           = 16
)

// Options are what Git hosts are spoken to with.
type Options struct {
	Policy       Policy
	CAFile       string        // of authorities that are trusted besides those of the system
	Proxy        secret.String // URL of the proxy for HTTP, which may hold a password
	MaxPackBytes int64
	MaxObjects   int // of a pack
	Tracers      trace.TracerProvider
	Requests     *prometheus.CounterVec // by operation and code
	Breaker      BreakerOptions
	Limiter      LimiterOptions
}

// Transport carries requests to Git hosts, with the limits, breakers and metrics of all of them. It signs nobody in.
type Transport struct {
	policy Policy
	base   *http.Transport
	http   http.RoundTripper
	ssh    *sshClient
	bounds *pack.Bounds
}

// NewTransport returns a transport. Nothing is connected to.
func NewTransport(o Options) (*Transport, error) {
	hosts, err := newBreakers(o.Breaker)
	if err != nil {
		return nil, fmt.Errorf("make the breakers: %w", err)
	}
	dialer := &net.Dialer{Timeout: dialTimeout, ControlContext: o.Policy.Networks.Control(gitHost)}
	base, err := newBase(o, dialer)
	if err != nil {
		return nil, err
	}
	traced := otelhttp.NewTransport(base, otelhttp.WithTracerProvider(o.Tracers),
		otelhttp.WithPropagators(telemetry.Propagator()),
		otelhttp.WithSpanNameFormatter(func(_ string, r *http.Request) string { return "git " + operation(r) }))
	limiter := newLimiter(o.Limiter)
	counted := &roundTripper{next: traced, maxBytes: o.MaxPackBytes, requests: o.Requests, breakers: hosts}
	return &Transport{
		policy: o.Policy, base: base, bounds: pack.NewBounds(o.MaxObjects, o.MaxPackBytes),
		http: &limitedTransport{counted, limiter},
		ssh: &sshClient{
			dialer: dialer, knownHosts: o.Policy.KnownHosts, maxBytes: o.MaxPackBytes, requests: o.Requests, breakers: hosts,
			limiter: limiter,
			tracer:  o.Tracers.Tracer("fgdsync.dev/services/github-sync/internal/remote"),
		},
	}, nil
}

// HTTP returns what HTTP requests go through, also those that are none of the Git protocol. It follows no redirects.
func (t *Transport) HTTP() http.RoundTripper { return t.http }

// Close lets go of idle connections.
func (t *Transport) Close() { t.base.CloseIdleConnections() }

func newBase(o Options, dialer *net.Dialer) (*http.Transport, error) {
	base := &http.Transport{
		DialContext: dialer.DialContext, TLSHandshakeTimeout: tlsTimeout, ResponseHeaderTimeout: responseHeaderTimeout,
		IdleConnTimeout: idleTimeout, MaxIdleConnsPerHost: idlePerHost, ForceAttemptHTTP2: true,
	}
	if o.CAFile != "" {
		trusted, err := reach.Authorities(o.CAFile)
		if err != nil {
			return nil, err
		}
		base.TLSClientConfig = &tls.Config{RootCAs: trusted, MinVersion: tls.VersionTLS12}
	}
	if !o.Proxy.IsZero() {
		proxy, err := parseProxy(o.Proxy)
		if err != nil {
			return nil, err
		}
		proxy.serve(base, o.Policy)
	}
	return base, nil
}
