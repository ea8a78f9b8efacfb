package merge

import (
	"slices"

	"fgdsync.dev/libs/errs"
)

// deepest is how many steps a path has at most. What is deeper is one value; the specs of the known kinds have eight.
const deepest = 32

// run is one merge.
type run struct {
	kind      string
	rules     *rule
	policies  []Policy
	choices   map[Path]Choice
	conflicts []Conflict
	depth     int
	err       error // that of a choice
}

// shape is by what values can be merged.
type shape int

const (
	whole   shape = iota // not at all: each is one value
	objects              // by their fields, or keys
	items                // by the keys of their items
)

// shapeOf returns by what values can be merged. One that is not there is an empty one, unless its being there says
// something.
func (r *rule) shapeOf(values ...Value) shape {
	allObjects, allItems, some := r == nil || !r.keyed, r != nil && r.keyed, false
	for _, v := range values {
		if !v.Present {
			if r != nil && r.fact {
				return whole
			}
			continue
		}
		some = true
		_, object := v.object()
		allObjects, allItems = allObjects && object, allItems && r.unique(v)
	}
	switch {
	case some && allObjects:
		return objects
	case some && allItems:
		return items
	}
	return whole
}

// unique reports whether a value is a list whose items have keys of their own.
func (r *rule) unique(v Value) bool {
	list, is := v.list()
	return is && r.keys(list) != nil
}

// merge returns what becomes of what is at a path. Of what means the same, that of Git is kept as it is written.
func (r *run) merge(at Path, rules *rule, t three) Value {
	if rules.met(t) {
		return t.git
	}
	return r.mergeApart(at, rules, t)
}

// met reports whether NetBox has changed nothing, or says what Git does.
func (r *rule) met(t three) bool { return r.equal(t.base, t.netbox) || r.equal(t.git, t.netbox) }

// mergeApart returns what becomes of what is at a path where the sides have not met.
func (r *run) mergeApart(at Path, rules *rule, t three) Value {
	shape := rules.shapeOf(t.base, t.git, t.netbox)
	if r.depth == deepest {
		shape = whole
	}
	r.depth++
	defer func() { r.depth-- }()
	switch {
	case shape == objects:
		return r.mergeObjects(at, rules, t)
	case shape == items:
		return r.mergeItems(at, rules, t)
	case rules.equal(t.base, t.git):
		return t.netbox
	}
	c := r.settle(at, rules, t)
	r.conflicts = append(r.conflicts, c)
	return c.value()
}

func (r *run) mergeObjects(at Path, rules *rule, t three) Value {
	base, _ := t.base.object()
	git, _ := t.git.object()
	netbox, _ := t.netbox.object()
	merged := make(map[string]any, len(git))
	for _, name := range names(base, git, netbox) {
		inner := three{field(base, name), field(git, name), field(netbox, name)}
		v, within := inner.git, rules.in(name)
		if !within.met(inner) { // else nobody asks for the path
			v = r.mergeApart(at.field(name), within, inner)
		}
		if v.Present {
			merged[name] = v.JSON
		}
	}
	if len(merged) == 0 {
		return rules.empty(t, merged)
	}
	return present(merged)
}

func (r *run) mergeItems(at Path, rules *rule, t three) Value {
	base, git, netbox := rules.ordered(t.base), rules.ordered(t.git), rules.ordered(t.netbox)
	merged := make(map[string]any, len(git.items))
	for _, key := range names(base.items, git.items, netbox.items) {
		inner := three{field(base.items, key), field(git.items, key), field(netbox.items, key)}
		v := inner.git
		if !rules.item().met(inner) {
			v = r.mergeApart(at.item(key), rules.item(), inner)
		}
		if !v.Present {
			continue
		}
		if is, _ := keyOf(v.JSON, rules.key); is != key {
			r.err = errs.Field("choices", "What is given for %s has another key.", at.item(key))
		}
		merged[key] = v.JSON
	}
	list := make([]any, 0, len(merged))
	for _, key := range order(base, git, netbox, merged) {
		list = append(list, merged[key])
	}
	if len(list) == 0 {
		return rules.empty(t, list)
	}
	return present(list)
}

// empty returns an object or a list of which nothing is left: an empty one when a side has that or its being there says
// something, and else none.
func (r *rule) empty(t three, left any) Value {
	for _, side := range []Value{t.git, t.netbox} {
		object, isObject := side.JSON.(map[string]any)
		list, isList := side.JSON.([]any)
		if side.Present && (isObject || isList) && len(object)+len(list) == 0 {
			return present(left)
		}
	}
	if r != nil && r.fact {
		return present(left)
	}
	return Value{}
}

// ordered is a list whose items have keys.
type ordered struct {
	keys  []string
	items map[string]any
}

func (r *rule) ordered(v Value) ordered {
	list, _ := v.list()
	keys := r.keys(list)
	return ordered{keys, byKeys(list, keys)}
}

// order returns the keys of what was merged in order: that of Git, and what only NetBox has after what it is after
// there. Where both inserted something, Git's comes first.
func order(base, git, netbox ordered, merged map[string]any) []string {
	groups, after := [][]string{nil}, map[string]int{} // what only NetBox has: first of all, and after what both have
	for _, key := range netbox.keys {
		if _, there := merged[key]; !there {
			continue
		}
		if _, both := git.items[key]; both {
			after[key] = len(groups)
			groups = append(groups, nil)
			continue
		}
		groups[len(groups)-1] = append(groups[len(groups)-1], key)
	}
	var keys []string
	waiting := groups[0]
	for _, key := range git.keys {
		if _, there := merged[key]; !there {
			continue
		}
		_, old := base.items[key]
		group, both := after[key]
		if old || both {
			keys, waiting = append(keys, waiting...), nil
		}
		keys = append(keys, key)
		if both {
			waiting = groups[group]
		}
	}
	return append(keys, waiting...)
}

// names returns all keys of objects, in order.
func names(objects ...map[string]any) []string {
	var all []string
	for i, object := range objects {
		all = slices.Grow(all, max(0, len(object)-len(all)))
		for name := range object {
			has := func(before map[string]any) bool { _, is := before[name]; return is }
			if !slices.ContainsFunc(objects[:i], has) {
				all = append(all, name)
			}
		}
	}
	slices.Sort(all)
	return all
}
