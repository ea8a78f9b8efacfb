package mtls

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"io"
	"net"
	"sync"
	"sync/atomic"
	"time"

	"google.golang.org/grpc/credentials"

	"fgdsync.dev/libs/errs"
)

// Peer is who has proven to be a service, as a gRPC server sees it.
type Peer struct {
	credentials.TLSInfo
	Service string
}

// Server returns what a gRPC server for services demands of those who connect: the certificate of a service.
func (k *Keys) Server() credentials.TransportCredentials { return serverSide{plain(), k} }

// plain is what the two sides build on; nothing of it is left that speaks in clear.
func plain() credentials.TransportCredentials {
	return credentials.NewTLS(&tls.Config{MinVersion: tls.VersionTLS13})
}

type serverSide struct {
	credentials.TransportCredentials
	keys *Keys
}

// Clone returns the credentials.
func (s serverSide) Clone() credentials.TransportCredentials { return s }

// ServerHandshake finds out who connects. Those who prove nothing are told no more than TLS has words for; the log says
// why.
func (s serverSide) ServerHandshake(raw net.Conn) (net.Conn, credentials.AuthInfo, error) {
	conn, info, err := credentials.NewTLS(s.keys.serving()).ServerHandshake(raw)
	if err != nil {
		if !errors.Is(err, io.EOF) { // somebody who only looks whether the port is open
			s.keys.refused.tell(s.keys, raw.RemoteAddr(), err)
		}
		return nil, nil, err //nolint:wrapcheck // gRPC's own
	}
	proven, is := info.(credentials.TLSInfo)
	if !is {
		return nil, nil, errors.Join(errors.New("nothing is known of the connection"), conn.Close())
	}
	service, err := ServiceOf(proven.State.PeerCertificates[0])
	if err != nil { // was asked during the handshake too
		return nil, nil, errors.Join(err, conn.Close())
	}
	return conn, Peer{proven, service}, nil
}

// serving is what one connection is taken with. No session is resumed: the certificate of its begin may be no good now.
func (k *Keys) serving() *tls.Config {
	held, _ := k.held.get()
	return &tls.Config{
		MinVersion: tls.VersionTLS13, Certificates: []tls.Certificate{*held.certificate}, Time: k.now,
		ClientAuth: tls.RequireAndVerifyClientCert, ClientCAs: held.authorities, SessionTicketsDisabled: true,
		VerifyConnection: func(state tls.ConnectionState) error {
			_, err := ServiceOf(state.PeerCertificates[0])
			return err
		},
	}
}

// Client returns what a gRPC client dials a service with, and what says why the last connection to it did not come
// about, when that was because of a certificate.
func (k *Keys) Client(service string) (side credentials.TransportCredentials, why func() *errs.Error) {
	c := clientSide{plain(), k, service, &atomic.Pointer[errs.Error]{}}
	return c, func() *errs.Error {
		if last := c.problem.Load(); last != nil {
			return errs.New(last.Code, "%s", last.Message).WithMeta("service", service).WithRemedy("%s", last.RemedyText())
		}
		return nil
	}
}

type clientSide struct {
	credentials.TransportCredentials
	keys    *Keys
	service string
	problem *atomic.Pointer[errs.Error] // of the last handshake
}

// Clone returns the credentials.
func (c clientSide) Clone() credentials.TransportCredentials { return c }

// ClientHandshake makes sure that who answers is the service. Its host's name is not looked at, so that replicas may be
// anywhere.
func (c clientSide) ClientHandshake(ctx context.Context, authority string, raw net.Conn,
) (net.Conn, credentials.AuthInfo, error) {
	conn, info, err := credentials.NewTLS(c.keys.dialling(c.service)).ClientHandshake(ctx, authority, raw)
	if err != nil {
		var ours *errs.Error
		_ = errors.As(err, &ours)
		c.problem.Store(ours)
		return nil, nil, err //nolint:wrapcheck // gRPC's own
	}
	return &judgedConn{Conn: conn, side: c}, info, nil
}

// dialling is what one connection to a service is made with.
func (k *Keys) dialling(service string) *tls.Config {
	held, _ := k.held.get()
	return &tls.Config{
		MinVersion: tls.VersionTLS13, Time: k.now,
		// Also where the other side does not list our authority, so that it can say what it has against it.
		GetClientCertificate: func(*tls.CertificateRequestInfo) (*tls.Certificate, error) { return held.certificate, nil },
		InsecureSkipVerify:   true, //nolint:gosec // which looks at the host's name; what is verified is below
		VerifyConnection: func(state tls.ConnectionState) error {
			return held.verifyServer(service, state.PeerCertificates, k.now())
		},
	}
}

func (h held) verifyServer(service string, chain []*x509.Certificate, now time.Time) error {
	_, err := verify(chain, h.authorities, now, x509.ExtKeyUsageServerAuth)
	if isExpired(err) && now.After(chain[0].NotAfter) {
		return expired("The certificate of "+service, chain[0].NotAfter)
	}
	if err != nil {
		return unproven(service, err.Error())
	}
	switch name, err := ServiceOf(chain[0]); {
	case err != nil:
		return unproven(service, err.Error())
	case name != service:
		return unproven(service, "its certificate is that of "+name)
	}
	return nil
}

// judgedConn is a connection whose other side looks at our certificate after we have looked at its own, and may end it
// for that.
type judgedConn struct {
	net.Conn
	side  clientSide
	taken atomic.Bool // the other side has answered
}

// reasonTime bounds how long it is listened for why a connection was closed.
const reasonTime = time.Second

// Write looks for what the other side said against our certificate, if it closed the connection before this could be
// written. Whoever writes would know of a broken pipe alone.
func (c *judgedConn) Write(p []byte) (int, error) {
	n, err := c.Conn.Write(p)
	if err != nil && !c.taken.Load() && c.SetReadDeadline(time.Now().Add(reasonTime)) == nil {
		_, _ = c.Read(make([]byte, 1)) // which notes it
	}
	return n, err //nolint:wrapcheck // that of the connection
}

// Read notes whether the other side has taken our certificate.
func (c *judgedConn) Read(p []byte) (int, error) {
	n, err := c.Conn.Read(p)
	var told *net.OpError
	switch {
	case n > 0:
		c.taken.Store(true)
		c.side.problem.Store(nil)
	case errors.As(err, &told) && told.Op == "remote error": // an alert of TLS
		c.side.problem.Store(errs.New(errs.ServiceUnproven, "The service %s does not take the certificate of %s: %v.",
			c.side.service, c.side.keys.service, told.Err))
	}
	return n, err //nolint:wrapcheck // that of the connection
}

// refusalPeriod is how much time there is between two lines on refused connections: anybody can have one refused.
const refusalPeriod = time.Second

// refusals say why connections were not taken.
type refusals struct {
	mu    sync.Mutex
	again time.Time
}

func (r *refusals) tell(k *Keys, client net.Addr, err error) {
	r.mu.Lock()
	now := k.now()
	silent := now.Before(r.again)
	if !silent {
		r.again = now.Add(refusalPeriod)
	}
	r.mu.Unlock()
	if !silent {
		k.log.WarnContext(context.Background(), "a connection was refused for its certificate", "client", client.String(),
			"error", err.Error())
	}
}
