package system

import (
	"context"
	"encoding/hex"
	"net"
	"sync"
	"testing"

	collector "go.opentelemetry.io/proto/otlp/collector/trace/v1"
	common "go.opentelemetry.io/proto/otlp/common/v1"
	resource "go.opentelemetry.io/proto/otlp/resource/v1"
	tracepb "go.opentelemetry.io/proto/otlp/trace/v1"
	"google.golang.org/grpc"
	"google.golang.org/protobuf/encoding/prototext"
)

// Span is a span that arrived.
type Span struct {
	Service, Name       string
	TraceID, ID, Parent string   // in hexadecimal digits
	Links               []string // the IDs of the spans that it is linked to
	Attributes          map[string]string
}

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
	s := Span{
		Service: texts(r.GetAttributes())["service.name"], Name: span.GetName(),
		TraceID: hex.EncodeToString(span.GetTraceId()), ID: hex.EncodeToString(span.GetSpanId()),
		Parent: hex.EncodeToString(span.GetParentSpanId()), Attributes: texts(span.GetAttributes()),
	}
	for _, link := range span.GetLinks() {
		s.Links = append(s.Links, hex.EncodeToString(link.GetSpanId()))
	}
	return s
}

// texts returns the attributes that are texts.
func texts(attributes []*common.KeyValue) map[string]string {
	out := map[string]string{}
	for _, a := range attributes {
		out[a.GetKey()] = a.GetValue().GetStringValue()
	}
	return out
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
