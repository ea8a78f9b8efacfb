package merge

import (
	"encoding/json"
	"errors"
	"strings"
	"testing"
)

// TestMerges: what becomes of a spec, and which conflicts there are.
func TestMerges(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct{ kind, base, git, netbox, want, conflicts string }{
		"both changed something": {
			"Switch", `{"asn":1,"boot":{"mac":"a","serial":"b"}}`, `{"asn":2,"boot":{"mac":"a","serial":"b"}}`,
			`{"asn":1,"boot":{"mac":"c","serial":"b"}}`, `{"asn":2,"boot":{"mac":"c","serial":"b"}}`, "",
		},
		"both changed it alike": {"Server", `{"profile":"a"}`, `{"profile":"b"}`, `{"profile":"b"}`, `{"profile":"b"}`, ""},
		"both changed it": {
			"Server", `{"profile":"a"}`, `{"profile":"b"}`, `{"profile":"c"}`, `{"profile":"a"}`, "spec.profile both_changed",
		},
		"numbers are written differently": {
			"Switch", `{"asn":1,"ip":"a"}`, `{"asn":1.0,"ip":"a"}`, `{"asn":1e0,"ip":"b"}`, `{"asn":1.0,"ip":"b"}`, "",
		},
		"a number is no text": {"Switch", `{"asn":1}`, `{"asn":2}`, `{"asn":"2"}`, `{"asn":1}`, "spec.asn both_changed"},
		"null is a value":     {"Server", `{"profile":"a"}`, `{"profile":"a"}`, `{"profile":null}`, `{"profile":null}`, ""},
		"an empty object is none": {
			"Switch", `{"asn":1}`, `{"asn":1,"boot":{}}`, `{"asn":1,"boot":{"mac":"a"}}`, `{"asn":1,"boot":{"mac":"a"}}`, "",
		},
		"both fill an object": {
			"Switch", `{}`, `{"boot":{"mac":"a"}}`, `{"boot":{"serial":"b"}}`, `{"boot":{"mac":"a","serial":"b"}}`, "",
		},
		"both empty a part of an object": {
			"Switch", `{"boot":{"mac":"a","serial":"b"}}`, `{"boot":{"mac":"a"}}`, `{"boot":{"serial":"b"}}`, `null`, "",
		},
		"an empty part that says something": {
			"Switch", `{"linkFlapErrDisable":{}}`, `{"linkFlapErrDisable":{}}`, `{}`, `{}`, "",
		},
		"a part is removed, and changed": {
			"VPC", `{"subnets":{"a":{"vlan":1},"b":{"vlan":2}}}`, `{"subnets":{"b":{"vlan":2}}}`,
			`{"subnets":{"a":{"vlan":1,"dhcp":{"enable":true}},"b":{"vlan":3}}}`,
			`{"subnets":{"a":{"vlan":1},"b":{"vlan":3}}}`, "spec.subnets.a one_removed",
		},
		"all are removed, and one changed": {
			"VPC", `{"subnets":{"a":{"vlan":1},"b":{"vlan":2}}}`, `{}`, `{"subnets":{"a":{"vlan":3},"b":{"vlan":2}}}`,
			`{"subnets":{"a":{"vlan":1}}}`, "spec.subnets.a one_removed",
		},
		"both added one": {
			"VPC", `{}`, `{"subnets":{"a":{"vlan":1}}}`, `{"subnets":{"b":{"vlan":2}}}`,
			`{"subnets":{"a":{"vlan":1},"b":{"vlan":2}}}`, "",
		},
		"both added the same one differently": {
			"VPC", `{}`, `{"subnets":{"a":{"vlan":1}}}`, `{"subnets":{"a":{"vlan":1,"isolated":true}}}`, `null`,
			"spec.subnets.a both_added",
		},
		"both added the same one alike": {
			"VPC", `{}`, `{"subnets":{"a":{"vlan":1}}}`, `{"subnets":{"a":{"vlan":1.0,"dhcp":{}}}}`,
			`{"subnets":{"a":{"vlan":1}}}`, "",
		},
		"items are found by their keys": {
			"VPC", `{"staticRoutes":[{"prefix":"a","nextHops":["1"]},{"prefix":"b","nextHops":["1"]}]}`,
			`{"staticRoutes":[{"prefix":"b","nextHops":["1","2"]},{"prefix":"a","nextHops":["1"]}]}`,
			`{"staticRoutes":[{"prefix":"a","nextHops":["3"]},{"prefix":"b","nextHops":["1"]},{"prefix":"c"}]}`,
			`{"staticRoutes":[{"prefix":"b","nextHops":["1","2"]},{"prefix":"c"},{"prefix":"a","nextHops":["3"]}]}`, "",
		},
		"keys are numbers": {
			"ExternalAttachment", `{"inboundACL":{"statements":[{"seq":10,"action":"a"}]}}`,
			`{"inboundACL":{"statements":[{"seq":10.0,"action":"b"}]}}`,
			`{"inboundACL":{"statements":[{"seq":5,"action":"a"},{"seq":1e1,"action":"c"}]}}`,
			`{"inboundACL":{"statements":[{"seq":5,"action":"a"},{"seq":10.0,"action":"a"}]}}`,
			"spec.inboundACL.statements[10].action both_changed",
		},
		"keys are within the items": {
			"Connection", `{"bundled":{"links":[{"server":{"port":"s/1"},"switch":{"port":"l/1"}}]}}`,
			`{"bundled":{"links":[{"server":{"port":"s/1"},"switch":{"port":"l/2"}}]}}`,
			`{"bundled":{"links":[{"server":{"port":"s/1"},"switch":{"port":"l/3"}}],"mtu":9000}}`,
			`{"bundled":{"links":[{"server":{"port":"s/1"},"switch":{"port":"l/1"}}],"mtu":9000}}`,
			"spec.bundled.links[s/1].switch.port both_changed",
		},
		"keys that are twice make a list one value": {
			"VLANNamespace", `{"ranges":[{"from":1,"to":2}]}`, `{"ranges":[{"from":1,"to":2},{"from":1.0,"to":3}]}`,
			`{"ranges":[{"from":1,"to":2},{"from":5,"to":6}]}`, `{"ranges":[{"from":1,"to":2}]}`, "spec.ranges both_changed",
		},
		"what both inserted": {
			"IPv4Namespace", `{"subnets":["a","z"]}`, `{"subnets":["g1","a","g3","g2","z","g4"]}`,
			`{"subnets":["n1","a","n3","n2","z","n4"]}`,
			`{"subnets":["g1","n1","a","g3","g2","n3","n2","z","g4","n4"]}`, "",
		},
		"a set is changed on both sides": {
			"Switch", `{"groups":["a","b","c"]}`, `{"groups":["c","b","d"]}`, `{"groups":["b","a"]}`, `{"groups":["b","d"]}`, "",
		},
		"an order that counts": {
			"VPC", `{"subnets":{"a":{"dhcp":{"options":{"dnsServers":["1","2"]}}}}}`,
			`{"subnets":{"a":{"dhcp":{"options":{"dnsServers":["2","1"]}}}}}`,
			`{"subnets":{"a":{"dhcp":{"options":{"dnsServers":["1","2","3"]}}}}}`,
			`{"subnets":{"a":{"dhcp":{"options":{"dnsServers":["1","2"]}}}}}`,
			"spec.subnets.a.dhcp.options.dnsServers both_changed",
		},
		"a permit has VPCs without subnets": {
			"VPCPeering", `{"permit":[{"a":{},"b":{}}]}`, `{"permit":[{"a":{},"b":{}}]}`, `{"permit":[{"a":{},"c":{}}]}`,
			`{"permit":[{"a":{},"c":{}}]}`, "",
		},
		"a permit's subnets have no order": {
			"VPCPeering", `{"permit":[{"a":{"subnets":["1","2"]}}]}`, `{"permit":[{"a":{"subnets":["2","1"]}}]}`,
			`{"permit":[{"a":{"subnets":["3"]}}]}`, `{"permit":[{"a":{"subnets":["3"]}}]}`, "",
		},
		"something else altogether": {
			"VPC", `{"subnets":{"a":{"vlan":1}}}`, `{"subnets":"a"}`, `{"subnets":{"a":{"vlan":2}}}`,
			`{"subnets":{"a":{"vlan":1}}}`, "spec.subnets both_changed",
		},
		"a kind of which nothing is known": {
			"Gateway", `{"a":[1],"b":{"c":1}}`, `{"a":[1,2],"b":{"c":2}}`, `{"a":[1,3],"b":{"c":1,"d":1}}`,
			`{"a":[1],"b":{"c":2,"d":1}}`, "spec.a both_changed",
		},
		"deleted":                  {"Server", `{"profile":"a"}`, "-", `{"profile":"a"}`, "-", ""},
		"deleted on both sides":    {"Server", `{"profile":"a"}`, "-", "-", "-", ""},
		"deleted, and changed":     {"Server", `{"profile":"a"}`, "-", `{"profile":"b"}`, `{"profile":"a"}`, ". one_removed"},
		"made":                     {"Server", "-", "-", `{"profile":"b"}`, `{"profile":"b"}`, ""},
		"made alike":               {"Server", "-", `{"profile":"b"}`, `{"profile":"b"}`, `{"profile":"b"}`, ""},
		"made differently":         {"Server", "-", `{"profile":"b"}`, `{"description":"b"}`, "-", ". both_added"},
		"made without saying much": {"SwitchGroup", "-", "-", `{}`, `{}`, ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := Sides{resource(t, c.base), resource(t, c.git), resource(t, c.netbox)}
			m := merger(t)
			laws(t, m, c.kind, s)
			got := m.Merge(c.kind, s, accept)
			if want := resource(t, c.want); text(got.Content) != text(want) {
				t.Errorf("becomes %s", text(got.Content))
			}
			if said := places(got); said != c.conflicts {
				t.Errorf("conflicts: %s", said)
			}
		})
	}
}

// TestEdits: a side's edits are told as deep as they can be.
func TestEdits(t *testing.T) {
	t.Parallel()
	base := resource(t, `{"mode":"l2vni","subnets":{"a":{"vlan":1,"dhcp":{"enable":true}}},"staticRoutes":[{"prefix":"1.0.0.0/8"}]}`)
	side := resource(t, `{"subnets":{"a":{"vlan":2},"b.c":{}},"staticRoutes":[{"prefix":"1.0.0.0/8","nextHops":["a"]},{"prefix":"x"}]}`)
	side.Labels = map[string]any{"a/b": "c"}
	var said []string
	for _, e := range merger(t).Merge("VPC", Sides{base, side, base}, accept).Git {
		said = append(said, string(e.Op())+" "+string(e.Path)+" "+text(e.From.JSON)+" "+text(e.To.JSON))
	}
	want := `insert labels.a/b null "c"
remove spec.mode "l2vni" null
insert spec.staticRoutes[1.0.0.0/8].nextHops[a] null "a"
insert spec.staticRoutes[x] null {"prefix":"x"}
remove spec.subnets.a.dhcp.enable true null
set spec.subnets.a.vlan 1 2
insert spec.subnets."b.c" null {}`
	if got := strings.Join(said, "\n"); got != want {
		t.Errorf("edits:\n%s", got)
	}
}

// TestOneValueForBoth: what a side did in a list is told as deep as the other side's list lets it be merged.
func TestOneValueForBoth(t *testing.T) {
	t.Parallel()
	base := resource(t, `{"ranges":[{"from":1,"to":2}]}`)
	for path, netbox := range map[Path]string{
		"spec.ranges[1].to": `{"ranges":[{"from":1,"to":4},{"from":5,"to":6}]}`,
		"spec.ranges":       `{"ranges":[{"from":1,"to":4},{"from":1,"to":6}]}`,
	} {
		s := Sides{base, resource(t, `{"ranges":[{"from":1,"to":3}]}`), resource(t, netbox)}
		if got := merger(t).Merge("VLANNamespace", s, accept); len(got.Git) != 1 || got.Git[0].Path != path ||
			len(got.Conflicts) != 1 || got.Conflicts[0].Path != path {
			t.Errorf("%s: %v, %s", path, got.Git, places(got))
		}
	}
}

// purposes refuses a connection that has not one purpose.
func purposes(c Content) error {
	if len(c.Spec) != 1 {
		return errors.New("it has not one purpose")
	}
	return nil
}

// TestTwoGoodSides: what is bad together is a conflict of the spec as a whole, and settled as such.
func TestTwoGoodSides(t *testing.T) {
	t.Parallel()
	s := Sides{resource(t, `{"unbundled":{}}`), resource(t, `{"bundled":{}}`), resource(t, `{"mesh":{}}`)}
	s.NetBox.Labels = map[string]any{"a": "b"}
	got := merger(t).Merge("Connection", s, purposes)
	if places(got) != "spec merge_invalid" || got.Conflicts[0].Words != "it has not one purpose" ||
		text(got.Content) != `{"Spec":{"unbundled":{}},"Labels":{"a":"b"},"Annotations":null}` {
		t.Errorf("it is %s", text(got))
	}
	for want, choice := range map[string]Choice{
		`{"bundled":{}}`: {Take: Git}, `{"mesh":{}}`: {Take: NetBox}, `{"gateway":{}}`: {Given, present(map[string]any{"gateway": map[string]any{}})},
	} {
		got, err := merger(t).Resolve("Connection", s, purposes, map[Path]Choice{Spec: choice})
		if err != nil || text(got.Content.Spec) != want || text(got.Content.Labels) != `{"a":"b"}` {
			t.Errorf("%v: it is %s, %v", choice, text(got), err)
		}
	}
	for _, value := range []Value{{}, present("text"), present(map[string]any{"a": "b", "c": "d"})} {
		got, err := merger(t).Resolve("Connection", s, purposes, map[Path]Choice{Spec: {Given, value}})
		if err == nil {
			t.Errorf("%v: it is %s", value, text(got))
		}
	}
}

// TestOnlyWhatIsNewIsJudged: what a side has already, good or not, is nothing that a merge made.
func TestOnlyWhatIsNewIsJudged(t *testing.T) {
	t.Parallel()
	never := func(c Content) error { return errors.New("judged: " + text(c)) }
	base, bad := resource(t, `{"unbundled":{}}`), resource(t, `{}`)
	for _, s := range []Sides{
		{base, bad, base}, {base, base, bad}, {base, bad, bad}, {base, nil, base}, {nil, nil, bad}, {base, base, base},
	} {
		if got := merger(t).Merge("Connection", s, never); len(got.Conflicts) > 0 {
			t.Errorf("%s: %s", text(s), text(got))
		}
	}
}

// TestPolicies: the longest path counts, then the kind; who has won is told.
func TestPolicies(t *testing.T) {
	t.Parallel()
	m := merger(t, Policy{"", Whole, Hold}, Policy{"", "spec", GitWins}, Policy{"Switch", "spec", NetBoxWins},
		Policy{"Switch", "spec.asn", Hold}, Policy{"", "spec.portSpeeds", GitWins}, Policy{"", "spec.port", NetBoxWins})
	s := Sides{
		resource(t, `{"asn":1,"ip":"a","portSpeeds":{"1":"a"}}`), resource(t, `{"asn":2,"ip":"b","portSpeeds":{"1":"b"}}`),
		resource(t, `{"asn":3,"ip":"c","portSpeeds":{"1":"c"}}`),
	}
	for kind, want := range map[string]string{
		"Switch": `{"asn":1,"ip":"c","portSpeeds":{"1":"b"}}`, "Other": `{"asn":2,"ip":"b","portSpeeds":{"1":"b"}}`,
	} {
		if got := m.Merge(kind, s, accept); text(got.Content.Spec) != want || len(got.Conflicts) != 3 {
			t.Errorf("%s: %s", kind, text(got))
		}
	}
	c := m.Merge("Switch", s, accept).Conflicts[1]
	if c.Path != "spec.ip" || c.Taken != NetBox || *c.Policy != (Policy{"Switch", "spec", NetBoxWins}) {
		t.Errorf("%+v", c)
	}
	deleted := Sides{s.Base, nil, s.NetBox}
	if got := m.Merge("Switch", deleted, accept); len(got.Open()) != 1 || got.Content == nil {
		t.Errorf("held: %s", text(got))
	}
	got := merger(t, Policy{"", Whole, GitWins}).Merge("Switch", deleted, accept)
	if len(got.Open()) != 0 || got.Content != nil || len(got.Conflicts) != 1 {
		t.Errorf("deleted by policy: %s", text(got))
	}
}

// TestAPolicyIsJudgedToo: a spec that a policy takes, and that is refused with the rest, stays open.
func TestAPolicyIsJudgedToo(t *testing.T) {
	t.Parallel()
	s := Sides{resource(t, `{"unbundled":{}}`), resource(t, `{"bundled":{}}`), resource(t, `{"mesh":{}}`)}
	wins := merger(t, Policy{"Connection", "spec", NetBoxWins})
	if got := wins.Merge("Connection", s, purposes); len(got.Open()) != 0 || text(got.Content.Spec) != `{"mesh":{}}` {
		t.Errorf("it is %s", text(got))
	}
	s.Git.Labels = map[string]any{"a": "b"}
	never := func(Content) error { return errors.New("never") }
	if got := wins.Merge("Connection", s, never); len(got.Open()) != 1 || text(got.Content.Spec) != `{"unbundled":{}}` {
		t.Errorf("it is %s", text(got))
	}
}

// TestAPolicyDoesNotUndoAChoice: when what a person has chosen is refused, they are told.
func TestAPolicyDoesNotUndoAChoice(t *testing.T) {
	t.Parallel()
	s := Sides{resource(t, `{"unbundled":{"mtu":1}}`), resource(t, `{"bundled":{}}`), resource(t, `{"unbundled":{"mtu":2}}`)}
	wins := merger(t, Policy{"Connection", "spec", GitWins})
	got, err := wins.Resolve("Connection", s, purposes, map[Path]Choice{"spec.unbundled": {Take: NetBox}})
	if err == nil || !strings.Contains(err.Error(), "spec (it has not one purpose)") {
		t.Errorf("it is %s, %v", text(got), err)
	}
	both := map[Path]Choice{"spec.unbundled": {Take: NetBox}, Spec: {Take: NetBox}}
	if got, err := wins.Resolve("Connection", s, purposes, both); err != nil || text(got.Content.Spec) != `{"unbundled":{"mtu":2}}` {
		t.Errorf("it is %s, %v", text(got), err)
	}
}

// TestWrongPolicies are refused.
func TestWrongPolicies(t *testing.T) {
	t.Parallel()
	for _, policies := range [][]Policy{
		{{"", "spec", "perhaps"}},
		{{"", "", Hold}},
		{{"", `"spec"`, Hold}},
		{{"", "spec.", Hold}},
		{{"VPC", "spec", Hold}, {"VPC", "spec", GitWins}},
		{{"", Whole, Hold}, {"", Whole, Hold}},
	} {
		if _, err := New(policies...); err == nil {
			t.Errorf("%v is taken", policies)
		}
	}
}

// TestResolve: a choice is for a conflict, and gives what may be there.
func TestResolve(t *testing.T) {
	t.Parallel()
	m := merger(t, Policy{"", "spec.ip", GitWins})
	s := Sides{
		resource(t, `{"asn":1,"ip":"a"}`), resource(t, `{"asn":2,"ip":"b","role":"g"}`),
		resource(t, `{"asn":3,"ip":"c","profile":"n"}`),
	}
	for want, choices := range map[string]map[Path]Choice{
		`{"asn":3,"ip":"b","profile":"n","role":"g"}`: {"spec.asn": {Take: NetBox}},
		`{"asn":7,"ip":"c","profile":"n","role":"g"}`: {"spec.asn": {Given, present(json.Number("7"))}, "spec.ip": {Take: NetBox}},
		`{"ip":"b","profile":"n","role":"g"}`:         {"spec.asn": {Take: Given}},
	} {
		if got, err := m.Resolve("Switch", s, accept, choices); err != nil || text(got.Content.Spec) != want {
			t.Errorf("%v: %s, %v", choices, text(got), err)
		}
	}
	for want, choices := range map[string]map[Path]Choice{
		"Conflicts are not settled: spec.asn.": {}, "The choice for spec.asn is none of": {"spec.asn": {}},
		"There is no conflict at spec.role.": {"spec.asn": {Take: Git}, "spec.role": {Take: Git}},
	} {
		if got, err := m.Resolve("Switch", s, accept, choices); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v: %s, %v", choices, text(got), err)
		}
	}
}

// TestWhatIsGivenFits: an item keeps its key, and a resource is one.
func TestWhatIsGivenFits(t *testing.T) {
	t.Parallel()
	item := Sides{resource(t, `{}`), resource(t, `{"ranges":[{"from":1,"to":2}]}`), resource(t, `{"ranges":[{"from":1,"to":3}]}`)}
	whole := Sides{resource(t, `{}`), nil, resource(t, `{"ranges":[]}`)}
	whole.NetBox.Labels = map[string]any{"a": "b"}
	for raw, c := range map[string]struct {
		sides Sides
		path  Path
		fits  bool
	}{
		`{"from":1,"to":9}`: {item, "spec.ranges[1]", true}, `{"from":2,"to":9}`: {item, "spec.ranges[1]", false},
		`7`: {item, "spec.ranges[1]", false}, `{"spec":{},"labels":{}}`: {whole, Whole, true},
		`{"spec":7}`: {whole, Whole, false}, `{"metadata":{}}`: {whole, Whole, false}, `null`: {whole, Whole, false},
	} {
		choices := map[Path]Choice{c.path: {Given, present(read(t, raw))}}
		if got, err := merger(t).Resolve("VLANNamespace", c.sides, accept, choices); (err == nil) != c.fits {
			t.Errorf("%s: %s, %v", raw, text(got), err)
		}
	}
	gone, err := merger(t).Resolve("VLANNamespace", whole, accept, map[Path]Choice{Whole: {Take: Given}})
	if err != nil || gone.Content != nil {
		t.Errorf("none is given: %s, %v", text(gone), err)
	}
}

// TestDepth: what is deeper than a path may be is one value.
func TestDepth(t *testing.T) {
	t.Parallel()
	deep := func(in string) *Content {
		return resource(t, strings.Repeat(`{"a":`, 5000)+in+strings.Repeat("}", 5000))
	}
	s := Sides{deep(`{"b":1,"c":1}`), deep(`{"b":2,"c":1}`), deep(`{"b":1,"c":2}`)}
	got := merger(t).Merge("VPC", s, accept)
	if len(got.Conflicts) != 1 || len(got.Conflicts[0].Path.Steps()) != deepest || len(got.Git) != 1 ||
		got.Git[0].Path != got.Conflicts[0].Path {
		t.Errorf("%s, %v", places(got), got.Git)
	}
	laws(t, merger(t), "VPC", s)
}
