package rewrite

import (
	"maps"
	"slices"

	"go.yaml.in/yaml/v3"
)

// mapping makes a mapping that has entries say what it shall, which are entries too.
func (e *editor) mapping(n *yaml.Node, have, want map[string]any, at *place) {
	own, merged := entries(n)
	parts := make([]part, len(n.Content)/2)
	places := make(map[*yaml.Node]int, len(parts))
	for i := range parts {
		parts[i].key, parts[i].value = n.Content[2*i], n.Content[2*i+1]
		places[parts[i].key] = i
	}
	changed := false
	missing := maps.Clone(want)
	for _, entry := range own {
		value, stays := want[entry.name]
		delete(missing, entry.name)
		below := at.field(entry.name, entry.key, n)
		switch {
		case stays:
			e.value(entry.value, have[entry.name], value, below)
		case merged[entry.name] != nil:
			e.refuse(below, entry.key, "without it, the field would come from a merge (<<)")
		default:
			e.refuseShared(entry.key, below)
			e.refuseShared(entry.value, below)
			parts[places[entry.key]].gone, changed = true, true
		}
		delete(merged, entry.name)
	}
	for _, name := range slices.Sorted(maps.Keys(merged)) {
		if value, stays := want[name]; !stays || !equal(have[name], value) {
			e.refuse(at.field(name, nil, n), merged[name], "the field comes from a merge (<<)")
		}
		delete(missing, name)
	}
	if changed || len(missing) > 0 {
		e.rearrange(n, parts, map[int][]any{len(parts): e.newEntries(missing)}, want, at)
	}
}

// newEntry is an entry that is not there yet.
type newEntry struct {
	name  string
	value any
}

func (e *editor) newEntries(missing map[string]any) []any {
	out := make([]any, 0, len(missing))
	for _, name := range e.style.sorted(missing) {
		out = append(out, newEntry{name, missing[name]})
	}
	return out
}

// part is an entry of a mapping or an item of a list.
type part struct {
	key, value *yaml.Node // no key for an item
	gone       bool
	start, end int // from the key or dash on
}

// rearrange takes parts of a collection out and puts others in, each before the part of a number, or behind the last.
func (e *editor) rearrange(n *yaml.Node, parts []part, added map[int][]any, want any, at *place) {
	for i := range parts {
		if e.err == nil {
			e.locate(n, &parts[i], at)
		}
	}
	switch {
	case e.err != nil:
	case isFlow(n):
		e.rearrangeFlow(n, parts, added, at)
	default:
		e.rearrangeBlock(n, parts, added, want, at)
	}
}

// locate finds out where a part begins and ends.
func (e *editor) locate(n *yaml.Node, p *part, at *place) {
	p.end = e.end(p.value)
	switch {
	case p.key != nil:
		p.start = e.offset(p.key)
		if e.isExplicit(p.start) || !isFlow(n) && e.colon(p.key) == unknown {
			e.refuse(at.field(p.key.Value, p.key, n), p.key, "its key is not written in the plain way")
		}
	case isFlow(n):
		p.start = e.offset(p.value)
	default:
		p.start = e.dash(p.value)
	}
	if p.start == unknown || p.end == unknown {
		e.refuse(at, p.value, "it can't be told where what is written here begins and ends")
	}
}
