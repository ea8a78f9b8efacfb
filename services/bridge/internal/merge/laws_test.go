package merge

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

// laws holds a merge against what has to be so, whatever it is of.
func laws(t fataler, m *Merger, kind string, s Sides) {
	rules := m.rulesFor(kind)
	same := func(a, b *Content) bool { return rules.equal(tree(a), tree(b)) }
	for _, x := range []*Content{s.Base, s.Git, s.NetBox} {
		for _, one := range []Sides{{s.Base, s.Base, x}, {s.Base, x, s.Base}, {s.Base, x, x}} {
			if got := m.Merge(kind, one, accept); !same(got.Content, x) || len(got.Conflicts) > 0 {
				t.Fatalf("%s: what one side has becomes %s, %v", text(one), text(got.Content), got.Conflicts)
			}
		}
	}
	result := m.Merge(kind, s, accept)
	mirror := m.Merge(kind, Sides{s.Base, s.NetBox, s.Git}, accept)
	if !same(result.Content, mirror.Content) || text(result.Git) != text(mirror.NetBox) ||
		text(result.NetBox) != text(mirror.Git) || text(swapped(result.Conflicts)) != text(mirror.Conflicts) {
		t.Fatalf("%s: is %s, and with the sides changed %s", text(s), text(result), text(mirror))
	}
	lost(t, rules, s, result)
	if len(result.Conflicts) == 0 {
		union(t, m, kind, s, result)
	}
	resolved(t, m, kind, s, result)
	bare(t, m, kind, s, result)
	judged(t, m, kind, s)
	inOrder := func(git, netbox, merged []string) bool {
		return slices.Equal(only(merged, git), only(git, merged)) &&
			slices.Equal(without(merged, git), only(without(netbox, git), merged))
	}
	lists(rules, tree(s.Git), tree(s.NetBox), tree(result.Content), func(git, netbox, merged []string) {
		if len(result.Conflicts) == 0 && !inOrder(git, netbox, merged) {
			t.Fatalf("%s: %v and %v become %v", text(s), git, netbox, merged)
		}
	})
}

// lists tells of the keys of each list by key that Git and NetBox have, as far as both have it, and what comes of it.
func lists(r *rule, git, netbox, merged Value, tell func(git, netbox, merged []string)) {
	one, isOne := git.object()
	two, isTwo := netbox.object()
	all, isObject := merged.object()
	switch {
	case isOne && isTwo && isObject:
		for name := range all {
			lists(r.in(name), field(one, name), field(two, name), field(all, name), tell)
		}
	case r != nil && r.keyed && r.unique(git) && r.unique(netbox) && r.unique(merged):
		one, two, all := r.ordered(git), r.ordered(netbox), r.ordered(merged)
		tell(one.keys, two.keys, all.keys)
		for key := range all.items {
			lists(r.item(), field(one.items, key), field(two.items, key), field(all.items, key), tell)
		}
	}
}

// only returns the keys that others has too, and without those that it has not.
func only(keys, others []string) []string {
	return slices.DeleteFunc(slices.Clone(keys), func(key string) bool { return !slices.Contains(others, key) })
}

func without(keys, others []string) []string {
	return slices.DeleteFunc(slices.Clone(keys), func(key string) bool { return slices.Contains(others, key) })
}

// judged: what no side has is there only when the judge takes it.
func judged(t fataler, m *Merger, kind string, s Sides) {
	got := m.Merge(kind, s, func(Content) error { return errors.New("never") })
	made := !m.Equal(kind, got.Content, s.Git) && !m.Equal(kind, got.Content, s.NetBox)
	if made && len(got.Open()) == 0 {
		t.Fatalf("%s becomes %s, which the judge refuses", text(s), text(got))
	}
}

func swapped(conflicts []Conflict) []Conflict {
	out := slices.Clone(conflicts)
	for i := range out {
		out[i].Git, out[i].NetBox = out[i].NetBox, out[i].Git
	}
	return out
}

type fataler interface {
	Fatalf(format string, args ...any)
}

// near reports whether a conflict is at, within or around a path.
func near(conflicts []Conflict, path Path) bool {
	return slices.ContainsFunc(conflicts, func(c Conflict) bool { return c.Path.Covers(path) || path.Covers(c.Path) })
}

// lost: no edit of a side is lost, unless a conflict tells of it.
func lost(t fataler, rules *rule, s Sides, result Result) {
	for _, e := range slices.Concat(result.Git, result.NetBox) {
		if !applied(rules, result.Content, e) && !near(result.Conflicts, e.Path) {
			t.Fatalf("%s: %s to %s is lost in %s", text(s), e.Path, text(e.To), text(result.Content))
		}
	}
}

// applied reports whether a content has what an edit says.
func applied(rules *rule, c *Content, e Edit) bool {
	return rules.ruleAt(e.Path).equal(rules.at(e.Path, tree(c)), e.To)
}

// union: without a conflict the result differs from the base by what both sides did, and nothing else.
func union(t fataler, m *Merger, kind string, s Sides, result Result) {
	did := func(edits []Edit) map[string]bool {
		all := map[string]bool{}
		for _, e := range edits {
			all[string(e.Op())+" "+string(e.Path)] = true
		}
		return all
	}
	both := did(slices.Concat(result.Git, result.NetBox))
	all := did(m.Merge(kind, Sides{s.Base, result.Content, s.Base}, accept).Git)
	if !maps.Equal(both, all) {
		t.Fatalf("%s: the result %s has %v, both sides did %v", text(s), text(result.Content), all, both)
	}
}

// resolved: with all choices for one side, all of its edits are there, and those of the other side elsewhere too.
func resolved(t fataler, m *Merger, kind string, s Sides, result Result) {
	rules := m.rulesFor(kind)
	for _, side := range []struct {
		take        Taker
		own, others []Edit
	}{{Git, result.Git, result.NetBox}, {NetBox, result.NetBox, result.Git}} {
		choices := map[Path]Choice{}
		for _, c := range result.Conflicts {
			choices[c.Path] = Choice{Take: side.take}
		}
		got, err := m.Resolve(kind, s, accept, choices)
		if err != nil {
			t.Fatalf("%s: %v: %v", text(s), choices, err)
		}
		for _, e := range side.own {
			if !applied(rules, got.Content, e) {
				t.Fatalf("%s: with all of %s, its %s is not in %s", text(s), side.take, e.Path, text(got.Content))
			}
		}
		for _, e := range side.others {
			if !near(result.Conflicts, e.Path) && !applied(rules, got.Content, e) {
				t.Fatalf("%s: with all of %s, the other's %s is not in %s", text(s), side.take, e.Path, text(got.Content))
			}
		}
		refused(t, m, kind, s, choices)
		winner, err := New(Policy{"", Whole, map[Taker]Winner{Git: GitWins, NetBox: NetBoxWins}[side.take]})
		if err != nil {
			t.Fatalf("%v", err)
		}
		won := winner.Merge(kind, s, accept)
		if !m.Equal(kind, won.Content, got.Content) || len(won.Open()) > 0 || places(won) != places(result) {
			t.Fatalf("%s: by choice it is %s, and by policy %s", text(s), text(got), text(won))
		}
	}
}

// refused: a choice too few or too many is refused.
func refused(t fataler, m *Merger, kind string, s Sides, choices map[Path]Choice) {
	for path := range choices {
		fewer := maps.Clone(choices)
		delete(fewer, path)
		if got, err := m.Resolve(kind, s, accept, fewer); err == nil {
			t.Fatalf("%s: without a choice for %s it is %s", text(s), path, text(got))
		}
	}
	more := maps.Clone(choices)
	more["spec.nowhere"] = Choice{Take: Git}
	if got, err := m.Resolve(kind, s, accept, more); err == nil {
		t.Fatalf("%s: with a choice for nothing it is %s", text(s), text(got))
	}
}

// bare: what is empty makes no difference.
func bare(t fataler, m *Merger, kind string, s Sides, result Result) {
	rules := m.rulesFor(kind)
	strip := func(c *Content) *Content {
		stripped, err := ContentOf(rules.bare(tree(c)))
		if err != nil || !rules.equal(tree(c), tree(stripped)) {
			t.Fatalf("%s is not %s: %v", text(c), text(stripped), err)
		}
		return stripped
	}
	for _, one := range []Sides{
		{strip(s.Base), s.Git, s.NetBox}, {s.Base, strip(s.Git), s.NetBox}, {strip(s.Base), strip(s.Git), strip(s.NetBox)},
	} {
		got := m.Merge(kind, one, accept)
		if !rules.equal(tree(got.Content), tree(result.Content)) || places(got) != places(result) {
			t.Fatalf("%s is %s, and %s is %s", text(s), text(result), text(one), text(got))
		}
	}
}

func places(r Result) string {
	var all []string
	for _, c := range r.Conflicts {
		all = append(all, fmt.Sprint(c.Path, " ", c.Reason))
	}
	return strings.Join(all, ", ")
}

// TestLaws: of specs of all kinds.
func TestLaws(t *testing.T) {
	t.Parallel()
	m, specs := merger(t), definitions(t)
	for kind, d := range specs {
		t.Run(kind, func(t *testing.T) {
			t.Parallel()
			rapid.Check(t, func(rt *rapid.T) {
				draw := drawn{T: rt}
				base := draw.content(d)
				s := Sides{base, draw.side(d, base), draw.side(d, base)}
				before := text(s)
				laws(rt, m, kind, s)
				if text(s) != before {
					rt.Fatalf("%s was changed to %s", before, text(s))
				}
			})
		})
	}
}
