package bridge_test

import (
	"context"
	"net/http"
	"slices"
	"testing"
	"time"

	"google.golang.org/grpc/metadata"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/reflect/protoregistry"

	"fgdsync.dev/libs/errs"
	"fgdsync.dev/libs/rpc"
	accessv1 "fgdsync.dev/proto/fgd/access/v1"
	bridgev1 "fgdsync.dev/proto/fgd/bridge/v1"
	syncv1 "fgdsync.dev/proto/fgd/sync/v1"
	"fgdsync.dev/services/bridge"
)

// limitedTo is a guarded bridge with limits.
func limitedTo(t *testing.T, change func(*bridge.Config)) *guarded {
	t.Helper()
	g := setupGuarded(t, change)
	g.ok("POST", "/api/v1/fabrics",
		`{"fabric_id":35,"name":"fabric-1","repository_url":"https://git.example/r.git","gitops_directory":"gitops/f1"}`,
		bearer(g.bootstrap))
	return g
}

// as returns a context whose calls show a token.
func (g *guarded) as(token string) context.Context {
	return metadata.AppendToOutgoingContext(g.t.Context(), rpc.AuthorizationKey, "Bearer "+token)
}

// flood asks until it is told that it was too much, and returns that answer.
func (g *guarded) flood(method, path, body, token string) answer {
	g.t.Helper()
	for range 1000 {
		if a := g.call(method, path, body, bearer(token)); a.status != http.StatusOK {
			return a
		}
	}
	g.t.Fatalf("%s %s can be called without end", method, path)
	return answer{}
}

// TestTooManyRequestsOfACaller: over JSON and over gRPC they are out of one bucket, and those of others out of theirs.
func TestTooManyRequestsOfACaller(t *testing.T) {
	t.Parallel()
	g := limitedTo(t, func(c *bridge.Config) { c.CallerRequestsPerSecond = 2 })
	busy, quiet := g.grant("viewer", ""), g.grant("viewer", "")
	refused := g.flood("GET", "/api/v1/fabrics/35", "", busy)
	g.checkProblem("a flood", refused, http.StatusTooManyRequests, "FGD_1061")
	if after := refused.header.Get("Retry-After"); after != "1" {
		t.Errorf("Retry-After %q", after)
	}
	g.ok("GET", "/api/v1/fabrics/35", "", bearer(quiet))
	fabrics := bridgev1.NewFabricServiceClient(g.self)
	var err error
	for range 1000 {
		if _, err = fabrics.GetFabric(g.as(busy), &bridgev1.GetFabricRequest{FabricId: 35}); err != nil {
			break
		}
	}
	if !errs.HasCode(err, errs.CallerLimited) || errs.From(err).RetryAfter <= 0 {
		t.Errorf("over gRPC: %v", err)
	}
	if _, err := fabrics.GetFabric(g.as(quiet), &bridgev1.GetFabricRequest{FabricId: 35}); err != nil {
		t.Errorf("another caller over gRPC: %v", err)
	}
	g.ok("GET", "/healthz", "", bearer(busy))
	g.ok("GET", "/api/v1/health", "", bearer(busy))
	g.clock.Add(int64(time.Second))
	g.ok("GET", "/api/v1/fabrics/35", "", bearer(busy))
}

// TestTooManyTriggersOfACaller: who has started many syncs has to wait, and may still look.
func TestTooManyTriggersOfACaller(t *testing.T) {
	t.Parallel()
	g := limitedTo(t, func(c *bridge.Config) { c.CallerTriggersPerMinute = 3 })
	busy, quiet := g.grant("operator", ""), g.grant("operator", "")
	g.ok("POST", "/api/v1/fabrics/35/syncs", "{}", bearer(busy))
	refused := g.flood("POST", "/api/v1/fabrics/35/syncs", "{}", busy)
	g.checkProblem("a flood", refused, http.StatusTooManyRequests, "FGD_1061")
	if after := refused.header.Get("Retry-After"); after != "20" {
		t.Errorf("Retry-After %q", after)
	}
	syncs := bridgev1.NewSyncServiceClient(g.self)
	if _, err := syncs.TriggerSync(g.as(busy), &bridgev1.TriggerSyncRequest{FabricId: 35}); !errs.HasCode(err,
		errs.CallerLimited) {
		t.Errorf("over gRPC: %v", err)
	}
	g.ok("GET", "/api/v1/fabrics/35", "", bearer(busy))
	g.ok("POST", "/api/v1/fabrics/35/syncs", "{}", bearer(quiet))
	g.clock.Add(int64(20 * time.Second))
	g.ok("POST", "/api/v1/fabrics/35/syncs", "{}", bearer(busy))
}

// TestAHundredTriggersAtOncePass: as many as the system has to carry.
func TestAHundredTriggersAtOncePass(t *testing.T) {
	t.Parallel()
	g := limitedTo(t, func(*bridge.Config) {})
	operator := g.grant("operator", "")
	for range 120 {
		g.ok("POST", "/api/v1/fabrics/35/syncs", "{}", bearer(operator))
	}
}

// TestTooManyListenersOfACaller: streams are counted while they are open, over HTTP and over gRPC.
func TestTooManyListenersOfACaller(t *testing.T) {
	t.Parallel()
	g := limitedTo(t, func(c *bridge.Config) { c.CallerListeners = 2 })
	busy, quiet := g.grant("operator", ""), g.grant("viewer", "")
	id, _ := g.ok("POST", "/api/v1/fabrics/35/syncs", "{}", bearer(busy))["sync_id"].(string)
	g.backend.tell(id, &syncv1.SyncEvent{Type: "sync.started"})
	listen := func(token string) (context.CancelFunc, error) {
		ctx, cancel := context.WithCancel(g.as(token))
		stream, err := bridgev1.NewSyncServiceClient(g.self).
			StreamSyncEvents(ctx, &bridgev1.StreamSyncEventsRequest{SyncId: id})
		if err == nil {
			_, err = stream.Recv()
		}
		return cancel, err
	}
	first, err := listen(busy)
	if err != nil {
		t.Fatal(err)
	}
	second, err := listen(busy)
	if err != nil {
		t.Fatal(err)
	}
	defer second()
	third, err := listen(busy)
	if third(); !errs.HasCode(err, errs.CallerLimited) {
		t.Fatalf("a third over gRPC: %v", err)
	}
	over := g.call("GET", "/api/v1/syncs/"+id+"/events", "", bearer(busy))
	g.checkProblem("a third over HTTP", over, http.StatusTooManyRequests, "FGD_1061")
	if after := over.header.Get("Retry-After"); after != "5" {
		t.Errorf("Retry-After %q", after)
	}
	other, err := listen(quiet)
	if err != nil {
		t.Errorf("another caller: %v", err)
	}
	other()
	first()
	g.until("a place", func() bool {
		again, err := listen(busy)
		again()
		return err == nil
	})
}

// TestWhatStartsSyncs is the table of the RPCs that start syncs. It is written by hand: what the contracts say has to
// be what was meant. Each changes something.
func TestWhatStartsSyncs(t *testing.T) {
	t.Parallel()
	var starts []string
	protoregistry.GlobalFiles.RangeFilesByPackage("fgd.bridge.v1", func(file protoreflect.FileDescriptor) bool {
		for i := range file.Services().Len() {
			methods := file.Services().Get(i).Methods()
			for j := range methods.Len() {
				if options := methods.Get(j).Options(); proto.GetExtension(options, accessv1.E_StartsSyncs).(bool) {
					starts = append(starts, string(methods.Get(j).Name()))
					if !proto.GetExtension(options, accessv1.E_Mutates).(bool) {
						t.Errorf("%s starts syncs and changes nothing", methods.Get(j).FullName())
					}
				}
			}
		}
		return true
	})
	slices.Sort(starts)
	want := []string{
		"CreateFabric", "InitializeDirectory", "MendQuarantined", "RebuildState", "ReleaseQuarantined", "RepairDirectory",
		"ReplayDeadLetters", "RestoreDirectory", "ResumeFabric", "RetryQuarantined", "TriggerSync",
	}
	if !slices.Equal(starts, want) {
		t.Errorf("%v start syncs, not %v", starts, want)
	}
}
