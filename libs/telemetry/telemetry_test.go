package telemetry_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"net"
	"os"
	"os/exec"
	"strings"
	"testing"

	"go.opentelemetry.io/otel/sdk/trace"
	"go.uber.org/goleak"
	"google.golang.org/grpc"

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
			OTLPEndpoint: "http://127.0.0.1:1",
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

// TestTracesThatCanNotBeSent are a line of the log in its own form. The process writes nothing else of it, which
// another run of the test sees.
func TestTracesThatCanNotBeSent(t *testing.T) {
	t.Parallel()
	if os.Getenv(alone) != "" {
		traceToNobody(t)
		return
	}
	command := exec.CommandContext(t.Context(), os.Args[0], "-test.run", "^"+t.Name()+"$")
	command.Env = append(os.Environ(), alone+"=1")
	var stderr bytes.Buffer
	command.Stderr = &stderr
	if err := command.Run(); err != nil {
		t.Fatalf("%v\n%s", err, &stderr)
	}
	for line := range strings.Lines(stderr.String()) {
		if !json.Valid([]byte(line)) {
			t.Errorf("not in the form of the log: %s", line)
		}
	}
	if !strings.Contains(stderr.String(), `"msg":"traces not exported"`) {
		t.Errorf("nothing is said of it:\n%s", &stderr)
	}
}

// traceToNobody sends a trace to a server that takes none.
func traceToNobody(t *testing.T) {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	server, served := grpc.NewServer(), make(chan error, 1)
	go func() { served <- server.Serve(listener) }()
	tel := build(t, telemetry.Config{
		Service: "fgd-test", LogWriter: os.Stderr, LogLevel: "info", LogFormat: "json",
		OTLPEndpoint: "http://" + listener.Addr().String(),
	})
	_, span := tel.Tracers.Tracer("test").Start(t.Context(), "sync")
	span.End()
	if err := tel.Shutdown(t.Context()); err != nil {
		t.Error(err)
	}
	server.Stop()
	if err := <-served; err != nil {
		t.Error(err)
	}
}

// alone is the variable that tells the test of a whole process that it is the process.
const alone = "FGD_TELEMETRY_TEST"
