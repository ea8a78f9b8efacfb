package bridge_test

import (
	"bytes"
	"compress/gzip"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"fgdsync.dev/libs/errs"
	fabricv1 "fgdsync.dev/proto/fgd/fabric/v1"
	gitv1 "fgdsync.dev/proto/fgd/git/v1"
	syncv1 "fgdsync.dev/proto/fgd/sync/v1"
	"fgdsync.dev/services/bridge"
)

// bigFiles is a listing that no buffer on the way to a client holds.
func bigFiles() *fabricv1.ListFilesResponse {
	return &fabricv1.ListFilesResponse{Commit: "c0ffee", Total: 1, Files: []*fabricv1.File{{
		Entry:   &gitv1.TreeEntry{Path: "raw/a.yaml", Size: 1, Mode: gitv1.FileMode_FILE_MODE_REGULAR},
		Content: bytes.Repeat([]byte("x"), 24<<20),
	}}}
}

// TestAClientThatDoesNotRead is let go, and what was made for it with it.
func TestAClientThatDoesNotRead(t *testing.T) {
	t.Parallel()
	b := setup(t, func(c *bridge.Config) { c.RequestTimeout = time.Second })
	b.fabric()
	b.backend.files = bigFiles()
	ended := make(chan struct{})
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		defer close(ended)
		b.service.Handler().ServeHTTP(w, r)
	}))
	defer server.Close()
	conn, err := net.Dial("tcp", server.Listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = conn.Close() }()
	fmt.Fprint(conn, "GET /api/v1/fabrics/35/files?include_content=true HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n")
	select {
	case <-ended:
	case <-time.After(patience):
		t.Error("the bridge still waits for a client that does not read")
	}
}

// TestAnswersHaveATimeOfTheirOwn: that of the answer before on a connection is long over when the next request comes.
func TestAnswersHaveATimeOfTheirOwn(t *testing.T) {
	t.Parallel()
	b := setup(t)
	id := b.fabric()
	handler := b.service.Handler()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if err := http.NewResponseController(w).SetWriteDeadline(time.Unix(1, 0)); err != nil {
			t.Error(err)
		}
		handler.ServeHTTP(w, r)
	}))
	defer server.Close()
	b.server = server
	b.ok("GET", "/api/v1/fabrics", "")
	b.ok("GET", "/healthz", "")
	b.problem("GET", "/nothing", "", 404, "FGD_1022")
	b.problem("GET", "/api/v1/syncs/nope/events", "", 404, "FGD_3007")
	b.problem("GET", "/docs", "", 421, "FGD_1040", header{"Host", "evil.example"})
	b.backend.end(id, syncv1.State_STATE_COMPLETED, "sync.completed", nil)
	if a := b.call("GET", "/api/v1/syncs/"+id+"/events", ""); !strings.Contains(a.raw, "sync.completed") {
		t.Errorf("events: %d %s", a.status, a.raw)
	}
}

// atWork sends a request whose body is still to come, and returns once the bridge waits for it.
func (b *bundle) atWork() net.Conn {
	b.t.Helper()
	conn, err := net.Dial("tcp", b.server.Listener.Addr().String())
	if err != nil {
		b.t.Fatal(err)
	}
	b.t.Cleanup(func() { _ = conn.Close() })
	fmt.Fprint(conn, "POST /api/v1/fabrics/35/syncs HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n"+
		"Expect: 100-continue\r\nContent-Length: 2\r\n\r\n")
	asked := make([]byte, len("HTTP/1.1 100 Continue\r\n\r\n"))
	if _, err := io.ReadFull(conn, asked); err != nil || !strings.HasPrefix(string(asked), "HTTP/1.1 100 ") {
		b.t.Fatalf("%q: %v", asked, err)
	}
	return conn
}

// TestAClientHasSoManyRequests: one more is refused until one of them has ended.
func TestAClientHasSoManyRequests(t *testing.T) {
	t.Parallel()
	b := setup(t, func(c *bridge.Config) { c.MaxRequestsPerClient = 2 })
	id := b.fabric()
	first, _ := b.atWork(), b.atWork()
	for _, path := range []string{"/api/v1/fabrics", "/docs", "/nothing"} {
		refused := b.call("GET", path, "")
		b.checkProblem(path, refused, http.StatusTooManyRequests, errs.TooManyRequests.ID)
		if refused.header.Get("Retry-After") != "1" {
			t.Errorf("%s: headers %v", path, refused.header)
		}
	}
	stream := openNDJSON(b, id) // which is not counted
	stream.close()
	for _, path := range []string{"/healthz", "/readyz", "/metrics"} {
		if a := b.call("GET", path, ""); a.status != http.StatusOK {
			t.Errorf("%s: %d %s", path, a.status, a.raw)
		}
	}
	fmt.Fprint(first, "{}")
	if served, err := io.ReadAll(first); err != nil || !strings.HasPrefix(string(served), "HTTP/1.1 200 ") {
		t.Errorf("one that was let in: %s %v", served, err)
	}
	b.ok("GET", "/api/v1/fabrics", "")
}

func packed(t *testing.T, text string) string {
	t.Helper()
	var out bytes.Buffer
	w := gzip.NewWriter(&out)
	if _, err := io.WriteString(w, text); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return out.String()
}

func TestCompressedBodies(t *testing.T) {
	t.Parallel()
	b := setup(t, func(c *bridge.Config) { c.MaxRequestBytes = 2048 })
	b.fabric()
	const path = "/api/v1/fabrics/35/syncs"
	encoded := header{"Content-Encoding", "gzip"}
	b.ok("POST", path, packed(t, `{"trigger":"manual"}`), encoded)
	b.problem("POST", path, packed(t, `{"trigger":"`+strings.Repeat("x", 100<<10)+`"}`), 413, "FGD_1010", encoded)
	for name, refused := range map[string]answer{
		"no gzip": b.call("POST", path, "{}", encoded),
		"cut off": b.call("POST", path, packed(t, "{}")[:12], encoded),
		"brotli":  b.call("POST", path, "{}", header{"Content-Encoding", "br"}),
	} {
		b.checkProblem(name, refused, http.StatusUnsupportedMediaType, errs.MediaTypeRefused.ID)
		if refused.header.Get("Accept-Encoding") != "gzip" {
			t.Errorf("%s: headers %v", name, refused.header)
		}
	}
}

// TestCompressedAnswers: answers are compressed for who wants it, and streams for nobody.
func TestCompressedAnswers(t *testing.T) {
	t.Parallel()
	b := setup(t)
	id := b.fabric()
	b.backend.files = bigFiles()
	wanted := header{"Accept-Encoding", "gzip"}
	for path, compressed := range map[string]bool{
		"/api/v1/fabrics/35/files?include_content=true": true, "/openapi.json": true, "/docs": true,
		"/healthz": false, "/api/v1/syncs/" + id: false,
	} {
		a := b.call("GET", path, "", wanted)
		if got := a.header.Get("Content-Encoding") == "gzip"; got != compressed {
			t.Errorf("%s: compressed %v", path, got)
		}
		if compressed {
			unpack(t, path, a)
		}
		plain := b.call("GET", path, "", header{"Accept-Encoding", "identity"})
		if plain.header.Get("Content-Encoding") != "" {
			t.Errorf("%s: compressed for one who did not ask", path)
		}
	}
	b.backend.tell(id, progress(1))
	response := b.get(t.Context(), "/api/v1/syncs/"+id+"/events", wanted)
	defer response.Body.Close()
	if got := response.Header.Get("Content-Encoding"); got != "" {
		t.Errorf("a stream is %s", got)
	}
}

func unpack(t *testing.T, path string, a answer) {
	t.Helper()
	r, err := gzip.NewReader(strings.NewReader(a.raw))
	if err != nil {
		t.Errorf("%s: %v", path, err)
		return
	}
	if plain, err := io.ReadAll(r); err != nil || len(plain) < len(a.raw) {
		t.Errorf("%s: %d bytes of %d: %v", path, len(plain), len(a.raw), err)
	}
}
