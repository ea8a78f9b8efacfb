package remote

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/netip"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/go-git/go-git/v5/plumbing/protocol/packp/capability"
	"github.com/prometheus/client_golang/prometheus"
	"go.opentelemetry.io/contrib/instrumentation/net/http/otelhttp"
	"go.opentelemetry.io/otel/trace"

	"fgdsync.dev/libs/errs"
	"fgdsync.dev/libs/telemetry"
	"fgdsync.dev/services/github-sync/internal/credentials"
)

const (
	dialTimeout           = 10 * time.Second
	tlsTimeout            = 10 * time.Second
	responseHeaderTimeout = 60 * time.Second
	idleTimeout           = 60 * time.Second
	idlePerHost           = 16
)

// Options are what HTTP remotes are spoken to with.
type Options struct {
	Policy       Policy
	MaxPackBytes int64
	Tracers      trace.TracerProvider
	Requests     *prometheus.CounterVec // by operation and code
	Breaker      BreakerOptions
	Places       PlaceOptions
}

// NewFactory makes a factory.
func NewFactory(o Options) (*Factory, error) {
	hosts, err := newBreakers(o.Breaker)
	if err != nil {
		return nil, fmt.Errorf("make the breakers: %w", err)
	}
	dialer := &net.Dialer{Timeout: dialTimeout}
	if !o.Policy.AllowInsecure {
		dialer.ControlContext = publicOnly
	}
	base := &http.Transport{
		DialContext: dialer.DialContext, TLSHandshakeTimeout: tlsTimeout, ResponseHeaderTimeout: responseHeaderTimeout,
		IdleConnTimeout: idleTimeout, MaxIdleConnsPerHost: idlePerHost, ForceAttemptHTTP2: true,
	}
	traced := otelhttp.NewTransport(base, otelhttp.WithTracerProvider(o.Tracers), otelhttp.WithPropagators(telemetry.Propagator()),
		otelhttp.WithSpanNameFormatter(func(_ string, r *http.Request) string { return "git " + operation(r) }))
	counted := &roundTripper{next: traced, maxBytes: o.MaxPackBytes, requests: o.Requests, breakers: hosts}
	return &Factory{policy: o.Policy, prints: credentials.NewPrints(), http: newHTTPClient(newPlaces(counted, o.Places), base)}, nil
}

// Close lets go of idle connections.
func (f *Factory) Close() { f.http.base.CloseIdleConnections() }

// publicOnly looks at the address that is connected to, whatever the name resolved to before.
func publicOnly(_ context.Context, _, address string, _ syscall.RawConn) error {
	endpoint, err := netip.ParseAddrPort(address)
	if err != nil {
		return fmt.Errorf("read address: %w", err)
	}
	ip := endpoint.Addr().Unmap()
	carrierGrade := netip.MustParsePrefix("100.64.0.0/10") // RFC 6598
	if !ip.IsGlobalUnicast() || ip.IsPrivate() || carrierGrade.Contains(ip) {
		return errs.New(errs.Invalid, errs.RemoteRefused, "The Git host's address is loopback, link-local or private, which is not permitted.")
	}
	return nil
}

type operationKey struct{}

// WithOperation makes a context whose requests have a name in traces and metrics.
func WithOperation(ctx context.Context, name string) context.Context {
	return context.WithValue(ctx, operationKey{}, name)
}

// operation names a request: as its context says, or by the smart HTTP protocol.
func operation(r *http.Request) string {
	if name, named := r.Context().Value(operationKey{}).(string); named {
		return name
	}
	if service := r.URL.Query().Get("service"); service != "" {
		return "refs " + service
	}
	return r.URL.Path[strings.LastIndexByte(r.URL.Path, '/')+1:]
}

// answered is what a request came to; the Git library keeps little of it.
type answered struct {
	status int
	header http.Header
	err    error
	sha256 bool // the repository has ids that the Git library can't read
	thin   bool // the host can send thin packs, which the Git library does not tell
}

type answeredKey struct{}

// withAnswered makes a context in which the last answer is remembered.
func withAnswered(ctx context.Context) (context.Context, *answered) {
	a := &answered{}
	return context.WithValue(ctx, answeredKey{}, a), a
}

type roundTripper struct {
	next     http.RoundTripper
	maxBytes int64
	requests *prometheus.CounterVec
	breakers *breakers
}

func (t *roundTripper) RoundTrip(r *http.Request) (*http.Response, error) {
	a, _ := r.Context().Value(answeredKey{}).(*answered)
	if a == nil {
		a = &answered{}
	}
	*a = answered{}
	done, err := t.breakers.of(r.URL.Host).allow()
	if err != nil {
		a.err = err
		return nil, err
	}
	response, err := t.next.RoundTrip(r)
	done(failure(response, err))
	if err == nil && response.StatusCode/100 == 3 && response.StatusCode != http.StatusNotModified {
		err = errors.Join(redirect(response), response.Body.Close())
	}
	if err != nil {
		a.err = err
		t.requests.WithLabelValues(operation(r), "error").Inc()
		return nil, err
	}
	a.status, a.header = response.StatusCode, response.Header
	t.requests.WithLabelValues(operation(r), strconv.Itoa(response.StatusCode)).Inc()
	response.Body = &limitedBody{ReadCloser: response.Body, left: t.maxBytes, refs: r.URL.Query().Has("service"), answered: a}
	return response, nil
}

// failure is what an answer says against the host itself.
func failure(response *http.Response, err error) error {
	if err == nil && response.StatusCode >= http.StatusInternalServerError {
		return errors.New(response.Status)
	}
	return err
}

func redirect(r *http.Response) error {
	e := errs.New(errs.Precondition, errs.GitHubNotFound, "The Git host sends requests for this repository elsewhere, and redirects are not followed.")
	if target, err := r.Location(); err == nil {
		return e.WithRemedy("Use the repository's new URL: %s://%s%s", target.Scheme, target.Host, strings.TrimSuffix(target.Path, "/info/refs"))
	}
	return e
}

type limitedBody struct {
	io.ReadCloser
	left     int64
	refs     bool
	answered *answered
}

func (b *limitedBody) Read(p []byte) (int, error) {
	n, err := b.ReadCloser.Read(p)
	if b.refs { // with which the capabilities come
		b.answered.sha256 = b.answered.sha256 || bytes.Contains(p[:n], []byte("object-format=sha256"))
		b.answered.thin = b.answered.thin || bytes.Contains(p[:n], []byte(" "+capability.ThinPack.String()+" "))
	}
	if b.left -= int64(n); b.left < 0 {
		err = errs.New(errs.Precondition, errs.RepositoryUnsupported, "The Git host sends more than max_pack_bytes allows.")
	}
	if err != nil && !errors.Is(err, io.EOF) {
		b.answered.err = err
	}
	return n, err
}
