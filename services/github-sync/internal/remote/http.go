package remote

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"strings"

	"github.com/go-git/go-git/v5/plumbing/protocol/packp"
	"github.com/go-git/go-git/v5/plumbing/transport"
	githttp "github.com/go-git/go-git/v5/plumbing/transport/http"
	"github.com/prometheus/client_golang/prometheus"

	"fgdsync.dev/libs/errs"
	"fgdsync.dev/services/github-sync/internal/credentials"
)

type httpClient struct{ transport transport.Transport }

func newHTTPClient(rt http.RoundTripper) *httpClient {
	return &httpClient{githttp.NewClientWithOptions(&http.Client{Transport: rt}, &githttp.ClientOptions{})}
}

// httpWire speaks smart HTTP. It is not for concurrent use.
type httpWire struct {
	client *httpClient
	url    string
	signIn SignIn
	last   credentials.Basic
}

func (w *httpWire) login() credentials.Basic { return w.last }

func (w *httpWire) refs(ctx context.Context, service string) (*packp.AdvRefs, error) {
	endpoint, auth, err := w.begin(ctx)
	if err != nil {
		return nil, err
	}
	var session transport.Session
	if service == transport.ReceivePackServiceName {
		session, err = w.client.transport.NewReceivePackSession(endpoint, auth)
	} else {
		session, err = w.client.transport.NewUploadPackSession(endpoint, auth)
	}
	if err != nil {
		return nil, fmt.Errorf("prepare to ask for refs: %w", err)
	}
	return session.AdvertisedReferencesContext(ctx)
}

func (w *httpWire) upload(ctx context.Context, request *packp.UploadPackRequest) (*packp.UploadPackResponse, error) {
	endpoint, auth, err := w.begin(ctx)
	if err != nil {
		return nil, err
	}
	session, err := w.client.transport.NewUploadPackSession(endpoint, auth)
	if err != nil {
		return nil, fmt.Errorf("prepare a fetch: %w", err)
	}
	return session.UploadPack(ctx, request)
}

func (w *httpWire) receive(ctx context.Context, request *packp.ReferenceUpdateRequest) (*packp.ReportStatus, error) {
	endpoint, auth, err := w.begin(ctx)
	if err != nil {
		return nil, err
	}
	session, err := w.client.transport.NewReceivePackSession(endpoint, auth)
	if err != nil {
		return nil, fmt.Errorf("prepare a push: %w", err)
	}
	return session.ReceivePack(ctx, request)
}

// begin returns what a session of the library is made of.
func (w *httpWire) begin(ctx context.Context) (*transport.Endpoint, transport.AuthMethod, error) {
	endpoint, err := transport.NewEndpoint(w.url)
	if err != nil {
		return nil, nil, fmt.Errorf("read the normalised URL: %w", err)
	}
	if w.last, err = w.signIn(ctx); err != nil {
		return nil, nil, err
	}
	if w.last.None() {
		return endpoint, nil, nil
	}
	return endpoint, &githttp.BasicAuth{Username: w.last.Username, Password: w.last.Password.Reveal()}, nil
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

type roundTripper struct {
	next     http.RoundTripper
	maxBytes int64
	requests *prometheus.CounterVec
	breakers *breakers
}

func (t *roundTripper) RoundTrip(r *http.Request) (*http.Response, error) {
	a := exchangeOf(r.Context())
	*a = exchange{push: strings.HasSuffix(operation(r), transport.ReceivePackServiceName)}
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
	response.Body = &limitedBody{
		ReadCloser: response.Body, left: t.maxBytes, refs: r.URL.Query().Has("service"),
		exchange: a,
	}
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
	e := errs.New(errs.GitHubNotFound,
		"The Git host sends requests for this repository elsewhere, and redirects are not followed.")
	if target, err := r.Location(); err == nil {
		return e.WithRemedy("Use the repository's new URL: %s://%s%s", target.Scheme, target.Host,
			strings.TrimSuffix(target.Path, "/info/refs"))
	}
	return e
}
