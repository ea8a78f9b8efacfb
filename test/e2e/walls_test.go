package e2e

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/reflection/grpc_reflection_v1"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"

	bridgev1 "fgdsync.dev/proto/fgd/bridge/v1"
	fabricv1 "fgdsync.dev/proto/fgd/fabric/v1"
	gitv1 "fgdsync.dev/proto/fgd/git/v1"
	syncv1 "fgdsync.dev/proto/fgd/sync/v1"
	"fgdsync.dev/test/fabric"
	"fgdsync.dev/test/system"
)

// thief is a Git host that nobody gave credentials for. It asks for some and notes what it gets.
type thief struct {
	*httptest.Server
	mu     sync.Mutex
	stolen []string
}

func newThief(t *testing.T) *thief {
	t.Helper()
	th := &thief{}
	th.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if signed := r.Header.Get("Authorization"); signed != "" {
			th.mu.Lock()
			th.stolen = append(th.stolen, r.Method+" "+r.URL.Path+": "+signed)
			th.mu.Unlock()
		}
		w.Header().Set("Www-Authenticate", `Basic realm="give"`)
		w.WriteHeader(http.StatusUnauthorized)
	}))
	t.Cleanup(th.Close)
	return th
}

func (th *thief) requireNothing(t *testing.T) {
	t.Helper()
	th.mu.Lock()
	defer th.mu.Unlock()
	if len(th.stolen) > 0 {
		t.Errorf("credentials came to another host: %q", th.stolen)
	}
}

// problem is an error of the JSON API.
type problem struct {
	Code    string            `json:"code"`
	Message string            `json:"message"`
	Remedy  string            `json:"remedy"`
	Details map[string]string `json:"details"`
}

func refused(t *testing.T, s *system.System, method, path string, body any) (int, problem) {
	t.Helper()
	code, raw := s.Try(method, path, body)
	var answer struct{ Error problem }
	if err := json.Unmarshal(raw, &answer); err != nil {
		t.Errorf("%s %s: %v: %s", method, path, err, raw)
	}
	return code, answer.Error
}

// TestStoredCredentialsStayWithTheirHost (A1): whoever reaches the public port, and whoever writes into Redis, can't
// have stored credentials or those that are referred to sent to a host of his choice.
func TestStoredCredentialsStayWithTheirHost(t *testing.T) {
	t.Parallel()
	for name, how := range map[string]division{"one": system.Binaries.One, "five": system.Binaries.Five} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			h, th, redis := newHost(t, fabric.PreInit(directory)), newThief(t), system.Redis(t)
			s := how(programs, t, redis.URL(), []string{
				"HEDGEHOG_FGD_GIT_SECRET=" + username + ":" + password,
				"HEDGEHOG_FGD_GIT_SECRET_HOSTS=" + h.Address(),
			})
			definition := h.fabric()
			definition["fabric_id"] = 35
			var registered system.Accepted
			s.Call(http.MethodPost, "/api/v1/fabrics", definition, &registered)
			h.requireIngested(s.Ended(registered.SyncID))
			v := victim{h, th, s, redis}
			v.overJSON(t)
			v.overGRPC(t)
			v.byReference(t)
			v.throughRedis(t)
			th.requireNothing(t)
		})
	}
}

// victim is a fabric whose credentials somebody wants.
type victim struct {
	*host
	*thief
	s     *system.System
	redis *system.RedisServer
}

func (v victim) away() string { return v.thief.URL + "/" + repository }

func (v victim) overJSON(t *testing.T) {
	t.Helper()
	code, p := refused(t, v.s, http.MethodPatch, fabricPath, map[string]any{"repository_url": v.away()})
	if code != http.StatusBadRequest || p.Code != "FGD_4027" || p.Details["field"] != "credentials" || p.Remedy == "" {
		t.Errorf("PATCH: %d %+v", code, p)
	}
	v.s.Try(http.MethodPost, "/api/v1/connections:check", map[string]any{"repository_url": v.away()})
}

// overGRPC tries what grpcurl can.
func (v victim) overGRPC(t *testing.T) {
	t.Helper()
	conn, away := v.s.Dial(t), v.away()
	fabrics := bridgev1.NewFabricServiceClient(conn)
	if _, err := fabrics.UpdateFabric(t.Context(), &bridgev1.UpdateFabricRequest{
		FabricId: 35, RepositoryUrl: &away,
	}); status.Code(err) != codes.InvalidArgument {
		t.Errorf("UpdateFabric: %v", err)
	}
	_, _ = fabrics.CheckConnection(t.Context(), &bridgev1.CheckConnectionRequest{RepositoryUrl: away})
	stored := v.record(t)
	stored.Location.RepositoryUrl = away
	for name, call := range map[string]func() error{
		"UpdateFabric": func() error {
			_, err := fabricv1.NewFabricServiceClient(conn).UpdateFabric(t.Context(),
				&fabricv1.UpdateFabricRequest{Fabric: stored})
			return err
		},
		"CheckConnection": func() error {
			_, err := gitv1.NewRepositoryServiceClient(conn).CheckConnection(t.Context(),
				&gitv1.CheckConnectionRequest{Location: stored.GetLocation()})
			return err
		},
		"OpenSnapshot": func() error {
			_, err := gitv1.NewRepositoryServiceClient(conn).OpenSnapshot(t.Context(),
				&gitv1.OpenSnapshotRequest{Location: stored.GetLocation()})
			return err
		},
		"StartSync": func() error {
			_, err := syncv1.NewSyncServiceClient(conn).StartSync(t.Context(), &syncv1.StartSyncRequest{FabricId: 35})
			return err
		},
	} {
		if err := call(); status.Code(err) != codes.Unimplemented {
			t.Errorf("%s over the public port: %v", name, err)
		}
	}
	if served := reflected(t, conn); slices.ContainsFunc(served, func(name string) bool {
		return strings.HasPrefix(name, "fgd.") && !strings.HasPrefix(name, "fgd.bridge.")
	}) {
		t.Errorf("the public port shows %v", served)
	}
}

// byReference names a secret for a host that it is not for.
func (v victim) byReference(t *testing.T) {
	t.Helper()
	reference := map[string]any{"ref": "env:HEDGEHOG_FGD_GIT_SECRET"}
	var registered system.Accepted
	code, body := v.s.Try(http.MethodPost, "/api/v1/fabrics", map[string]any{
		"name": "referring", "repository_url": v.away(), "branch": branch, "gitops_directory": "other",
		"credentials": reference,
	})
	if code == http.StatusOK { // it is only found out when it is used
		if err := json.Unmarshal(body, &registered); err != nil {
			t.Fatal(err)
		}
		if ended := v.s.Ended(registered.SyncID); ended.State != "failed" || ended.Errors[0].Code != "FGD_4011" &&
			ended.Errors[0].Code != "FGD_4027" {
			t.Errorf("a reference for another host: %+v", ended)
		}
	}
	v.s.Try(http.MethodPost, "/api/v1/connections:check",
		map[string]any{"repository_url": v.away(), "credentials": reference})
}

// throughRedis changes the stored record, as somebody can who has Redis.
func (v victim) throughRedis(t *testing.T) {
	t.Helper()
	stored := v.record(t)
	stored.Location.RepositoryUrl = v.away()
	raw, err := proto.Marshal(stored)
	if err != nil {
		t.Fatal(err)
	}
	if err := v.redis.Client().Set(t.Context(), "fgd:{3}:fabric:35:definition", raw, 0).Err(); err != nil {
		t.Fatal(err)
	}
	var triggered system.Accepted
	v.s.Call(http.MethodPost, fabricPath+"/syncs", map[string]any{}, &triggered)
	if ended := v.s.Ended(triggered.SyncID); ended.State != "failed" || ended.Errors[0].Code != "FGD_4027" {
		t.Errorf("a crafted record: %+v", ended)
	}
	v.s.Try(http.MethodPost, fabricPath+":checkConnection", map[string]any{})
	v.s.Try(http.MethodGet, fabricPath+"/files", nil)
	v.s.Try(http.MethodGet, fabricPath+"/commits", nil)
}

func (v victim) record(t *testing.T) *fabricv1.Fabric {
	t.Helper()
	raw, err := v.redis.Client().Get(t.Context(), "fgd:{3}:fabric:35:definition").Bytes()
	if err != nil {
		t.Fatal(err)
	}
	stored := &fabricv1.Fabric{}
	if err := proto.Unmarshal(raw, stored); err != nil {
		t.Fatal(err)
	}
	if stored.GetLocation().GetCredentials() == nil {
		t.Fatal("the record has no credentials: this test looks in the wrong place")
	}
	return stored
}

// reflected are the services that a port shows.
func reflected(t *testing.T, conn *grpc.ClientConn) []string {
	t.Helper()
	stream, err := grpc_reflection_v1.NewServerReflectionClient(conn).ServerReflectionInfo(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if err := stream.Send(&grpc_reflection_v1.ServerReflectionRequest{
		MessageRequest: &grpc_reflection_v1.ServerReflectionRequest_ListServices{},
	}); err != nil {
		t.Fatal(err)
	}
	answer, err := stream.Recv()
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, service := range answer.GetListServicesResponse().GetService() {
		names = append(names, service.GetName())
	}
	if len(names) == 0 {
		t.Error("the port shows nothing")
	}
	return names
}

// TestNoProgramListensForOthers: an address that others can reach is refused by services that have no certificates, and
// by the bridge where nobody is asked who they are.
func TestNoProgramListensForOthers(t *testing.T) {
	t.Parallel()
	for _, name := range system.Services() {
		keys, remedy := []string{"grpc_listen"}, "fgd certs init"
		if name == "bridge" {
			keys, remedy = append(keys, "http_listen"), "HEDGEHOG_FGD_ALLOW_UNAUTHENTICATED"
		}
		for _, key := range keys {
			t.Run(name+"/"+key, func(t *testing.T) {
				t.Parallel()
				p := programs.StartExpecting(t, 1, []string{
					"HEDGEHOG_FGD_" + strings.ToUpper(key) + "=0.0.0.0:0", "HEDGEHOG_FGD_ALLOW_UNAUTHENTICATED=true",
				}, name)
				p.Wait()
				for _, want := range []string{"FGD_5007", key, "0.0.0.0:0", remedy} {
					if !strings.Contains(p.Output(), want) {
						t.Errorf("no %q in %s", want, p.Output())
					}
				}
			})
		}
	}
}

// TestTheCauseIsInTheLog (A2): what Redis said is in the log, once, on the line with the caller's correlation id.
func TestTheCauseIsInTheLog(t *testing.T) {
	t.Parallel()
	redis := system.Redis(t)
	s := programs.Five(t, redis.URL(), nil)
	client := redis.Client()
	if err := client.ConfigSet(t.Context(), "requirepass", "another-password").Err(); err != nil {
		t.Fatal(err)
	}
	_ = client.Do(t.Context(), "client", "kill", "type", "normal", "skipme", "no").Err() // it kills this one too
	request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, s.Base+"/api/v1/fabrics", nil)
	if err != nil {
		t.Fatal(err)
	}
	request.Header.Set("X-Correlation-Id", "my-id-1")
	response, err := s.Client().Do(request)
	if err != nil {
		t.Fatal(err)
	}
	_ = response.Body.Close()
	if response.StatusCode != http.StatusServiceUnavailable {
		t.Errorf("status %d", response.StatusCode)
	}
	causes := func() (lines []string) {
		for line := range strings.Lines(s.Output()) {
			if strings.Contains(line, "my-id-1") && (strings.Contains(line, "NOAUTH") || strings.Contains(line, "WRONGPASS")) {
				lines = append(lines, line)
			}
		}
		return lines
	}
	s.Await("the cause in the log", func() bool { return len(causes()) > 0 }) // what was written comes through a pipe
	if lines := causes(); len(lines) != 1 {
		t.Errorf("the cause is in %d lines with the id: %q\n%s", len(lines), lines, s.Output())
	}
}
