package e2e

import (
	"context"
	"encoding/json"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/coder/websocket"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	bridgev1 "fgdsync.dev/proto/fgd/bridge/v1"
	"fgdsync.dev/test/fabric"
	"fgdsync.dev/test/system"
)

func count(names []string, name string) int {
	n := 0
	for _, other := range names {
		if other == name {
			n++
		}
	}
	return n
}

// TestMetrics: each service serves its metrics under the contract's names.
func TestMetrics(t *testing.T) {
	t.Parallel()
	h := newHost(t, fabric.PreInit(directory))
	s := programs.Five(t, system.Redis(t).URL(), nil)
	var registered system.Accepted
	s.Call(http.MethodPost, "/api/v1/fabrics", h.fabric(), &registered)
	h.requireIngested(s.Ended(registered.SyncID))
	for name, lines := range map[string][]string{
		"orchestrator": {
			`fgd_sync_total{status="completed",trigger="fabric_created"} 1`, `fgd_active_syncs 0`,
			`fgd_sync_duration_seconds_count{trigger="fabric_created"} 1`, `fgd_lock_wait_seconds_count 1`,
		},
		"ingestion":   {`fgd_files_processed_total{`, `fgd_file_processing_duration_seconds_count`},
		"github-sync": {`fgd_github_requests_total{code="200",operation="`},
		"directory":   {"go_goroutines"},
		"bridge":      {"fgd_live_listeners"},
	} {
		body := get(t, s.Client(), s.Operations[name]+"/metrics", "text/plain")
		for _, line := range lines {
			if !strings.Contains(body, line) {
				t.Errorf("%s has no %s:\n%s", name, line, body)
			}
		}
	}
}

// TestLiveProgress: a late listener gets everything from the start, over each of the three ways.
func TestLiveProgress(t *testing.T) {
	t.Parallel()
	h := newHost(t, fabric.PreInit(directory))
	s := programs.Up(t, nil)
	var registered system.Accepted
	s.Call(http.MethodPost, "/api/v1/fabrics", h.fabric(), &registered)
	lines := s.Follow(registered.SyncID)
	if lines[0] != "sync.started" || lines[len(lines)-1] != "sync.completed" || count(lines, "sync.stage_completed") != 5 {
		t.Errorf("newline-delimited JSON: %v", lines)
	}
	webSocket := s.Base + "/ws/sync-progress/" + registered.SyncID + "/"
	if got := webSocketMessages(t, s.Client(), webSocket); !slices.Equal(got, lines) {
		t.Errorf("WebSocket: %v, not %v", got, lines)
	}
	events := s.Base + "/api/v1/syncs/" + registered.SyncID + "/events"
	if got := serverSentEvents(t, s.Client(), events); !slices.Equal(got, lines) {
		t.Errorf("server-sent events: %v, not %v", got, lines)
	}
}

func webSocketMessages(t *testing.T, client *http.Client, address string) []string {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	conn, _, err := websocket.Dial(ctx, strings.Replace(address, "http", "ws", 1),
		&websocket.DialOptions{HTTPClient: client})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = conn.CloseNow() }()
	var types []string
	for {
		_, raw, err := conn.Read(ctx)
		if websocket.CloseStatus(err) == websocket.StatusNormalClosure {
			return types
		}
		if err != nil {
			t.Fatal(err)
		}
		types = append(types, typeOf(t, raw))
	}
}

func serverSentEvents(t *testing.T, client *http.Client, address string) []string {
	t.Helper()
	body := get(t, client, address, "text/event-stream")
	var types []string
	for line := range strings.Lines(body) {
		if data, found := strings.CutPrefix(line, "data:"); found {
			types = append(types, typeOf(t, []byte(data)))
		}
	}
	return types
}

func typeOf(t *testing.T, raw []byte) string {
	t.Helper()
	var message struct{ Type string }
	if err := json.Unmarshal(raw, &message); err != nil {
		t.Fatalf("%v: %s", err, raw)
	}
	return message.Type
}

// TestGRPC: the same answers over gRPC, with the contract's errors.
func TestGRPC(t *testing.T) {
	t.Parallel()
	h := newHost(t, fabric.PreInit(directory))
	s := programs.Five(t, system.Redis(t).URL(), nil)
	conn := s.Dial(t)
	fabrics, syncs := bridgev1.NewFabricServiceClient(conn), bridgev1.NewSyncServiceClient(conn)
	var registered system.Accepted
	s.Call(http.MethodPost, "/api/v1/fabrics", h.fabric(), &registered)
	stream, err := syncs.StreamSyncEvents(t.Context(), &bridgev1.StreamSyncEventsRequest{SyncId: registered.SyncID})
	if err != nil {
		t.Fatal(err)
	}
	for err == nil {
		_, err = stream.Recv()
	}
	response, err := syncs.GetSyncStatus(t.Context(), &bridgev1.GetSyncStatusRequest{SyncId: registered.SyncID})
	if err != nil || response.GetStatus().GetState() != "completed" || response.GetStatus().GetResult().
		GetResourcesTotal() != 47 {
		t.Errorf("%v, %v", response, err)
	}
	_, err = fabrics.GetFabric(t.Context(), &bridgev1.GetFabricRequest{FabricId: 99})
	if status.Code(err) != codes.NotFound {
		t.Errorf("a fabric that is not there: %v", err)
	}
}

// TestDocumentation: the API describes itself, with every path that it answers on.
func TestDocumentation(t *testing.T) {
	t.Parallel()
	s := programs.Up(t, nil)
	var document struct {
		Paths map[string]any `json:"paths"`
	}
	s.Call(http.MethodGet, "/openapi.json", nil, &document)
	for _, path := range []string{
		"/api/v1/fabrics", "/api/v1/fabrics/{fabric_id}/syncs", "/api/sync-status/{sync_id}",
		"/api/v1/syncs/{sync_id}/events",
	} {
		if document.Paths[path] == nil && document.Paths[path+"/"] == nil {
			t.Errorf("%s is not described", path)
		}
	}
	if page := get(t, s.Client(), s.Base+"/docs", "text/html"); !strings.Contains(page, "openapi.json") {
		t.Errorf("page: %s", page)
	}
}
