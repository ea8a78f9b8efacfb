package bridge_test

import (
	"fmt"
	"io"
	"net"
	"strings"
	"testing"
	"time"

	"fgdsync.dev/services/bridge"
)

func TestPathsWithAndWithoutSlash(t *testing.T) {
	t.Parallel()
	b := setup(t)
	id := b.fabric()
	for _, path := range []string{
		"/api/v1/fabrics", "/api/v1/fabrics/35", "/api/v1/fabrics/35/syncs", "/api/v1/syncs/" + id, "/api/sync-status/" + id,
		"/api/v1/health",
		"/api/plugins/hedgehog/sync-status/" + id, "/api/plugins/hedgehog/fabrics/35/sync-history", "/healthz", "/readyz",
		"/openapi.json",
	} {
		b.ok("GET", path, "")
		b.ok("GET", path+"/", "")
	}
	// A colon may be escaped, as some clients do.
	b.ok("POST", "/api/v1/syncs/"+id+"%3Acancel", "")
}

func TestRoutingErrors(t *testing.T) {
	t.Parallel()
	b := setup(t)
	id := b.fabric()
	for path, what := range map[string]struct {
		method string
		status int
	}{
		"/api/v1/nothing":                   {"GET", 404},
		"/nothing":                          {"GET", 404},
		"/api/v1/fabrics/35/syncs/x/y/z":    {"GET", 404},
		"//api/v1/fabrics":                  {"GET", 404},
		"/api//v1/fabrics":                  {"GET", 404},
		"/api/v1/../v1/fabrics":             {"GET", 404},
		"/api/v1/%2e%2e/v1/fabrics":         {"GET", 404},
		"/api/v1/fabrics%2F35":              {"GET", 404},
		"/api/v1/fabrics/35":                {"PUT", 405},
		"/api/v1/syncs/" + id + "/events/x": {"GET", 404},
		"/api/v1/health":                    {"DELETE", 405},
		"/openapi.json":                     {"POST", 405},
	} {
		code := "FGD_1010"
		if what.status == 404 {
			code = "FGD_1022"
		}
		b.problem(what.method, path, "", what.status, code)
	}
	b.problem("GET", "/api/v1/fabrics/abc", "", 400, "FGD_1010")
	b.problem("GET", "/api/v1/fabrics/99999999999", "", 400, "FGD_1010")
}

// TestWhatIsNoTextIsRefused: no field of a message can hold it, so that it would be a defect on its way.
func TestWhatIsNoTextIsRefused(t *testing.T) {
	t.Parallel()
	b := setup(t)
	for _, request := range []string{
		"GET /api/v1/syncs/%ff", "POST /api/v1/syncs/%ff:cancel", "GET /api/v1/syncs/%ff/events",
		"GET /api/v1/fabrics/35/quarantine/unmanaged/%c3", "GET /api/v1/fabrics?page_token=%ff",
		"GET /api/v1/fabrics/35/files?directory=a&file_type=%ed%a0%80", "GET /nothing/%ff",
	} {
		method, path, _ := strings.Cut(request, " ")
		b.problem(method, path, "", 400, "FGD_1010")
	}
}

func TestBodies(t *testing.T) {
	t.Parallel()
	b := setup(t, func(c *bridge.Config) { c.MaxRequestBytes = 2048 })
	b.fabric()
	for name, c := range map[string]struct {
		body   string
		status int
	}{
		"cut off":       {`{"name":`, 400},
		"no object":     {`[1]`, 400},
		"no JSON":       {`name=x`, 400},
		"wrong type":    {`{"name":7}`, 400},
		"unknown field": {`{"nam":"x"}`, 400},
		"twice":         {`{"name":"x","name":"y"}`, 400},
		"too large":     {`{"name":"` + strings.Repeat("x", 4096) + `"}`, 413},
	} {
		problem := b.problem("POST", "/api/v1/fabrics", c.body, c.status, "FGD_1010")
		if message := problem["message"].(string); strings.Contains(message, "proto:") ||
			strings.Contains(message, "\u00a0") {
			t.Errorf("%s: %q", name, message)
		}
	}
	unknown := b.problem("POST", "/api/v1/fabrics/35/syncs", `{"options":{"validate":true}}`, 400, "FGD_1010")
	if unknown["details"].(map[string]any)["field"] != "options.validate" {
		t.Errorf("unknown field %v", unknown)
	}
}

// TestSlowBody is X3 of the fault matrix: who sends a body drop by drop is sent away.
func TestSlowBody(t *testing.T) {
	t.Parallel()
	b := setup(t, func(c *bridge.Config) { c.RequestTimeout = time.Second })
	conn, err := net.Dial("tcp", b.server.Listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	if err := conn.SetDeadline(time.Now().Add(patience)); err != nil {
		t.Fatal(err)
	}
	fmt.Fprintf(conn, "POST /api/v1/fabrics HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 100\r\n\r\n{")
	answer, err := io.ReadAll(conn)
	if err != nil || !strings.HasPrefix(string(answer), "HTTP/1.1 408 ") || !strings.Contains(string(answer), "FGD_1010") {
		t.Errorf("%v %s", err, answer)
	}
}

// TestHeaderSmuggling is X9 of the fault matrix: no header becomes metadata, a deadline or another method.
func TestHeaderSmuggling(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.fabric()
	b.ok("GET", "/api/v1/fabrics", "",
		header{"Grpc-Metadata-X-User", "admin"}, header{"Grpc-Metadata-X-Requested-By-Bin", "YWRtaW4="},
		header{"Grpc-Metadata-Authorization", "Bearer x"},
		header{"Authorization", "Bearer x"}, header{"X-User", "admin"}, header{
			"Grpc-Timeout",
			"99999H",
		}, header{"X-Forwarded-For", "1.2.3.4"}, header{"Cookie", "a=b"})
	b.ok("GET", "/api/v1/fabrics", "", header{"Grpc-Timeout", "1n"})
	b.ok("GET", "/api/v1/fabrics", "", header{"Grpc-Timeout", "nonsense"})
	started := b.ok("POST", "/api/v1/fabrics/35/syncs", "{}", header{"Grpc-Metadata-X-Requested-By", "admin"},
		header{"X-Requested-By", "ada"})
	if got := b.backend.syncs[started["sync_id"].(string)].GetRequestedBy(); got != "ada" {
		t.Errorf("requested by %q", got)
	}
	form := header{"Content-Type", "application/x-www-form-urlencoded"}
	b.problem("POST", "/api/v1/fabrics/35", "", 405, "FGD_1010", form, header{"X-HTTP-Method-Override", "DELETE"})
	b.problem("POST", "/api/v1/health", "", 405, "FGD_1010", form)
	b.ok("GET", "/api/v1/fabrics/35", "")
	for _, odd := range []string{"a b", "x\"y", strings.Repeat("x", 200), "é"} {
		a := b.call("GET", "/api/v1/fabrics", "", header{"X-Correlation-Id", odd})
		if got := a.header.Get("X-Correlation-Id"); got == odd || got == "" {
			t.Errorf("correlation id %q was taken as %q", odd, got)
		}
	}
}

// TestTraceContextTravels: the trace of the caller is that of the calls behind the bridge.
func TestTraceContextTravels(t *testing.T) {
	t.Parallel()
	b := setup(t)
	trace := "4bf92f3577b34da6a3ce929d0e0e4736"
	b.ok("GET", "/api/v1/fabrics", "", header{"Traceparent", "00-" + trace + "-00f067aa0ba902b7-01"})
	if got := fmt.Sprint(b.backend.metadata.Get("traceparent")); !strings.Contains(got, trace) {
		t.Errorf("metadata %v", b.backend.metadata)
	}
}

func TestForeignPagesMayNotWrite(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.fabric()
	b.problem("POST", "/api/v1/fabrics/35/syncs", "{}", 403, "FGD_1023", header{"Origin", "https://evil.example"})
	b.problem("DELETE", "/api/v1/fabrics/35", "", 403, "FGD_1023", header{"Sec-Fetch-Site", "cross-site"})
	b.ok("POST", "/api/v1/fabrics/35/syncs", "{}", header{"Origin", b.server.URL}, header{"Sec-Fetch-Site", "same-origin"})
}

func TestPages(t *testing.T) {
	t.Parallel()
	b := setup(t)
	docs := b.call("GET", "/docs", "")
	csp := docs.header.Get("Content-Security-Policy")
	if docs.status != 200 || !strings.Contains(csp, "script-src 'sha256-") || strings.Contains(csp, "unsafe-inline") {
		t.Errorf("docs: %d %q", docs.status, csp)
	}
	if strings.Contains(docs.raw, "http://") || strings.Contains(docs.raw, "https://") {
		t.Error("the page names resources elsewhere")
	}
	if a := b.call("GET", "/metrics", ""); a.raw != "metrics" {
		t.Errorf("metrics: %q", a.raw)
	}
	for _, path := range []string{"/api/v1/fabrics", "/docs", "/nothing", "/healthz"} {
		a := b.call("GET", path, "")
		if a.header.Get("X-Content-Type-Options") != "nosniff" ||
			!strings.Contains(a.header.Get("Content-Security-Policy"), "default-src 'none'") {
			t.Errorf("%s: headers %v", path, a.header)
		}
	}
}
