package bridge_test

import (
	"strings"
	"testing"

	"fgdsync.dev/services/bridge"
)

// TestASyncLeadsToItsTrace: where the configuration says, of a sync that has one.
func TestASyncLeadsToItsTrace(t *testing.T) {
	t.Parallel()
	const trace = "4bf92f3577b34da6a3ce929d0e0e4736"
	v, _ := visiting(t, func(c *bridge.Config) { c.ConsoleTraceURL = "https://jaeger.example.com/trace/{trace_id}?ui=1" })
	v.register(35, 36)
	v.withSyncs(35, 36)
	v.backend.mu.Lock()
	v.backend.syncs["sync-of-35"].TraceId = trace
	v.backend.mu.Unlock()
	v.signIn(v.bootstrap)
	want := `href="https://jaeger.example.com/trace/` + trace + `?ui=1"`
	if page := v.page("/syncs/sync-of-35"); !strings.Contains(page, want) {
		t.Errorf("no %s in %s", want, page)
	}
	if page := v.page("/syncs/sync-of-36"); strings.Contains(page, "jaeger") {
		t.Error("a sync without a trace leads to one")
	}
}

// TestWhereTracesAreShown: an address of the web that takes the trace, or nothing.
func TestWhereTracesAreShown(t *testing.T) {
	t.Parallel()
	for address, takes := range map[string]bool{
		"": true, "https://jaeger.example.com/trace/{trace_id}": true, "http://127.0.0.1:16686/trace/{trace_id}": true,
		"https://jaeger.example.com/": false, "javascript:alert({trace_id})": false, "/trace/{trace_id}": false,
		"https:///{trace_id}": false, "://{trace_id}": false,
	} {
		cfg := bridge.DefaultConfig()
		cfg.ConsoleTraceURL = address
		if err := cfg.Validate(); (err == nil) != takes {
			t.Errorf("%q: %v", address, err)
		}
	}
}
