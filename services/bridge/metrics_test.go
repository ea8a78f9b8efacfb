package bridge_test

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/prometheus/client_golang/prometheus/promhttp"
)

// TestRequestsAreMeasured: those over HTTP by surface, those over gRPC by service, each with its status, and none of a
// health check of gRPC.
func TestRequestsAreMeasured(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.ok("GET", "/api/v1/fabrics", "")
	b.shows(`fgd_http_requests_total{code="500",surface="api"} 0`,
		`fgd_grpc_requests_total{code="Internal",grpc_service="fgd.bridge.v1.FabricService"} 0`,
		`fgd_ready{service="bridge"} `, `fgd_build_info{`)
	b.problem("GET", "/api/v1/fabrics/7", "", 404, "FGD_3006")
	b.problem("GET", "/nothing", "", 404, "FGD_1022")
	b.ok("GET", "/healthz", "")
	id := b.fabric()
	b.problem("GET", "/api/v1/syncs/"+id+"x/events", "", 404, "FGD_3007")
	b.shows(`fgd_http_requests_total{code="404",surface="api"} 1`, `fgd_http_requests_total{code="404",surface="pages"} 1`,
		`fgd_http_requests_total{code="404",surface="live"} 1`, `fgd_http_requests_total{code="200",surface="operations"} 1`,
		`fgd_http_request_duration_seconds_count{surface="pages"} 1`,
		`fgd_grpc_requests_total{code="NotFound",grpc_service="fgd.bridge.v1.FabricService"} 1`,
		`fgd_grpc_request_duration_seconds_count{grpc_service="fgd.bridge.v1.FabricService"} `)
	if text := b.scrape(); strings.Contains(text, "grpc.health") ||
		strings.Contains(text, `fgd_http_request_duration_seconds_count{surface="live"}`) {
		t.Errorf("what is no request, or has no length, is measured:\n%s", text)
	}
}

func (b *bundle) scrape() string {
	b.t.Helper()
	recorder := httptest.NewRecorder()
	promhttp.HandlerFor(b.metrics, promhttp.HandlerOpts{}).
		ServeHTTP(recorder, httptest.NewRequestWithContext(b.t.Context(), http.MethodGet, "/metrics", nil))
	return recorder.Body.String()
}

func (b *bundle) shows(beginnings ...string) {
	b.t.Helper()
	text := b.scrape()
	for _, line := range beginnings {
		if !strings.Contains("\n"+text, "\n"+line) {
			b.t.Errorf("no line %q in\n%s", line, text)
		}
	}
}
