package outbox

import (
	"testing"

	fabricv1 "fgdsync.dev/proto/fgd/fabric/v1"
	netboxv1 "fgdsync.dev/proto/fgd/netbox/v1"
)

// goes says which way changes go from now on.
func (p *pair) goes(way fabricv1.Direction) {
	p.linked = clone(p.linked)
	p.linked.Netbox = &fabricv1.NetBoxLink{
		Url: p.linked.GetNetbox().GetUrl(), Fabric: p.linked.GetNetbox().GetFabric(), TokenRef: "env:T", Direction: way,
	}
}

// TestTheDirectionIsChanged while edits of NetBox are under way, in conflict, and held: what was meant to become a
// commit is held, and what is held becomes a commit, or a conflict.
func TestTheDirectionIsChanged(t *testing.T) {
	t.Parallel()
	p := twoWays(t)
	a, b, c := server("a"), server("b"), server("c")
	p.agreed(t, a, b, c)
	p.branch.broken = errGitAway
	p.person("alice", "PATCH", a, `{"spec":{"a":2,"b":1}}`)
	p.person("alice", "DELETE", c, "")
	p.step(t.Context())
	p.branch.broken = nil
	p.goes(fabricv1.Direction_DIRECTION_GIT_TO_NETBOX)
	p.person("alice", "PATCH", b, `{"spec":{"a":3,"b":1}}`)
	p.step(t.Context())
	if err := p.compare(t.Context()); err != nil {
		t.Fatal(err)
	}
	p.step(t.Context())
	held := p.held()
	if held[a] != netboxv1.Reason_REASON_CHANGED_IN_NETBOX || held[b] != netboxv1.Reason_REASON_CHANGED_IN_NETBOX ||
		held[c] != netboxv1.Reason_REASON_DELETED_IN_NETBOX || len(p.made()) > 0 {
		t.Fatalf("%v; commits by %v; %v", held, p.made(), p.states())
	}
	p.goes(fabricv1.Direction_DIRECTION_BOTH)
	p.step(t.Context())
	if err := p.compare(t.Context()); err != nil {
		t.Fatal(err)
	}
	p.clock = p.clock.Add(foundGrace)
	p.step(t.Context())
	p.clock = p.clock.Add(foundGrace)
	p.step(t.Context())
	if diff := p.differ(); diff != "" || p.branch.files[a] != `{"a":2,"b":1}` || p.branch.files[c] != "" {
		t.Errorf("%s; %v; %v", diff, p.branch.files, p.states())
	}
}
