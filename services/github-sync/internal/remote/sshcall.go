package remote

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"slices"
	"strings"
	"time"

	"github.com/go-git/go-git/v5/plumbing/protocol/packp"
	"github.com/go-git/go-git/v5/plumbing/transport"
	"github.com/prometheus/client_golang/prometheus"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/trace"
	"golang.org/x/crypto/ssh"

	"fgdsync.dev/libs/errs"
	"fgdsync.dev/services/github-sync/internal/credentials"
)

const (
	// handshakeTimeout bounds the time until a host has taken the key.
	handshakeTimeout = 20 * time.Second
	// silence is how long a host may say nothing. While Git works for a client it gives a sign of life every five seconds.
	silence = 60 * time.Second
)

// sshClient connects to hosts.
type sshClient struct {
	dialer     *net.Dialer
	knownHosts string
	maxBytes   int64
	requests   *prometheus.CounterVec
	breakers   *breakers
	limiter    *limiter
	tracer     trace.Tracer
}

// sshCall is one run of a service at the other end, with a connection of its own.
type sshCall struct {
	host     string
	exchange *exchange
	conn     *ssh.Client
	session  *ssh.Session
	stdin    io.WriteCloser
	stdout   io.ReadCloser // bounded
	sideband sidebandText
	leave    []func()
}

// begin connects, runs a service, and reads what it begins with.
func (c *sshClient) begin(ctx context.Context, w *sshWire, service, operation string) (*sshCall, *packp.AdvRefs,
	error,
) {
	ctx, span := c.tracer.Start(ctx, "git "+operation, trace.WithSpanKind(trace.SpanKindClient))
	call := &sshCall{host: w.location.Host, exchange: exchangeOf(ctx), leave: []func(){func() { span.End() }}}
	*call.exchange = exchange{}
	advertised, err := c.open(ctx, call, w, service)
	if err != nil {
		c.requests.WithLabelValues(operation, "error").Inc()
		span.SetStatus(codes.Error, "")
		call.close()
		return nil, nil, err
	}
	c.requests.WithLabelValues(operation, "ok").Inc()
	return call, advertised, nil
}

func (c *sshClient) open(ctx context.Context, call *sshCall, w *sshWire, service string) (*packp.AdvRefs, error) {
	release, err := c.limiter.acquire(ctx, w.location.Host, w.location.Key)
	if err != nil {
		return nil, err
	}
	call.leave = append(call.leave, release)
	done, err := c.breakers.of(w.location.SSH.Address).allow()
	if err != nil {
		return nil, err
	}
	var advertised *packp.AdvRefs
	if err = c.connect(ctx, call, w); err == nil {
		err = call.run(service+" "+quoted(w.location.SSH.Path), c.maxBytes)
	}
	if err != nil {
		call.exchange.err = err
	} else {
		advertised, err = advertisement(call, service)
	}
	done(against(ctx, errors.Join(err, call.exchange.err)))
	return advertised, err
}

// against is what a failed beginning says against the host itself. A refusal says nothing.
func against(ctx context.Context, err error) error {
	var known *errs.Error
	switch {
	case err != nil && ctx.Err() != nil:
		return context.Cause(ctx)
	case errors.Is(err, transport.ErrEmptyRemoteRepository), errors.As(err, &known) && known.Code.Kind != errs.Unavailable:
		return nil
	}
	return err
}

// connect signs in to a host. The end of ctx ends the connection, whatever it is doing.
func (c *sshClient) connect(ctx context.Context, call *sshCall, w *sshWire) error {
	account := w.location.SSH
	keys, err := newHostKeys(c.knownHosts, w.location.Host, account.Address)
	if err != nil {
		return err
	}
	dialed, err := c.dialer.DialContext(ctx, "tcp", account.Address)
	if err != nil {
		return err
	}
	end := func() { _ = dialed.Close() } // what was not said any more is missed by nobody
	stop := context.AfterFunc(ctx, end)
	call.leave = append(call.leave, func() { stop(); end() })
	late := time.AfterFunc(handshakeTimeout, end)
	conn, channels, requests, err := ssh.NewClientConn(&watched{dialed}, account.Address, &ssh.ClientConfig{
		User: account.User, Auth: []ssh.AuthMethod{ssh.PublicKeys(w.signer)},
		HostKeyCallback: keys.check, HostKeyAlgorithms: keys.algorithms(),
	})
	inTime := late.Stop()
	switch {
	case keys.verdict != nil:
		return keys.verdict
	case err != nil && !inTime:
		return fmt.Errorf("no SSH handshake within %s: %w", handshakeTimeout, err)
	case err != nil && strings.Contains(err.Error(), "unable to authenticate"):
		return errs.New(errs.GitHubAuthenticationFailed, "The Git host %s refuses the SSH key of user %s.", w.location.Host,
			account.User).
			WithRemedy("Add the public key to the repository as a deploy key that may write.")
	case err != nil:
		return err
	}
	call.conn = ssh.NewClient(conn, channels, requests)
	return nil
}

// watched is a connection that ends when the other side is silent for too long.
type watched struct{ net.Conn }

func (w *watched) Read(p []byte) (int, error) {
	if err := w.SetReadDeadline(time.Now().Add(silence)); err != nil {
		return 0, err
	}
	return w.Conn.Read(p)
}

func (w *watched) Write(p []byte) (int, error) {
	if err := w.SetWriteDeadline(time.Now().Add(silence)); err != nil {
		return 0, err
	}
	return w.Conn.Write(p)
}

// quoted makes an argument of a path, for the shell that may be at the other end, as Git does it.
func quoted(path string) string {
	return "'" + strings.NewReplacer("'", `'\''`, "!", `'\!'`).Replace(path) + "'"
}

// run starts the service.
func (c *sshCall) run(command string, maxBytes int64) error {
	session, err := c.conn.NewSession()
	if err != nil {
		return err
	}
	stdin, inErr := session.StdinPipe()
	stdout, outErr := session.StdoutPipe()
	if err := errors.Join(inErr, outErr); err != nil {
		return err
	}
	session.Stderr = &c.sideband
	c.session, c.stdin = session, stdin
	c.stdout = &limitedBody{
		ReadCloser: io.NopCloser(&untilExit{stdout, c, nil}), left: maxBytes, refs: true,
		exchange: c.exchange,
	}
	if err := session.Start(command); err != nil {
		if strings.HasPrefix(err.Error(), "ssh: command") { // the words of the library for a refusal
			return errs.New(errs.GitHubAuthenticationFailed, "The Git host %s does not let the SSH key use Git.", c.host)
		}
		return err
	}
	return nil
}

// Read returns what the service writes.
func (c *sshCall) Read(p []byte) (int, error) { return c.stdout.Read(p) }

// Close ends the call.
func (c *sshCall) Close() error {
	c.close()
	return nil
}

func (c *sshCall) close() {
	for _, leave := range slices.Backward(c.leave) {
		leave()
	}
	c.leave = nil
	if c.conn != nil {
		_ = c.conn.Wait() // for the end of what served the connection
	}
}

// untilExit makes an error of an output that ends while the service did not end well.
type untilExit struct {
	stdout io.Reader
	call   *sshCall
	end    error
}

func (u *untilExit) Read(p []byte) (int, error) {
	if u.end != nil {
		return 0, u.end
	}
	n, err := u.stdout.Read(p)
	if errors.Is(err, io.EOF) {
		u.end = u.call.exit()
		err = u.end
	}
	return n, err
}

// exit waits for the end of the service. Without a word about it the connection was cut.
func (c *sshCall) exit() error {
	err := c.session.Wait()
	var exit *ssh.ExitError
	switch {
	case err == nil:
		return io.EOF
	case errors.As(err, &exit):
		return refusal(c.host, string(c.sideband))
	}
	return fmt.Errorf("%w: %w", io.ErrUnexpectedEOF, err)
}

// refusal explains why a service ended. The words are those of Git and of the hosts that many use.
func refusal(host, said string) error {
	says := func(words ...string) bool {
		return slices.ContainsFunc(words, func(word string) bool { return strings.Contains(strings.ToLower(said), word) })
	}
	switch {
	case says("not found", "does not appear to be a git repository", "does not exist", "no such", "could not be found"):
		return errs.New(errs.GitHubNotFound, "The Git host %s has no such repository, or hides it.", host)
	case says("denied", "permission", "not allowed", "not permitted", "read only", "read-only", "write access",
		"authorized"):
		return errs.New(errs.GitHubAuthenticationFailed, "The Git host %s refuses the SSH key: %s", host,
			Scrub(said, credentials.Basic{})).
			WithRemedy("Give the deploy key of the repository, with the right to write.")
	}
	return unavailable("The Git host %s ended the exchange: %s", host, Scrub(said, credentials.Basic{}))
}
