package app

import (
	"context"
	"log/slog"
	"net"
	"sync"
)

// What one address may have open. It is more than a proxy needs in front of many, and less than what takes a process's
// memory and files from all others.
const (
	// maxHTTPPerClient counts one for each listener of live progress behind the proxy.
	maxHTTPPerClient = 8192
	// maxGRPCPerClient is smaller, since any number of calls share a connection, which takes more than one of HTTP.
	maxGRPCPerClient = 1024
)

// fairListener closes connections of a client address that has too many, before anything is read from them.
type fairListener struct {
	net.Listener
	most int
	log  *slog.Logger

	mu   sync.Mutex
	open map[string]int
}

func newFairListener(listener net.Listener, most int, log *slog.Logger) *fairListener {
	return &fairListener{Listener: listener, most: most, log: log, open: map[string]int{}}
}

// Accept returns the next connection of a client that may have one more.
func (l *fairListener) Accept() (net.Conn, error) {
	for {
		conn, err := l.Listener.Accept()
		if err != nil {
			return nil, err
		}
		client := clientOf(conn)
		if l.enter(client) {
			return &countedConn{Conn: conn, leave: sync.OnceFunc(func() { l.leave(client) })}, nil
		}
		_ = conn.Close() // who has too many need not know more
	}
}

func clientOf(conn net.Conn) string {
	address, _, err := net.SplitHostPort(conn.RemoteAddr().String())
	if err != nil {
		return conn.RemoteAddr().String()
	}
	return address
}

func (l *fairListener) enter(client string) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.open[client] >= l.most {
		return false
	}
	if l.open[client]++; l.open[client] == l.most {
		l.log.WarnContext(context.Background(), "a client has as many connections as it may have",
			"client", client, "connections", l.most)
	}
	return true
}

func (l *fairListener) leave(client string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.open[client]--; l.open[client] == 0 {
		delete(l.open, client)
	}
}

// countedConn is a connection that is counted until it is closed.
type countedConn struct {
	net.Conn
	leave func()
}

// Close closes the connection.
func (c *countedConn) Close() error {
	c.leave()
	return c.Conn.Close()
}
