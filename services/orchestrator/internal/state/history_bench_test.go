package state_test

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"
	"google.golang.org/protobuf/types/known/anypb"
	"google.golang.org/protobuf/types/known/timestamppb"

	"fgdsync.dev/libs/events"
	"fgdsync.dev/libs/redisconn"
	eventv1 "fgdsync.dev/proto/fgd/event/v1"
	fabricv1 "fgdsync.dev/proto/fgd/fabric/v1"
	gitv1 "fgdsync.dev/proto/fgd/git/v1"
	reportv1 "fgdsync.dev/proto/fgd/report/v1"
	syncv1 "fgdsync.dev/proto/fgd/sync/v1"
	"fgdsync.dev/services/orchestrator/internal/state"
	"fgdsync.dev/testkit/redistest"
)

const (
	quietFabrics  = 300
	quietSyncs    = 1000
	quietInterval = 5 * time.Minute
	between       = 20     // syncs of a fabric between two looks at what can be made small
	mostOnBus     = 10_000 // as the service trims it
	mostMemory    = 100 << 20
)

// years is a store whose clock is moved by hand, and Redis behind it, whose own is not.
type years struct {
	*state.Store
	b    *testing.B
	conn *redisconn.Conn
	at   atomic.Int64
}

func (y *years) now() time.Time { return time.UnixMilli(y.at.Load()) }

func (y *years) must(err error) {
	y.b.Helper()
	if err != nil {
		y.b.Fatal(err)
	}
}

// BenchmarkHistory is what Redis holds of 300 fabrics that are synced every five minutes, a thousand times each, and
// of which nothing changes, a day after the last of those syncs.
func BenchmarkHistory(b *testing.B) {
	for b.Loop() {
		y := &years{b: b, conn: redistest.Start(b).Conn(b)}
		y.at.Store(time.Now().UnixMilli())
		y.Store = state.New(y.conn, state.Limits{Retention: retention, Active: 1 << 20}, y.now)
		y.fabrics(func(id int32) error {
			return y.CreateFabric(b.Context(), &fabricv1.Fabric{FabricId: id, Generation: 1}, busEvent("fabric.created"))
		})
		for range quietSyncs / between {
			for range between {
				y.at.Add(quietInterval.Milliseconds())
				y.fabrics(y.quiet)
			}
			y.look(between * quietInterval)
		}
		y.at.Add((25 * time.Hour).Milliseconds())
		y.look(25 * time.Hour)
		y.report()
	}
}

// fabrics calls for every fabric, for several at a time.
func (y *years) fabrics(call func(id int32) error) {
	y.b.Helper()
	var all sync.WaitGroup
	failures := make([]error, 8)
	for worker := range failures {
		all.Go(func() {
			for id := worker; id < quietFabrics && failures[worker] == nil; id += len(failures) {
				failures[worker] = call(int32(id + 1))
			}
		})
	}
	all.Wait()
	y.must(errors.Join(failures...))
}

// quiet is a sync that changes nothing, with as many events as such a one has, and a warning.
func (y *years) quiet(id int32) error {
	ctx, at := y.b.Context(), timestamppb.New(y.now())
	record := &syncv1.Sync{
		SyncId: state.NewSyncID(y.now(), id), FabricId: id, State: syncv1.State_STATE_PENDING, AcceptedAt: at,
		Trigger: syncv1.Trigger_TRIGGER_SCHEDULED, Options: &syncv1.SyncOptions{}, Progress: &syncv1.Progress{},
		RequestedBy: "fgd-sync",
	}
	if _, err := y.Start(ctx, record, fmt.Sprint("scheduled:", id, ":", at.GetSeconds()), ""); err != nil {
		return err
	}
	v, err := y.Get(ctx, record.GetSyncId())
	if err != nil {
		return err
	}
	for _, next := range []syncv1.State{initializing, reconciling} {
		v.Transitions = append(v.Transitions, &syncv1.Transition{From: v.GetState(), To: next, Time: at, Cause: "done"})
		v.State = next
		if err := y.Write(ctx, v, 1, nil, nil); err != nil {
			return err
		}
	}
	v.State, v.StartedAt, v.CompletedAt = completed, at, at
	v.Progress = &syncv1.Progress{TotalFiles: 7, FilesProcessed: 7}
	v.Result = &syncv1.Result{
		ResourcesTotal: 12, BaseCommit: commit, Tree: tree, Files: &gitv1.ChangeCounts{},
		Plan: &syncv1.Plan{Counts: &syncv1.PlanCounts{}},
	}
	v.Warnings = []*reportv1.Finding{{Code: "FGD_1008", Message: strings.Repeat("long ", 40)}}
	told, bus, err := y.told(v)
	if err != nil {
		return err
	}
	return y.Write(ctx, v, 1, told, bus)
}

// told is what a sync tells its listeners, and other programs.
func (y *years) told(v *state.Record) (told []*syncv1.SyncEvent, bus []*eventv1.Event, err error) {
	payload, err := anypb.New(&eventv1.FabricChanged{FabricId: v.GetFabricId(), Name: strings.Repeat("x", 250)})
	if err != nil {
		return nil, nil, err
	}
	for range 10 {
		event := busEvent("sync.progress")
		event.FabricId, event.CorrelationId, event.Payload = v.GetFabricId(), v.GetSyncId(), payload
		bus = append(bus, event)
		told = append(told, &syncv1.SyncEvent{
			Type: "sync.progress", SyncId: v.GetSyncId(), FabricId: v.GetFabricId(), Progress: v.GetProgress(),
		})
	}
	return told, bus, nil
}

// look does what orchestrators do all the time: take work off, trim the bus and make old syncs small. Then it takes
// away what Redis' own clock would have let go of meanwhile.
func (y *years) look(passed time.Duration) {
	for shard := range events.Shards {
		y.must(y.conn.Main.XTrimMaxLen(y.b.Context(), events.WorkStream(shard), 0).Err())
		_, err := events.Trim(y.b.Context(), y.conn, events.BusStream(shard), time.UnixMilli(0), mostOnBus)
		y.must(err)
	}
	y.fabrics(func(id int32) error { return y.Fold(y.b.Context(), id) })
	y.expire(passed)
}

// expireScript lets time pass for some keys.
var expireScript = redis.NewScript(`
for _, key in ipairs(KEYS) do
  local left = redis.call('PTTL', key)
  if left >= 0 then
    if left <= tonumber(ARGV[1]) then redis.call('DEL', key) else redis.call('PEXPIRE', key, left - ARGV[1]) end
  end
end
return #KEYS`)

func (y *years) expire(passed time.Duration) {
	ctx := y.b.Context()
	for cursor := uint64(0); ; {
		keys, next, err := y.conn.Main.Scan(ctx, cursor, "*", 1000).Result()
		y.must(err)
		if len(keys) > 0 {
			y.must(expireScript.Run(ctx, y.conn.Main, keys, passed.Milliseconds()).Err())
		}
		if cursor = next; cursor == 0 {
			return
		}
	}
}

// report reports what Redis holds, and fails the benchmark when that is too much or a sync is missing.
func (y *years) report() {
	ctx := y.b.Context()
	info, err := y.conn.Main.InfoMap(ctx, "memory").Result()
	y.must(err)
	used, err := strconv.ParseInt(info["Memory"]["used_memory"], 10, 64)
	y.must(err)
	y.fabrics(func(id int32) error {
		page, err := y.History(ctx, id, state.Query{Limit: 1})
		if err == nil && page.Total != quietSyncs {
			err = fmt.Errorf("fabric %d has %d syncs", id, page.Total)
		}
		return err
	})
	y.b.ReportMetric(float64(used)/(1<<20), "redis-MiB")
	if used > mostMemory {
		y.b.Errorf("Redis holds %d MiB", used>>20)
	}
}
