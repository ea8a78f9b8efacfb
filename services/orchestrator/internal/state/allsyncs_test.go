package state_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/redis/go-redis/v9"
	"google.golang.org/protobuf/types/known/timestamppb"
	"pgregory.net/rapid"

	"fgdsync.dev/libs/redisconn"
	syncv1 "fgdsync.dev/proto/fgd/sync/v1"
	"fgdsync.dev/services/orchestrator/internal/state"
	"fgdsync.dev/testkit/redistest"
)

// overFabrics is a model of syncs of several fabrics, of which some wait, end, are folded, lost, recovered and deleted.
type overFabrics struct {
	*bench
	rt      *rapid.T
	fabrics []int32 // those that are registered
	open    []string
	kept    []*syncv1.Sync // that were accepted, as a ledger remembers them
}

// TestTheListOfAllSyncsIsTheirHistories is the law of the index: whatever becomes of syncs and fabrics, each page of
// each question over fabrics has what the histories of the fabrics have, newest first.
func TestTheListOfAllSyncsIsTheirHistories(t *testing.T) {
	t.Parallel()
	redistest.Every(t, func(t *testing.T, conn *redisconn.Conn) {
		t.Parallel()
		rapid.Check(t, func(rt *rapid.T) {
			must(t, onEachNode(t.Context(), conn, func(ctx context.Context, node *redis.Client) error {
				return node.FlushAll(ctx).Err()
			}))
			m := &overFabrics{bench: newBench(t, conn), rt: rt}
			for id := range int32(3) {
				m.register(7*id + 1) // two of them in one shard
			}
			m.register(9)
			rt.Repeat(map[string]func(*rapid.T){
				"start": m.start, "end": m.end, "fold": m.fold, "delete": m.remove, "lose": m.lose, "recover": m.recover,
				"forget": m.forget, "ask": func(rt *rapid.T) { m.rt = rt; m.agree() },
			})
			m.rt = rt
			m.agree()
			m.foldAll()
			m.agree()
		})
	})
}

func onEachNode(
	ctx context.Context, conn *redisconn.Conn, call func(ctx context.Context, node *redis.Client) error,
) error {
	if cluster, is := conn.Main.(*redis.ClusterClient); is {
		return cluster.ForEachMaster(ctx, call)
	}
	return call(ctx, conn.Main.(*redis.Client))
}

func (m *overFabrics) register(id int32) {
	m.fabric(id)
	m.fabrics = append(m.fabrics, id)
}

func (m *overFabrics) any() int32 { return rapid.SampledFrom(m.fabrics).Draw(m.rt, "fabric") }

func (m *overFabrics) start(rt *rapid.T) {
	m.rt = rt
	m.pass(time.Duration(rapid.SampledFrom([]int64{0, 1, 1000, 3600_000, 30 * 3600_000}).Draw(rt, "ms")) *
		time.Millisecond)
	trigger := rapid.SampledFrom([]syncv1.Trigger{1, 3}).Draw(rt, "trigger")
	record := m.record(m.any(), &syncv1.SyncOptions{ValidateOnly: rapid.Bool().Draw(rt, "dry")}, trigger)
	admission, err := m.Start(m.ctx(), record, uuid.NewString(), "")
	must(m.t, err)
	if admission.SyncID == record.GetSyncId() {
		m.open, m.kept = append(m.open, record.GetSyncId()), append(m.kept, record)
	}
}

// pass lets time pass. No sync is open for anything like as long as ended ones are remembered: what a real one ends by
// its time-out ends here too, be it one whose record was lost.
func (m *overFabrics) pass(d time.Duration) {
	m.advance(d)
	for _, id := range slices.Clone(m.open) {
		s := m.accepted(id)
		if m.now().Sub(s.GetAcceptedAt().AsTime()) < retention/2 {
			continue
		}
		_, err := m.RecoverSync(m.ctx(), s, "")
		must(m.t, err)
		m.endAs(id, cancelled)
	}
}

func (m *overFabrics) accepted(id string) *syncv1.Sync {
	return m.kept[slices.IndexFunc(m.kept, func(s *syncv1.Sync) bool { return s.GetSyncId() == id })]
}

// end ends a sync that runs or waits.
func (m *overFabrics) end(rt *rapid.T) {
	if len(m.open) == 0 {
		rt.Skip("none")
	}
	m.rt = rt
	id := rapid.SampledFrom(m.open).Draw(rt, "which")
	if _, err := m.Get(m.ctx(), id); err != nil {
		rt.Skip("lost")
	}
	m.endAs(id, rapid.SampledFrom([]syncv1.State{completed, failed, cancelled}).Draw(rt, "to"))
}

// endAs ends a sync, unless it went with its fabric.
func (m *overFabrics) endAs(id string, to syncv1.State) {
	m.open = slices.DeleteFunc(m.open, func(other string) bool { return other == id })
	v, err := m.Get(m.ctx(), id)
	if err != nil {
		return
	}
	v.CompletedAt, v.StartedAt = timestamppb.New(m.now()), timestamppb.New(m.now())
	if to == completed {
		must(m.t, m.move(v, 1, initializing))
		must(m.t, m.move(v, 1, reconciling))
		if rapid.Bool().Draw(m.rt, "changed") {
			v.Result = &syncv1.Result{CommitSha: commit}
		}
	}
	must(m.t, m.move(v, 1, to))
}

func (m *overFabrics) fold(rt *rapid.T) {
	m.rt = rt
	m.pass(time.Duration(rapid.IntRange(0, 60).Draw(rt, "hours")) * time.Hour)
	must(m.t, m.Fold(m.ctx(), m.any()))
}

// foldAll is what has become of all that changed nothing when two days have passed.
func (m *overFabrics) foldAll() {
	m.advance(48 * time.Hour)
	for _, id := range m.fabrics {
		must(m.t, m.Fold(m.ctx(), id))
	}
}

// remove deletes a fabric that is at rest, and registers another one with its number.
func (m *overFabrics) remove(rt *rapid.T) {
	m.rt = rt
	id := m.any()
	active, err := m.DeleteFabric(m.ctx(), id, 1, nil)
	must(m.t, err)
	if active == "" {
		m.fabric(id)
	}
}

// lose takes the record of a sync away, as a Redis may that has lost its last second; recover brings one back.
func (m *overFabrics) lose(rt *rapid.T) {
	if len(m.open) == 0 {
		rt.Skip("none")
	}
	id := rapid.SampledFrom(m.open).Draw(rt, "which")
	fabric, err := state.FabricOfSync(id)
	must(m.t, err)
	must(m.t, m.conn.Main.Del(m.ctx(), state.SyncKey(fabric, id)).Err())
	if rapid.Bool().Draw(rt, "revive") {
		_, err := m.Revive(m.ctx(), fabric, id)
		must(m.t, err)
	}
}

func (m *overFabrics) recover(rt *rapid.T) {
	if len(m.open) == 0 {
		rt.Skip("none")
	}
	id := rapid.SampledFrom(m.open).Draw(rt, "which")
	_, err := m.RecoverSync(m.ctx(), m.accepted(id), "")
	must(m.t, err)
}

// forget takes the index away, as it is not there when an older program has kept the histories, and has it made anew.
func (m *overFabrics) forget(*rapid.T) {
	must(m.t, onEachNode(m.ctx(), m.conn, func(ctx context.Context, node *redis.Client) error {
		keys, err := node.Keys(ctx, "fgd:{*}:syncs:*").Result()
		for _, key := range keys {
			err = errors.Join(err, node.Del(ctx, key).Err())
		}
		return err
	}))
	must(m.t, m.IndexSyncs(m.ctx()))
}

// agree asks for all pages of a list, and compares them with the histories.
func (m *overFabrics) agree() {
	q := state.AllQuery{Query: state.Query{
		State:   rapid.SampledFrom([]syncv1.State{0, pending, completed, failed}).Draw(m.rt, "state"),
		Trigger: rapid.SampledFrom([]syncv1.Trigger{0, 1, 3}).Draw(m.rt, "wanted trigger"),
		Limit:   rapid.IntRange(1, 5).Draw(m.rt, "limit"),
	}}
	if rapid.Bool().Draw(m.rt, "some") {
		q.Fabrics = map[int32]bool{m.any(): true, m.any(): true}
	}
	q.Active = rapid.Bool().Draw(m.rt, "active")
	if hours := rapid.IntRange(0, 40).Draw(m.rt, "hours ago"); hours > 30 {
		q.To = m.now().Add(-time.Duration(hours) * time.Hour)
	}
	want := m.expected(q)
	var got []string
	for more := true; more; {
		page, err := m.AllSyncs(m.ctx(), q)
		must(m.t, err)
		if len(page.Syncs) > q.Limit {
			m.rt.Fatalf("%+v: a page of %d", q, len(page.Syncs))
		}
		if page.Total != nil && *page.Total != len(want) {
			m.rt.Fatalf("%+v: %d in all, want %d", q, *page.Total, len(want))
		}
		for _, s := range page.Syncs {
			got = append(got, line(s))
		}
		if more = page.Next != nil; more {
			q.After = *page.Next
		}
	}
	if !slices.Equal(got, want) {
		m.rt.Fatalf("%+v\ngot\n%s\nwant\n%s", q, strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
}

// expected returns what the histories have of a list.
func (m *overFabrics) expected(q state.AllQuery) []string {
	var all []*syncv1.Sync
	for _, id := range m.fabrics {
		if q.Fabrics != nil && !q.Fabrics[id] {
			continue
		}
		page, err := m.History(m.ctx(), id, state.Query{Limit: 1000, State: q.State, Trigger: q.Trigger, To: q.To})
		must(m.t, err)
		for _, s := range page.Syncs {
			if !q.Active || !state.Terminal(s.GetState()) {
				all = append(all, s)
			}
		}
	}
	slices.SortFunc(all, func(a, b *syncv1.Sync) int {
		if c := b.GetAcceptedAt().AsTime().Compare(a.GetAcceptedAt().AsTime()); c != 0 {
			return c
		}
		return strings.Compare(b.GetSyncId(), a.GetSyncId())
	})
	var out []string
	for _, s := range all {
		out = append(out, line(s))
	}
	return out
}

func line(s *syncv1.Sync) string {
	return fmt.Sprint(s.GetAcceptedAt().AsTime(), " ", s.GetSyncId(), " ", s.GetFabricId(), " ", s.GetState(), " ",
		s.GetTrigger(), " ", s.GetCoalescedTriggers())
}

// TestASyncIsInOnePartOfTheIndex: among the active ones until it ends, then among those that ended so, and in none of
// both once it is folded.
func TestASyncIsInOnePartOfTheIndex(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, b *bench) {
		b.fabric(35)
		old := b.start(35, nil).SyncID
		b.indexed(old, "fgd:{3}:syncs:manual:active")
		b.end(old, completed)
		b.indexed(old, "fgd:{3}:syncs:manual:completed")
		b.advance(25 * time.Hour)
		b.end(b.start(35, nil).SyncID, failed)
		must(t, b.Fold(t.Context(), 35))
		b.indexed(old)
	})
}

// indexed holds which parts of the index have a sync.
func (b *bench) indexed(syncID string, want ...string) {
	b.t.Helper()
	var got []string
	for _, key := range state.IndexKeys(3) {
		if b.conn.Main.ZScore(b.ctx(), key, syncID).Err() == nil {
			got = append(got, key)
		}
	}
	if !slices.Equal(got, want) {
		b.t.Errorf("%s is in %q, want %q", syncID, got, want)
	}
}
