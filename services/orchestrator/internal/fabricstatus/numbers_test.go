package fabricstatus_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/timestamppb"

	"fgdsync.dev/libs/redisconn"
	eventv1 "fgdsync.dev/proto/fgd/event/v1"
	fabricv1 "fgdsync.dev/proto/fgd/fabric/v1"
	syncv1 "fgdsync.dev/proto/fgd/sync/v1"
	"fgdsync.dev/services/orchestrator/internal/fabricstatus"
	"fgdsync.dev/services/orchestrator/internal/state"
	"fgdsync.dev/testkit/redistest"
)

func TestMain(m *testing.M) { redistest.VerifyNoLeaks(m) }

const (
	noNumbers = `
fgd_fabrics{state="degraded"} 0
fgd_fabrics{state="failing"} 0
fgd_fabrics{state="ok"} 0
fgd_fabrics{state="overdue"} 0
fgd_fabrics{state="running"} 0
fgd_fabrics{state="suspended"} 0
fgd_fabrics_overdue 0
fgd_oldest_success_age_seconds 0
`
	someNumbers = `
fgd_fabrics{state="degraded"} 0
fgd_fabrics{state="failing"} 1
fgd_fabrics{state="ok"} 2
fgd_fabrics{state="overdue"} 0
fgd_fabrics{state="running"} 1
fgd_fabrics{state="suspended"} 2
fgd_fabrics_overdue 2
fgd_oldest_success_age_seconds 7200
`
)

// TestHowAllFabricsAre: the numbers are there before anybody has counted. A success is missed of a fabric whose syncs
// fail, and of one whose sync takes long; and not of those that are suspended or sync on request alone.
func TestHowAllFabricsAre(t *testing.T) {
	t.Parallel()
	conn := redistest.Open(t, redistest.Start(t).URL())
	now := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	store := state.New(conn, state.Limits{Retention: time.Hour, Active: 10}, func() time.Time { return now })
	registry := prometheus.NewRegistry()
	numbers, err := fabricstatus.NewNumbers(registry, store, func() time.Time { return now })
	if err != nil {
		t.Fatal(err)
	}
	requireNumbers(t, registry, noNumbers)
	put := func(f *fabricv1.Fabric, ago time.Duration, last syncv1.State, active string) {
		t.Helper()
		f.CreatedAt = timestamppb.New(now.Add(-24 * time.Hour))
		if err := store.CreateFabric(t.Context(), f, &eventv1.Event{}); err != nil {
			t.Fatal(err)
		}
		remember(t, conn, f, now.Add(-ago), last, active)
	}
	put(&fabricv1.Fabric{FabricId: 1, SyncIntervalSeconds: 300}, time.Minute, completed, "")
	put(&fabricv1.Fabric{FabricId: 2}, 20*time.Hour, completed, "")
	put(&fabricv1.Fabric{FabricId: 3, SyncIntervalSeconds: 300}, time.Hour, failed, "")
	put(&fabricv1.Fabric{FabricId: 4, SyncIntervalSeconds: 300}, 2*time.Hour, completed, "one that takes long")
	put(&fabricv1.Fabric{FabricId: 5, SyncIntervalSeconds: 300, Suspension: &fabricv1.Suspension{}}, 20*time.Hour, failed,
		"")
	put(&fabricv1.Fabric{
		FabricId: 6, SyncIntervalSeconds: 300, Options: &fabricv1.Options{Mode: fabricv1.Mode_MODE_DRY_RUN},
	}, 20*time.Hour, completed, "")
	if err := numbers.RunOnce(t.Context()); err != nil {
		t.Fatal(err)
	}
	requireNumbers(t, registry, someNumbers)
	if err := conn.Main.FlushAll(t.Context()).Err(); err != nil {
		t.Fatal(err)
	}
	if err := numbers.RunOnce(t.Context()); err != nil {
		t.Fatal(err)
	}
	requireNumbers(t, registry, noNumbers)
}

// remember writes down of a fabric what a sync that ended leaves.
func remember(
	t *testing.T, conn *redisconn.Conn, f *fabricv1.Fabric, success time.Time, last syncv1.State, active string,
) {
	t.Helper()
	published, err := proto.Marshal(&fabricv1.PublishedState{CompletedAt: timestamppb.New(success)})
	if err != nil {
		t.Fatal(err)
	}
	ended, err := proto.Marshal(&fabricv1.LastSync{State: last})
	if err != nil {
		t.Fatal(err)
	}
	fields := []any{"published", published, "published_place", state.PlaceOf(f), "last_sync", ended}
	if active != "" {
		fields = append(fields, "active", active)
	}
	if err := conn.Main.HSet(t.Context(), state.RunKey(f.GetFabricId()), fields...).Err(); err != nil {
		t.Fatal(err)
	}
}

func requireNumbers(t *testing.T, registry *prometheus.Registry, want string) {
	t.Helper()
	families, err := registry.Gather()
	if err != nil {
		t.Fatal(err)
	}
	var got strings.Builder
	for _, family := range families {
		for _, metric := range family.GetMetric() {
			fmt.Fprint(&got, family.GetName())
			for _, label := range metric.GetLabel() {
				fmt.Fprintf(&got, "{%s=%q}", label.GetName(), label.GetValue())
			}
			fmt.Fprintf(&got, " %v\n", metric.GetGauge().GetValue())
		}
	}
	if got.String() != strings.TrimPrefix(want, "\n") {
		t.Errorf("shows\n%snot%s", &got, want)
	}
}
