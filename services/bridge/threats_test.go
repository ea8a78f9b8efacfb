package bridge_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/coder/websocket"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/sdk/trace/tracetest"
	"go.opentelemetry.io/otel/trace/noop"
	"google.golang.org/grpc"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/reflection/grpc_reflection_v1"
	"google.golang.org/protobuf/types/known/timestamppb"

	"fgdsync.dev/libs/errs"
	"fgdsync.dev/libs/rpc"
	"fgdsync.dev/libs/secret"
	"fgdsync.dev/libs/telemetry"
	accessv1 "fgdsync.dev/proto/fgd/access/v1"
	bridgev1 "fgdsync.dev/proto/fgd/bridge/v1"
	"fgdsync.dev/testkit/grpctest"
)

// network serves the RPCs of a bridge over a network, and returns a connection of a caller.
func (b *bundle) network(token string) grpc.ClientConnInterface {
	b.t.Helper()
	gate := &rpc.Gate{}
	gate.Set(b.service.Admission())
	server := rpc.NewServer(telemetry.Discard(), rpc.Callers, gate, nil, grpctest.OneLog(telemetry.Discard()))
	b.service.Register(server)
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		b.t.Fatal(err)
	}
	served := make(chan error, 1)
	go func() { served <- server.Serve(listener) }()
	conn, err := rpc.DialPublic(listener.Addr().String(), secret.New(token), noop.NewTracerProvider())
	if err != nil {
		b.t.Fatal(err)
	}
	b.t.Cleanup(func() {
		_ = conn.Close()
		server.Stop()
		if err := <-served; err != nil {
			b.t.Error(err)
		}
	})
	return conn
}

// forged are headers, and metadata, by which somebody wants to be somebody else, or to have more time.
func forged(token string) []string {
	return []string{
		"x-user", "admin", "x-remote-user", "admin", "x-forwarded-user", "admin", "x-forwarded-for", "192.0.2.1",
		"x-http-method-override", "DELETE", "fgd-source", "192.0.2.1", "fgd-principal-bin", "admin", "fgd-via-bin", "hnp",
		"grpc-metadata-x-user", "admin", "grpc-metadata-authorization", "Bearer " + token,
		"grpc-metadata-fgd-source", "192.0.2.1", "grpc-metadata-fgd-principal-bin", "YWRtaW4=",
	}
}

// requireViewer looks at what came through to the services behind: the viewer, and none of what is forged.
func (g *guarded) requireViewer(over string) {
	g.t.Helper()
	g.backend.mu.Lock()
	defer g.backend.mu.Unlock()
	if got := fmt.Sprint(g.backend.metadata.Get("fgd-principal-bin"), g.backend.metadata.Get("fgd-via-bin")); got !=
		"[viewer of 35] []" {
		g.t.Errorf("over %s: called by %s", over, got)
	}
	for key, values := range g.backend.metadata {
		if strings.HasPrefix(key, "x-") || strings.Contains(key, "source") || strings.Contains(fmt.Sprint(values), "Bearer") {
			g.t.Errorf("over %s: %s %v came through", over, key, values)
		}
	}
}

// TestForgedHeaders is X9 of the fault matrix, over JSON: whoever shows the token of a viewer is that viewer.
func TestForgedHeaders(t *testing.T) {
	t.Parallel()
	g := setupGuarded(t)
	g.withFabric()
	viewer := g.grant("viewer", "35")
	headers := []header{bearer(viewer), {"Grpc-Timeout", "99999H"}}
	for i, all := 0, forged(g.bootstrap); i < len(all); i += 2 {
		headers = append(headers, header{all[i], all[i+1]})
	}
	if got := g.ok("GET", "/api/v1/caller", "", headers...); got["name"] != "viewer of 35" {
		t.Errorf("the caller is %v", got)
	}
	g.ok("GET", "/api/v1/fabrics/35", "", headers...)
	g.requireViewer("JSON")
	g.backend.mu.Lock()
	left := time.Until(g.backend.deadline)
	g.backend.mu.Unlock()
	if left > time.Minute {
		t.Errorf("a request of %s was begun", left)
	}
	g.problem("DELETE", "/api/v1/fabrics/35", "", http.StatusForbidden, "FGD_1051", headers...)
	form := append(headers, header{"Content-Type", "application/x-www-form-urlencoded"}, bearer(g.bootstrap))
	g.problem("POST", "/api/v1/fabrics/35", "", http.StatusMethodNotAllowed, "FGD_1010", form...)
	g.problem("POST", "/api/v1/fabrics/35", "_method=DELETE", http.StatusMethodNotAllowed, "FGD_1010", form...)
	g.problem("GET", "/api/v1/caller", "", http.StatusUnauthorized, "FGD_1050", headers[1:]...)
	g.ok("GET", "/api/v1/fabrics/35", "", bearer(viewer))
}

// TestForgedMetadata is X9 of the fault matrix, over gRPC: what headers can't say, metadata can't either.
func TestForgedMetadata(t *testing.T) {
	t.Parallel()
	g := setupGuarded(t)
	g.withFabric()
	viewer := g.grant("viewer", "35")
	far := g.create(`{"name":"far","grants":[{"role":"viewer","all_fabrics":true}],"networks":["192.0.2.0/24"]}`)
	ctx, cancel := context.WithTimeout(t.Context(), 99999*time.Hour)
	defer cancel()
	ctx = metadata.AppendToOutgoingContext(ctx, forged(g.bootstrap)...)
	conn := g.network(viewer)
	got, err := bridgev1.NewAccessServiceClient(conn).GetCaller(ctx, &bridgev1.GetCallerRequest{})
	if err != nil || got.GetName() != "viewer of 35" {
		t.Errorf("the caller is %v: %v", got, err)
	}
	fabrics := bridgev1.NewFabricServiceClient(conn)
	if _, err := fabrics.GetFabric(ctx, &bridgev1.GetFabricRequest{FabricId: 35}); err != nil {
		t.Error(err)
	}
	g.requireViewer("gRPC")
	_, err = fabrics.DeleteFabric(ctx, &bridgev1.DeleteFabricRequest{FabricId: 35})
	if !errs.HasCode(err, errs.NotAllowed) {
		t.Errorf("deleted: %v", err)
	}
	_, err = bridgev1.NewAccessServiceClient(g.network(far)).GetCaller(ctx, &bridgev1.GetCallerRequest{})
	if !errs.HasCode(err, errs.NotAuthenticated) {
		t.Errorf("a token of another network: %v", err)
	}
}

// withFabric registers fabric 35.
func (g *guarded) withFabric() {
	g.t.Helper()
	g.ok("POST", "/api/v1/fabrics",
		`{"fabric_id":35,"name":"f","repository_url":"https://git.example/r.git","gitops_directory":"f"}`,
		bearer(g.bootstrap))
}

// TestAMethodThatNobodyNamed is X10 of the fault matrix: an admin of all may call what has a rule, as it is written
// there, and nothing else.
func TestAMethodThatNobodyNamed(t *testing.T) {
	t.Parallel()
	g := setupGuarded(t)
	ctx := metadata.NewIncomingContext(t.Context(), metadata.Pairs("authorization", "Bearer "+g.bootstrap))
	for method, admitted := range map[string]bool{
		bridgev1.FabricService_DeleteFabric_FullMethodName:                          true,
		strings.TrimPrefix(bridgev1.FabricService_DeleteFabric_FullMethodName, "/"): false,
		"/" + bridgev1.FabricService_DeleteFabric_FullMethodName:                    false,
		"/fgd.bridge.v1.FabricService/deletefabric":                                 false,
		"/fgd.bridge.v1.FabricService/":                                             false,
	} {
		called := false
		_, err := g.service.Admission().Unary(ctx, &bridgev1.DeleteFabricRequest{FabricId: 35},
			&grpc.UnaryServerInfo{FullMethod: method}, func(context.Context, any) (any, error) {
				called = true
				return &bridgev1.DeleteFabricResponse{}, nil
			})
		if called != admitted || !admitted && !errs.HasCode(err, errs.NotAllowed) {
			t.Errorf("%s: called %v, %v", method, called, err)
		}
	}
}

// TestNothingOfTheProcessIsServed is X12 of the fault matrix: nobody outside looks into it, and what there is to call
// is told to those who are known.
func TestNothingOfTheProcessIsServed(t *testing.T) {
	t.Parallel()
	open := setup(t)
	for _, path := range []string{
		"/debug/pprof", "/debug/pprof/heap", "/debug/pprof/cmdline", "/debug/vars", "/debug/requests", "/channelz",
		"/grpc.reflection.v1.ServerReflection/ServerReflectionInfo", "/config", "/env", "/.git/config",
	} {
		open.problem("GET", path, "", http.StatusNotFound, "FGD_1022")
	}
	g := setupGuarded(t)
	reflect := func(ctx context.Context) error {
		stream, err := grpc_reflection_v1.NewServerReflectionClient(g.self).ServerReflectionInfo(ctx)
		if err != nil {
			return err
		}
		if err := stream.Send(&grpc_reflection_v1.ServerReflectionRequest{
			MessageRequest: &grpc_reflection_v1.ServerReflectionRequest_ListServices{},
		}); err != nil && !errors.Is(err, io.EOF) { // of a stream that has ended Recv says why
			return err
		}
		if _, err := stream.Recv(); err != nil {
			return err
		}
		return stream.CloseSend()
	}
	if err := reflect(t.Context()); !errs.HasCode(err, errs.NotAuthenticated) {
		t.Errorf("what there is to call, told to nobody: %v", err)
	}
	if err := reflect(g.as(g.grant("viewer", "35"))); err != nil {
		t.Errorf("what there is to call, told to a viewer: %v", err)
	}
}

// dial opens a WebSocket with a token in the way of browsers, or returns why not.
func (g *guarded) dial(query, token string) (*websocket.Conn, *http.Response, error) {
	var protocols []string
	if token != "" {
		protocols = []string{"fgd.bearer." + token}
	}
	return websocket.Dial(g.t.Context(), g.server.URL+"/ws/sync-progress/sync-of-35/"+query,
		&websocket.DialOptions{Subprotocols: protocols})
}

// TestAWebSocketNeedsACaller is X15 of the fault matrix: one without a token, or with one that sees another fabric, is
// refused before it is one.
func TestAWebSocketNeedsACaller(t *testing.T) {
	t.Parallel()
	g := setupGuarded(t)
	g.withSyncs(35)
	viewer, stranger := g.grant("viewer", "35"), g.grant("viewer", "36")
	for name, c := range map[string]struct {
		query, token string
		status       int
	}{
		"nobody":             {"", "", http.StatusUnauthorized},
		"a guess":            {"", "guess", http.StatusUnauthorized},
		"of another fabric":  {"", stranger, http.StatusNotFound},
		"a token in the URL": {"?token=" + viewer, "", http.StatusUnauthorized},
		"a viewer":           {"", viewer, http.StatusSwitchingProtocols},
	} {
		conn, response, err := g.dial(c.query, c.token)
		if response == nil || response.StatusCode != c.status {
			t.Errorf("%s: %v, %v", name, response, err)
		}
		if conn != nil {
			_ = conn.CloseNow()
		}
	}
}

// TestAWebSocketEndsWithItsToken is X15 of the fault matrix: it says why, and none can be opened any more.
func TestAWebSocketEndsWithItsToken(t *testing.T) {
	t.Parallel()
	g := setupGuarded(t)
	g.withSyncs(35)
	g.backend.mu.Lock()
	g.backend.events["sync-of-35"] = nil // goes on
	g.backend.mu.Unlock()
	g.backend.tell("sync-of-35", progress(1))
	text := g.grant("viewer", "35")
	// It expires while the stream is open: a second is the least that the time of a token tells apart.
	g.change(text, func(token *accessv1.Token) { token.ExpiresAt = timestamppb.New(time.Now().Add(time.Second)) })
	var conn *websocket.Conn
	g.until("a WebSocket", func() bool {
		var err error
		conn, _, err = g.dial("", text)
		return err == nil
	})
	defer func() { _ = conn.CloseNow() }()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	var heard []string
	for {
		_, message, err := conn.Read(ctx)
		if err != nil {
			break
		}
		heard = append(heard, string(message))
	}
	if said := strings.Join(heard, "\n"); !strings.Contains(said, "FGD_1050") || !strings.Contains(said, "sync.progress") {
		t.Errorf("it ended with %s", said)
	}
	if _, response, err := g.dial("", text); err == nil || response.StatusCode != http.StatusUnauthorized {
		t.Errorf("another one: %v, %v", response, err)
	}
	if err := g.backend.awaitNoWatchers(t.Context()); err != nil {
		t.Error(err)
	}
}

// TestBaggageStaysOutside is X16 of the fault matrix: what a caller has others carry along is not carried along. The
// context of its trace is.
func TestBaggageStaysOutside(t *testing.T) {
	t.Parallel()
	spans := tracetest.NewInMemoryExporter()
	b := setupWith(t, sdktrace.NewTracerProvider(sdktrace.WithSyncer(spans)))
	b.fabric()
	fabrics := bridgev1.NewFabricServiceClient(b.network(""))
	for _, baggage := range []string{"user=planted", "user=planted," + strings.Repeat("k=planted,", 30<<10/10)} {
		b.ok("GET", "/api/v1/fabrics/35", "", header{"Baggage", baggage})
		b.requireNoBaggage("JSON")
		ctx := metadata.AppendToOutgoingContext(t.Context(), "baggage", baggage)
		if _, err := fabrics.GetFabric(ctx, &bridgev1.GetFabricRequest{FabricId: 35}); err != nil {
			t.Error(err)
		}
		b.requireNoBaggage("gRPC")
	}
	if strings.Contains(b.log.String(), "planted") || strings.Contains(fmt.Sprint(spans.GetSpans()), "planted") {
		t.Error("it is in the log or in a span")
	}
}

// requireNoBaggage looks at the last call of a service behind.
func (b *bundle) requireNoBaggage(over string) {
	b.t.Helper()
	b.backend.mu.Lock()
	defer b.backend.mu.Unlock()
	if got := b.backend.metadata.Get("baggage"); len(got) > 0 {
		b.t.Errorf("over %s: %d bytes of it went on", over, len(got[0]))
	}
}

// TestATokenInAURL is none, and is repeated nowhere: others keep URLs.
func TestATokenInAURL(t *testing.T) {
	t.Parallel()
	spans := tracetest.NewInMemoryExporter()
	g := setupGuardedWith(t, sdktrace.NewTracerProvider(sdktrace.WithSyncer(spans)))
	at := strings.Replace(g.server.URL, "http://", "http://"+g.bootstrap+"@", 1)
	for _, url := range []string{
		"/api/v1/caller?access_token=", "/api/v1/caller?token=", "/api/v1/caller?authorization=Bearer%20",
		"/api/v1/caller?Authorization=Bearer+", "/api/v1/caller;", "/api/v1/caller/",
		"/api/v1/syncs/s/events?access_token=",
	} {
		g.problem("GET", url+g.bootstrap, "", http.StatusUnauthorized, "FGD_1050")
		a := g.call("GET", url+g.bootstrap, "", bearer(g.bootstrap))
		if strings.Contains(url, "?") && strings.Contains(url, "caller") && a.status != http.StatusBadRequest ||
			strings.Contains(a.raw, g.bootstrap[17:]) {
			t.Errorf("%s beside the header: %d %s", url, a.status, a.raw)
		}
	}
	request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, at+"/api/v1/caller", http.NoBody)
	if err != nil {
		t.Fatal(err)
	}
	response, err := g.server.Client().Do(request)
	if err != nil {
		t.Fatal(err)
	}
	if a := read(t, response); a.status != http.StatusUnauthorized {
		t.Errorf("before the host: %d %s", a.status, a.raw)
	}
	audit, err := os.ReadFile(g.audit)
	if err != nil {
		t.Fatal(err)
	}
	for place, text := range map[string]string{
		"audit": string(audit), "log": g.log.String(), "spans": fmt.Sprintf("%+v", spans.GetSpans()),
	} {
		if strings.Contains(text, g.bootstrap[17:]) {
			t.Errorf("the token is in the %s", place)
		}
	}
}
