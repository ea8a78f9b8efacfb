package mtls_test

import (
	"bytes"
	"errors"
	"net"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"fgdsync.dev/libs/errs"
	"fgdsync.dev/libs/mtls"
	"fgdsync.dev/testkit/certtest"
)

// cutConn is a connection whose other side is gone for whoever writes, from some time on. What it said before is there.
type cutConn struct {
	net.Conn
	cut atomic.Bool
}

func (c *cutConn) Write(p []byte) (int, error) {
	if c.cut.Load() {
		return 0, syscall.EPIPE
	}
	return c.Conn.Write(p)
}

// TestARefusalIsHeardByWhoWrites: a server that does not take a certificate says so and closes, and the client may
// notice first that it can't write.
func TestARefusalIsHeardByWhoWrites(t *testing.T) {
	t.Parallel()
	ca, other := certtest.New(t), certtest.New(t)
	server := ca.Keys("orchestrator")
	both := append(bytes.Clone(ca.PEM()), other.PEM()...)
	client, err := load(certtest.Write(t, t.TempDir(), both, other.Service("directory")), &bytes.Buffer{}, time.Now)
	if err != nil {
		t.Fatal(err)
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = listener.Close() }()
	refused := make(chan error, 1)
	go func() { refused <- refuse(listener, server) }()
	raw, err := net.Dial("tcp", listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	side, why := client.Client("orchestrator")
	wire := &cutConn{Conn: raw}
	conn, _, err := side.ClientHandshake(t.Context(), "", wire)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = conn.Close() }()
	if err := <-refused; err == nil {
		t.Fatal("the server takes a stranger")
	}
	wire.cut.Store(true)
	if _, err := conn.Write([]byte("PRI")); !errors.Is(err, syscall.EPIPE) {
		t.Errorf("wrote with %v", err)
	}
	if cause := why(); cause == nil || cause.Code != errs.ServiceUnproven {
		t.Errorf("the reason is %v", cause)
	}
}

// refuse takes a connection, and returns why a server that knows others does not keep it.
func refuse(listener net.Listener, keys *mtls.Keys) error {
	conn, err := listener.Accept()
	if err != nil {
		return nil
	}
	defer func() { _ = conn.Close() }()
	_, _, err = keys.Server().ServerHandshake(conn)
	return err
}
