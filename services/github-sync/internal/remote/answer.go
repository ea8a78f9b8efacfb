package remote

import (
	"bytes"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"strconv"
	"time"

	"github.com/go-git/go-git/v5/plumbing/protocol/packp/capability"
	"github.com/go-git/go-git/v5/plumbing/transport"

	"fgdsync.dev/libs/errs"
)

// exchange is what a request came to; the Git library keeps little of it.
type exchange struct {
	status int
	header http.Header
	err    error
	sha256 bool // the repository has ids that the Git library can't read
	thin   bool // the host can send thin packs, which the Git library does not tell
}

type exchangeKey struct{}

// withExchange makes a context for one exchange, in which the last answer is remembered. At its end what was not read
// of the answer is let go, and the slots at the host with it: the Git library does not close every answer.
func withExchange(ctx context.Context) (within context.Context, a *exchange, end context.CancelFunc) {
	a = &exchange{}
	within, end = context.WithCancel(context.WithValue(ctx, exchangeKey{}, a))
	return within, a, end
}

// exchangeOf returns where the answer is remembered.
func exchangeOf(ctx context.Context) *exchange {
	if a, asked := ctx.Value(exchangeKey{}).(*exchange); asked {
		return a
	}
	return &exchange{}
}

type limitedBody struct {
	io.ReadCloser
	left     int64
	refs     bool
	exchange *exchange
}

func (b *limitedBody) Read(p []byte) (int, error) {
	n, err := b.ReadCloser.Read(p)
	if b.refs { // with which the capabilities come
		b.exchange.sha256 = b.exchange.sha256 || bytes.Contains(p[:n], []byte("object-format=sha256"))
		b.exchange.thin = b.exchange.thin || bytes.Contains(p[:n], []byte(" "+capability.ThinPack.String()+" "))
	}
	if b.left -= int64(n); b.left < 0 {
		err = errs.New(errs.RepositoryUnsupported, "The Git host sends more than max_pack_bytes allows.")
	}
	if err != nil && !errors.Is(err, io.EOF) {
		b.exchange.err = err
	}
	return n, err
}

// mostSaid is how much is looked at of what a host says beside the protocol.
const mostSaid = 8 << 10

// sidebandText is the beginning of it.
type sidebandText []byte

func (s *sidebandText) Write(p []byte) (int, error) {
	*s = append(*s, p[:min(len(p), mostSaid-len(*s))]...)
	return len(p), nil
}

func unavailable(format string, args ...any) *errs.Error {
	return errs.New(errs.GitHubConnectionFailed, format, args...)
}

// explain returns a failed exchange its code. What the transport saw counts more than what the library made of it.
func (r *hostRemote) explain(ctx context.Context, err error, a *exchange) error {
	var known *errs.Error
	var file *fs.PathError
	host := r.location.Host
	switch {
	case errors.As(err, &known), errors.As(a.err, &known):
		return known
	case ctx.Err() != nil:
		return fmt.Errorf("speak to %s: %w", host, context.Cause(ctx))
	case errors.Is(err, transport.ErrEmptyRemoteRepository):
		return errs.New(errs.RepositoryEmpty, "The repository at %s is empty.", host)
	case a.status == http.StatusUnauthorized && r.wire.login().None():
		return errs.New(errs.GitHubAuthenticationFailed, "The Git host %s asks for credentials.", host)
	case limited(a):
		return errs.New(errs.GitHubRateLimited, "The Git host %s asks to wait.", host).WithRetryAfter(retryAfter(a.header))
	case a.status == http.StatusUnauthorized, a.status == http.StatusForbidden:
		return errs.New(errs.GitHubAuthenticationFailed, "The Git host %s refuses the credentials.", host)
	case a.status == http.StatusNotFound, a.status == http.StatusGone:
		return errs.New(errs.GitHubNotFound, "The Git host %s has no such repository, or hides it.", host)
	case a.status == http.StatusRequestEntityTooLarge:
		return errs.New(errs.PushRejected, "The Git host %s refuses so large a push.", host)
	case a.status >= http.StatusInternalServerError:
		return unavailable("The Git host %s answered with status %d.", host, a.status)
	case a.sha256:
		return errs.New(errs.RepositoryUnsupported, "The repository at %s has SHA-256 object ids, which are not supported.",
			host).
			WithRemedy("Use a repository with SHA-1 object ids, which Git makes unless it is told otherwise.")
	case errors.As(err, &file): // what came could not be stored; a connection fails with other errors
		return errs.New(errs.StorageFailed, "What the Git host %s sent can't be stored.", host).WithCause(err)
	case untrusted(a.err):
		return errs.New(errs.CertificateUntrusted, "The certificate of the Git host %s is not to be trusted.", host).
			WithRemedy("If the host has a certificate of your own authority, name the authority's file as remotes_ca_file.").
			WithCause(a.err)
	case a.err != nil:
		return unavailable("The Git host %s can't be reached.", host).WithCause(a.err)
	}
	return unavailable("The exchange with the Git host %s broke off.", host).
		WithCause(fmt.Errorf("%w: %w", ErrUnreadable, err))
}

func untrusted(err error) bool {
	var certificate *tls.CertificateVerificationError
	return errors.As(err, &certificate)
}

func limited(a *exchange) bool {
	return a.status == http.StatusTooManyRequests ||
		a.status == http.StatusForbidden && (a.header.Get("Retry-After") != "" ||
			a.header.Get("X-Ratelimit-Remaining") == "0")
}

// retryAfter reads how long to wait: at least a minute when the host does not say, as GitHub's documentation asks.
func retryAfter(h http.Header) time.Duration {
	if seconds, err := strconv.Atoi(h.Get("Retry-After")); err == nil && seconds >= 0 {
		return time.Duration(seconds) * time.Second
	}
	if at, err := http.ParseTime(h.Get("Retry-After")); err == nil {
		return max(time.Until(at), 0)
	}
	if reset, err := strconv.ParseInt(h.Get("X-Ratelimit-Reset"), 10, 64); err == nil {
		return max(time.Until(time.Unix(reset, 0)), 0)
	}
	return time.Minute
}
