package bridge_test

import (
	"encoding/json"
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"google.golang.org/grpc"

	"fgdsync.dev/libs/app"
	"fgdsync.dev/libs/errs"
	"fgdsync.dev/libs/rpc"
	"fgdsync.dev/libs/telemetry"
	"fgdsync.dev/services/bridge"
)

// linesOf returns the lines of a log that tell of a request.
func linesOf(t *testing.T, log *lockedBuffer, correlationID string) []map[string]any {
	t.Helper()
	var out []map[string]any
	for text := range strings.Lines(log.String()) {
		var line map[string]any
		if err := json.Unmarshal([]byte(text), &line); err != nil {
			t.Fatalf("%v: %s", err, text)
		}
		if line["correlation_id"] == correlationID {
			out = append(out, line)
		}
	}
	return out
}

// TestACauseIsLoggedOnce: where it is lost, with the id that the caller has, and by nobody who passes the error on.
func TestACauseIsLoggedOnce(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.backend.fail(errors.New("dial tcp 10.0.0.7:6379: refused"))
	b.problem("GET", "/api/v1/fabrics", "", 500, "FGD_5001", header{"X-Correlation-Id", "once-1"})
	b.backend.fail(errs.New(errs.RedisConnectionFailed, "Redis is away.").WithCause(errors.New("NOAUTH")))
	b.problem("GET", "/api/v1/fabrics", "", 503, "FGD_5003", header{"X-Correlation-Id", "once-2"})
	for id, cause := range map[string]string{"once-1": "10.0.0.7", "once-2": "NOAUTH"} {
		lines := linesOf(t, b.log, id)
		if len(lines) != 1 || lines[0]["msg"] != "call failed" || !strings.Contains(lines[0]["error"].(string), cause) ||
			!strings.Contains(lines[0]["method"].(string), "fgd.fabric.v1.FabricService") {
			t.Errorf("%s: logged %v", id, lines)
		}
	}
}

// TestTheHTTPLayerLogsItsOwn: what breaks before a call is made has a line too, with the caller's id.
func TestTheHTTPLayerLogsItsOwn(t *testing.T) {
	t.Parallel()
	b := setup(t)
	cfg := bridge.DefaultConfig()
	cfg.AuditFile = ""
	log := &lockedBuffer{}
	tel, err := telemetry.New(t.Context(), telemetry.Config{
		LogWriter: log, LogLevel: "info", LogFormat: "json", ContextAttrs: rpc.LogAttrs,
	})
	if err != nil {
		t.Fatal(err)
	}
	service, err := bridge.New(cfg, &app.Process{
		Telemetry: tel, Self: b.self, Now: time.Now,
		MetricsPage: http.HandlerFunc(func(http.ResponseWriter, *http.Request) { panic("oh") }),
		Peers: map[string]grpc.ClientConnInterface{
			"orchestrator": b.self, "github-sync": b.self, "ingestion": b.self, "directory": b.self,
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	b.server = httptest.NewServer(service.Handler())
	t.Cleanup(b.server.Close)
	b.problem("GET", "/metrics", "", 500, "FGD_5001", header{"X-Correlation-Id", "own-1"})
	lines := linesOf(t, log, "own-1")
	if len(lines) != 1 || lines[0]["msg"] != "panic in a request" || lines[0]["panic"] != "oh" {
		t.Errorf("logged %v", lines)
	}
}

// TestPeersAreNeeded: a bridge without one of the services behind it is not built.
func TestPeersAreNeeded(t *testing.T) {
	t.Parallel()
	_, err := bridge.New(bridge.DefaultConfig(), &app.Process{Telemetry: telemetry.Discard()})
	if err == nil || !strings.Contains(err.Error(), "orchestrator") {
		t.Errorf("built: %v", err)
	}
	for _, peer := range bridge.Definition().Peers {
		if peer.Address == "" {
			t.Errorf("%s has no address", peer.Name)
		}
	}
}
