package bridge_test

import (
	"maps"
	"net"
	"net/http"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"go.opentelemetry.io/otel/trace/noop"
	"google.golang.org/grpc"

	"fgdsync.dev/libs/app"
	"fgdsync.dev/libs/rpc"
	"fgdsync.dev/libs/telemetry"
	bridgev1 "fgdsync.dev/proto/fgd/bridge/v1"
	healthv1 "fgdsync.dev/proto/fgd/health/v1"
	"fgdsync.dev/services/bridge"
	"fgdsync.dev/testkit/grpctest"
)

// everyComponent has the services and their parts, each with the service that it is a part of.
func everyComponent() map[string]string {
	return map[string]string{
		"bridge": "", "orchestrator": "", "ingestion": "", "directory": "", "github-sync": "",
		"redis": "orchestrator", "clock": "orchestrator", "ledger": "orchestrator", "queue": "orchestrator",
		"events": "orchestrator", "dead-letters": "orchestrator", "store": "github-sync", "git-hosts": "github-sync",
		"audit": "bridge", "netbox": "bridge",
	}
}

// components returns those of an answer by their names.
func components(t *testing.T, health map[string]any) map[string]map[string]any {
	t.Helper()
	out := map[string]map[string]any{}
	for _, c := range health["components"].([]any) {
		component := c.(map[string]any)
		out[component["name"].(string)] = component
	}
	names := slices.Sorted(maps.Keys(everyComponent()))
	if got := slices.Sorted(maps.Keys(out)); !slices.Equal(got, names) {
		t.Errorf("components %q, not %q", got, names)
	}
	return out
}

func TestHealth(t *testing.T) {
	t.Parallel()
	b := setup(t)
	health := b.ok("GET", "/api/v1/health", "")
	if health["status"] != "healthy" || health["version"] != app.Version {
		t.Errorf("health %v", health)
	}
	for name, c := range components(t, health) {
		service, isPart := c["service"]
		if wanted := everyComponent()[name]; isPart != (wanted != "") || isPart && service != wanted {
			t.Errorf("%s is said to be a part of %v", name, service)
		}
		if since, _ := c["since"].(string); c["status"] != "healthy" || since == "" || c["reason"] != nil ||
			c["remedy"] != nil || len(c["details"].(map[string]any)) != 0 {
			t.Errorf("component %v", c)
		}
	}
	b.ok("GET", "/readyz", "")
	if err := b.service.Ready(t.Context()); err != nil {
		t.Error(err)
	}
}

// TestASickServiceTakesNoWork: the health says which one it is, why, and what to do. That no work can be taken is for
// everybody.
func TestASickServiceTakesNoWork(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.sicken("ingestion", healthv1.Status_STATUS_UNHEALTHY)
	b.ok("GET", "/healthz", "")
	if a := b.call("GET", "/readyz", ""); a.status != http.StatusServiceUnavailable || a.body["status"] != "unhealthy" {
		t.Errorf("readyz %d %s", a.status, a.raw)
	}
	health := b.ok("GET", "/api/v1/health", "")
	for name, c := range components(t, health) {
		if sick := name == "ingestion"; sick != (c["status"] == "unhealthy") ||
			sick && (c["reason"] != "ingestion is sick." || c["remedy"] != "Heal ingestion.") {
			t.Errorf("component %v", c)
		}
	}
	if err := b.service.Ready(t.Context()); err == nil || !strings.Contains(err.Error(), "ingestion is sick") {
		t.Errorf("ready without ingestion: %v", err)
	}
}

// TestTroubleOfAPartIsForALook: work can be taken all the same.
func TestTroubleOfAPartIsForALook(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.sicken("git-hosts", healthv1.Status_STATUS_DEGRADED)
	health := b.ok("GET", "/api/v1/health", "")
	if c := components(t, health)["git-hosts"]; health["status"] != "degraded" || c["status"] != "degraded" ||
		c["reason"] != "git-hosts is sick." {
		t.Errorf("health %v", health)
	}
	if a := b.call("GET", "/readyz", ""); a.status != http.StatusOK {
		t.Errorf("readyz %d %s", a.status, a.raw)
	}
}

// TestWhoIsToldWhatAilsAComponent: a reason may name hosts, folders and repositories of others. Who may not see every
// fabric is told that something ails it, and by which code.
func TestWhoIsToldWhatAilsAComponent(t *testing.T) {
	t.Parallel()
	g := setupGuarded(t)
	g.sicken("git-hosts", healthv1.Status_STATUS_DEGRADED)
	g.sicken("store", healthv1.Status_STATUS_UNHEALTHY)
	one, all := bearer(g.grant("admin", "35")), bearer(g.grant("viewer", ""))
	for name, bare := range map[string]answer{
		"readyz":              g.call("GET", "/readyz", ""),
		"readyz with a token": g.call("GET", "/readyz", "", all),
		"an admin of one":     g.call("GET", "/api/v1/health", "", one),
	} {
		if strings.Contains(bare.raw, "sick") || strings.Contains(bare.raw, "Heal") || strings.Contains(bare.raw, "since") {
			t.Errorf("%s is told what ails a component: %s", name, bare.raw)
		}
		found := components(t, bare.body)
		if hosts, store := found["git-hosts"], found["store"]; bare.body["status"] != "degraded" ||
			hosts["status"] != "degraded" || store["status"] != "unhealthy" || store["code"] != "FGD_5000" ||
			store["service"] != "github-sync" {
			t.Errorf("%s is not told that a component is not well: %s", name, bare.raw)
		}
	}
	health := g.ok("GET", "/api/v1/health", "", all)
	if c := components(t, health)["git-hosts"]; c["reason"] != "git-hosts is sick." || c["remedy"] == nil ||
		!reflect.DeepEqual(c["details"], map[string]any{"of": "git-hosts sickness"}) {
		t.Errorf("who may see all is not told why: %v", c)
	}
}

func (b *bundle) sicken(name string, status healthv1.Status) {
	b.backend.mu.Lock()
	defer b.backend.mu.Unlock()
	b.backend.sick[name] = status
}

// TestAServiceThatIsAwayIsNamed: with its address, the key that has it, and the parts that nobody else can tell of.
func TestAServiceThatIsAwayIsNamed(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"orchestrator", "ingestion", "directory", "github-sync"} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			requireAway(t, name)
		})
	}
}

// requireAway has one service be away, and the others be there.
func requireAway(t *testing.T, gone string) {
	t.Helper()
	address := nobodyListens(t)
	here := grpctest.Serve(t, rpc.Services, newBackend().register)
	host := app.NewHost(telemetry.Discard(), app.Security{})
	away, err := rpc.Dial(address, noop.NewTracerProvider())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = away.Close() })
	process := &app.Process{
		Telemetry: telemetry.Discard(), Self: host.Inside(rpc.Callers), Now: time.Now, Private: true,
		Peers: map[string]grpc.ClientConnInterface{
			"orchestrator": here, "github-sync": here, "ingestion": here, "directory": here,
		},
		Addresses: map[string]string{gone: address},
	}
	process.Peers[gone] = away
	cfg := bridge.DefaultConfig()
	cfg.AuditFile = filepath.Join(t.TempDir(), "audit.jsonl")
	cfg.AuditKeyFile = cfg.AuditFile + ".key"
	t.Cleanup(func() { _ = process.Close() })
	service, err := bridge.New(cfg, process)
	if err != nil {
		t.Fatal(err)
	}
	host.Add(bridge.Name, service, rpc.Callers)
	(&bundle{t: t}).run(host)
	health, err := bridgev1.NewHealthServiceClient(process.Self).GetHealth(t.Context(), &bridgev1.GetHealthRequest{})
	if err != nil || health.GetStatus() != "unhealthy" || len(health.GetComponents()) != len(everyComponent()) {
		t.Fatalf("health %v, %v", health, err)
	}
	for _, c := range health.GetComponents() {
		want := "healthy"
		if c.GetName() == gone {
			want = "unhealthy"
		}
		if c.GetService() == gone {
			want = "unknown"
		}
		if c.GetStatus() != want || c.GetSince() == nil {
			t.Errorf("component %v is not %s", c, want)
		}
		if want != "healthy" && (!strings.Contains(c.GetReason(), gone+" at "+address+" does not answer") ||
			!strings.Contains(c.GetRemedy(), strings.ReplaceAll(gone, "-", "_")+"_address")) {
			t.Errorf("component %v does not say who is away", c)
		}
	}
}

// nobodyListens returns an address that refuses connections.
func nobodyListens(t *testing.T) string {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = listener.Close() }()
	return listener.Addr().String()
}
