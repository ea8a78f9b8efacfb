package state_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"
	"google.golang.org/protobuf/proto"
	"pgregory.net/rapid"

	"fgdsync.dev/libs/errs"
	"fgdsync.dev/libs/redisconn"
	syncv1 "fgdsync.dev/proto/fgd/sync/v1"
	"fgdsync.dev/services/orchestrator/internal/state"
	"fgdsync.dev/testkit/redistest"
)

func TestASyncIsAccepted(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, b *bench) {
		if _, err := b.Start(t.Context(), b.record(35, nil, syncv1.Trigger_TRIGGER_MANUAL), "r", ""); !errs.HasCode(err,
			errs.FabricNotFound) {
			t.Errorf("a sync of no fabric: %v", err)
		}
		b.fabric(35)
		verdict := b.start(35, nil)
		if verdict.Queued || verdict.Refused || b.get(verdict.SyncID).GetState() != pending {
			t.Errorf("got %+v, %v", verdict, b.get(verdict.SyncID))
		}
		if got := b.work(35); !slices.Equal(got, []string{verdict.SyncID}) {
			t.Errorf("workers got %v", got)
		}
	})
}

func TestARepeatedRequestGetsItsFirstAnswer(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, b *bench) {
		b.fabric(35)
		first, err := b.Start(t.Context(), b.record(35, nil, syncv1.Trigger_TRIGGER_MANUAL), "request-1", "")
		must(t, err)
		again := func(when string) {
			t.Helper()
			got, err := b.Start(t.Context(), b.record(35, nil, syncv1.Trigger_TRIGGER_MANUAL), "request-1", "")
			if err != nil || got != first {
				t.Errorf("%s: got %+v, %v; want %+v", when, got, err, first)
			}
		}
		again("while it is active")
		b.end(first.SyncID, completed)
		again("after its end")
		if got := b.work(35); len(got) != 1 {
			t.Errorf("workers got %v", got)
		}
		if ttl := b.conn.Main.PTTL(t.Context(), state.RequestKey(35, "request-1")).Val(); ttl <= 23*time.Hour ||
			ttl > 24*time.Hour {
			t.Errorf("the answer is remembered for %v", ttl)
		}
		other := b.start(35, nil)
		if other.SyncID == first.SyncID {
			t.Error("another request got the sync that has ended")
		}
	})
}

func TestALostReplyStartsOneSync(t *testing.T) {
	t.Parallel()
	lossy := redistest.Start(t).Lossy(t)
	b := newBench(t, lossy.Conn(t))
	b.fabric(35)
	b.fabric(36)
	b.start(36, nil) // Redis has to know the script
	lossy.LoseReplyTo(state.RunKey(35))
	verdict := b.start(35, nil)
	if got := b.work(35); lossy.Lost() != 1 || verdict.Queued || !slices.Equal(got, []string{verdict.SyncID}) {
		t.Errorf("%d lost; got %+v, workers %v", lossy.Lost(), verdict, got)
	}
}

// TestAReplyThatDoesNotComeStartsOneSync (S1): Redis has done it, and the connection is silent until the time is up.
func TestAReplyThatDoesNotComeStartsOneSync(t *testing.T) {
	t.Parallel() // it is waiting, most of the time
	lossy := redistest.Start(t).Lossy(t)
	b := newBench(t, lossy.Conn(t))
	b.fabric(35)
	b.fabric(36)
	b.start(36, nil) // Redis has to know the script
	lossy.SwallowReplyTo(state.RunKey(35))
	verdict := b.start(35, nil)
	if got := b.work(35); lossy.Lost() != 1 || verdict.Queued || !slices.Equal(got, []string{verdict.SyncID}) {
		t.Errorf("%d lost; got %+v, workers %v", lossy.Lost(), verdict, got)
	}
}

func TestOneRunsAndOneWaits(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, b *bench) {
		b.fabric(35)
		active := b.start(35, nil)
		waiting := b.start(35, nil)
		if !waiting.Queued || waiting.SyncID == active.SyncID {
			t.Fatalf("the second one got %+v", waiting)
		}
		for _, trigger := range []syncv1.Trigger{syncv1.Trigger_TRIGGER_WEBHOOK, syncv1.Trigger_TRIGGER_SCHEDULED} {
			options := &syncv1.SyncOptions{
				ForceRefresh: trigger == syncv1.Trigger_TRIGGER_SCHEDULED, CreateSamples: trigger == syncv1.Trigger_TRIGGER_WEBHOOK,
				TakeOver:     trigger == syncv1.Trigger_TRIGGER_WEBHOOK,
				RetryPaths:   []string{"unmanaged/both.yaml", "unmanaged/" + trigger.String() + ".yaml"},
				ReleasePaths: []string{"unmanaged/retry .txt"},
			}
			joined, err := b.Start(t.Context(), b.record(35, options, trigger), uuid.NewString(), "")
			if err != nil || joined != waiting {
				t.Errorf("%s got %+v, %v; want %+v", trigger, joined, err, waiting)
			}
		}
		shared := b.get(waiting.SyncID)
		if !slices.Equal(shared.GetCoalescedTriggers(), []syncv1.Trigger{
			syncv1.Trigger_TRIGGER_WEBHOOK,
			syncv1.Trigger_TRIGGER_SCHEDULED,
		}) || !shared.GetOptions().GetForceRefresh() {
			t.Errorf("what joined is lost: %v", shared)
		}
		wishes := &syncv1.SyncOptions{
			ForceRefresh: true, CreateSamples: true, TakeOver: true, ReleasePaths: []string{"unmanaged/retry .txt"},
			RetryPaths: []string{"unmanaged/both.yaml", "unmanaged/TRIGGER_WEBHOOK.yaml", "unmanaged/TRIGGER_SCHEDULED.yaml"},
		}
		if !proto.Equal(shared.GetOptions(), wishes) {
			t.Errorf("the run is to be %v, not %v", shared.GetOptions(), wishes)
		}
		refusal := b.start(35, &syncv1.SyncOptions{RefuseIfRunning: true})
		if !refusal.Refused || refusal.SyncID != active.SyncID {
			t.Errorf("asked to be refused: %+v", refusal)
		}
		if got := b.work(35); !slices.Equal(got, []string{active.SyncID}) {
			t.Errorf("workers got %v", got)
		}
		b.end(active.SyncID, failed)
		if got := b.work(35); !slices.Equal(got, []string{active.SyncID, waiting.SyncID}) {
			t.Errorf("after the first one's end workers got %v", got)
		}
		b.end(waiting.SyncID, completed)
		// What joined stays in the record after the run has forgotten it.
		if got := b.get(waiting.SyncID); len(got.GetCoalescedTriggers()) != 2 || !proto.Equal(got.GetOptions(), wishes) {
			t.Errorf("the record says %v", got)
		}
	})
}

func TestADryRunWaitsOnItsOwn(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, b *bench) {
		b.fabric(35)
		active := b.start(35, nil)
		dry := b.start(35, &syncv1.SyncOptions{ValidateOnly: true})
		repair := b.start(35, &syncv1.SyncOptions{Scope: syncv1.Scope_SCOPE_DIRECTORY})
		full := b.start(35, nil)
		ids := []string{active.SyncID, dry.SyncID, repair.SyncID, full.SyncID}
		slices.Sort(ids)
		if len(slices.Compact(ids)) != 4 {
			t.Fatalf("shared what can't be shared: %v %v %v %v", active, dry, repair, full)
		}
		for _, next := range []string{active.SyncID, full.SyncID, repair.SyncID, dry.SyncID} {
			work := b.work(35)
			if work[len(work)-1] != next {
				t.Errorf("workers got %v, want %s next", work, next)
			}
			b.end(next, completed)
		}
		if again := b.start(35, nil); again.Queued {
			t.Error("something is still active")
		}
	})
}

// TestARestoreSharesItsRunWithItsLike: the same restore of two people is one run; another one is refused while it
// waits, and nobody else's sync restores anything.
func TestARestoreSharesItsRunWithItsLike(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, b *bench) {
		b.fabric(35)
		options := func(change func(*syncv1.SyncOptions)) *syncv1.SyncOptions {
			o := &syncv1.SyncOptions{RestoreCommit: "c1", RestorePaths: []string{"managed/a", "managed/b"}}
			change(o)
			return o
		}
		active := b.start(35, nil)
		full := b.start(35, nil)
		restore := b.start(35, options(func(*syncv1.SyncOptions) {}))
		dry := b.start(35, options(func(o *syncv1.SyncOptions) { o.ValidateOnly = true }))
		same := b.start(35, options(func(o *syncv1.SyncOptions) {
			o.RestorePaths = []string{
				"managed/b", "managed/a",
				"managed/b",
			}
		}))
		if !restore.Queued || restore.SyncID == full.SyncID || dry.SyncID == restore.SyncID || !dry.Queued ||
			same != restore {
			t.Fatalf("full %+v, restore %+v, dry %+v, same %+v", full, restore, dry, same)
		}
		for name, other := range map[string]*syncv1.SyncOptions{
			"commit": options(func(o *syncv1.SyncOptions) { o.RestoreCommit = "c2" }),
			"paths":  options(func(o *syncv1.SyncOptions) { o.RestorePaths = nil }),
			"force":  options(func(o *syncv1.SyncOptions) { o.Force = true }),
		} {
			if got := b.start(35, other); !got.Refused || got.SyncID != restore.SyncID {
				t.Errorf("another %s: %+v", name, got)
			}
		}
		if o := b.get(full.SyncID).GetOptions(); o.GetRestoreCommit() != "" || len(o.GetRestorePaths()) != 0 {
			t.Errorf("the ordinary sync is to be %v", o)
		}
		if o := b.get(restore.SyncID).GetOptions(); !proto.Equal(o, options(func(*syncv1.SyncOptions) {})) {
			t.Errorf("the restore is to be %v", o)
		}
		for _, next := range []string{active.SyncID, restore.SyncID, full.SyncID, dry.SyncID} {
			if work := b.work(35); work[len(work)-1] != next {
				t.Errorf("workers got %v, want %s next", work, next)
			}
			b.end(next, completed)
		}
		if again := b.start(35, options(func(o *syncv1.SyncOptions) { o.RestoreCommit = "c2" })); again.Queued ||
			again.Refused {
			t.Errorf("another one afterwards: %+v", again)
		}
	})
}

// TestNobodysSyncIsLost is the law of coalescing: whatever comes in whatever order, at most one sync is active and one
// of each class waits, and every request is answered with a sync that begins after it and comes to its end.
func TestNobodysSyncIsLost(t *testing.T) {
	t.Parallel()
	redistest.Every(t, func(t *testing.T, conn *redisconn.Conn) {
		t.Parallel()
		fabric := int32(0)
		rapid.Check(t, func(rt *rapid.T) {
			fabric++
			b := newBench(t, conn)
			b.fabric(fabric)
			m := &model{
				b: b, t: rt, fabric: fabric, begun: map[string]bool{}, ended: map[string]bool{},
				classes: map[string]string{},
			}
			rt.Repeat(map[string]func(*rapid.T){
				"start": m.start, "begin": m.begin, "end": m.end, "cancel": m.cancel, "": m.check,
			})
			m.drain()
		})
	})
}

// model is what a caller and a worker know.
type model struct {
	b      *bench
	t      *rapid.T
	fabric int32

	accepted []string // in the order of their first answer
	classes  map[string]string
	begun    map[string]bool
	ended    map[string]bool
}

var kinds = map[string]*syncv1.SyncOptions{
	"full": {}, "dry": {ValidateOnly: true}, "directory": {Scope: syncv1.Scope_SCOPE_DIRECTORY},
	"restore a": {RestoreCommit: "a"}, "restore b": {RestoreCommit: "b"},
	"dry restore a": {RestoreCommit: "a", ValidateOnly: true},
}

func (m *model) start(t *rapid.T) {
	class := rapid.SampledFrom([]string{"full", "full", "restore a", "restore b", "dry", "dry restore a", "directory"}).
		Draw(t, "class")
	verdict := m.b.start(m.fabric, kinds[class])
	if verdict.Refused {
		if known := m.classes[verdict.SyncID]; !strings.HasPrefix(class, "restore") || !strings.HasPrefix(known, "restore") ||
			known == class || m.begun[verdict.SyncID] {
			t.Fatalf("a %s request was refused because of the %s sync %s", class, known, verdict.SyncID)
		}
		return
	}
	if m.begun[verdict.SyncID] || m.ended[verdict.SyncID] {
		t.Fatalf("a request was answered with a sync that had begun before: %+v", verdict)
	}
	if known, ok := m.classes[verdict.SyncID]; ok && known != class {
		t.Fatalf("a %s request shares the %s sync %s", class, known, verdict.SyncID)
	} else if !ok {
		m.accepted = append(m.accepted, verdict.SyncID)
		m.classes[verdict.SyncID] = class
	}
}

// active is the sync that workers have, and whose end is to come.
func (m *model) active() string {
	active := ""
	for _, id := range m.b.work(m.fabric) {
		if m.ended[id] {
			continue
		}
		if active != "" {
			m.t.Fatalf("workers have %s and %s", active, id)
		}
		active = id
	}
	return active
}

func (m *model) begin(t *rapid.T) {
	id := m.active()
	if id == "" || m.begun[id] {
		t.Skip("nothing to begin")
	}
	must(m.b.t, m.b.move(m.b.get(id), 1, initializing))
	m.begun[id] = true
}

func (m *model) end(t *rapid.T) {
	id := m.active()
	if !m.begun[id] {
		t.Skip("nothing to end")
	}
	m.b.end(id, rapid.SampledFrom([]syncv1.State{completed, failed, cancelled}).Draw(t, "state"))
	m.ended[id] = true
}

// cancel ends a sync that no worker has begun.
func (m *model) cancel(t *rapid.T) {
	var open []string
	for _, id := range m.accepted {
		if !m.begun[id] && !m.ended[id] {
			open = append(open, id)
		}
	}
	if len(open) == 0 {
		t.Skip("nothing to cancel")
	}
	id := rapid.SampledFrom(open).Draw(t, "sync")
	must(m.b.t, m.b.move(m.b.get(id), 0, cancelled))
	m.ended[id] = true
}

func (m *model) check(t *rapid.T) {
	active := m.active()
	waiting := map[string]int{}
	for _, id := range m.accepted {
		if !m.ended[id] && id != active {
			waiting[m.classes[id]]++
		}
	}
	waiting["restore a"] += waiting["restore b"] // they have one place
	delete(waiting, "restore b")
	if waiting["restore a"] == 0 {
		delete(waiting, "restore a")
	}
	for class, n := range waiting {
		if n > 1 {
			t.Fatalf("%d %s syncs wait", n, class)
		}
	}
	if active == "" && len(waiting) > 0 {
		t.Fatalf("nothing is active, and %v wait for ever", waiting)
	}
}

func (m *model) drain() {
	for id := m.active(); id != ""; id = m.active() {
		m.b.end(id, completed)
		m.ended[id] = true
	}
	for _, id := range m.accepted {
		if !m.ended[id] {
			m.t.Fatalf("sync %s was accepted and never ran", id)
		}
	}
	left := m.b.conn.Main.HGetAll(m.b.ctx(), state.RunKey(m.fabric)).Val()
	delete(left, "last_full")
	delete(left, "last_sync") // what the list of fabrics shows
	delete(left, "synced")
	if len(left) > 0 {
		m.t.Fatalf("the run remembers %v", left)
	}
}

func TestHistoryIsKeptNewestFirst(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, b *bench) {
		b.fabric(35)
		begin := b.now()
		var want []string
		for range 5 {
			id := b.start(35, nil).SyncID
			b.end(id, completed)
			want = append([]string{id}, want...)
			b.advance(time.Hour)
		}
		for name, c := range map[string]struct {
			from, to time.Time
			want     []string
		}{
			"all":        {time.Time{}, time.Time{}, want},
			"from":       {begin.Add(time.Hour), time.Time{}, want[:4]},
			"to":         {time.Time{}, begin.Add(2 * time.Hour), want[3:]},
			"from to":    {begin.Add(time.Hour), begin.Add(2 * time.Hour), want[3:4]},
			"nothing in": {begin.Add(time.Minute), begin.Add(2 * time.Minute), nil},
		} {
			history, err := b.History(t.Context(), 35, state.Query{From: c.from, To: c.to, Limit: 100})
			must(t, err)
			var got []string
			for _, record := range history.Syncs {
				got = append(got, record.GetSyncId())
			}
			if !slices.Equal(got, c.want) {
				t.Errorf("%s: got %v, want %v", name, got, c.want)
			}
		}
	})
}

func TestHistoryForgetsWhatIsOld(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, b *bench) {
		b.fabric(35)
		old := b.start(35, nil).SyncID
		if ttl := b.conn.Main.PTTL(t.Context(), state.SyncKey(35, old)).Val(); ttl >= 0 {
			t.Errorf("a sync that has not ended will be forgotten in %v", ttl)
		}
		v := b.get(old)
		must(t, b.move(v, 1, initializing))
		must(t, b.move(v, 1, failed, "sync.failed"))
		for key, kept := range map[string]time.Duration{
			state.SyncKey(35, old): retention, state.SyncEventsKey(35, old): time.Hour,
		} {
			if ttl := b.conn.Main.PTTL(t.Context(), key).Val(); ttl <= kept-time.Minute || ttl > kept {
				t.Errorf("%s is kept for %v", key, ttl)
			}
		}
		b.advance(retention + time.Minute)
		fresh := b.start(35, nil).SyncID
		if got := b.conn.Main.ZRange(t.Context(), state.HistoryKey(35), 0, -1).Val(); !slices.Equal(got, []string{fresh}) {
			t.Errorf("the history names %v", got)
		}
		// A record may be gone before its place in the history is.
		must(t, b.conn.Main.Del(t.Context(), state.SyncKey(35, fresh)).Err())
		if history, err := b.History(t.Context(), 35, state.Query{Limit: 100}); err != nil || len(history.Syncs) != 0 {
			t.Errorf("got %v, %v", history, err)
		}
		if _, err := b.Get(t.Context(), fresh); !errs.HasCode(err, errs.SyncNotFound) {
			t.Errorf("got %v", err)
		}
	})
}

func TestActivities(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, b *bench) {
		want := make([]state.Activity, 3)
		for i := range want {
			b.fabric(int32(i + 1))
		}
		for i := range 2 {
			id := int32(i + 1)
			b.advance(time.Hour)
			want[i].LastFull, want[i].Synced = b.now(), true
			b.end(b.start(id, nil).SyncID, failed)
			b.advance(time.Minute)
			b.end(b.start(id, &syncv1.SyncOptions{ValidateOnly: true}).SyncID, failed)
			b.end(b.start(id, &syncv1.SyncOptions{Scope: syncv1.Scope_SCOPE_DIRECTORY}).SyncID, failed)
		}
		b.start(2, &syncv1.SyncOptions{ValidateOnly: true})
		want[1].Busy = true
		got, err := b.Activities(t.Context(), []int32{1, 2, 3})
		if err != nil || !slices.Equal(got, want) {
			t.Errorf("got %v, %v; want %v", got, err, want)
		}
		if got, err := b.Activities(t.Context(), nil); err != nil || len(got) != 0 {
			t.Errorf("of none: %v, %v", got, err)
		}
	})
}
