package rpc

import (
	"context"
	"log/slog"
	"net"
	"sync"
	"sync/atomic"
	"time"

	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/peer"
	"google.golang.org/grpc/stats"

	"fgdsync.dev/libs/memory"
)

const (
	// takenWithin is how long a caller has for each takenPart of the answers that wait for it.
	takenWithin = 30 * time.Second
	takenPart   = 256 << 10
	// heavyAnswer is the size in bytes from which an answer has to be taken: smaller ones hold little.
	heavyAnswer = 64 << 10
)

// takenConn is a connection of a caller, whose answers have to be taken. A gRPC server keeps an answer until its client
// makes room for it, which one that does not read never does, and has no other way to be rid of it than the end of the
// connection.
type takenConn struct {
	net.Conn
	written atomic.Int64 // so far, in bytes

	mu       sync.Mutex
	due      int64 // what will have been written when all heavy answers were taken
	lastSeen int64 // what had been written when the time of the next part began
	watched  bool
	cut      bool
}

// Write counts what goes out.
func (c *takenConn) Write(p []byte) (int, error) {
	n, err := c.Conn.Write(p)
	c.written.Add(int64(n))
	return n, err
}

// expect has an answer be taken, of which nothing was sent as long as no more than began was written. It reports
// whether somebody has to begin to look.
func (c *takenConn) expect(began, size int64) (first bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.due = max(c.due, began) + size
	if c.watched {
		return false
	}
	c.watched, c.lastSeen = true, c.written.Load()
	return true
}

// look ends the connection when the next part was not taken. It reports whether there is more to take.
func (c *takenConn) look() (more bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	written := c.written.Load()
	switch {
	case written >= c.due:
		c.watched = false
		return false
	case written-c.lastSeen < min(takenPart, c.due-c.lastSeen):
		c.cut = true
		_ = c.Close() // who takes nothing need not know more
		return false
	}
	c.lastSeen = written
	return true
}

func (c *takenConn) wasCut() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.cut
}

// takenCredentials are those of a transport, and make a takenConn of each connection, and remember it.
type takenCredentials struct {
	credentials.TransportCredentials
}

// takenInfo leads from a call to its connection.
type takenInfo struct {
	credentials.AuthInfo
	conn *takenConn
}

// ServerHandshake wraps a connection.
func (c takenCredentials) ServerHandshake(raw net.Conn) (net.Conn, credentials.AuthInfo, error) {
	ready, info, err := c.TransportCredentials.ServerHandshake(raw)
	if err != nil {
		return ready, info, err
	}
	conn := &takenConn{Conn: ready}
	return conn, takenInfo{info, conn}, nil
}

// Clone returns the credentials.
func (c takenCredentials) Clone() credentials.TransportCredentials { return c }

// takenConnOf returns the connection of a call, if it is one whose answers have to be taken.
func takenConnOf(ctx context.Context) (*takenConn, bool) {
	from, known := peer.FromContext(ctx)
	if !known {
		return nil, false
	}
	info, ours := from.AuthInfo.(takenInfo)
	return info.conn, ours
}

// taken sees that answers are taken.
type taken struct {
	log    *slog.Logger
	memory memory.Returner
}

// answering is what is known of a call whose answer is under way.
type answering struct{ began atomic.Int64 }

type answeringKey struct{}

// TagRPC has a place to remember what had been written before the answer.
func (t *taken) TagRPC(ctx context.Context, _ *stats.RPCTagInfo) context.Context {
	return context.WithValue(ctx, answeringKey{}, &answering{})
}

// HandleRPC expects heavy answers to be taken.
func (t *taken) HandleRPC(ctx context.Context, event stats.RPCStats) {
	conn, ours := takenConnOf(ctx)
	answer, tagged := ctx.Value(answeringKey{}).(*answering)
	if !ours || !tagged {
		return
	}
	switch event := event.(type) {
	case *stats.OutHeader:
		answer.began.Store(conn.written.Load())
	case *stats.OutPayload:
		if event.WireLength >= heavyAnswer && conn.expect(answer.began.Load(), int64(event.WireLength)) {
			t.lookLater(conn)
		}
	}
}

func (t *taken) lookLater(conn *takenConn) {
	time.AfterFunc(takenWithin, func() {
		if conn.look() {
			t.lookLater(conn)
		}
	})
}

// TagConn adds nothing.
func (t *taken) TagConn(ctx context.Context, _ *stats.ConnTagInfo) context.Context { return ctx }

// HandleConn gives back what was made for a client that did not take it.
func (t *taken) HandleConn(ctx context.Context, event stats.ConnStats) {
	conn, ours := takenConnOf(ctx)
	if _, end := event.(*stats.ConnEnd); end && ours && conn.wasCut() {
		t.log.InfoContext(ctx, "answer was not taken", "client", conn.RemoteAddr().String())
		t.memory.GiveBack()
	}
}
