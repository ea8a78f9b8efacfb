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
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/go-git/go-git/v5/plumbing/transport"

	"fgdsync.dev/libs/errs"
)

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

func (b *limitedBody) Read(p []byte) (int, error) {
	n, err := b.ReadCloser.Read(p)
	b.exchange.remember(p[:n])
	if b.refs { // with which the capabilities come
		b.exchange.sha256 = b.exchange.sha256 || bytes.Contains(p[:n], []byte("object-format=sha256"))
	}
	if b.left -= int64(n); b.left < 0 {
		err = errs.New(errs.RepositoryUnsupported, "The Git host sends more than max_pack_bytes allows.")
	}
	if err != nil && !errors.Is(err, io.EOF) {
		b.exchange.err = err
	}
	return n, err
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
	case limited(a):
		return errs.New(errs.GitHubRateLimited, "The Git host %s asks to wait.", host).WithRetryAfter(retryAfter(a.header))
	case a.status >= http.StatusBadRequest:
		return r.explainStatus(err, a)
	case a.sha256:
		return errs.New(errs.RepositoryUnsupported, "The repository at %s has SHA-256 object ids, which are not supported.",
			host).
			WithRemedy("Use a repository with SHA-1 object ids, which Git makes unless it is told otherwise.")
	case errors.As(err, &file): // what came could not be stored; a connection fails with other errors
		return errs.New(errs.StorageFailed, "What the Git host %s sent can't be stored.", host).WithCause(err)
	case a.webPage():
		return errs.New(errs.GitHubNotFound, "The Git host %s answers with a web page, and not as Git does.", host).
			WithRemedy("Check the repository URL; a page to sign in at, or one of a firewall, may stand in front of the host.")
	case untrusted(a.err):
		return errs.New(errs.CertificateUntrusted, "The certificate of the Git host %s is not to be trusted.", host).
			WithRemedy("If the host has a certificate of your own authority, name the authority's file as remotes_ca_file.").
			WithCause(a.err)
	}
	if words := a.words(err, r.wire.login()); words != "" {
		return r.explainLine(a, words)
	}
	if a.err != nil {
		return notReached(host, a.err)
	}
	return unavailable("The exchange with the Git host %s broke off.", host).
		WithCause(fmt.Errorf("%w: %w", ErrUnreadable, err))
}

// explainStatus explains an answer by its status, in the host's own words when there are some. Only what may be another
// one the next time is tried again.
func (r *hostRemote) explainStatus(err error, a *exchange) error {
	host, login := r.location.Host, r.wire.login()
	words := a.words(err, login)
	say := func(code errs.Code, format string, args ...any) *errs.Error {
		return errs.New(code, "%s", saying(fmt.Sprintf(format, args...), words))
	}
	switch status := a.status; {
	case status == http.StatusUnauthorized && login.None():
		return say(errs.GitHubAuthenticationFailed, "The Git host %s asks for credentials", host)
	case status == http.StatusUnauthorized, status == http.StatusForbidden && words == "":
		return say(errs.GitHubAuthenticationFailed, "The Git host %s refuses the credentials", host)
	case status == http.StatusForbidden:
		return r.refused(a, words)
	case status == http.StatusNotFound, status == http.StatusGone:
		return say(errs.GitHubNotFound, "The Git host %s has no such repository, or hides it", host)
	case status == http.StatusRequestEntityTooLarge:
		return say(errs.PushRejected, "The Git host %s refuses so large a push", host)
	case status >= http.StatusInternalServerError, status == http.StatusRequestTimeout:
		return say(errs.GitHubConnectionFailed, "The Git host %s answered with status %d", host, status).
			WithCause(ErrAnswered)
	case a.push:
		return say(errs.PushRejected, "The Git host %s refuses the push with status %d", host, status)
	}
	return say(errs.GitHubRequestRefused, "The Git host %s refuses the request with status %d", host, a.status)
}

// explainLine explains an error line of the protocol. Only its words tell what is for good; they are those of Git and
// of the hosts that many use.
func (r *hostRemote) explainLine(a *exchange, words string) error {
	has := func(some ...string) bool {
		return slices.ContainsFunc(some, func(word string) bool { return strings.Contains(strings.ToLower(words), word) })
	}
	host := r.location.Host
	switch {
	case has("not found", "does not exist", "could not be found"):
		return errs.New(errs.GitHubNotFound, "The Git host %s has no such repository, or hides it: %s", host, words)
	case has("denied", "permission", "not allowed", "not permitted", "read only", "read-only", "write access",
		"authorized", "forbidden", "blocked", "suspended", "archived", "quota", "exceeds"):
		return r.refused(a, words)
	}
	return unavailable("The Git host %s ended the exchange: %s", host, words).WithCause(ErrAnswered)
}

// refused is that a host gives nothing, or takes nothing, and says why.
func (r *hostRemote) refused(a *exchange, words string) error {
	const remedy = "Look at the host's message: it may be about the repository, or about what the account may do."
	if a.push {
		return errs.New(errs.PushRejected, "The Git host %s refuses the push: %s", r.location.Host, words).
			WithRemedy(remedy)
	}
	return errs.New(errs.GitHubAuthenticationFailed, "The Git host %s refuses access: %s", r.location.Host, words).
		WithRemedy(remedy)
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
