package redistest

import (
	"bytes"
	"context"
	"net"
	"net/url"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"fgdsync.dev/libs/redisconn"
)

const chunkBytes = 64 << 10

// Lossy stands between a client and a redis-server, and can lose a reply: the command takes effect, and nobody is told.
// The connection breaks, or stays open in silence.
type Lossy struct {
	listener net.Listener
	socket   string
	password string
	command  atomic.Pointer[string]
	silent   atomic.Bool
	lost     atomic.Int32
	conns    sync.WaitGroup
}

// Lossy puts itself in front of the server.
func (s *Server) Lossy(t testing.TB) *Lossy {
	t.Helper()
	target, err := url.Parse(s.url)
	if err != nil {
		t.Fatal(err)
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ctx, end := context.WithCancel(context.WithoutCancel(t.Context()))
	l := &Lossy{listener: listener, socket: target.Path, password: s.password}
	l.conns.Go(func() { l.accept(ctx) })
	t.Cleanup(func() { end(); _ = listener.Close(); l.conns.Wait() })
	return l
}

// Conn opens a connection through it.
func (l *Lossy) Conn(t testing.TB) *redisconn.Conn {
	t.Helper()
	return Open(t, (&url.URL{Scheme: "redis", User: url.UserPassword("", l.password), Host: l.listener.Addr().String()}).
		String())
}

// SwallowReplyTo loses the reply to the next request that contains the word, once, and leaves the client to wait for
// it.
func (l *Lossy) SwallowReplyTo(word string) {
	l.silent.Store(true)
	l.LoseReplyTo(word)
}

// LoseReplyTo loses the reply to the next request that contains the word, once.
func (l *Lossy) LoseReplyTo(word string) {
	word = strings.ToLower(word)
	l.command.Store(&word)
}

// Lost tells how many replies were lost.
func (l *Lossy) Lost() int { return int(l.lost.Load()) }

func (l *Lossy) accept(ctx context.Context) {
	for {
		client, err := l.listener.Accept()
		if err != nil {
			return
		}
		server, err := (&net.Dialer{}).DialContext(ctx, "unix", l.socket)
		if err != nil {
			_ = client.Close()
			continue
		}
		var losing atomic.Bool
		both := func() { _ = client.Close(); _ = server.Close() }
		l.conns.Go(func() {
			defer both()
			pass(client, server, func(chunk []byte) verdict {
				if word := l.command.Load(); word != nil && bytes.Contains(bytes.ToLower(chunk), []byte(*word)) &&
					l.command.CompareAndSwap(word, nil) {
					losing.Store(true)
				}
				return forward
			})
		})
		l.conns.Go(func() {
			defer both()
			pass(server, client, func([]byte) verdict {
				switch {
				case !losing.Load():
					return forward
				case l.lost.Add(1) > 0 && l.silent.Load():
					return swallow
				}
				return hangUp
			})
		})
	}
}

// verdict is what becomes of a piece of a conversation.
type verdict int

const (
	forward verdict = iota
	swallow
	hangUp
)

// pass copies until an end breaks or the judge says so.
func pass(from, to net.Conn, judge func([]byte) verdict) {
	buffer := make([]byte, chunkBytes)
	for {
		n, err := from.Read(buffer)
		if n > 0 {
			switch judge(buffer[:n]) {
			case hangUp:
				return
			case forward:
				if _, err := to.Write(buffer[:n]); err != nil {
					return
				}
			}
		}
		if err != nil {
			return
		}
	}
}
