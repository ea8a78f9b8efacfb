package system

import (
	"context"
	"encoding/hex"
	"net"
	"sync"
	"testing"

	collector "go.opentelemetry.io/proto/otlp/collector/trace/v1"
	resource "go.opentelemetry.io/proto/otlp/resource/v1"
	tracepb "go.opentelemetry.io/proto/otlp/trace/v1"
	"google.golang.org/grpc"
	"google.golang.org/protobuf/encoding/prototext"
)

// Span is a span that arrived.
type Span struct{ Service, Name, TraceID string }

// Collector takes spans over OTLP, as Jaeger does.
type Collector struct {
	collector.UnimplementedTraceServiceServer
	URL   string
	mu    sync.Mutex
	spans []Span
	text  string
}

// Traces runs a collector for the time of the test.
func Traces(t testing.TB) *Collector {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	c := &Collector{URL: "http://" + listener.Addr().String()}
	server := grpc.NewServer()
	collector.RegisterTraceServiceServer(server, c)
	served := make(chan error, 1)
	go func() { served <- server.Serve(listener) }()
	t.Cleanup(func() {
		server.Stop()
		if err := <-served; err != nil {
			t.Errorf("collector: %v", err)
		}
	})
	return c
}

// Export takes spans in.
func (c *Collector) Export(_ context.Context,
	request *collector.ExportTraceServiceRequest,
) (*collector.ExportTraceServiceResponse, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.text += prototext.Format(request)
	for _, spans := range request.GetResourceSpans() {
		for _, scope := range spans.GetScopeSpans() {
			for _, span := range scope.GetSpans() {
				c.spans = append(c.spans, named(spans.GetResource(), span))
			}
		}
	}
	return &collector.ExportTraceServiceResponse{}, nil
}

func named(r *resource.Resource, span *tracepb.Span) Span {
	s := Span{Name: span.GetName(), TraceID: hex.EncodeToString(span.GetTraceId())}
	for _, attribute := range r.GetAttributes() {
		if attribute.GetKey() == "service.name" {
			s.Service = attribute.GetValue().GetStringValue()
		}
	}
	return s
}

// Spans are the spans so far. All of a process are there when it has ended.
func (c *Collector) Spans() []Span {
	c.mu.Lock()
	defer c.mu.Unlock()
	return append([]Span(nil), c.spans...)
}

// Text is everything that arrived.
func (c *Collector) Text() string {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.text
}
