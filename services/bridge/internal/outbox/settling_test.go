package outbox

import (
	"strings"
	"testing"

	"google.golang.org/protobuf/proto"

	"fgdsync.dev/libs/errs"
	fabricv1 "fgdsync.dev/proto/fgd/fabric/v1"
	netboxv1 "fgdsync.dev/proto/fgd/netbox/v1"
)

// conflicted has both sides change the same field, and returns the record.
func (p *pair) conflicted(t *testing.T, k key) *netboxv1.Receipt {
	t.Helper()
	p.agreed(t, k)
	p.branch.files[k] = `{"a":"git","b":1}`
	p.pushed()
	p.person("alice", "PATCH", k, `{"spec":{"a":"netbox","b":1}}`)
	p.step(t.Context())
	return p.d.receipts[k]
}

// TestBothSidesChangeTheSame: nobody guesses. Both stay as they are until somebody settles it, for what they have seen.
func TestBothSidesChangeTheSame(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		take, value, want string
		commits, writes   int
	}{
		{"git", "", `{"a":"git","b":1}`, 0, 1},
		{"netbox", "", `{"a":"netbox","b":1}`, 1, 0},
		{"value", `"both"`, `{"a":"both","b":1}`, 1, 1},
		{"value", ``, `{"b":1}`, 1, 1},
	} {
		t.Run(c.take+c.value, func(t *testing.T) {
			t.Parallel()
			p := twoWays(t)
			a := server("a")
			r := p.conflicted(t, a)
			found := r.GetConflict()
			if !isOpen(found) || r.GetProblem().GetReason() != netboxv1.Reason_REASON_CONFLICT ||
				len(found.GetPaths()) != 1 || found.GetPaths()[0].GetPath() != "spec.a" ||
				found.GetWebUrl() != "https://host.test/"+p.branch.head()+"/"+a.field() ||
				string(found.GetPaths()[0].GetBase()) != "1" || found.GetNetboxChangedBy().GetUser() != "alice" {
				t.Fatalf("%v", r)
			}
			if p.branch.files[a] != `{"a":"git","b":1}` || len(p.made()) > 0 || len(p.wire.writes) > 0 {
				t.Fatalf("Git has %v, NetBox was written by %v", p.branch.files, p.wire.writes)
			}
			p.wire.writes = nil
			p.resolve(t, found, c.take, c.value)
			p.asked = Asked{}
			p.step(t.Context())
			if p.branch.files[a] != c.want || len(p.made()) != c.commits || len(p.wire.writes) != c.writes ||
				p.differ() != "" {
				t.Errorf("Git has %s; commits by %v; writes %v; %s", p.branch.files[a], p.made(), p.wire.writes, p.differ())
			}
			if now := p.d.receipts[a].GetConflict(); isOpen(now) || now.GetResolvedBy() != "judge" {
				t.Errorf("%v", now)
			}
		})
	}
}

// resolve settles a conflict.
func (p *pair) resolve(t *testing.T, c *netboxv1.Conflict, take, value string) {
	t.Helper()
	wanted := &netboxv1.Resolution{
		ConflictId: c.GetConflictId(), Version: c.GetVersion(), ResolvedBy: "judge", AskedAt: p.d.now(),
		Choices: []*netboxv1.Choice{{Path: c.GetPaths()[0].GetPath(), Take: take, Value: []byte(value)}},
	}
	if err := p.answer(t, wanted); err != nil {
		t.Fatal(err)
	}
}

// answer asks for a resolution, and returns what is answered.
func (p *pair) answer(t *testing.T, wanted *netboxv1.Resolution) error {
	t.Helper()
	p.asked = Asked{Resolutions: map[string]*netboxv1.Resolution{"wish": wanted}}
	if err := p.deliver(t.Context()); err != nil {
		t.Fatal(err)
	}
	raw, err := p.redis.Main.Get(t.Context(), answerKey(p.fabric, "wish")).Result()
	if err != nil {
		t.Fatal(err)
	}
	p.asked = Asked{}
	_, err = readAnswer(raw)
	return err
}

// TestAResolutionIsForWhatWasSeen: when a side has moved since, nothing is done, and the conflict is of what they say
// now.
func TestAResolutionIsForWhatWasSeen(t *testing.T) {
	t.Parallel()
	for name, move := range map[string]func(*pair){
		"NetBox moved": func(p *pair) { p.person("bob", "PATCH", server("a"), `{"spec":{"a":"third","b":1}}`) },
		"Git moved": func(p *pair) {
			p.branch.files[server("a")] = `{"a":"third","b":1}`
			p.branch.commit("Ada", nil)
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := twoWays(t)
			seen := proto.CloneOf(p.conflicted(t, server("a")).GetConflict())
			move(p)
			wanted := &netboxv1.Resolution{
				ConflictId: seen.GetConflictId(), Version: seen.GetVersion(), ResolvedBy: "judge", AskedAt: p.d.now(),
				Choices: []*netboxv1.Choice{{Path: "spec.a", Take: "netbox"}},
			}
			if err := p.answer(t, wanted); !errs.HasCode(err, errs.ConflictMoved) {
				t.Fatalf("answered %v", err)
			}
			if len(p.made()) > 0 {
				t.Errorf("commits by %v", p.made())
			}
			p.pushed()
			p.step(t.Context())
			now := p.d.receipts[server("a")].GetConflict()
			if !isOpen(now) || now.GetConflictId() != seen.GetConflictId() || now.GetVersion() == seen.GetVersion() {
				t.Errorf("it is %v", now)
			}
			if err := p.answer(t, wanted); !errs.HasCode(err, errs.ConflictMoved) {
				t.Errorf("answered %v", err)
			}
		})
	}
}

// TestAConflictClosesByItself when one side comes to say what the other does.
func TestAConflictClosesByItself(t *testing.T) {
	t.Parallel()
	p := twoWays(t)
	a := server("a")
	p.conflicted(t, a)
	id := p.d.state.GetFabricId()
	found, err := p.d.deps.Store.deliveries(t.Context(), []int32{99, id}) // there is none of the one
	if err != nil || len(found) != 1 || found[0].GetFabricId() != id || found[0].GetOpenConflicts() != 1 {
		t.Errorf("deliveries %v, %v", found, err)
	}
	p.branch.files[a] = `{"a":"netbox","b":1}`
	p.pushed()
	p.step(t.Context())
	p.same(t)
	if got := p.d.state.GetOpenConflicts(); got != 0 {
		t.Errorf("%d are open after it", got)
	}
	if c := p.d.receipts[a].GetConflict(); isOpen(c) || c.GetResolvedBy() != "" || c.GetResolvedAt() == nil {
		t.Errorf("it is %v", c)
	}
}

// TestPoliciesSettleConflicts for all of a fabric, and for a path.
func TestPoliciesSettleConflicts(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name     string
		winner   fabricv1.Winner
		policies []*fabricv1.ConflictPolicy
		want     string
	}{
		{"git", fabricv1.Winner_WINNER_GIT_WINS, nil, `"git"`},
		{"netbox", fabricv1.Winner_WINNER_HNP_WINS, nil, `"netbox"`},
		{"a path", fabricv1.Winner_WINNER_GIT_WINS, []*fabricv1.ConflictPolicy{
			{Kind: "Server", Path: "spec.a", Winner: fabricv1.Winner_WINNER_HNP_WINS},
		}, `"netbox"`},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			p := twoWays(t)
			p.linked.Netbox.ConflictWinner, p.linked.Netbox.ConflictPolicies = c.winner, c.policies
			p.conflicted(t, server("a"))
			if p.differ() != "" || !strings.Contains(p.branch.files[server("a")], c.want) {
				t.Errorf("%s; %v", p.differ(), p.branch.files)
			}
		})
	}
}

// TestOneRemovesWhatTheOtherChanges: nothing goes, and nothing comes back, until somebody settles it.
func TestOneRemovesWhatTheOtherChanges(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name, take string
		there      bool
		change     func(*pair)
	}{
		{"deleted in NetBox, Git", "git", true, deletedInNetBox},
		{"deleted in NetBox, NetBox", "netbox", false, deletedInNetBox},
		{"deleted in Git, Git", "git", false, deletedInGit},
		{"deleted in Git, NetBox", "netbox", true, deletedInGit},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			p := twoWays(t)
			a := server("a")
			p.agreed(t, a)
			c.change(p)
			p.step(t.Context())
			found := p.d.receipts[a].GetConflict()
			if !isOpen(found) || found.GetPaths()[0].GetPath() != "." || found.GetPaths()[0].GetReason() != "one_removed" {
				t.Fatalf("%v", p.d.receipts[a])
			}
			p.resolve(t, found, c.take, "")
			p.step(t.Context())
			_, there := p.branch.files[a]
			if p.differ() != "" || there != c.there {
				t.Errorf("%s; %v; %v", p.differ(), p.branch.files, p.d.receipts[a])
			}
		})
	}
}

func deletedInNetBox(p *pair) {
	p.person("alice", "DELETE", server("a"), "")
	p.branch.files[server("a")] = `{"a":2,"b":1}`
	p.pushed()
}

func deletedInGit(p *pair) {
	p.person("alice", "PATCH", server("a"), `{"spec":{"a":2,"b":1}}`)
	delete(p.branch.files, server("a"))
	p.pushed()
}
