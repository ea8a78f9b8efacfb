package outbox

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"fgdsync.dev/libs/netboxserver"
	netboxv1 "fgdsync.dev/proto/fgd/netbox/v1"
	"fgdsync.dev/services/bridge/internal/hearing"
	"fgdsync.dev/services/bridge/internal/hnp"
	"fgdsync.dev/testkit/redistest"
)

func TestMain(m *testing.M) { redistest.VerifyNoLeaks(m) }

func one(t *testing.T) *world {
	t.Helper()
	w := newWorld(t, t, redisFor(t), t.TempDir(), 1)
	t.Cleanup(w.end)
	return w
}

func server(name string) key { return key{"Server", "default", name} }

// wrote holds that so many requests wrote records since, and so many the fabric's own one, and that NetBox has what Git
// says.
func (w *world) wrote(records, told int) {
	w.t.Helper()
	got, gotTold := len(w.wire.writes), w.wire.told
	w.wire.writes, w.wire.told = nil, 0
	if diff := w.same(); diff != "" || got != records || gotTold != told {
		w.t.Fatalf("%d and %d requests wrote, want %d and %d; %s", got, gotTold, records, told, diff)
	}
}

// TestWhatGitSaysIsInNetBox: records are made, changed and deleted as the files are, each with one write; a sync that
// changes nothing asks NetBox for nothing.
func TestWhatGitSaysIsInNetBox(t *testing.T) {
	t.Parallel()
	w := one(t)
	w.git.now[server("a")], w.git.now[key{"SwitchGroup", "default", "g"}] = 1, nil
	w.commit()
	w.settled(t.Context())
	w.wrote(2, 1)
	w.commit()
	w.wire.down = true // nobody asks
	w.settled(t.Context())
	w.wire.down = false
	w.git.now[server("a")] = 2
	w.commit()
	w.settled(t.Context())
	if w.d.state.GetProvenCommit() != w.linked.GetPublished().GetCommit() {
		t.Errorf("proven is %s", w.d.state.GetProvenCommit())
	}
	w.wrote(1, 1)
	delete(w.git.now, server("a"))
	w.commit()
	w.settled(t.Context())
	w.wrote(1, 1)
	if r := w.d.receipts[server("a")]; !buried(r) || r.GetWanted().GetChangedBy().GetName() != "Ada" {
		t.Errorf("the receipt is %v", r)
	}
}

// TestNetBoxWasAway for long: what came meanwhile is there, and of each record the last.
func TestNetBoxWasAway(t *testing.T) {
	t.Parallel()
	w := one(t)
	w.git.now[server("a")] = 0
	w.commit()
	w.settled(t.Context())
	w.wire.down, w.wire.writes, w.wire.told = true, nil, 0
	for i := 1; i < 60; i++ {
		w.git.now[server("a")], w.git.now[server(fmt.Sprint("b", i))] = i, i
		w.commit()
		w.clock = w.clock.Add(time.Minute)
		if err := w.deliver(t.Context()); err == nil {
			t.Fatal("NetBox was reached")
		}
	}
	if w.d.state.GetProblem() == "" || w.d.summed.Load().unprovenSince.IsZero() {
		t.Errorf("%v", w.d.state)
	}
	w.wire.down = false
	w.settled(t.Context())
	if w.d.state.GetProblem() != "" {
		t.Errorf("%v", w.d.state)
	}
	w.wrote(1+1, 1) // the change, and all that is new in one request
}

// TestARefusedRecordStopsNoOther: it is listed with what NetBox says, and delivered when it can be.
func TestARefusedRecordStopsNoOther(t *testing.T) {
	t.Parallel()
	w := one(t)
	w.git.now[server("Bad")], w.git.now[server("good")] = 1, 1
	w.commit()
	w.settled(t.Context())
	r := w.d.receipts[server("Bad")]
	if r.GetState() != netboxv1.State_STATE_UNDELIVERABLE || len(r.GetProblem().GetFields()) == 0 ||
		r.GetProblem().GetReason() != netboxv1.Reason_REASON_REFUSED {
		t.Errorf("%v", r)
	}
	if w.d.receipts[server("good")].GetState() != netboxv1.State_STATE_PROVEN || w.d.state.GetProvenCommit() != "" {
		t.Errorf("%v", w.states())
	}
	delete(w.git.now, server("Bad"))
	w.commit()
	w.settled(t.Context())
	if diff := w.same(); diff != "" || w.d.state.GetProvenCommit() == "" {
		t.Error(diff, w.d.state)
	}
}

// TestWhatPeopleDoInNetBoxIsNotOverwritten unless that is wanted.
func TestWhatPeopleDoInNetBoxIsNotOverwritten(t *testing.T) {
	t.Parallel()
	w := one(t)
	a, b, c := server("a"), server("b"), server("c")
	w.git.now[a], w.git.now[b], w.git.now[c] = 1, 1, 1
	w.commit()
	w.settled(t.Context())
	records := w.records()
	w.person("PATCH", records[a].ID, `{"spec":{"a":"people"}}`)
	w.person("DELETE", records[b].ID, "")
	w.person("PATCH", records[c].ID, `{"spec":{"a":1}}`) // nothing but a later time
	w.git.now[a], w.git.now[c] = 2, 2
	w.commit()
	w.settled(t.Context())
	if err := w.compare(t.Context()); err != nil {
		t.Fatal(err)
	}
	for k, reason := range map[key]netboxv1.Reason{
		a: netboxv1.Reason_REASON_CHANGED_IN_NETBOX, b: netboxv1.Reason_REASON_DELETED_IN_NETBOX,
		c: netboxv1.Reason_REASON_UNSPECIFIED,
	} {
		if r := w.d.receipts[k]; r.GetProblem().GetReason() != reason {
			t.Errorf("%v: %v", k, r)
		}
	}
	w.asked = Asked{Number: 1, Overwrite: true, Said: 1}
	w.settled(t.Context())
	if diff := w.same(); diff != "" {
		t.Error(diff)
	}
}

// TestWhatOnlyNetBoxHasStays: it is listed. When Git says the same, both agree.
func TestWhatOnlyNetBoxHasStays(t *testing.T) {
	t.Parallel()
	w := one(t)
	w.git.now[server("a")] = 1
	w.commit()
	w.settled(t.Context())
	w.person("POST", 0, fmt.Sprintf(`{"fabric":%d,"name":"theirs","namespace":"default","spec":{"a":5}}`,
		w.linked.GetNetbox().GetFabric()))
	w.person("PATCH", w.records()[server("a")].ID, `{"spec":{"a":"people"}}`)
	if err := w.compare(t.Context()); err != nil {
		t.Fatal(err)
	}
	theirs := w.d.receipts[server("theirs")]
	if theirs.GetProblem().GetReason() != netboxv1.Reason_REASON_ONLY_IN_NETBOX {
		t.Errorf("%v", theirs)
	}
	w.git.now[server("theirs")], w.git.now[server("a")] = 5, "people"
	w.wire.writes, w.wire.told = nil, 0
	w.commit()
	w.settled(t.Context())
	if err := w.compare(t.Context()); err != nil {
		t.Fatal(err)
	}
	w.settled(t.Context())
	w.wrote(0, 1)
}

// TestManyDeletionsWait for somebody who means them.
func TestManyDeletionsWait(t *testing.T) {
	t.Parallel()
	w := one(t)
	for i := range 30 {
		w.git.now[server(fmt.Sprint("s", i))] = 1
	}
	w.commit()
	w.settled(t.Context())
	w.git.now = map[key]any{server("s0"): 2}
	w.commit()
	w.settled(t.Context())
	if held := w.states()[netboxv1.State_STATE_HELD]; len(held) != 29 || len(w.records()) != 30 {
		t.Fatalf("held %v", held)
	}
	w.asked = Asked{Number: 1, ConfirmDeletions: true, Commit: w.linked.GetPublished().GetCommit()}
	w.settled(t.Context())
	if diff := w.same(); diff != "" {
		t.Error(diff)
	}
}

// TestRedisForgetsEverything: the ledger of this bridge has what it wrote, so nothing is written twice, and what is
// gone goes.
func TestRedisForgetsEverything(t *testing.T) {
	t.Parallel()
	w := one(t)
	w.git.now[server("a")], w.git.now[server("b")] = 1, 1
	w.commit()
	w.settled(t.Context())
	if err := w.redis.Main.FlushAll(t.Context()).Err(); err != nil {
		t.Fatal(err)
	}
	w.end()
	w.begin()
	w.git.now[server("a")] = 2
	delete(w.git.now, server("b"))
	w.commit()
	w.wire.writes, w.wire.told = nil, 0
	w.settled(t.Context())
	w.wrote(1+1, 1)
}

// TestATokenThatIsNotTaken stops all, and says so.
func TestATokenThatIsNotTaken(t *testing.T) {
	t.Parallel()
	w := one(t)
	w.git.now[server("a")] = 1
	w.commit()
	w.netbox.Break(netboxserver.Fault{Status: 403, Body: `{"detail":"Invalid v2 token"}`})
	if err := w.deliver(t.Context()); err == nil || !strings.Contains(w.d.state.GetProblem(), "Invalid v2 token") {
		t.Errorf("%v: %v", err, w.d.state)
	}
	w.netbox.Mend()
	w.settled(t.Context())
	if w.d.state.GetProblem() != "" {
		t.Error(w.d.state)
	}
}

// TestAnotherBridgeHasTakenOver: what comes late writes no receipt.
func TestAnotherBridgeHasTakenOver(t *testing.T) {
	t.Parallel()
	w := one(t)
	w.git.now[server("a")] = 1
	w.commit()
	w.settled(t.Context())
	late := w.d
	w.fence++
	w.d = nil
	w.git.now[server("a")] = 2
	w.commit()
	w.settled(t.Context())
	late.state.Problem = "late"
	if err := late.save(t.Context()); err == nil || !strings.Contains(err.Error(), "Another bridge") {
		t.Errorf("it was written: %v", err)
	}
}

// person does something in NetBox without us.
func (w *world) person(method string, id int64, body string) {
	w.t.Helper()
	path := "/api/plugins/hedgehog/servers/"
	if id != 0 {
		path += fmt.Sprint(id, "/")
	}
	code := w.wire.request(method, path, body)
	if code >= 300 {
		w.t.Fatalf("%s %s: %d", method, path, code)
	}
}

var errGitAway = errors.New("the Git host is away")

// TestWhateverHappens is the law of delivery: over any schedule of edits in Git, of deaths of the bridge, of requests
// that are lost, done without an answer, done twice or done late, and of a Redis that loses everything, NetBox comes to
// be what Git says; and no record is written that says already what it should.
func TestWhateverHappens(t *testing.T) {
	t.Parallel()
	conn, folder, fabric := redisFor(t), t.TempDir(), int32(0)
	names := []key{
		server("a"), server("b"),
		{"Switch", "default", "a"},
		{"SwitchGroup", "default", "g"},
		{"VPC", "other", "v"},
		{"VLANNamespace", "default", "n"},
	}
	rapid.Check(t, func(rt *rapid.T) {
		fabric++
		w := newWorld(t, rt, conn, fmt.Sprint(folder, "/", fabric), fabric)
		defer w.end()
		faults := rapid.SliceOfN(rapid.IntRange(int(fine), int(delayed)), 0, 6)
		rt.Repeat(map[string]func(*rapid.T){
			"edit": func(rt *rapid.T) {
				for range rapid.IntRange(1, 3).Draw(rt, "edits") {
					k := rapid.SampledFrom(names).Draw(rt, "which")
					if rapid.Bool().Draw(rt, "gone") {
						delete(w.git.now, k)
					} else {
						w.git.now[k] = rapid.SampledFrom([]any{1, 2, 3, nil}).Draw(rt, "value")
					}
				}
				w.commit()
			},
			"deliver": func(rt *rapid.T) {
				for _, f := range faults.Draw(rt, "faults") {
					w.wire.faults = append(w.wire.faults, fault(f))
				}
				_ = w.deliver(t.Context())
			},
			"die": func(rt *rapid.T) {
				w.wire.deathIn(rapid.IntRange(1, 8).Draw(rt, "requests"), func() { _ = w.store.Close() })
				_ = w.deliver(t.Context())
				w.wire.deathIn(0, nil)
				w.end()
				w.begin()
			},
			"late": func(*rapid.T) { w.wire.arrive() },
			"lose Redis": func(rt *rapid.T) {
				alone := rapid.Bool().Draw(rt, "receipts alone")
				if err := lose(t.Context(), conn, w.fabric, alone); err != nil {
					rt.Fatal(err)
				}
				if rapid.Bool().Draw(rt, "and the bridge ends") {
					w.end()
					w.begin()
				}
			},
			"Git is away": func(*rapid.T) {
				w.git.broken = errGitAway
				_ = w.deliver(t.Context())
				w.git.broken = nil
			},
			"compare": func(*rapid.T) {
				if w.d != nil {
					_ = w.compare(t.Context())
				}
			},
		})
		w.wire.arrive()
		w.wire.faults = nil
		w.commit()
		w.settled(t.Context())
		if err := w.compare(t.Context()); err != nil {
			rt.Fatal(err)
		}
		w.settled(t.Context())
		if diff := w.same(); diff != "" {
			rt.Fatalf("%s\n%v", diff, w.d.receipts)
		}
		if twice := w.wire.idle; len(twice) > 0 {
			rt.Fatalf("written without need: %v", twice)
		}
		w.isKept()
		written := len(w.wire.writes)
		w.commit()
		w.settled(t.Context())
		if len(w.wire.writes) != written || len(w.states()[netboxv1.State_STATE_PROVEN]) != len(w.d.receipts) {
			rt.Fatalf("%v, and it is not at rest: %v", w.states(), w.wire.writes[written:])
		}
	})
}

// TestARequestIsDoneLate: a record that was made by a request which nobody waits for any more goes again.
func TestARequestIsDoneLate(t *testing.T) {
	t.Parallel()
	w := one(t)
	w.git.now[server("a")] = 1
	w.commit()
	w.wire.faults = []fault{delayed}
	if err := w.deliver(t.Context()); err != nil || !w.d.pendingLeft() {
		t.Fatal(err, w.states())
	}
	w.settled(t.Context())
	delete(w.git.now, server("a"))
	w.commit()
	w.settled(t.Context())
	w.wire.arrive()
	if len(w.records()) != 1 {
		t.Fatal("it was not done")
	}
	if err := w.compare(t.Context()); err != nil {
		t.Fatal(err)
	}
	w.settled(t.Context())
	if diff := w.same(); diff != "" {
		t.Error(diff, w.d.receipts)
	}
}

// TestWhatIsHeardOfIsLookedAt: who changed a record in NetBox is named where it is held, and what was written here is
// nobody's change.
func TestWhatIsHeardOfIsLookedAt(t *testing.T) {
	t.Parallel()
	w := one(t)
	a, b := server("a"), server("b")
	w.git.now[a], w.git.now[b] = 1, 1
	w.commit()
	w.settled(t.Context())
	before := w.records()
	w.person("PATCH", before[a].ID, `{"spec":{"a":"people"}}`)
	w.person("DELETE", before[b].ID, "")
	var changes []hearing.Change
	for k, record := range before {
		c := hearing.Change{
			Kind: k.kind, RecordID: record.ID, User: "alice",
			Identity: hnp.Identity{Fabric: record.Fabric, Namespace: k.namespace, Name: k.name},
		}
		ours := record.Content(k.kind)
		c.After = &ours
		if w.d.ours.echo(c) != hearing.SameContent {
			t.Errorf("%v is not known to be ours", k)
		}
		if after, is := w.records()[k]; is {
			content := after.Content(k.kind)
			c.After = &content
		} else {
			c.After = nil
		}
		if w.d.ours.echo(c) != hearing.NotOurs {
			t.Errorf("what alice did to %v is taken for ours", k)
		}
		changes = append(changes, c)
	}
	if err := w.d.heard(t.Context(), changes); err != nil {
		t.Fatal(err)
	}
	for k, reason := range map[key]netboxv1.Reason{
		a: netboxv1.Reason_REASON_CHANGED_IN_NETBOX, b: netboxv1.Reason_REASON_DELETED_IN_NETBOX,
	} {
		if p := w.d.receipts[k].GetProblem(); p.GetReason() != reason || p.GetUser() != "alice" {
			t.Errorf("%v: %v", k, p)
		}
	}
}
