package outbox

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"fgdsync.dev/libs/errs"
	editv1 "fgdsync.dev/proto/fgd/edit/v1"
	gitv1 "fgdsync.dev/proto/fgd/git/v1"
	netboxv1 "fgdsync.dev/proto/fgd/netbox/v1"
	reportv1 "fgdsync.dev/proto/fgd/report/v1"
)

const twoFields = `{"a":1,"b":1}`

// one has both sides say the same of a record.
func (p *pair) agreed(t *testing.T, keys ...key) {
	t.Helper()
	for _, k := range keys {
		p.branch.files[k] = twoFields
	}
	p.pushed()
	p.step(t.Context())
	p.wire.writes, p.wire.told = nil, 0
	p.same(t)
}

// TestAnEditInNetBoxIsACommit by who made it, with what NetBox calls it, and nothing else happens: not at once, not
// when everything is compared, and not when another bridge goes on.
func TestAnEditInNetBoxIsACommit(t *testing.T) {
	t.Parallel()
	p := twoWays(t)
	a := server("a")
	p.agreed(t, a, server("b"))
	p.person("alice", "PATCH", a, `{"spec":{"a":2,"b":1}}`)
	p.step(t.Context())
	p.same(t, "alice")
	set := p.branch.commits[len(p.branch.commits)-1].set
	if set.GetNetboxRequestId() == "" || len(set.GetNetboxChangeIds()) != 1 || len(set.GetEdits()) != 1 ||
		set.GetAuthor().GetEmail() != "alice@users.noreply.netbox.test" {
		t.Errorf("it is %v", set)
	}
	p.wire.writes = nil
	for range 2 {
		if err := p.compare(t.Context()); err != nil {
			t.Fatal(err)
		}
		p.clock = p.clock.Add(2 * foundGrace)
		p.step(t.Context())
		p.again()
		p.settled(t.Context())
	}
	p.same(t, "alice")
	if len(p.wire.writes) > 0 {
		t.Errorf("NetBox was written: %v", p.wire.writes)
	}
}

// TestBothSidesChangeOtherFields: each gets what the other has, in one commit and one write.
func TestBothSidesChangeOtherFields(t *testing.T) {
	t.Parallel()
	p := twoWays(t)
	a := server("a")
	p.agreed(t, a)
	p.branch.files[a] = `{"a":1,"b":9}`
	p.pushed()
	p.person("alice", "PATCH", a, `{"spec":{"a":2,"b":1}}`)
	p.wire.writes = nil
	p.step(t.Context())
	p.same(t, "alice")
	if p.branch.files[a] != `{"a":2,"b":9}` || len(p.wire.writes) != 1 {
		t.Errorf("Git has %s; NetBox was written by %v", p.branch.files[a], p.wire.writes)
	}
}

// TestTwoPeopleOneAfterTheOther: each has a commit, in the order of what they did, though both are heard at once.
func TestTwoPeopleOneAfterTheOther(t *testing.T) {
	t.Parallel()
	p := twoWays(t)
	a := server("a")
	p.agreed(t, a)
	p.person("alice", "PATCH", a, `{"spec":{"a":2,"b":1}}`)
	p.person("bob", "PATCH", a, `{"spec":{"a":2,"b":3}}`)
	p.person("alice", "PATCH", a, `{"spec":{"a":1,"b":3}}`)
	p.step(t.Context())
	p.same(t, "alice", "bob", "alice")
}

// TestRecordsComeAndGo in NetBox, and their files with them. One that gets another name is both in one commit.
func TestRecordsComeAndGo(t *testing.T) {
	t.Parallel()
	p := twoWays(t)
	a, b, c := server("a"), server("b"), server("c")
	p.agreed(t, a, b)
	p.person("alice", "POST", c, fmt.Sprintf(`{"fabric":%d,"name":"c","namespace":"default","spec":{"a":5}}`,
		p.linked.GetNetbox().GetFabric()))
	p.person("bob", "DELETE", a, "")
	p.step(t.Context())
	p.same(t, "alice", "bob")
	p.person("eve", "PATCH", b, `{"name":"d"}`)
	p.step(t.Context())
	p.same(t, "alice", "bob", "eve")
	if set := p.branch.commits[len(p.branch.commits)-1].set; len(set.GetEdits()) != 2 || p.branch.files[b] != "" {
		t.Errorf("it is %v; Git has %v", set, p.branch.files)
	}
}

// TestWhatNobodyWasHeardToMake is taken into Git by nobody's guess: its file may have been deleted.
func TestWhatNobodyWasHeardToMake(t *testing.T) {
	t.Parallel()
	for take, there := range map[string]bool{"netbox": true, "git": false} {
		t.Run(take, func(t *testing.T) {
			t.Parallel()
			p := twoWays(t)
			p.agreed(t, server("a"))
			p.person("alice", "POST", server("b"), fmt.Sprintf(`{"fabric":%d,"name":"b","namespace":"default","spec":{"a":5}}`,
				p.linked.GetNetbox().GetFabric()))
			p.heardTo += 1000
			for range 2 {
				if err := p.compare(t.Context()); err != nil {
					t.Fatal(err)
				}
				p.clock = p.clock.Add(2 * foundGrace)
				p.step(t.Context())
			}
			r := p.d.receipts[server("b")]
			if r.GetProblem().GetReason() != netboxv1.Reason_REASON_ONLY_IN_NETBOX || !r.GetConflict().GetBaseUnknown() {
				t.Fatalf("%v", r)
			}
			p.resolve(t, r.GetConflict(), take, "")
			p.step(t.Context())
			if _, is := p.branch.files[server("b")]; is != there || p.differ() != "" {
				t.Errorf("%v; %s; %v", p.branch.files, p.differ(), p.d.receipts[server("b")])
			}
		})
	}
}

// TestAChangeThatNobodyTold reaches Git too, by nobody's name, after it could have been told.
func TestAChangeThatNobodyTold(t *testing.T) {
	t.Parallel()
	p := twoWays(t)
	p.agreed(t, server("a"))
	p.person("alice", "PATCH", server("a"), `{"spec":{"a":2,"b":1}}`)
	to := p.heardTo
	p.heardTo += 1000
	if err := p.compare(t.Context()); err != nil {
		t.Fatal(err)
	}
	p.step(t.Context())
	if len(p.made()) > 0 {
		t.Fatalf("commits by %v", p.made())
	}
	p.clock = p.clock.Add(foundGrace)
	p.step(t.Context())
	p.same(t, "")
	p.heardTo = to // it is told late: that is no other change
	p.step(t.Context())
	p.same(t, "")
}

// TestManyDeletionsInNetBoxWait for somebody who means them; so do all of them when their fabric is gone.
func TestManyDeletionsInNetBoxWait(t *testing.T) {
	t.Parallel()
	for name, number := range map[string]int{"many": 30, "the fabric": 3} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := twoWays(t)
			var keys []key
			for i := range number {
				keys = append(keys, server(fmt.Sprint("s", i)))
			}
			p.agreed(t, keys...)
			if name == "many" {
				for _, k := range keys[:29] {
					p.person("alice", "DELETE", k, "")
				}
			} else {
				p.netbox.Remove("fabrics", int(p.linked.GetNetbox().GetFabric())) // which nobody's request does
				if err := p.compare(t.Context()); err != nil {
					t.Fatal(err)
				}
				p.clock = p.clock.Add(foundGrace)
			}
			p.hear(t.Context())
			for range 5 {
				_ = p.deliver(t.Context()) // there may be no fabric to tell
			}
			if len(p.made()) > 0 || len(p.branch.files) != number {
				t.Fatalf("commits by %v", p.made())
			}
			for k, reason := range p.held() {
				if reason != netboxv1.Reason_REASON_MASS_DELETION {
					t.Errorf("%v is held for %v", k, reason)
				}
			}
			p.asked = Asked{Number: 1, ConfirmDeletions: true, Commit: p.linked.GetPublished().GetCommit()}
			for range 40 {
				_ = p.deliver(t.Context())
			}
			if want := map[string]int{"many": 1, "the fabric": 0}[name]; len(p.branch.files) != want {
				t.Errorf("Git has %v; %v", p.branch.files, p.states())
			}
		})
	}
}

// TestStormsAreHeld: what changes a record more often than people do waits for somebody, and is in Git then.
func TestStormsAreHeld(t *testing.T) {
	t.Parallel()
	p := twoWays(t)
	a := server("a")
	p.agreed(t, a, server("b"))
	for i := range 10 {
		p.person("robot", "PATCH", a, fmt.Sprintf(`{"spec":{"a":%d,"b":1}}`, i+10))
		p.clock = p.clock.Add(-19 * time.Second)
	}
	p.person("alice", "PATCH", server("b"), `{"spec":{"a":2,"b":1}}`)
	p.step(t.Context())
	if r := p.d.receipts[a]; r.GetProblem().GetReason() != netboxv1.Reason_REASON_STORM || len(p.made()) != 5 {
		t.Fatalf("%v; commits by %v", r, p.made())
	}
	p.asked = Asked{Number: 1, Calm: true}
	p.step(t.Context())
	if p.differ() != "" || len(p.made()) != 11 {
		t.Errorf("%s; commits by %v", p.differ(), p.made())
	}
}

// TestARecordThatIsNotSynced keeps what people make of it to itself, until it is.
func TestARecordThatIsNotSynced(t *testing.T) {
	t.Parallel()
	p := twoWays(t)
	a := server("a")
	p.agreed(t, a)
	p.person("alice", "PATCH", a, `{"spec":{"a":2,"b":1},"auto_sync":false}`)
	p.step(t.Context())
	if r := p.d.receipts[a]; r.GetProblem().GetReason() != netboxv1.Reason_REASON_AUTO_SYNC_OFF || len(p.made()) > 0 {
		t.Fatalf("%v; commits by %v", r, p.made())
	}
	p.person("alice", "PATCH", a, `{"auto_sync":true}`)
	p.step(t.Context())
	p.same(t, "alice")
}

// TestWhatGitRefuses is listed with Git's words; what was changed along with it is committed.
func TestWhatGitRefuses(t *testing.T) {
	t.Parallel()
	p := twoWays(t)
	a, b := server("a"), server("b")
	p.agreed(t, a, b)
	p.branch.judge = func(e *editv1.Edit) *reportv1.Finding {
		if e.GetResource().GetName() == "a" && strings.Contains(string(e.GetPut().GetSpec()), "bad") {
			return errs.ToFinding(errs.New(errs.ValidationFailed, "spec.a is bad"), reportv1.Severity_SEVERITY_ERROR)
		}
		return nil
	}
	p.clock = p.clock.Add(time.Minute)
	p.netbox.Act("alice")
	ids := p.records()
	if code := p.wire.request("PATCH", "/api/plugins/hedgehog/servers/", fmt.Sprintf(
		`[{"id":%d,"spec":{"a":"bad","b":1}},{"id":%d,"spec":{"a":2,"b":1}}]`, ids[a].ID, ids[b].ID)); code != 200 {
		t.Fatal(code)
	}
	p.step(t.Context())
	r := p.d.receipts[a]
	if r.GetProblem().GetReason() != netboxv1.Reason_REASON_REFUSED_BY_GIT || !isOpen(r.GetConflict()) ||
		r.GetConflict().GetPaths()[0].GetMessage() != "spec.a is bad" {
		t.Fatalf("%v", r)
	}
	if got := fmt.Sprint(p.made()); got != "[alice]" || p.branch.files[b] != `{"a":2,"b":1}` {
		t.Errorf("commits by %s: %v", got, p.branch.files)
	}
	p.resolve(t, r.GetConflict(), "value", `{"a":3,"b":1}`)
	p.step(t.Context())
	p.same(t, "alice", "judge")
}

// TestGitIsAway: what was made in NetBox waits, says why, and is committed once.
func TestGitIsAway(t *testing.T) {
	t.Parallel()
	for name, late := range map[string]bool{"away": false, "the answer is lost": true} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := twoWays(t)
			a := server("a")
			p.agreed(t, a)
			p.person("alice", "PATCH", a, `{"spec":{"a":2,"b":1}}`)
			p.branch.broken, p.branch.late = errors.New("the Git host is away"), late
			p.hear(t.Context())
			if err := p.deliver(t.Context()); err != nil {
				t.Fatal(err)
			}
			if r := p.d.receipts[a]; r.GetProblem().GetReason() != netboxv1.Reason_REASON_NOT_COMMITTED ||
				r.GetProblem().GetUser() != "alice" {
				t.Fatalf("%v", r)
			}
			if late { // it is there, and somebody takes it back before that is known
				p.branch.files[a] = twoFields
				p.pushed()
			}
			p.again()
			p.branch.broken = nil
			p.settled(t.Context())
			p.step(t.Context())
			p.same(t, "alice")
			if want := map[bool]string{false: `{"a":2,"b":1}`, true: twoFields}[late]; p.branch.files[a] != want {
				t.Errorf("Git has %s", p.branch.files[a])
			}
		})
	}
}

// TestSomebodyPushesMeanwhile: the edit is made on what they pushed.
func TestSomebodyPushesMeanwhile(t *testing.T) {
	t.Parallel()
	p := twoWays(t)
	a := server("a")
	p.agreed(t, a)
	p.branch.push = func() {
		p.branch.files[a] = `{"a":1,"b":7}`
		p.branch.commit("Ada", nil)
	}
	p.person("alice", "PATCH", a, `{"spec":{"a":2,"b":1}}`)
	p.step(t.Context())
	p.same(t, "alice")
	if p.branch.files[a] != `{"a":2,"b":7}` {
		t.Errorf("Git has %s", p.branch.files[a])
	}
}

// TestEditsAreProposed: nothing is written and nothing proposed again until somebody has merged or closed it.
func TestEditsAreProposed(t *testing.T) {
	t.Parallel()
	for name, state := range map[string]gitv1.PullRequestState{
		"merged": gitv1.PullRequestState_PULL_REQUEST_STATE_MERGED,
		"closed": gitv1.PullRequestState_PULL_REQUEST_STATE_CLOSED,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := twoWays(t)
			a := server("a")
			p.agreed(t, a)
			p.branch.pull = &gitv1.PullRequest{Number: 7, State: gitv1.PullRequestState_PULL_REQUEST_STATE_OPEN}
			p.person("alice", "PATCH", a, `{"spec":{"a":2,"b":1}}`)
			p.step(t.Context())
			p.step(t.Context())
			if len(p.branch.syncs) != 1 || len(p.wire.writes) > 1 {
				t.Fatalf("%d proposals; %v", len(p.branch.syncs), p.wire.writes)
			}
			p.branch.pull.State = state
			if name == "merged" {
				p.branch.files[a] = `{"a":2,"b":1}`
				p.pushed()
				p.step(t.Context())
				p.same(t)
				return
			}
			p.step(t.Context())
			if r := p.d.receipts[a]; r.GetProblem().GetReason() != netboxv1.Reason_REASON_REFUSED_BY_GIT {
				t.Errorf("%v", r)
			}
		})
	}
}
