package bench

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"slices"
	"testing"
	"time"

	collector "go.opentelemetry.io/proto/otlp/collector/trace/v1"
	"google.golang.org/grpc"

	"fgdsync.dev/test/fabric"
	"fgdsync.dev/test/system"
	"fgdsync.dev/testkit/gitserver"
)

// BenchmarkStatuses asks for the status of a sync that has ended, by a token and with traces on, as fast as 32 callers
// can over connections that they keep; its floor is an answer of the same program that needs nobody. Then a process of
// its own asks 500 times a second while 100 syncs run, in turn with the floor.
func BenchmarkStatuses(b *testing.B) {
	const callers, requests = 32, 20_000
	s := programs(b).Up(b, []string{
		"OTEL_EXPORTER_OTLP_ENDPOINT=" + forgetfulCollector(b),
	})
	c := newCaller(b, s, callers)
	busy := newHundred(b, s)
	status := "/api/v1/syncs/" + busy.first
	var rates, floors, costs []float64
	var quick, floor []time.Duration
	for b.Loop() {
		floors = append(floors, c.rate(callers, requests, "/healthz"))
		before := s.Processes["fgd"].Processor()
		rates = append(rates, c.rate(callers, requests, status))
		costs = append(costs, float64((s.Processes["fgd"].Processor()-before).Microseconds())/requests)
		seen := askEvenly(b, s, status, busy.start())
		quick, floor = append(quick, seen.Took...), append(floor, seen.Floor...)
	}
	for _, sorted := range [][]float64{rates, floors, costs} {
		slices.Sort(sorted)
	}
	slices.Sort(quick)
	slices.Sort(floor)
	b.ReportMetric(rates[len(rates)/2], "statuses/s")
	b.ReportMetric(costs[len(costs)/2], "cpu-µs/status")
	b.ReportMetric(floors[len(floors)/2], "floor/s")
	b.ReportMetric(milliseconds(quick[len(quick)/2]), "busy-median-ms")
	b.ReportMetric(milliseconds(quick[len(quick)*99/100]), "busy-p99-ms")
	b.ReportMetric(milliseconds(floor[len(floor)*99/100]), "busy-floor-p99-ms")
	b.ReportMetric(float64(len(quick)), "busy-requests")
}

// caller asks a system by its first token.
type caller struct {
	b      *testing.B
	base   string
	client *http.Client
}

func newCaller(b *testing.B, s *system.System, connections int) *caller {
	b.Helper()
	transport := &http.Transport{MaxIdleConnsPerHost: connections, MaxConnsPerHost: connections}
	b.Cleanup(transport.CloseIdleConnections)
	return &caller{b: b, base: s.Base, client: &http.Client{Transport: system.Showing(s.Token(), transport)}}
}

// rate makes requests, so many at a time, and returns how many a second were answered.
func (c *caller) rate(callers, requests int, path string) float64 {
	began := time.Now()
	inParallel(callers, requests, func(int) {
		if _, err := body(c.client, c.base+path); err != nil {
			c.b.Error(err)
		}
	})
	return float64(requests) / time.Since(began).Seconds()
}

// hundred are 100 fabrics in 100 repositories.
type hundred struct {
	b     *testing.B
	s     *system.System
	host  *gitserver.Server
	names []string
	first string // a sync that has ended
	round int
}

func newHundred(b *testing.B, s *system.System) *hundred {
	b.Helper()
	h := &hundred{b: b, s: s, host: server(b), names: make([]string, 100)}
	for i := range h.names {
		h.names[i] = fmt.Sprintf("r%d.git", i)
		h.host.Create(b, h.names[i], branch, map[string]string{"README.md": ""})
		var registered system.Accepted
		definition := registration(h.names[i], h.host.URL(h.names[i]))
		definition["fabric_id"] = i + 1
		s.Call(http.MethodPost, "/api/v1/fabrics", definition, &registered)
		s.Ended(registered.SyncID)
		h.first = registered.SyncID
	}
	return h
}

// start starts a sync of each fabric, with 23 files to ingest; what it returns is closed when all have ended.
func (h *hundred) start() <-chan struct{} {
	h.b.Helper()
	const files = 23
	for _, name := range h.names {
		h.host.Commit(h.b, name, branch, fabric.Files(directory+"/raw",
			fabric.Documents((h.round + 1) * files)[h.round*files:], 1))
	}
	h.round++
	done := make(chan struct{})
	go func() {
		defer close(done)
		inParallel(len(h.names), len(h.names), func(i int) {
			var triggered system.Accepted
			h.s.Call(http.MethodPost, fmt.Sprintf("/api/v1/fabrics/%d/syncs", i+1), map[string]any{}, &triggered)
			if status := h.s.Ended(triggered.SyncID); status.State != "completed" {
				h.b.Errorf("status: %+v", status)
			}
		})
	}()
	return done
}

// forgetful is a collector of traces that keeps none: what it does with them is not measured.
type forgetful struct {
	collector.UnimplementedTraceServiceServer
}

// Export takes spans in.
func (forgetful) Export(context.Context, *collector.ExportTraceServiceRequest,
) (*collector.ExportTraceServiceResponse, error) {
	return &collector.ExportTraceServiceResponse{}, nil
}

func forgetfulCollector(b *testing.B) string {
	b.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		b.Fatal(err)
	}
	server := grpc.NewServer()
	collector.RegisterTraceServiceServer(server, forgetful{})
	served := make(chan error, 1)
	go func() { served <- server.Serve(listener) }()
	b.Cleanup(func() {
		server.Stop()
		if err := <-served; err != nil {
			b.Error(err)
		}
	})
	return "http://" + listener.Addr().String()
}
