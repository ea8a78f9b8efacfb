// Package redistest gives tests the Redis implementations that the system runs on: a real redis-server of their own,
// which can be killed and brought back, and the in-memory one of a single process.
package redistest

import (
	"crypto/rand"
	"os"
	"testing"
	"time"

	"github.com/alicebob/miniredis/v2"
	"go.uber.org/goleak"

	"fgdsync.dev/libs/redisconn"
	"fgdsync.dev/libs/redisproc"
)

// VerifyNoLeaks runs the tests of a package and fails when goroutines are left. One of go-redis is let be: it looks for
// a server that was lost once a second, and notices only then that its client was closed.
func VerifyNoLeaks(m *testing.M) {
	goleak.VerifyTestMain(m, goleak.IgnoreAnyFunction("github.com/redis/go-redis/v9/internal/pool.(*ConnPool).tryDial"))
}

// Each runs a test on every implementation.
func Each(t *testing.T, test func(t *testing.T, conn *redisconn.Conn)) {
	t.Helper()
	EachURL(t, func(t *testing.T, url string) { t.Helper(); test(t, Open(t, url)) })
}

// EachURL runs a test on every implementation, which is at a URL.
func EachURL(t *testing.T, test func(t *testing.T, url string)) {
	t.Helper()
	t.Run("redis-server", func(t *testing.T) { test(t, Start(t).URL()) })
	t.Run("in-memory", func(t *testing.T) { test(t, "redis://"+miniredis.RunT(t).Addr()) })
}

// Server is a real redis-server for the time of a test.
type Server struct {
	dir      string
	proc     *redisproc.Server
	url      string
	password string
}

// Start runs a redis-server with an empty data folder.
func Start(t testing.TB) *Server {
	t.Helper()
	// Not t.TempDir: with the test's name in it, the path of the socket can get too long for the kernel.
	dir, err := os.MkdirTemp("", "fgd-redistest-")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	s := &Server{dir: dir, password: rand.Text()}
	s.launch(t)
	s.url = s.proc.URL()
	t.Cleanup(func() {
		if err := s.proc.Stop(); err != nil {
			t.Errorf("stop redis-server: %v", err)
		}
	})
	return s
}

func (s *Server) launch(t testing.TB) {
	t.Helper()
	proc, err := redisproc.Resume(t.Context(), s.dir, s.password)
	if err != nil {
		t.Fatalf("start redis-server (make test-deps installs it): %v", err)
	}
	s.proc = proc
}

// URL returns where the server is, also after it was restarted.
func (s *Server) URL() string { return s.url }

// Conn opens a connection of its own, as another process would.
func (s *Server) Conn(t testing.TB) *redisconn.Conn {
	t.Helper()
	return Open(t, s.url)
}

// Kill ends the server as a crash would, once what it has answered to is in its append-only file. With appendfsync
// everysec a crash may cost the last two seconds while the disk is slow; that is Redis' promise and not under test.
func (s *Server) Kill(t testing.TB) {
	t.Helper()
	conn := s.Conn(t)
	ticker := time.NewTicker(5 * time.Millisecond)
	defer ticker.Stop()
	for {
		info, err := conn.Main.InfoMap(t.Context(), "persistence").Result()
		if err != nil {
			t.Fatal(err)
		}
		if p := info["Persistence"]; p["aof_buffer_length"] == "0" && p["aof_pending_bio_fsync"] == "0" {
			s.proc.Kill()
			return
		}
		<-ticker.C
	}
}

// Restart brings a killed server back over the same data, at the same URL, whose password it has from the first moment:
// nobody who finds it is refused.
func (s *Server) Restart(t testing.TB) {
	t.Helper()
	s.launch(t)
}

// Open opens a connection for the time of a test.
func Open(t testing.TB, url string) *redisconn.Conn {
	t.Helper()
	conn, err := redisconn.Open(url)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	return conn
}
