package telemetry_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"net"
	"slices"
	"strings"
	"sync/atomic"
	"testing"

	"go.opentelemetry.io/otel/sdk/trace"
	"go.uber.org/goleak"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/types/known/emptypb"

	"fgdsync.dev/libs/secret"
	"fgdsync.dev/libs/telemetry"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func build(t *testing.T, cfg telemetry.Config) *telemetry.Telemetry {
	t.Helper()
	tel, err := telemetry.New(t.Context(), cfg)
	if err != nil {
		t.Fatal(err)
	}
	return tel
}

func TestLogLinesLeadToTheirTrace(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	tel := build(t, telemetry.Config{Service: "fgd-test", LogWriter: &out, LogLevel: "info", LogFormat: "json"})
	provider := trace.NewTracerProvider()
	ctx, span := provider.Tracer("test").Start(t.Context(), "sync")
	tel.Log.With("sync_id", "1").WithGroup("stage").InfoContext(ctx, "in a trace", "n", 1)
	tel.Log.InfoContext(t.Context(), "in none")
	tel.Log.DebugContext(ctx, "below the level")
	span.End()
	lines := strings.Split(strings.TrimSpace(out.String()), "\n")
	if len(lines) != 2 {
		t.Fatalf("got %q", lines)
	}
	var first map[string]any
	if err := json.Unmarshal([]byte(lines[0]), &first); err != nil {
		t.Fatal(err)
	}
	if first["service"] != "fgd-test" || first["sync_id"] != "1" ||
		!strings.Contains(lines[0], span.SpanContext().TraceID().String()) {
		t.Errorf("got %s", lines[0])
	}
	if strings.Contains(lines[1], "trace_id") {
		t.Errorf("got %s", lines[1])
	}
}

func TestSecretsAreNotLogged(t *testing.T) {
	t.Parallel()
	for _, format := range []string{"json", "text"} {
		var out bytes.Buffer
		tel := build(t, telemetry.Config{LogWriter: &out, LogLevel: "debug", LogFormat: format})
		hidden := secret.New("s3cret")
		tel.Log.InfoContext(t.Context(), "a", "token", hidden, "text",
			fmt.Sprintf("%v %+v %#v %s %q", hidden, hidden, hidden, hidden,
				hidden), "inside", struct{ Token secret.String }{hidden})
		if out.Len() == 0 || strings.Contains(out.String(), "s3cret") {
			t.Errorf("%s: %s", format, out.String())
		}
	}
}

func TestBadSettingsAreNamed(t *testing.T) {
	t.Parallel()
	for want, cfg := range map[string]telemetry.Config{
		"log_level":  {LogLevel: "loud", LogFormat: "json"},
		"log_format": {LogLevel: "info", LogFormat: "xml"},
	} {
		if _, err := telemetry.New(t.Context(), cfg); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v", want, err)
		}
	}
}

// TestTwoInOneProcess: nothing is global, so that two of them do not fight.
func TestTwoInOneProcess(t *testing.T) {
	t.Parallel()
	for range 2 {
		tel := build(t, telemetry.Config{
			LogWriter: &bytes.Buffer{}, LogLevel: "info", LogFormat: "json",
			OTLPEndpoint: "http://127.0.0.1:1", SampleRatio: 1,
		})
		families, err := tel.Metrics.Gather()
		if err != nil || len(families) == 0 {
			t.Errorf("%d metrics, %v", len(families), err)
		}
		if err := tel.Shutdown(t.Context()); err != nil {
			t.Error(err)
		}
	}
}

func TestTraceContextTravelsAsText(t *testing.T) {
	t.Parallel()
	provider := trace.NewTracerProvider()
	ctx, span := provider.Tracer("test").Start(t.Context(), "producer")
	text := telemetry.Traceparent(ctx)
	if !strings.Contains(text, span.SpanContext().TraceID().String()) {
		t.Fatalf("got %q", text)
	}
	if telemetry.Traceparent(telemetry.WithTraceparent(t.Context(), text)) != text {
		t.Error("it came back changed")
	}
	for _, none := range []string{"", "nonsense", "00-zz-zz-01"} {
		if got := telemetry.Traceparent(telemetry.WithTraceparent(t.Context(), none)); got != "" {
			t.Errorf("%q became %q", none, got)
		}
	}
}

// TestLogLinesSayWhatTheirContextKnows: also those of a logger with attributes of its own.
func TestLogLinesSayWhatTheirContextKnows(t *testing.T) {
	t.Parallel()
	type key struct{}
	var out bytes.Buffer
	tel := build(t, telemetry.Config{
		LogWriter: &out, LogLevel: "info", LogFormat: "json",
		ContextAttrs: func(ctx context.Context) []slog.Attr {
			if id, known := ctx.Value(key{}).(string); known {
				return []slog.Attr{slog.String("correlation_id", id)}
			}
			return nil
		},
	})
	ctx := context.WithValue(t.Context(), key{}, "my-id-1")
	tel.Log.With("sync_id", "1").InfoContext(ctx, "of a call")
	if !strings.Contains(out.String(), `"correlation_id":"my-id-1"`) {
		t.Errorf("logged %s", &out)
	}
	out.Reset()
	tel.Log.InfoContext(t.Context(), "of none")
	if out.Len() == 0 || strings.Contains(out.String(), "correlation_id") {
		t.Errorf("logged %s", &out)
	}
}

// collector takes traces, or refuses them for good, so that nobody tries again.
func collector(t *testing.T, refusing *atomic.Bool) (url string) {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	server := grpc.NewServer(grpc.UnknownServiceHandler(func(_ any, stream grpc.ServerStream) error {
		if refusing.Load() {
			return status.Error(codes.PermissionDenied, "not from you")
		}
		if err := stream.RecvMsg(&emptypb.Empty{}); err != nil {
			return err
		}
		return stream.SendMsg(&emptypb.Empty{})
	}))
	served := make(chan error, 1)
	go func() { served <- server.Serve(listener) }()
	t.Cleanup(func() {
		server.Stop()
		if err := <-served; err != nil {
			t.Error(err)
		}
	})
	return "http://" + listener.Addr().String()
}

// TestTracesThatCantBeSentAreOneLineOfTheLog, and one more when they are sent again.
func TestTracesThatCantBeSentAreOneLineOfTheLog(t *testing.T) {
	t.Parallel()
	var refusing atomic.Bool
	refusing.Store(true)
	var out bytes.Buffer
	url := collector(t, &refusing)
	tel := build(t, telemetry.Config{
		Service: "fgd-test", LogWriter: &out, LogLevel: "info", LogFormat: "json", OTLPEndpoint: url,
		SampleRatio: 1,
	})
	send := func() {
		t.Helper()
		_, span := tel.Tracers.Tracer("test").Start(t.Context(), "sync")
		span.End()
		if err := tel.Tracers.(*trace.TracerProvider).ForceFlush(t.Context()); err != nil {
			t.Error(err)
		}
	}
	send()
	send()
	refusing.Store(false)
	send()
	if err := tel.Shutdown(t.Context()); err != nil {
		t.Error(err)
	}
	var said []string
	for line := range strings.Lines(out.String()) {
		var fields map[string]any
		if err := json.Unmarshal([]byte(line), &fields); err != nil || fields["endpoint"] != url {
			t.Errorf("logged %s (%v)", line, err)
		}
		said = append(said, fmt.Sprint(fields["msg"], " ", fields["spans_lost"]))
	}
	if want := []string{"traces can't be sent and are lost <nil>", "traces are sent again 2"}; !slices.Equal(said, want) {
		t.Errorf("said %q, not %q", said, want)
	}
}

// TestOneServiceAmongSeveral: its lines say which one it is, once.
func TestOneServiceAmongSeveral(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	tel := build(t, telemetry.Config{Service: "fgd", LogWriter: &out, LogLevel: "info", LogFormat: "json"})
	tel.For("fgd-bridge").Log.InfoContext(t.Context(), "of one")
	tel.Log.InfoContext(t.Context(), "of all")
	lines := strings.Split(out.String(), "\n")
	if strings.Count(lines[0], `"service"`) != 1 || !strings.Contains(lines[0], `"service":"fgd-bridge"`) ||
		!strings.Contains(lines[1], `"service":"fgd"`) {
		t.Errorf("logged %s", &out)
	}
}

func TestBuildInfo(t *testing.T) {
	t.Parallel()
	tel := build(t, telemetry.Config{LogWriter: &bytes.Buffer{}, LogLevel: "info", LogFormat: "json", Version: "v1.2.3"})
	families, err := tel.Metrics.Gather()
	if err != nil {
		t.Fatal(err)
	}
	for _, family := range families {
		if family.GetName() == "fgd_build_info" && strings.Contains(family.String(), "v1.2.3") {
			return
		}
	}
	t.Error("no metric has the version")
}
