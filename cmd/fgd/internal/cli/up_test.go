package cli_test

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"net"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"go.opentelemetry.io/otel/trace/noop"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/reflection/grpc_reflection_v1"
	"google.golang.org/grpc/status"

	"fgdsync.dev/cmd/fgd/internal/cli"
	"fgdsync.dev/libs/rpc"
	"fgdsync.dev/libs/secret"
	adminv1 "fgdsync.dev/proto/fgd/admin/v1"
	bridgev1 "fgdsync.dev/proto/fgd/bridge/v1"
	fabricv1 "fgdsync.dev/proto/fgd/fabric/v1"
	gitv1 "fgdsync.dev/proto/fgd/git/v1"
	"fgdsync.dev/testkit/gitserver"
	"fgdsync.dev/testkit/redistest"
)

// started is what fgd up says of itself once it serves.
type started struct {
	Msg  string `json:"msg"`
	HTTP string `json:"http"`
	GRPC string `json:"grpc"`

	tokenFile, token string // the first one
}

// watched is a log that can be read while it is written, and tells when the services have started.
type watched struct {
	mu      sync.Mutex
	text    strings.Builder
	started chan started
}

func (w *watched) Write(line []byte) (int, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	var said started
	if json.Unmarshal(line, &said) == nil && said.Msg == "started" {
		w.started <- said
	}
	return w.text.Write(line)
}

func (w *watched) String() string {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.text.String()
}

// up runs fgd up until the test ends.
func up(t *testing.T, environ []string, args ...string) (at started, log *watched) {
	t.Helper()
	ctx, stop := context.WithCancel(t.Context())
	log = &watched{started: make(chan started, 1)}
	ended := make(chan int, 1)
	folder := t.TempDir()
	args = append([]string{"up", "--data", folder, "--http", "127.0.0.1:0", "--grpc", "127.0.0.1:0"}, args...)
	if i := slices.Index(args[3:], "--data"); i >= 0 {
		folder = args[3+i+1]
	}
	go func() {
		ended <- cli.Run(ctx, cli.Environment{Args: args, Environ: environ, Stdout: io.Discard, Stderr: log})
	}()
	select {
	case at = <-log.started:
	case code := <-ended:
		stop()
		t.Fatalf("exit %d before it served:\n%s", code, log)
	}
	t.Cleanup(func() {
		stop()
		if code := <-ended; code != 0 {
			t.Errorf("exit %d\n%s", code, log)
		}
	})
	if !slices.Contains(environ, unauthenticated) {
		at.tokenFile = filepath.Join(folder, "bootstrap.token")
		at.token = firstToken(t, at.tokenFile)
	}
	return at, log
}

// unauthenticated asks nobody who they are.
const unauthenticated = "HEDGEHOG_FGD_ALLOW_UNAUTHENTICATED=true"

// firstToken waits for the token that fgd up leaves in a file.
func firstToken(t *testing.T, path string) string {
	t.Helper()
	ticker := time.NewTicker(10 * time.Millisecond)
	defer ticker.Stop()
	deadline := time.After(time.Minute)
	for {
		raw, err := os.ReadFile(path)
		if err == nil {
			return strings.TrimSpace(string(raw))
		}
		select {
		case <-deadline:
			t.Fatalf("there is no first token: %v", err)
		case <-ticker.C:
		}
	}
}

// client keeps no connection, so that none outlives a test.
func client() *http.Client {
	return &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
}

// call makes a request that shows the first token.
func (at started) call(t *testing.T, method, path, body, correlationID string) (code int, answer string) {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), method, "http://"+at.HTTP+path, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	request.Header.Set("Content-Type", "application/json")
	request.Header.Set("X-Correlation-Id", correlationID)
	if at.token != "" {
		request.Header.Set("Authorization", "Bearer "+at.token)
	}
	response, err := client().Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = response.Body.Close() }()
	raw, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	return response.StatusCode, string(raw)
}

func (at started) dial(t *testing.T) *grpc.ClientConn {
	t.Helper()
	conn, err := rpc.DialPublic(at.GRPC, secret.New(at.token), noop.NewTracerProvider())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	return conn
}

// TestUp serves callers until its context ends, and keeps what only services may reach off every address.
func TestUp(t *testing.T) {
	t.Parallel()
	at, _ := up(t, nil)
	if code, answer := at.call(t, http.MethodGet, "/healthz", "", ""); code != http.StatusOK {
		t.Errorf("healthz: %d %s", code, answer)
	}
	conn := at.dial(t)
	for name, call := range map[string]func() error{
		"FabricService": func() error {
			_, err := fabricv1.NewFabricServiceClient(conn).GetFabric(t.Context(), &fabricv1.GetFabricRequest{FabricId: 1})
			return err
		},
		"RepositoryService": func() error {
			_, err := gitv1.NewRepositoryServiceClient(conn).OpenSnapshot(t.Context(), &gitv1.OpenSnapshotRequest{})
			return err
		},
		"MaintenanceService": func() error {
			_, err := adminv1.NewMaintenanceServiceClient(conn).RebuildState(t.Context(), &adminv1.RebuildStateRequest{})
			return err
		},
	} {
		if err := call(); status.Code(err) != codes.Unimplemented {
			t.Errorf("internal %s: %v", name, err)
		}
	}
	if _, err := bridgev1.NewFabricServiceClient(conn).ListFabrics(t.Context(),
		&bridgev1.ListFabricsRequest{}); err != nil {
		t.Errorf("what is for callers: %v", err)
	}
	shown := reflected(t, conn)
	if !slices.Contains(shown, "fgd.bridge.v1.FabricService") || slices.ContainsFunc(shown, func(name string) bool {
		return strings.HasPrefix(name, "fgd.") && !strings.HasPrefix(name, "fgd.bridge.")
	}) {
		t.Errorf("reflection shows %v", shown)
	}
}

// reflected returns the services that a server shows.
func reflected(t *testing.T, conn *grpc.ClientConn) (names []string) {
	t.Helper()
	stream, err := grpc_reflection_v1.NewServerReflectionClient(conn).ServerReflectionInfo(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	list := &grpc_reflection_v1.ServerReflectionRequest_ListServices{}
	if err := stream.Send(&grpc_reflection_v1.ServerReflectionRequest{MessageRequest: list}); err != nil {
		t.Fatal(err)
	}
	answer, err := stream.Recv()
	if err != nil {
		t.Fatal(err)
	}
	if err := stream.CloseSend(); err != nil {
		t.Fatal(err)
	}
	for _, service := range answer.GetListServicesResponse().GetService() {
		names = append(names, service.GetName())
	}
	return names
}

// TestUpForOthers: an address that others can reach is served where callers show tokens, and it is said that those
// travel in clear. Where nobody is asked, it is refused, for gRPC as for HTTP, and a loopback is loud.
func TestUpForOthers(t *testing.T) {
	t.Parallel()
	ctx, stop := context.WithTimeout(t.Context(), time.Minute) // one that is not refused would go on
	defer stop()
	for _, flag := range []string{"--grpc", "--http"} {
		var stderr bytes.Buffer
		code := cli.Run(ctx, cli.Environment{
			Args: []string{"up", "--data", t.TempDir(), flag, "0.0.0.0:0"}, Environ: []string{unauthenticated},
			Stdout: io.Discard, Stderr: &stderr,
		})
		if code != 2 || !strings.Contains(stderr.String(), flag) ||
			!strings.Contains(stderr.String(), "HEDGEHOG_FGD_ALLOW_UNAUTHENTICATED") {
			t.Errorf("%s: exit %d\n%s", flag, code, &stderr)
		}
	}
	for _, c := range []struct {
		environ []string
		address string
		warns   string
		code    int // of a call that shows nothing
	}{
		{nil, "0.0.0.0:0", `"level":"WARN","msg":"tokens travel in clear`, http.StatusUnauthorized},
		{[]string{unauthenticated}, "127.0.0.1:0", `"level":"WARN","msg":"NOBODY IS ASKED`, http.StatusOK},
	} {
		at, log := up(t, c.environ, "--grpc", c.address)
		if strings.Count(log.String(), c.warns) != 1 {
			t.Errorf("not said once: %s\n%s", c.warns, log)
		}
		at.token = ""
		if code, answer := at.call(t, http.MethodGet, "/api/v1/fabrics", "", ""); code != c.code {
			t.Errorf("%v: %d %s", c.environ, code, answer)
		}
	}
}

// TestTheCauseIsInTheLog: what Redis said is in one line, with the correlation id that the caller has. Nothing collects
// traces.
func TestTheCauseIsInTheLog(t *testing.T) {
	t.Parallel()
	server := redistest.Start(t)
	conn := server.Conn(t)
	address, err := url.Parse(server.URL())
	if err != nil {
		t.Fatal(err)
	}
	address.User = nil
	if err := conn.Main.ConfigSet(t.Context(), "requirepass", "").Err(); err != nil {
		t.Fatal(err)
	}
	at, log := up(t, nil, "--redis", address.String())
	const fabrics = "/api/v1/fabrics"
	if code, answer := at.call(t, http.MethodGet, fabrics, "", "my-id-0"); code != http.StatusOK {
		t.Fatalf("before: %d %s", code, answer)
	}
	if err := conn.Main.ConfigSet(t.Context(), "requirepass", "another").Err(); err != nil {
		t.Fatal(err)
	}
	if err := conn.Main.Do(t.Context(), "client", "kill", "type", "normal", "skipme", "yes").Err(); err != nil {
		t.Fatal(err)
	}
	code, answer := at.call(t, http.MethodGet, fabrics, "", "my-id-1")
	if code != http.StatusServiceUnavailable || strings.Contains(answer, "NOAUTH") ||
		!strings.Contains(answer, "FGD_5003") || !strings.Contains(answer, "my-id-1") {
		t.Errorf("answered %d %s", code, answer)
	}
	var lines, causes []string
	for line := range strings.Lines(log.String()) {
		if strings.Contains(line, `"correlation_id":"my-id-1"`) {
			lines = append(lines, line)
			if strings.Contains(line, "NOAUTH") {
				causes = append(causes, line)
			}
		}
	}
	if len(causes) != 1 || !strings.Contains(causes[0], `"level":"WARN"`) {
		t.Errorf("the cause is in %q, of %q", causes, lines)
	}
}

// TestARunningSystem is looked after over what it offers to callers.
func TestARunningSystem(t *testing.T) {
	t.Parallel()
	host := gitserver.Start(t, gitserver.Options{})
	host.Create(t, "r.git", "main", map[string]string{"f/raw/a.yaml": document})
	server := redistest.Start(t)
	at, _ := up(t, nil, "--redis", server.URL(), "--allow-http", "--allow-network=127.0.0.0/8")
	definition := `{"fabric_id":7,"name":"f","gitops_directory":"f","repository_url":"` + host.URL("r.git") + `"}`
	const fabrics = "/api/v1/fabrics"
	if code, answer := at.call(t, http.MethodPost, fabrics, definition, ""); code != http.StatusOK {
		t.Fatalf("register: %d %s", code, answer)
	}
	fgd := func(want int, args ...string) string {
		t.Helper()
		code, stdout, stderr := run(t.Context(), t, append(args, "--server", at.GRPC, "--token-file", at.tokenFile)...)
		if code != want {
			t.Fatalf("%v: exit %d\n%s%s", args, code, stdout, stderr)
		}
		return stdout + stderr
	}
	if err := server.Conn(t).Main.FlushAll(t.Context()).Err(); err != nil {
		t.Fatal(err)
	}
	// Whether it comes back by this or by itself a moment before is not to be said.
	if out := fgd(0, "state", "rebuild"); !strings.Contains(out, "Syncs started: 1.") {
		t.Errorf("rebuilt: %s", out)
	}
	var rebuilt struct {
		SyncIDs []string `json:"sync_ids"`
	}
	if err := json.Unmarshal([]byte(fgd(0, "state", "rebuild", "-o=json")), &rebuilt); err != nil ||
		len(rebuilt.SyncIDs) != 1 {
		t.Errorf("rebuilt: %+v, %v", rebuilt, err)
	}
	_, answer := at.call(t, http.MethodGet, "/api/sync-status/"+rebuilt.SyncIDs[0]+"/", "", "")
	if !strings.Contains(answer, `"requested_by":"bootstrap"`) {
		t.Errorf("who asked is not known: %s", answer)
	}
	if out := fgd(0, "dead-letters", "list"); !strings.HasPrefix(out, "ID ") || strings.Count(out, "\n") != 1 {
		t.Errorf("listed: %s", out)
	}
	if out := fgd(1, "dead-letters", "replay", "1-1"); !strings.Contains(out, "correlation id: ") ||
		!strings.Contains(out, "FGD_3013") {
		t.Errorf("replayed: %s", out)
	}
}

// TestAnAddressOfSomethingElse: that nobody is there is a failure, and that what is there is no bridge a wrong call.
func TestAnAddressOfSomethingElse(t *testing.T) {
	t.Parallel()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	internal := grpc.NewServer() // as the port of an orchestrator
	served := make(chan error, 1)
	go func() { served <- internal.Serve(listener) }()
	t.Cleanup(func() {
		internal.Stop()
		if err := <-served; err != nil {
			t.Error(err)
		}
	})
	for address, want := range map[string]struct {
		code int
		text string
	}{
		listener.Addr().String(): {2, "is no bridge"},
		"127.0.0.1:1":            {5, "FGD_5005 SERVICE_UNAVAILABLE: Nothing can be reached at 127.0.0.1:1."},
	} {
		if code, _, stderr := run(t.Context(), t, "state", "rebuild", "--server", address); code != want.code ||
			!strings.Contains(stderr, want.text) {
			t.Errorf("%s: exit %d\n%s", address, code, stderr)
		}
	}
}

// TestSyncOfAKnownFabric: where a Redis is shared, another process takes the fabric over, with its own key and the
// credentials it was given.
func TestSyncOfAKnownFabric(t *testing.T) {
	t.Parallel()
	host := gitserver.Start(t, gitserver.Options{User: "u", Password: "p"})
	host.Create(t, "r.git", "main", map[string]string{"f/raw/a.yaml": document})
	redis := redistest.Start(t)
	for _, want := range []string{"1 created", "(nothing changed)"} {
		code, stdout, stderr := run(t.Context(), t, "sync", "--repo", host.URL("r.git"), "--dir", "f",
			"--allow-http", "--allow-network=127.0.0.0/8", "--redis", redis.URL())
		if code != 0 || !strings.Contains(stdout, want) {
			t.Errorf("want %q: exit %d\n%s%s", want, code, stdout, stderr)
		}
	}
	for _, other := range [][]string{{"--fabric-id", "9"}, {"--name", "g"}} {
		code, _, stderr := run(t.Context(), t, append([]string{
			"sync", "--repo", host.URL("r.git"), "--dir", "f", "--allow-http",
			"--allow-network=127.0.0.0/8", "--redis", redis.URL(),
		}, other...)...)
		if code != 2 || !strings.Contains(stderr, `FGD_3008 FABRIC_EXISTS: The directory is registered as fabric 1, "f".`) {
			t.Errorf("%v: exit %d\n%s", other, code, stderr)
		}
	}
}
