package suite_test

import (
	"context"
	"errors"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/alicebob/miniredis/v2"
	"go.opentelemetry.io/otel/trace/noop"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"fgdsync.dev/cmd/fgd/internal/suite"
	"fgdsync.dev/libs/app"
	"fgdsync.dev/libs/config"
	"fgdsync.dev/libs/errs"
	"fgdsync.dev/libs/rpc"
	"fgdsync.dev/libs/secret"
	"fgdsync.dev/libs/telemetry"
	bridgev1 "fgdsync.dev/proto/fgd/bridge/v1"
	fabricv1 "fgdsync.dev/proto/fgd/fabric/v1"
)

// options are those of a suite that keeps what it has in memory and in a folder of the test.
func options(t *testing.T) suite.Options {
	t.Helper()
	source, err := config.Load("", nil)
	if err != nil {
		t.Fatal(err)
	}
	folder := t.TempDir()
	source, err = source.With(map[string]any{
		"redis_url":             "redis://" + miniredis.RunT(t).Addr(),
		"allow_unauthenticated": true, "token_pepper_file": filepath.Join(folder, "peppers"),
		"data_dir":    filepath.Join(folder, "git"),
		"ledger_file": filepath.Join(folder, "ledger.db"), "credentials_key_file": filepath.Join(folder, "key"),
		"audit_file": filepath.Join(folder, "audit.jsonl"), "audit_key_file": filepath.Join(folder, "audit.key"),
	})
	if err != nil {
		t.Fatal(err)
	}
	return suite.Options{
		Definitions: suite.Definitions(), Source: source, Telemetry: telemetry.Discard(), Instance: "test",
		LookupEnv: app.Lookup(nil),
	}
}

func listen(t *testing.T) net.Listener {
	t.Helper()
	listener, err := app.Listen("127.0.0.1:0", "test")
	if err != nil {
		t.Fatal(err)
	}
	return listener
}

// TestWhatIsInternalIsOnNoAddress: services reach each other, and callers reach what is for them alone.
func TestWhatIsInternalIsOnNoAddress(t *testing.T) {
	t.Parallel()
	grpcListener, httpListener := listen(t), listen(t)
	o := options(t)
	o.Callers = &suite.Listeners{GRPC: grpcListener, HTTP: httpListener}
	s, err := suite.New(o)
	if err != nil {
		t.Fatal(err)
	}
	ended := make(chan error, 1)
	ctx := t.Context()
	go func() { ended <- s.Run(ctx) }()
	t.Cleanup(func() { // after the end of the test's context
		if err := <-ended; err != nil {
			t.Error(err)
		}
	})
	network, err := rpc.DialPublic(grpcListener.Addr().String(), secret.String{}, noop.NewTracerProvider())
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = network.Close() }()
	const unimplemented, notFound = codes.Unimplemented, codes.NotFound
	for name, want := range map[string]struct{ internal, public codes.Code }{
		"loopback of services": {notFound, unimplemented}, "loopback of callers": {unimplemented, notFound},
		"network": {unimplemented, notFound},
	} {
		conn := grpc.ClientConnInterface(network)
		switch name {
		case "loopback of services":
			conn = s.Internal()
		case "loopback of callers":
			conn = s.Public()
		}
		_, err := fabricv1.NewFabricServiceClient(conn).GetFabric(ctx, &fabricv1.GetFabricRequest{FabricId: 7})
		if got := codeOf(err); got != want.internal {
			t.Errorf("%s: what is internal says %s: %v", name, got, err)
		}
		_, err = bridgev1.NewFabricServiceClient(conn).GetFabric(ctx, &bridgev1.GetFabricRequest{FabricId: 7})
		if got := codeOf(err); got != want.public {
			t.Errorf("%s: what is public says %s: %v", name, got, err)
		}
	}
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+httpListener.Addr().String()+"/readyz", nil)
	if err != nil {
		t.Fatal(err)
	}
	response, err := (&http.Client{Transport: &http.Transport{DisableKeepAlives: true}}).Do(request)
	if err != nil {
		t.Fatal(err)
	}
	if err := response.Body.Close(); err != nil || response.StatusCode != http.StatusOK {
		t.Errorf("not ready: %s, %v", response.Status, err)
	}
}

// TestWhoIsAsked: a suite that serves nobody outside its process asks nobody and keeps nothing of tokens; one with
// listeners asks everybody, and says when it has made the first token.
func TestWhoIsAsked(t *testing.T) {
	t.Parallel()
	for name, want := range map[string]codes.Code{"alone": codes.NotFound, "with listeners": codes.Unauthenticated} {
		o, folder, made := options(t), t.TempDir(), make(chan secret.String, 1)
		source, err := o.Source.With(map[string]any{
			"allow_unauthenticated": false, "token_pepper_file": filepath.Join(folder, "peppers"),
			"bootstrap_token_file": filepath.Join(folder, "token"),
		})
		if err != nil {
			t.Fatal(err)
		}
		o.Source, o.FirstToken = source, func(first secret.String) { made <- first }
		alone := name == "alone"
		if !alone {
			o.Callers = &suite.Listeners{GRPC: listen(t), HTTP: listen(t)}
		}
		s, err := suite.New(o)
		if err != nil {
			t.Fatal(err)
		}
		ctx, stop := context.WithCancel(t.Context())
		ended := make(chan error, 1)
		go func() { ended <- s.Run(ctx) }()
		if first := <-made; first.IsZero() != alone {
			t.Errorf("%s: a first token: %t", name, !first.IsZero())
		}
		_, err = bridgev1.NewFabricServiceClient(s.Public()).GetFabric(ctx, &bridgev1.GetFabricRequest{FabricId: 7})
		if got := codeOf(err); got != want {
			t.Errorf("%s: %s: %v", name, got, err)
		}
		stop()
		if err := <-ended; err != nil {
			t.Errorf("%s: %v", name, err)
		}
		kept, err := os.ReadDir(folder)
		if err != nil || len(kept) > 0 == alone {
			t.Errorf("%s: kept %v, %v", name, kept, err)
		}
	}
}

// codeOf returns the status that an error has on the wire.
func codeOf(err error) codes.Code {
	if code := status.Code(err); code != codes.Unknown || err == nil {
		return code
	}
	return errs.ToStatus(err).Code()
}

// TestServicesAreBuiltInTheirOrder: each after those that it calls, and the same in every run.
func TestServicesAreBuiltInTheirOrder(t *testing.T) {
	t.Parallel()
	built := map[string]bool{}
	var names []string
	for _, def := range suite.Definitions() {
		for _, peer := range def.Peers {
			if !built[peer.Name] {
				t.Errorf("%s is built before %s, which it calls", def.Name, peer.Name)
			}
		}
		built[def.Name] = true
		names = append(names, def.Name)
	}
	if want := []string{"github-sync", "ingestion", "directory", "orchestrator", "bridge"}; !slices.Equal(names, want) {
		t.Errorf("built are %v", names)
	}
}

// TestABuildThatFailsLeavesNothingBehind: what was opened before is closed, the last first.
func TestABuildThatFailsLeavesNothingBehind(t *testing.T) {
	t.Parallel()
	var closed []string
	broken := errors.New("no more")
	definition := func(name string, err error) app.Definition {
		return app.Definition{Name: name, Audience: rpc.Services, Build: func(p *app.Process) (app.Service, http.Handler,
			error,
		) {
			p.OnClose(func() error { closed = append(closed, name); return nil })
			return nil, nil, err
		}}
	}
	o := options(t)
	o.Definitions = append(o.Definitions, definition("broken", broken))
	if _, err := suite.New(o); !errors.Is(err, broken) {
		t.Errorf("got %v", err)
	}
	o = options(t)
	o.Definitions = []app.Definition{definition("alone", broken)}
	if _, err := suite.New(o); !errors.Is(err, broken) || !slices.Equal(closed, []string{"broken", "alone"}) {
		t.Errorf("got %v, closed %v", err, closed)
	}
}
