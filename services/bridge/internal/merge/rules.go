package merge

import (
	"strings"

	"fgdsync.dev/libs/hedgehog"
)

// form is what stands at a place, where that is no object of fields and not one value.
type form int

const (
	byKey   form = iota + 1 // a map whose keys are names that people chose
	keyed                   // a list whose items have a key
	set                     // a list of texts or numbers without an order
	fact                    // a part whose being there says something, though it be empty
	inOrder                 // a list that is one value, in which something is known of the items
)

// entry is a line of the key table: what is at a place of the specs of a kind. A star in a path is each entry of the
// map or each item of the list before it.
type entry struct {
	path string
	form form
	key  string // of the items of a keyed list: the path to it in the item
}

// keyTable returns what is known of the specs of each kind, the lists by key of hedgehog.ListKeys included. An object
// is merged by its fields without being named here, and a list that is not named is one value.
func keyTable() map[string][]entry {
	table := map[string][]entry{
		"VPC": {
			{"subnets", byKey, ""},
			{"subnets.*.dhcp.static", byKey, ""},
			{"subnets.*.dhcp.range", fact, ""},
			{"subnets.*.dhcp.options", fact, ""},
			{"staticRoutes.*.nextHops", set, ""},
		},
		"VPCPeering": {
			{"permit", inOrder, ""}, {"permit.*", byKey, ""}, {"permit.*.*.subnets", set, ""},
		},
		"VPCAttachment": {},
		"External":      {{"static", fact, ""}, {"static.prefixes", set, ""}},
		"ExternalAttachment": {
			{"static", fact, ""}, {"inboundACL", fact, ""}, {"inboundACL.statements.*.tcpFilters", fact, ""},
		},
		"ExternalPeering": {{"permit.vpc.subnets", set, ""}},
		"IPv4Namespace":   {{"subnets", set, ""}},
		"VLANNamespace":   {},
		"Server":          {},
		"SwitchGroup":     {},
		"Switch": {
			{"portGroupSpeeds", byKey, ""},
			{"portSpeeds", byKey, ""},
			{"portBreakouts", byKey, ""},
			{"portAutoNegs", byKey, ""},
			{"portFECs", byKey, ""},
			{"groups", set, ""},
			{"vlanNamespaces", set, ""},
			{"linkFlapErrDisable", fact, ""},
		},
		"Connection": {
			{"unbundled", fact, ""},
			{"external", fact, ""},
			{"bundled", fact, ""},
			{"mclag", fact, ""},
			{"eslag", fact, ""},
			{"mclagDomain", fact, ""},
			{"fabric", fact, ""},
			{"mesh", fact, ""},
			{"gateway", fact, ""},
			{"vpcLoopback", fact, ""},
			{"staticExternal", fact, ""},
			{"staticExternal.link.switch.subnets", set, ""},
		},
	}
	for kind := range table {
		for _, list := range hedgehog.ListKeys(kind) {
			table[kind] = append(table[kind], entry{list.Path, keyed, list.Key})
		}
	}
	return table
}

// rule is what is known of a place. A nil one is of a place of which nothing is.
type rule struct {
	fields map[string]*rule
	each   *rule    // of the entries of a map by key, or of the items of a list
	key    []string // the path to the key in an item; empty in a set
	keyed  bool     // a list by key or a set
	fact   bool     // its being there says something, though it be empty
}

// rulesOf returns what is known of the resources of a kind.
func rulesOf(entries []entry) *rule {
	spec := &rule{}
	for _, e := range entries {
		at := spec
		for name := range strings.SplitSeq(e.path, ".") {
			at = at.grow(name)
		}
		at.set(e)
	}
	return &rule{fact: true, fields: map[string]*rule{
		"spec": spec, "labels": {each: &rule{fact: true}}, "annotations": {each: &rule{fact: true}},
	}}
}

// grow returns the rule of what is within, which it makes when there is none.
func (r *rule) grow(name string) *rule {
	if name == "*" {
		if r.each == nil {
			r.each = &rule{}
		}
		return r.each
	}
	if r.fields == nil {
		r.fields = map[string]*rule{}
	}
	if r.fields[name] == nil {
		r.fields[name] = &rule{}
	}
	return r.fields[name]
}

func (r *rule) set(e entry) {
	switch e.form {
	case fact:
		r.fact = true
	case byKey:
		r.grow("*").fact = true
	case keyed:
		r.keyed, r.key, r.grow("*").fact = true, strings.Split(e.key, "."), true
	case set:
		r.keyed, r.grow("*").fact = true, true
	case inOrder:
	}
}

// in returns what is known of a field, or of an entry of a map by key.
func (r *rule) in(name string) *rule {
	switch {
	case r == nil:
		return nil
	case r.each != nil && !r.keyed:
		return r.each
	}
	return r.fields[name]
}

// item returns what is known of the items of a list.
func (r *rule) item() *rule {
	if r == nil {
		return nil
	}
	return r.each
}
