package state_test

import (
	"slices"
	"strings"
	"testing"

	"google.golang.org/protobuf/proto"
	"pgregory.net/rapid"

	"fgdsync.dev/libs/events"
	"fgdsync.dev/libs/redisconn"
	syncv1 "fgdsync.dev/proto/fgd/sync/v1"
	"fgdsync.dev/services/orchestrator/internal/state"
	"fgdsync.dev/testkit/redistest"
)

// TestWhatWasAcceptedComesBack is the law of recovery: Redis may lose everything, the work stream, a run or a record,
// any number of times between any steps; whoever remembers what was accepted brings every sync to exactly one end.
func TestWhatWasAcceptedComesBack(t *testing.T) {
	t.Parallel()
	redistest.Each(t, func(t *testing.T, conn *redisconn.Conn) {
		t.Parallel()
		rapid.Check(t, func(rt *rapid.T) {
			must(t, conn.Main.FlushAll(t.Context()).Err())
			m := &losing{model: &model{
				b: newBench(t, conn), t: rt, fabric: 35, begun: map[string]bool{},
				ended: map[string]bool{}, classes: map[string]string{},
			}}
			m.b.fabric(m.fabric)
			rt.Repeat(map[string]func(*rapid.T){
				"start": m.accept, "begin": m.begin, "end": m.end, "lose": m.lose, "look": func(*rapid.T) { m.look() },
			})
			m.drain()
		})
	})
}

// losing is a model whose Redis loses what it has, and a memory of what was accepted.
type losing struct {
	*model
	kept []*syncv1.Sync
}

func (m *losing) accept(t *rapid.T) {
	class := rapid.SampledFrom([]string{"full", "restore a", "dry", "directory", "edit", "dry edit"}).Draw(t, "class")
	m.look() // as whoever finds the fabric missing does
	verdict := m.request(class)
	if m.ended[verdict.SyncID] {
		t.Fatalf("a request was answered with a sync that had ended: %+v", verdict)
	}
	if slices.Contains(m.accepted, verdict.SyncID) {
		return
	}
	m.accepted, m.classes[verdict.SyncID] = append(m.accepted, verdict.SyncID), class
	m.kept = append(m.kept, m.b.get(verdict.SyncID).Sync)
}

func (m *losing) request(class string) state.Admission {
	if !strings.HasSuffix(class, "edit") {
		return m.b.start(m.fabric, proto.CloneOf(kinds[class]))
	}
	return m.b.startEdit(m.fabric, &syncv1.SyncOptions{ValidateOnly: class == "dry edit"})
}

func (m *losing) lose(t *rapid.T) {
	ctx, work := m.b.ctx(), events.WorkStream(events.ShardOf(m.fabric))
	switch rapid.SampledFrom([]string{"all", "work", "run", "record"}).Draw(t, "what") {
	case "all":
		must(m.b.t, m.b.conn.Main.FlushAll(ctx).Err())
	case "work":
		must(m.b.t, m.b.conn.Main.Del(ctx, work).Err())
	case "run":
		must(m.b.t, m.b.conn.Main.Del(ctx, state.RunKey(m.fabric)).Err())
	case "record":
		if len(m.accepted) > 0 {
			must(m.b.t, m.b.conn.Main.Del(ctx, state.SyncKey(m.fabric, rapid.SampledFrom(m.accepted).Draw(t, "sync"))).Err())
		}
	}
	clear(m.begun)
	m.look()
}

// look is what recovery does.
func (m *losing) look() {
	if exists := m.b.conn.Main.Exists(m.b.ctx(), state.FabricKey(m.fabric)).Val(); exists == 0 {
		m.b.fabric(m.fabric)
	}
	m.kept = slices.DeleteFunc(m.kept, func(record *syncv1.Sync) bool {
		if m.ended[record.GetSyncId()] {
			return true // settled when it ended
		}
		became, err := m.b.RecoverSync(m.b.ctx(), record, "")
		must(m.b.t, err)
		return became == state.RecoveredEnded
	})
	active, err := m.b.Active(m.b.ctx(), []int32{m.fabric})
	must(m.b.t, err)
	for _, v := range active {
		_, err := m.b.Revive(m.b.ctx(), m.fabric, v.GetSyncId())
		must(m.b.t, err)
	}
}

// next is what a worker finds in the stream, whose record is there and has not ended.
func (m *losing) next() string {
	for _, id := range m.b.work(m.fabric) {
		if v, err := m.b.Get(m.b.ctx(), id); err == nil && !state.Terminal(v.GetState()) {
			return id
		}
	}
	return ""
}

func (m *losing) begin(t *rapid.T) {
	id := m.next()
	if id == "" || m.begun[id] {
		t.Skip("nothing to begin")
	}
	must(m.b.t, m.b.move(m.b.get(id), 1, initializing))
	m.begun[id] = true
}

func (m *losing) end(t *rapid.T) {
	id := m.next()
	if id == "" {
		t.Skip("nothing to end")
	}
	m.finish(id)
}

func (m *losing) finish(id string) {
	if m.ended[id] {
		m.t.Fatalf("sync %s ends twice", id)
	}
	if class, edits := m.classes[id], m.b.get(id).GetEditSet(); proto.Equal(edits, editSet()) !=
		strings.HasSuffix(class, "edit") {
		m.t.Fatalf("the %s sync %s makes the edits %v", class, id, edits)
	}
	m.b.end(id, completed)
	m.ended[id] = true
}

func (m *losing) drain() {
	for range 2 * (len(m.accepted) + 1) {
		m.look()
		if id := m.next(); id != "" {
			m.finish(id)
		}
	}
	for _, id := range m.accepted {
		if !m.ended[id] {
			m.t.Fatalf("sync %s was accepted and never ran", id)
		}
	}
	if left := m.b.conn.Main.HGetAll(m.b.ctx(), state.RunKey(m.fabric)).Val(); left["active"] != "" ||
		left["waiting:full"]+left["waiting:dry"]+left["waiting:directory"]+left["waiting:edit"]+
			left["waiting:dry_edit"] != "" {
		m.t.Fatalf("the run remembers %v", left)
	}
}
