package orchestrator_test

import (
	"fmt"
	"strconv"
	"sync"
	"syscall"
	"testing"
	"time"

	"google.golang.org/protobuf/encoding/protowire"
	"google.golang.org/protobuf/proto"

	"fgdsync.dev/libs/errs"
	"fgdsync.dev/libs/events"
	eventv1 "fgdsync.dev/proto/fgd/event/v1"
	fabricv1 "fgdsync.dev/proto/fgd/fabric/v1"
	syncv1 "fgdsync.dev/proto/fgd/sync/v1"
	"fgdsync.dev/services/orchestrator/internal/state"
	"fgdsync.dev/testkit/redistest"
)

// refusing is a Redis that refuses writes for a while, in the middle of a sync: whoever asks is told to come again, and
// the sync that was accepted before is done once it can be.
func refusing(t *testing.T, refuse, permit func(*bench) error) {
	b := newBench(t, redistest.Start(t).URL(), testConfig())
	b.fabric(b.stages, 35, "f1")
	b.fabric(b.stages, 36, "f2")
	b.drop("f1", "a")
	g := newGate(t)
	b.on("ingest", g.wait)
	id := b.start(35, nil)
	<-g.came
	if err := refuse(b); err != nil {
		t.Fatal(err)
	}
	_, err := b.StartSync(t.Context(), &syncv1.StartSyncRequest{FabricId: 36})
	fails(t, "start", err, errs.RedisConnectionFailed)
	b.on("ingest", nil)
	g.open()
	b.untilIdleHere() // given up, and not failed
	if err := permit(b); err != nil {
		t.Fatal(err)
	}
	b.expect(b.await(id), completed)
	b.once(b.stages, id)
	b.expect(b.sync(36, nil), completed)
	b.idle(35)
}

// TestRedisIsOutOfMemory (S16).
func TestRedisIsOutOfMemory(t *testing.T) {
	t.Parallel()
	limit := func(bytes string) func(*bench) error {
		return func(b *bench) error { return b.conn.Main.ConfigSet(b.t.Context(), "maxmemory", bytes).Err() }
	}
	refusing(t, limit("1"), limit("0"))
}

// TestRedisIsReadOnly (S25): it is made a replica of one that is not there, as in the middle of a failover.
func TestRedisIsReadOnly(t *testing.T) {
	t.Parallel()
	replicaOf := func(host, port string) func(*bench) error {
		return func(b *bench) error { return b.conn.Main.Do(b.t.Context(), "REPLICAOF", host, port).Err() }
	}
	refusing(t, replicaOf("127.0.0.1", "1"), replicaOf("NO", "ONE"))
}

// TestASilentRedis (F20): whoever asks for a sync is told to come again, and one is accepted as soon as it can be.
func TestASilentRedis(t *testing.T) {
	t.Parallel()
	b := newBench(t, redistest.Start(t).URL(), testConfig())
	b.fabric(b.stages, 35, "f1")
	info, err := b.conn.Main.InfoMap(t.Context(), "server").Result()
	pid, err := strconv.Atoi(must(t, info, err)["Server"]["process_id"])
	must(t, 0, err)
	goOn := sync.OnceFunc(func() { must(t, 0, syscall.Kill(pid, syscall.SIGCONT)) })
	t.Cleanup(goOn)
	must(t, 0, syscall.Kill(pid, syscall.SIGSTOP))
	_, err = b.StartSync(t.Context(), &syncv1.StartSyncRequest{FabricId: 35})
	fails(t, "start", err, errs.RedisConnectionFailed)
	if told := errs.From(err); told.RetryAfter <= 0 || told.Code.Kind != errs.Unavailable {
		t.Errorf("told %+v", told)
	}
	goOn()
	b.expect(b.sync(35, nil), completed)
}

// TestAFailoverToAStaleReplica (S24): Redis is back where it was some time ago. What was registered and accepted since
// comes back from the ledger.
func TestAFailoverToAStaleReplica(t *testing.T) {
	t.Parallel()
	b := newBench(t, redistest.Start(t).URL(), testConfig())
	b.fabric(b.stages, 1, "f1")
	b.idle(1)
	stale := b.dump()
	g := newGate(t)
	b.on("open", g.wait)
	created, err := b.CreateFabric(t.Context(), &fabricv1.CreateFabricRequest{Fabric: definition(2, "f2")})
	lost := []string{must(t, created, err).GetSyncId(), b.start(1, nil)}
	<-g.came
	<-g.came
	b.on("open", nil)
	b.restore(stale)
	g.open()
	b.looked()
	for _, id := range lost {
		got := b.await(id)
		b.expect(got, completed)
		b.once(b.stages, id)
	}
}

// dump is all that Redis has.
func (b *bench) dump() map[string]string {
	b.t.Helper()
	keys, err := b.conn.Main.Keys(b.t.Context(), "*").Result()
	out := map[string]string{}
	for _, key := range must(b.t, keys, err) {
		raw, err := b.conn.Main.Dump(b.t.Context(), key).Result()
		out[key] = must(b.t, raw, err)
	}
	return out
}

// restore brings back what Redis had. The services go on meanwhile, and may have written a key anew.
func (b *bench) restore(all map[string]string) {
	b.t.Helper()
	b.flush()
	for key, raw := range all {
		if err := b.conn.Main.RestoreReplace(b.t.Context(), key, 0, raw).Err(); err != nil {
			b.t.Fatal(err)
		}
	}
}

// TestManyListenersTakeNothingFromOthers (S26): more streams of progress are open than there are connections for them.
func TestManyListenersTakeNothingFromOthers(t *testing.T) {
	t.Parallel()
	b := newBench(t, redistest.Start(t).URL(), testConfig())
	b.fabric(b.stages, 35, "f1")
	b.fabric(b.stages, 36, "f2")
	g := newGate(t)
	b.on("open", g.wait)
	id := b.start(35, nil)
	<-g.came
	var listeners sync.WaitGroup
	for range 600 {
		listeners.Go(func() {
			if told := types(b.watch(id)); told[len(told)-1] != "sync.completed" {
				t.Errorf("told %v", told)
			}
		})
	}
	b.on("open", nil)
	b.expect(b.sync(36, nil), completed)
	g.open()
	listeners.Wait()
}

// TestAClockThatJumped (S28): an entry has an id of the far future, and all that come after it too.
func TestAClockThatJumped(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, b *bench) {
		b.fabric(b.stages, 35, "f1")
		future := time.Now().Add(24 * time.Hour).UnixMilli()
		for _, stream := range []string{events.WorkStream(events.ShardOf(35)), events.BusStream(events.ShardOf(35))} {
			if err := b.conn.Main.Do(t.Context(), "XADD", stream, fmt.Sprintf("%d-1", future), "e", "\xff").Err(); err != nil {
				t.Fatal(err)
			}
		}
		b.expect(b.sync(35, nil), completed)
		b.idle(35)
	})
}

// TestTwoOfOneName (L12): two orchestrators call themselves the same, as two on one machine do.
func TestTwoOfOneName(t *testing.T) {
	t.Parallel()
	server := redistest.Start(t)
	s := newStages()
	peers := s.serve(t)
	nodes := []*node{
		newNode(t, server.URL(), peers, testConfig(), "a").run(),
		newNode(t, server.URL(), peers, testConfig(), "a").run(),
	}
	const fabrics = 20
	for id := range int32(fabrics) {
		nodes[0].fabric(s, id+1, fmt.Sprint("f", id+1))
	}
	var ids []string
	for id := range int32(fabrics) {
		s.drop(fmt.Sprint("f", id+1), "a")
		ids = append(ids, nodes[id%2].start(id+1, nil), nodes[id%2].start(id+1, nil))
	}
	for _, id := range ids {
		nodes[0].expect(nodes[0].await(id), completed)
		nodes[0].once(s, id)
	}
	for id := range int32(fabrics) {
		nodes[0].idle(id + 1)
	}
}

// TestABacklogKeepsTheOrderOfEachFabric (S20): ten times as many syncs wait as run at once.
func TestABacklogKeepsTheOrderOfEachFabric(t *testing.T) {
	t.Parallel()
	server := redistest.Start(t)
	s := newStages()
	peers := s.serve(t)
	asked := newNode(t, server.URL(), peers, testConfig(), "a") // works nothing off
	const fabrics = 160
	first, second := map[int32]string{}, map[int32]string{}
	for id := int32(1); id <= fabrics; id++ {
		created, err := asked.CreateFabric(t.Context(), &fabricv1.CreateFabricRequest{Fabric: definition(id,
			fmt.Sprint("f", id))})
		first[id], second[id] = must(t, created, err).GetSyncId(), asked.start(id, nil)
	}
	working := newNode(t, server.URL(), peers, testConfig(), "b").run()
	for id := int32(1); id <= fabrics; id++ {
		before, after := working.await(first[id]), working.await(second[id])
		working.expect(before, completed)
		working.expect(after, completed)
		if after.GetStartedAt().AsTime().Before(before.GetCompletedAt().AsTime()) {
			t.Errorf("fabric %d: the second began at %s, the first ended at %s", id, after.GetStartedAt().AsTime(),
				before.GetCompletedAt().AsTime())
		}
	}
}

// TestEntriesOfANewerProgram (S22, W13): it writes fields that this one does not know. They are handled, and kept.
func TestEntriesOfANewerProgram(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, b *bench) {
		b.fabric(b.stages, 35, "f1")
		b.stop()
		more := protowire.AppendString(protowire.AppendTag(nil, 999, protowire.BytesType), "of a newer program")
		other := newNode(t, b.url, b.serve(t), testConfig(), "b")
		id := other.start(35, nil)
		key := state.SyncKey(35, id)
		record, err := b.conn.Main.HGet(t.Context(), key, "record").Bytes()
		if err := b.conn.Main.HSet(t.Context(), key, "record", append(must(t, record, err), more...)).Err(); err != nil {
			t.Fatal(err)
		}
		request, err := proto.Marshal(&eventv1.SyncRequested{SyncId: id, FabricId: 35})
		other.add(35, string(append(must(t, request, err), more...)))
		other.run()
		got := other.await(id)
		other.expect(got, completed)
		if string(got.ProtoReflect().GetUnknown()) != string(more) {
			t.Errorf("of what a newer program has written, %q is left", got.ProtoReflect().GetUnknown())
		}
		other.idle(35)
	})
}
