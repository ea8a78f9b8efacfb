package orchestrator_test

import (
	"errors"
	"fmt"
	"slices"
	"sync"
	"testing"
	"time"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/timestamppb"

	eventv1 "fgdsync.dev/proto/fgd/event/v1"
	fabricv1 "fgdsync.dev/proto/fgd/fabric/v1"
	"fgdsync.dev/services/orchestrator/internal/state"
	"fgdsync.dev/testkit/redistest"
)

const manyFabrics = 10_000

// BenchmarkFabrics is what the first page of a list of 10,000 fabrics takes, by name, with the state of each counted,
// over gRPC and a real Redis.
func BenchmarkFabrics(b *testing.B) {
	n := newBench(b, redistest.Start(b).URL(), testConfig())
	n.many()
	req := &fabricv1.ListFabricsRequest{Limit: 50, WithStatus: true, Order: fabricv1.FabricOrder_FABRIC_ORDER_NAME}
	var took []time.Duration
	for b.Loop() {
		began := time.Now()
		page, err := n.ListFabrics(b.Context(), req)
		took = append(took, time.Since(began))
		if err != nil || page.GetTotal() != manyFabrics || page.GetCounts().GetOk() != manyFabrics {
			b.Fatalf("%v: %v", page.GetCounts(), err)
		}
	}
	slices.Sort(took)
	b.ReportMetric(float64(took[len(took)/2].Microseconds())/1000, "page-median-ms")
	b.ReportMetric(float64(took[len(took)-1].Microseconds())/1000, "page-slowest-ms")
}

// many registers fabrics that a sync has completed for.
func (n *node) many() {
	n.t.Helper()
	store := state.New(n.conn, state.Limits{Retention: time.Hour, Active: 1}, time.Now)
	var all sync.WaitGroup
	failures := make([]error, 8)
	for worker := range failures {
		all.Go(func() {
			for i := worker; i < manyFabrics && failures[worker] == nil; i += len(failures) {
				failures[worker] = n.synced(store, int32(i+1))
			}
		})
	}
	all.Wait()
	if err := errors.Join(failures...); err != nil {
		n.t.Fatal(err)
	}
}

func (n *node) synced(store *state.Store, id int32) error {
	f := definition(id, fmt.Sprint("f", id))
	f.RepositoryKey, f.CreatedAt, f.Generation = "https://host/repo.git", timestamppb.Now(), 1
	last, err := proto.Marshal(&fabricv1.LastSync{SyncId: state.NewSyncID(time.Now(), id), State: completed})
	if err != nil {
		return err
	}
	left, err := proto.Marshal(&fabricv1.PublishedState{Commit: longID(1), CompletedAt: timestamppb.Now()})
	if err != nil {
		return err
	}
	return errors.Join(store.CreateFabric(n.t.Context(), f, &eventv1.Event{}),
		n.conn.Main.HSet(n.t.Context(), state.RunKey(id), "synced", "1", "last_full", time.Now().UnixMilli(),
			"last_sync", last, "published", left, "published_place", state.PlaceOf(f)).Err())
}
