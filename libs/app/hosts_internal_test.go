package app

import (
	"context"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"google.golang.org/grpc"

	"fgdsync.dev/libs/config"
	"fgdsync.dev/libs/rpc"
	"fgdsync.dev/libs/telemetry"
)

// idle is a service that serves nothing.
type idle struct{}

func (idle) Register(grpc.ServiceRegistrar)  {}
func (idle) Run(context.Context) error       { return nil }
func (idle) Ready(ctx context.Context) error { return ctx.Err() }

// TestMetricsAndHealthHaveKnownHosts: a process that has nothing else over HTTP answers for its own hosts alone.
func TestMetricsAndHealthHaveKnownHosts(t *testing.T) {
	t.Parallel()
	source, err := config.Load("", []string{"HEDGEHOG_FGD_PUBLIC_HOSTS=orchestrator,192.0.2.7"})
	if err != nil {
		t.Fatal(err)
	}
	s := defaultSettings()
	s.GRPCListen, s.HTTPListen = "127.0.0.1:0", "127.0.0.1:0"
	if err := source.Into(&s); err != nil {
		t.Fatal(err)
	}
	host := NewHost(telemetry.Discard(), Security{})
	p := &Process{Source: source, Telemetry: telemetry.Discard()}
	t.Cleanup(func() { _, _ = host.Close(), p.Close() })
	def := Definition{Name: "test", Audience: rpc.Services, Build: func(*Process) (Service, http.Handler, error) {
		return idle{}, nil, nil
	}}
	if err := p.build(def, s, host); err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]int{
		"orchestrator:9191": 200, "localhost:9191": 200, "127.0.0.1": 200, "192.0.2.7:9191": 200,
		"evil.example:9191": 421, "192.0.2.8": 421, "": 421,
	} {
		for _, path := range []string{"/metrics", "/healthz", "/readyz"} {
			request := httptest.NewRequest(http.MethodGet, path, nil)
			request.Host = name
			answer := httptest.NewRecorder()
			host.http[0].server.Handler.ServeHTTP(answer, request)
			if answer.Code != want || (want == 421) != strings.Contains(answer.Body.String(), "FGD_1040") {
				t.Errorf("%s of %q: %d %s", path, name, answer.Code, answer.Body)
			}
		}
	}
}
