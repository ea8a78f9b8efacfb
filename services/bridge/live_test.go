package bridge_test

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/coder/websocket"

	"fgdsync.dev/libs/errs"
	gitv1 "fgdsync.dev/proto/fgd/git/v1"
	reportv1 "fgdsync.dev/proto/fgd/report/v1"
	syncv1 "fgdsync.dev/proto/fgd/sync/v1"
)

// patience bounds what a test waits for; nothing takes so long unless it is broken.
const patience = 20 * time.Second

// stream is an open stream of live messages, whatever its transport.
type stream struct {
	next  func() (map[string]any, error) // io.EOF after the last
	close func()
}

func (b *bundle) get(ctx context.Context, path string, headers ...header) *http.Response {
	b.t.Helper()
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, b.server.URL+path, nil)
	if err != nil {
		b.t.Fatal(err)
	}
	for _, h := range headers {
		request.Header.Set(h.name, h.value)
	}
	response, err := b.server.Client().Do(request)
	if err != nil {
		b.t.Fatal(err)
	}
	return response
}

func decode(line string) (map[string]any, error) {
	var message map[string]any
	err := json.Unmarshal([]byte(line), &message)
	return message, err
}

func openNDJSON(b *bundle, syncID string) stream {
	response := b.get(b.t.Context(), "/api/v1/syncs/"+syncID+"/events/")
	if got := response.Header.Get("Content-Type"); got != "application/x-ndjson" {
		b.t.Errorf("content type %q", got)
	}
	lines := bufio.NewScanner(response.Body)
	return stream{close: func() { _ = response.Body.Close() }, next: func() (map[string]any, error) {
		if !lines.Scan() {
			return nil, errors.Join(lines.Err(), io.EOF)
		}
		return decode(lines.Text())
	}}
}

func openSSE(b *bundle, syncID string) stream {
	response := b.get(b.t.Context(), "/api/v1/syncs/"+syncID+"/events", header{"Accept", "text/event-stream"})
	if got := response.Header.Get("Content-Type"); got != "text/event-stream" {
		b.t.Errorf("content type %q", got)
	}
	lines := bufio.NewScanner(response.Body)
	return stream{close: func() { _ = response.Body.Close() }, next: func() (map[string]any, error) {
		for lines.Scan() {
			if data, ok := strings.CutPrefix(lines.Text(), "data: "); ok {
				return decode(data)
			}
		}
		return nil, errors.Join(lines.Err(), io.EOF)
	}}
}

func openWebSocket(path string) func(b *bundle, syncID string) stream {
	return func(b *bundle, syncID string) stream {
		conn, response, err := websocket.Dial(b.t.Context(), b.server.URL+path+syncID+"/", nil)
		if err != nil {
			b.t.Fatal(err)
		}
		_ = response
		return stream{close: func() { _ = conn.CloseNow() }, next: func() (map[string]any, error) {
			kind, text, err := conn.Read(b.t.Context())
			if websocket.CloseStatus(err) == websocket.StatusNormalClosure {
				return nil, io.EOF
			}
			if err != nil || kind != websocket.MessageText {
				return nil, fmt.Errorf("frame of kind %v: %w", kind, err)
			}
			return decode(string(text))
		}}
	}
}

var transports = map[string]func(*bundle, string) stream{
	"ndjson":               openNDJSON,
	"sse":                  openSSE,
	"websocket":            openWebSocket("/ws/sync-progress/"),
	"websocket for plugin": openWebSocket("/ws/plugins/hedgehog/sync-progress/"),
}

func progress(n int32) *syncv1.SyncEvent {
	return &syncv1.SyncEvent{
		Type: "sync.progress", State: syncv1.State_STATE_PROCESSING, Stage: syncv1.Stage_STAGE_FILE_INGESTION,
		CurrentFile: "raw/a.yaml",
		Progress:    &syncv1.Progress{PercentComplete: n, FilesProcessed: n, TotalFiles: 100},
	}
}

func expect(t *testing.T, s stream, messageType string) map[string]any {
	t.Helper()
	message, err := s.next()
	if err != nil || message["type"] != messageType {
		t.Fatalf("got %v, %v; want %s", message, err, messageType)
	}
	return message
}

// TestLive: a late listener gets everything from the start, then live, to the last message, and then the end.
func TestLive(t *testing.T) {
	t.Parallel()
	for name, open := range transports {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := setup(t)
			id := b.fabric()
			b.backend.tell(id, &syncv1.SyncEvent{Type: "sync.started", State: syncv1.State_STATE_INITIALIZING})
			b.backend.tell(id, progress(50))
			s := open(b, id)
			defer s.close()
			if started := expect(t, s, "sync.started"); started["sync_id"] != id {
				t.Errorf("started %v", started)
			}
			message := expect(t, s, "sync.progress")
			if got, want := fmt.Sprint(message["data"]), "map[current_file:raw/a.yaml files_processed:50 progress:50 "+
				"stage:file_ingestion state:processing total_files:100]"; got != want {
				t.Errorf("data %s, want %s", got, want)
			}
			b.backend.tell(id, progress(75))
			expect(t, s, "sync.progress")
			b.backend.tell(id, &syncv1.SyncEvent{
				Type:    "sync.warning",
				Finding: &reportv1.Finding{Code: "FGD_1008", File: "raw/a.yaml"},
			})
			if warning := expect(t, s,
				"sync.warning"); warning["data"].(map[string]any)["finding"].(map[string]any)["code"] != "FGD_1008" {
				t.Errorf("warning %v", warning)
			}
			b.backend.end(id, syncv1.State_STATE_COMPLETED, "sync.completed", func(s *syncv1.Sync) {
				s.Result = &syncv1.Result{CommitSha: "c0ffee", Files: &gitv1.ChangeCounts{Created: 1}}
			})
			done := expect(t, s, "sync.completed")
			if done["data"].(map[string]any)["result"].(map[string]any)["commit_sha"] != "c0ffee" {
				t.Errorf("completed %v", done)
			}
			if _, err := s.next(); !errors.Is(err, io.EOF) {
				t.Errorf("after the last message: %v", err)
			}
			s = open(b, id) // after the end
			defer s.close()
			for _, messageType := range []string{
				"sync.started", "sync.progress", "sync.progress", "sync.warning",
				"sync.completed",
			} {
				expect(t, s, messageType)
			}
		})
	}
}

// TestListenerGoesAway: who has gone is watched for no longer.
func TestListenerGoesAway(t *testing.T) {
	t.Parallel()
	for name, open := range transports {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := setup(t)
			id := b.fabric()
			b.backend.tell(id, progress(1))
			s := open(b, id)
			expect(t, s, "sync.progress")
			s.close()
			ctx, cancel := context.WithTimeout(t.Context(), patience)
			defer cancel()
			if err := b.backend.awaitNoWatchers(ctx); err != nil {
				t.Error(err)
			}
		})
	}
}

// TestStreamBreaks: the listener is told why it ends early.
func TestStreamBreaks(t *testing.T) {
	t.Parallel()
	for name, open := range transports {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := setup(t)
			id := b.fabric()
			b.backend.tell(id, progress(1))
			s := open(b, id)
			defer s.close()
			expect(t, s, "sync.progress")
			b.backend.fail(errs.New(errs.RedisConnectionFailed, "Redis is away."))
			b.backend.tell(id, progress(2)) // wakes the watcher
			message, err := s.next()
			if err != nil || message["error"].(map[string]any)["code"] != "FGD_5003" {
				t.Fatalf("got %v, %v", message, err)
			}
			if message, err := s.next(); err == nil {
				t.Errorf("it goes on with %v", message)
			}
		})
	}
}

func TestUnknownSyncsAreRefusedBeforeTheStream(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.problem("GET", "/api/v1/syncs/nope/events", "", 404, "FGD_3007")
	b.problem("GET", "/api/v1/syncs/nope/events", "", 404, "FGD_3007", header{"Accept", "text/event-stream"})
	conn, response, err := websocket.Dial(t.Context(), b.server.URL+"/ws/sync-progress/nope/", nil)
	if err == nil {
		_ = conn.CloseNow()
		t.Fatal("a WebSocket of an unknown sync was opened")
	}
	body, readErr := io.ReadAll(response.Body)
	if response.StatusCode != http.StatusNotFound || readErr != nil || !strings.Contains(string(body), `"FGD_3007"`) {
		t.Errorf("%d %s %v", response.StatusCode, body, readErr)
	}
	id := b.fabric()
	b.problem("GET", "/ws/sync-progress/"+id, "", 426, "FGD_1010")
	b.problem("POST", "/ws/sync-progress/"+id, "", 405, "FGD_1010")
	b.problem("POST", "/api/v1/syncs/"+id+"/events", "", 405, "FGD_1010")
}

// TestAListenerIsRefused: before the stream begins, so that it has a status and says when to come back.
func TestAListenerIsRefused(t *testing.T) {
	t.Parallel()
	b := setup(t)
	id := b.fabric()
	b.backend.tell(id, progress(1))
	b.backend.onWatch = errs.New(errs.WorkerPoolExhausted, "There are too many listeners.").WithRetryAfter(time.Second)
	for _, accept := range []string{"", "text/event-stream"} {
		a := b.call("GET", "/api/v1/syncs/"+id+"/events", "", header{"Accept", accept})
		b.checkProblem("events as "+accept, a, http.StatusTooManyRequests, "FGD_5004")
		if a.header.Get("Retry-After") != "1" {
			t.Errorf("headers %v", a.header)
		}
	}
	conn, response, err := websocket.Dial(t.Context(), b.server.URL+"/ws/sync-progress/"+id+"/", nil)
	if err == nil {
		_ = conn.CloseNow()
		t.Fatal("a WebSocket was opened")
	}
	b.checkProblem("a WebSocket", read(t, response), http.StatusTooManyRequests, "FGD_5004")
}

// TestForeignPagesGetNoWebSocket is X15 of the fault matrix.
func TestForeignPagesGetNoWebSocket(t *testing.T) {
	t.Parallel()
	b := setup(t)
	id := b.fabric()
	for origin, allowed := range map[string]bool{"https://evil.example": false, b.server.URL: true} {
		conn, response, err := websocket.Dial(t.Context(), b.server.URL+"/ws/sync-progress/"+id+"/", &websocket.DialOptions{
			HTTPHeader: http.Header{"Origin": {origin}},
		})
		if (err == nil) != allowed {
			t.Errorf("%s: %v", origin, err)
		}
		if !allowed {
			b.checkProblem("websocket for "+origin, read(t, response), http.StatusForbidden, "FGD_1023")
		}
		if conn != nil {
			_ = conn.CloseNow()
		}
	}
}

// TestAPageShowsItsTokenAsAProtocol: it can set no headers. A browser ends a WebSocket whose answer takes none of the
// protocols that were named, and the answer never is the token.
func TestAPageShowsItsTokenAsAProtocol(t *testing.T) {
	t.Parallel()
	g := setupGuarded(t)
	g.withSyncs(35, 36)
	text := g.grant("viewer", "35")
	for syncID, want := range map[string]int{
		"sync-of-35": http.StatusSwitchingProtocols, "sync-of-36": http.StatusNotFound,
	} {
		conn, response, err := websocket.Dial(t.Context(), g.server.URL+"/ws/sync-progress/"+syncID+"/",
			&websocket.DialOptions{Subprotocols: []string{"fgd.bearer." + text, "fgd"}})
		if response == nil || response.StatusCode != want {
			t.Fatalf("%s: %v", syncID, err)
		}
		if conn != nil {
			if taken := conn.Subprotocol(); taken != "fgd" {
				t.Errorf("the protocol %q was taken", taken)
			}
			_ = conn.CloseNow()
		}
	}
}

// TestBrowserIsTurnedAwayAfterTheEnd: an EventSource reconnects by itself, and would hear it all again for ever.
func TestBrowserIsTurnedAwayAfterTheEnd(t *testing.T) {
	t.Parallel()
	b := setup(t)
	id := b.fabric()
	b.backend.end(id, syncv1.State_STATE_COMPLETED, "sync.completed", nil)
	accept := header{"Accept", "text/event-stream"}
	a := b.call("GET", "/api/v1/syncs/"+id+"/events", "", accept)
	if !strings.HasPrefix(a.raw, "retry: 2000\nid: end\nevent: sync.completed\ndata: {") ||
		!strings.HasSuffix(a.raw, "}\n\n") {
		t.Errorf("events %q", a.raw)
	}
	if a := b.call("GET", "/api/v1/syncs/"+id+"/events", "", accept,
		header{"Last-Event-Id", "end"}); a.status != http.StatusNoContent {
		t.Errorf("reconnecting: %d %q", a.status, a.raw)
	}
}

// TestABrowserComesBack: it hears what it has not heard, each event under its name.
func TestABrowserComesBack(t *testing.T) {
	t.Parallel()
	b := setup(t)
	id := b.fabric()
	b.backend.tell(id, &syncv1.SyncEvent{Type: "sync.started", State: syncv1.State_STATE_INITIALIZING})
	b.backend.tell(id, progress(50))
	b.backend.end(id, syncv1.State_STATE_COMPLETED, "sync.completed", nil)
	events := func(heard string) []string {
		headers := []header{{"Accept", "text/event-stream"}}
		if heard != "" {
			headers = append(headers, header{"Last-Event-Id", heard})
		}
		var out []string
		for line := range strings.Lines(b.call("GET", "/api/v1/syncs/"+id+"/events", "", headers...).raw) {
			if !strings.HasPrefix(line, "data: ") && line != "\n" {
				out = append(out, strings.TrimSpace(line))
			}
		}
		return out
	}
	rest := "id: 2 event: sync.progress id: end event: sync.completed"
	for heard, want := range map[string]string{
		"": "retry: 2000 id: 1 event: sync.started " + rest, "odd": "retry: 2000 id: 1 event: sync.started " + rest,
		"1": rest, "2": "id: end event: sync.completed", "7": "id: end event: sync.completed",
	} {
		if got := strings.Join(events(heard), " "); got != want {
			t.Errorf("after %q: %s", heard, got)
		}
	}
}

// TestServerStops: open streams end with the context that the server gives its requests.
func TestServerStops(t *testing.T) {
	t.Parallel()
	for name, open := range transports {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := setupStopping(t)
			id := b.fabric()
			b.backend.tell(id, progress(1))
			s := open(b.bundle, id)
			defer s.close()
			expect(t, s, "sync.progress")
			b.stop()
			if message, err := s.next(); err == nil {
				t.Errorf("it goes on with %v", message)
			} else if strings.HasPrefix(name, "websocket") && websocket.CloseStatus(err) != websocket.StatusGoingAway {
				t.Errorf("closed with %v", err)
			}
		})
	}
}
