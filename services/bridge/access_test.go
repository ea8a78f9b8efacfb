package bridge_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"go.opentelemetry.io/otel/trace"
	"go.opentelemetry.io/otel/trace/noop"
	"google.golang.org/grpc/metadata"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/types/dynamicpb"
	"google.golang.org/protobuf/types/known/timestamppb"

	"fgdsync.dev/libs/errs"
	accessv1 "fgdsync.dev/proto/fgd/access/v1"
	bridgev1 "fgdsync.dev/proto/fgd/bridge/v1"
	syncv1 "fgdsync.dev/proto/fgd/sync/v1"
	"fgdsync.dev/services/bridge"
)

// guarded is a bridge that asks everybody who they are.
type guarded struct {
	*bundle
	folder    string
	bootstrap string // the first token
	calls     int
}

func setupGuarded(t *testing.T, change ...func(*bridge.Config)) *guarded {
	t.Helper()
	return setupGuardedWith(t, noop.NewTracerProvider(), change...)
}

// setupGuardedWith is setupGuarded with somebody who looks at the traces.
func setupGuardedWith(t *testing.T, tracers trace.TracerProvider, change ...func(*bridge.Config)) *guarded {
	t.Helper()
	g := &guarded{folder: t.TempDir()}
	g.bundle = setupWith(t, tracers, append(change, func(c *bridge.Config) {
		c.Unauthenticated = false
		c.TokenPepperFile, c.BootstrapTokenFile = filepath.Join(g.folder, "peppers"), filepath.Join(g.folder, "bootstrap")
	})...)
	g.until("a first token", func() bool {
		raw, err := os.ReadFile(filepath.Join(g.folder, "bootstrap"))
		g.bootstrap = strings.TrimSpace(string(raw))
		return err == nil
	})
	return g
}

// until waits for what gives no signal.
func (b *bundle) until(what string, holds func() bool) {
	b.t.Helper()
	ticker := time.NewTicker(5 * time.Millisecond)
	defer ticker.Stop()
	deadline := time.After(patience)
	for !holds() {
		select {
		case <-deadline:
			b.t.Fatalf("there is not: %s", what)
		case <-ticker.C:
		}
	}
}

func bearer(token string) header { return header{"Authorization", "Bearer " + token} }

// create makes a token over the API and returns its text.
func (g *guarded) create(body string) string {
	g.t.Helper()
	text, _ := g.ok("POST", "/api/v1/tokens", body, bearer(g.bootstrap))["text"].(string)
	if text == "" {
		g.t.Fatal("a token without a text")
	}
	return text
}

func (g *guarded) grant(role string, fabrics string, rights ...string) string {
	g.t.Helper()
	where := `"all_fabrics":true`
	if fabrics != "" {
		where = `"fabric_ids":[` + fabrics + `]`
	}
	named := ""
	if len(rights) > 0 {
		named = `,"rights":["` + strings.Join(rights, `","`) + `"]`
	}
	return g.create(fmt.Sprintf(`{"name":%q,"grants":[{"role":%q,%s%s}]}`, role+" of "+fabrics, role, where, named))
}

func idOf(token string) string { return token[len("fgd_") : len("fgd_")+12] }

// change changes a stored token behind the bridge's back, and waits until it has heard of it.
func (g *guarded) change(token string, change func(*accessv1.Token)) {
	g.t.Helper()
	g.backend.mu.Lock()
	stored := g.backend.tokens.stored[idOf(token)]
	change(stored)
	stored.Generation++
	g.backend.wake()
	g.backend.mu.Unlock()
}

// needs is what an RPC takes, as people were told.
type needs struct {
	role  string
	scope string
}

// wants is the table of all RPCs. It is written by hand: what the contracts say has to be what was meant.
func wants() map[string]needs {
	return map[string]needs{
		"AccessService.CreateToken":            {"admin", "all"},
		"AccessService.GetCaller":              {"viewer", "any"},
		"AccessService.GetLogin":               {"", "public"},
		"AccessService.ListTokens":             {"admin", "all"},
		"AccessService.RevokeToken":            {"admin", "all"},
		"AccessService.RotateToken":            {"admin", "all"},
		"AuditService.ExportAudit":             {"admin", "all"},
		"AuditService.ListAudit":               {"viewer", "any"},
		"AuditService.VerifyAudit":             {"admin", "all"},
		"ConflictService.GetConflict":          {"viewer", "fabric"},
		"ConflictService.ListConflicts":        {"viewer", "fabric"},
		"ConflictService.ResolveConflict":      {"operator", "fabric"},
		"DirectoryService.GetDirectoryHealth":  {"viewer", "fabric"},
		"DirectoryService.InitializeDirectory": {"operator", "fabric"},
		"DirectoryService.ListDirectoryChanges": {
			"viewer", "fabric",
		},
		"DirectoryService.ListFiles":           {"viewer", "fabric"},
		"DirectoryService.RepairDirectory":     {"admin", "fabric"},
		"DirectoryService.ValidateDirectory":   {"viewer", "fabric"},
		"FabricService.CheckConnection":        {"admin", "any"},
		"FabricService.CheckFabricConnection":  {"operator", "fabric"},
		"FabricService.CreateFabric":           {"admin", "fabric"},
		"FabricService.DeleteFabric":           {"admin", "fabric"},
		"FabricService.GetFabric":              {"viewer", "fabric"},
		"FabricService.ListFabrics":            {"viewer", "any"},
		"FabricService.ResumeFabric":           {"admin", "fabric"},
		"FabricService.SuspendFabric":          {"admin", "fabric"},
		"FabricService.UpdateFabric":           {"admin", "fabric"},
		"FabricService.WatchFabrics":           {"viewer", "any"},
		"HealthService.GetHealth":              {"viewer", "any"},
		"HistoryService.DiffDirectory":         {"viewer", "fabric"},
		"HistoryService.ListCommits":           {"viewer", "fabric"},
		"HistoryService.RestoreDirectory":      {"operator", "fabric"},
		"MaintenanceService.ListDeadLetters":   {"admin", "all"},
		"MaintenanceService.RebuildState":      {"admin", "all"},
		"MaintenanceService.ReplayDeadLetters": {"admin", "all"},
		"NotificationService.GetNotifications": {"admin", "all"},
		"NotificationService.TestNotification": {"admin", "all"},
		"NetBoxService.CheckNetBox":            {"admin", "all"},
		"NetBoxService.DeliverRecords":         {"operator", "fabric"},
		"NetBoxService.GetNetBox":              {"admin", "all"},
		"NetBoxService.ListNetBoxFabrics":      {"admin", "all"},
		"NetBoxService.ListReceipts":           {"viewer", "fabric"},
		"NetBoxService.RemoveNetBox":           {"admin", "all"},
		"NetBoxService.SetUpNetBox":            {"admin", "all"},
		"NetBoxService.UpdateNetBox":           {"admin", "all"},
		"QuarantineService.GetQuarantinedFile": {"viewer", "fabric"},
		"QuarantineService.ListQuarantine":     {"viewer", "fabric"},
		"QuarantineService.MendQuarantined":    {"operator", "fabric"},
		"QuarantineService.ReleaseQuarantined": {"operator", "fabric"},
		"QuarantineService.RetryQuarantined":   {"operator", "fabric"},
		"ResourceService.BatchEditResources":   {"operator", "fabric"},
		"ResourceService.DeleteResource":       {"operator", "fabric"},
		"ResourceService.GetResource":          {"viewer", "fabric"},
		"ResourceService.GetTopology":          {"viewer", "fabric"},
		"ResourceService.GetReferences":        {"viewer", "fabric"},
		"ResourceService.ListResourceChanges":  {"viewer", "fabric"},
		"ResourceService.ListResources":        {"viewer", "fabric"},
		"ResourceService.PatchResource":        {"operator", "fabric"},
		"ResourceService.PutResource":          {"operator", "fabric"},
		"SyncService.CancelSync":               {"operator", "sync"},
		"SyncService.GetSyncDiff":              {"viewer", "sync"},
		"SyncService.GetSyncPlan":              {"viewer", "sync"},
		"SyncService.GetSyncStatus":            {"viewer", "sync"},
		"SyncService.ListAllSyncs":             {"viewer", "any"},
		"SyncService.ListSyncs":                {"viewer", "fabric"},
		"SyncService.StreamSyncEvents":         {"viewer", "sync"},
		"SyncService.TriggerSync":              {"operator", "fabric"},
		"WebhookService.GetFabricWebhook":      {"admin", "fabric"},
	}
}

// invokeAs makes a call about a fabric, or about its sync, and returns its error.
func (g *guarded) invokeAs(c caller, service, method string, fabric int) error {
	g.t.Helper()
	for _, rpc := range rpcs() {
		if isPublic(rpc) && string(rpc.Parent().Name()) == service && string(rpc.Name()) == method {
			return g.callRPC(c, rpc, fabric)
		}
	}
	g.t.Fatalf("there is no RPC %s.%s", service, method)
	return nil
}

func (g *guarded) callRPC(c caller, rpc protoreflect.MethodDescriptor, fabric int) error {
	g.t.Helper()
	request := dynamicpb.NewMessage(rpc.Input())
	if field := rpc.Input().Fields().ByName("fabric_id"); field != nil {
		request.Set(field, protoreflect.ValueOfInt32(int32(fabric)))
	}
	if field := rpc.Input().Fields().ByName("sync_id"); field != nil {
		request.Set(field, protoreflect.ValueOfString(fmt.Sprint("sync-of-", fabric)))
	}
	g.calls++ // each from another address, for much of it is no token
	ctx := metadata.AppendToOutgoingContext(g.t.Context(), "fgd-source",
		fmt.Sprintf("127.1.%d.%d:1", g.calls/250, g.calls%250))
	if c.token != "" {
		ctx = metadata.AppendToOutgoingContext(ctx, "authorization", "Bearer "+c.token)
	}
	name := fmt.Sprintf("/%s/%s", rpc.Parent().FullName(), rpc.Name())
	if !rpc.IsStreamingServer() {
		return g.self.Invoke(ctx, name, request, dynamicpb.NewMessage(rpc.Output()))
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	if rpc.Name() == "ExportAudit" {
		stream, err := bridgev1.NewAuditServiceClient(g.self).ExportAudit(ctx, &bridgev1.ExportAuditRequest{})
		if err == nil {
			_, err = stream.Recv()
		}
		return err
	}
	if rpc.Name() == "WatchFabrics" {
		stream, err := bridgev1.NewFabricServiceClient(g.self).WatchFabrics(ctx,
			&bridgev1.WatchFabricsRequest{FabricIds: []int32{35, 36}})
		if err == nil {
			_, err = stream.Recv()
		}
		return err
	}
	client := bridgev1.NewSyncServiceClient(g.self)
	stream, err := client.StreamSyncEvents(ctx, &bridgev1.StreamSyncEventsRequest{SyncId: fmt.Sprint("sync-of-", fabric)})
	if err == nil {
		_, err = stream.Recv()
	}
	if errors.Is(err, io.EOF) {
		return nil
	}
	return err
}

// withSyncs puts a sync of each fabric into the backend.
func (g *guarded) withSyncs(fabrics ...int32) {
	g.backend.mu.Lock()
	defer g.backend.mu.Unlock()
	for _, id := range fabrics {
		syncID := fmt.Sprint("sync-of-", id)
		g.backend.syncs[syncID] = &syncv1.Sync{
			SyncId: syncID, FabricId: id, State: syncv1.State_STATE_COMPLETED, AcceptedAt: timestamppb.Now(),
		}
		g.backend.events[syncID] = []*syncv1.SyncEvent{{Type: "sync.completed", SyncId: syncID, FabricId: id}}
	}
}

// TestWhoMayCallWhat: every RPC, for everybody, on the own fabric, on another one, on one that is not there, and on
// none.
func TestWhoMayCallWhat(t *testing.T) {
	t.Parallel()
	f := setupMatrix(t)
	table, everybody := wants(), f.callers()
	for _, rpc := range rpcs() {
		if !isPublic(rpc) {
			continue
		}
		name := nameOf(rpc)
		want, listed := table[name]
		if !listed {
			t.Errorf("%s is not in the table", name)
			continue
		}
		delete(table, name)
		for _, c := range everybody {
			for _, fabric := range []int{35, 36, 99, 0} {
				if fabric == 0 && want.scope == "sync" {
					continue
				}
				f.restore()
				err := f.callRPC(c, rpc, fabric)
				code := c.verdict(want, fabric)
				if !fits(err, code, fabric) {
					t.Errorf("%s by %s on %d: %v, not %s", name, c.name, fabric, err, code.Name)
				}
			}
		}
	}
	for name := range table {
		t.Errorf("there is no RPC %s", name)
	}
}

func nameOf(rpc protoreflect.MethodDescriptor) string {
	return fmt.Sprintf("%s.%s", rpc.Parent().Name(), rpc.Name())
}

// fits reports whether a call was refused with a code, or, without one, admitted: whatever came of it then, but that
// a fabric or a sync is not there which is.
func fits(err error, code errs.Code, fabric int) bool {
	if code.ID != "" {
		return errs.HasCode(err, code)
	}
	hidden := errs.HasCode(err, errs.FabricNotFound) || errs.HasCode(err, errs.SyncNotFound)
	return !errs.HasCode(err, errs.NotAuthenticated) && !errs.HasCode(err, errs.NotAllowed) &&
		(!hidden || fabric != 35 && fabric != 36)
}

// TestAForeignFabricIsLikeNone: nothing tells one from the other but the number that was asked for.
func TestAForeignFabricIsLikeNone(t *testing.T) {
	t.Parallel()
	g := setupGuarded(t)
	g.withSyncs(35, 36)
	one := caller{name: "viewer", token: g.grant("viewer", "35"), role: "viewer"}
	for _, rpc := range rpcs() {
		if !isPublic(rpc) {
			continue
		}
		foreign, none := g.callRPC(one, rpc, 36), g.callRPC(one, rpc, 99)
		if got, want := strings.ReplaceAll(fmt.Sprint(foreign), "36", "99"), fmt.Sprint(none); got != want {
			t.Errorf("%s: %s, and of none %s", rpc.FullName(), got, want)
		}
	}
}

// forgive lets a minute pass, so that the address of the tests begins anew: it shows much that is no token.
func (g *guarded) forgive() {
	g.t.Helper()
	g.clock.Add(int64(61 * time.Second))
	g.backend.mu.Lock()
	g.backend.wake() // what is known of tokens is confirmed
	g.backend.mu.Unlock()
	g.until("tokens that are known", func() bool {
		return g.call("GET", "/api/v1/caller", "", bearer(g.bootstrap)).status == http.StatusOK
	})
}
