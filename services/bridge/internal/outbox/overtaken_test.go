package outbox

import (
	"fmt"
	"testing"
	"time"

	gitv1 "fgdsync.dev/proto/fgd/git/v1"
	netboxv1 "fgdsync.dev/proto/fgd/netbox/v1"
)

// TestAnEditOvertakesAnother that Git was asked for, and of which nobody knows what became: each is committed, the
// later one by a request of its own.
func TestAnEditOvertakesAnother(t *testing.T) {
	t.Parallel()
	p := twoWays(t)
	a := server("a")
	p.agreed(t, a)
	p.person("alice", "PATCH", a, `{"spec":{"a":2,"b":1}}`)
	to := p.heardTo
	p.heardTo += 1000 // nobody tells
	if err := p.compare(t.Context()); err != nil {
		t.Fatal(err)
	}
	p.clock = p.clock.Add(foundGrace)
	p.branch.broken, p.branch.late = errGitAway, true
	p.settledFor(t, 1)
	p.person("bob", "PATCH", a, `{"spec":{"a":2,"b":3}}`)
	p.heardTo = to + 1
	p.hear(t.Context())
	p.branch.broken = nil
	p.step(t.Context())
	p.same(t, "", "bob")
	if p.branch.files[a] != `{"a":2,"b":3}` {
		t.Errorf("Git has %s", p.branch.files[a])
	}
}

// settledFor does so many passes.
func (p *pair) settledFor(t *testing.T, passes int) {
	t.Helper()
	for range passes {
		if err := p.deliver(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
}

// TestFilesCantBeReadForLong: edits that wait for it are no storm, and are committed then.
func TestFilesCantBeReadForLong(t *testing.T) {
	t.Parallel()
	p := twoWays(t)
	a := server("a")
	p.agreed(t, a)
	p.person("alice", "PATCH", a, `{"spec":{"a":2,"b":1}}`)
	p.hear(t.Context())
	p.branch.away = errGitAway
	p.settledFor(t, 20)
	if r := p.d.receipts[a]; r.GetProblem().GetReason() != netboxv1.Reason_REASON_NOT_COMMITTED {
		t.Fatalf("%v", r)
	}
	p.branch.away = nil
	p.step(t.Context())
	p.same(t, "alice")
}

// TestManyProposalsStopNoOther: however many edits wait for somebody to merge them, the next one is proposed too.
func TestManyProposalsStopNoOther(t *testing.T) {
	t.Parallel()
	p := twoWays(t)
	var keys []key
	for i := range 2*mostGroups + 1 {
		keys = append(keys, server(fmt.Sprint("s", i)))
	}
	p.agreed(t, keys...)
	p.branch.pull = &gitv1.PullRequest{Number: 7, State: gitv1.PullRequestState_PULL_REQUEST_STATE_OPEN}
	for _, k := range keys {
		p.person("alice", "PATCH", k, `{"spec":{"a":2,"b":1}}`)
	}
	p.step(t.Context())
	if len(p.branch.syncs) != len(keys) {
		t.Errorf("%d of %d edits are proposed", len(p.branch.syncs), len(keys))
	}
}

// TestARecordIsRenamedByTheFeed, which has the new name alone: its file gets that name in one commit of who did it.
func TestARecordIsRenamedByTheFeed(t *testing.T) {
	t.Parallel()
	p := twoWays(t)
	p.feed = true
	a := server("a")
	p.agreed(t, a)
	p.person("alice", "PATCH", a, `{"name":"z"}`)
	p.step(t.Context())
	p.same(t, "alice")
	if p.branch.files[a] != "" || p.branch.files[server("z")] != twoFields {
		t.Errorf("Git has %v", p.branch.files)
	}
}

// TestARecordThatNoFileCanHave: labels that are no object take none away in Git.
func TestARecordThatNoFileCanHave(t *testing.T) {
	t.Parallel()
	p := twoWays(t)
	a := server("a")
	p.agreed(t, a)
	p.person("alice", "PATCH", a, `{"labels":["x"]}`)
	p.step(t.Context())
	if r := p.d.receipts[a]; r.GetProblem().GetReason() != netboxv1.Reason_REASON_REFUSED_BY_GIT || len(p.made()) > 0 {
		t.Fatalf("%v; commits by %v", r, p.made())
	}
	p.person("alice", "PATCH", a, `{"labels":{}}`)
	p.clock = p.clock.Add(time.Minute)
	p.step(t.Context())
	p.same(t)
}

// TestALateAnswerIsOurs: a write that was done, whose answer was lost, and of which nobody tells is known to be ours,
// also when NetBox was away for longer than an hour: Git is written over it, and it is no edit of anybody.
func TestALateAnswerIsOurs(t *testing.T) {
	t.Parallel()
	p := twoWays(t)
	a := server("a")
	p.agreed(t, a)
	p.branch.files[a] = `{"a":2,"b":1}`
	p.pushed()
	p.wire.faults = []fault{unanswered}
	p.settledFor(t, 1)
	p.wire.down = true
	p.branch.files[a] = `{"a":3,"b":1}`
	p.pushed()
	_ = p.deliver(t.Context())
	p.clock = p.clock.Add(2 * time.Hour)
	p.wire.down = false
	p.heardTo += 1000
	for range 3 {
		if err := p.compare(t.Context()); err != nil {
			t.Fatal(err)
		}
		p.clock = p.clock.Add(foundGrace)
		p.settledFor(t, 3)
	}
	p.same(t)
}
