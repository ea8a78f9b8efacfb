package rewrite

import (
	"fmt"
	"slices"
)

// chance draws numbers: of a property, or of a generator with a seed.
type chance func(n int, label string) int

// drawer draws changes of a spec.
type drawer struct {
	chance
	fresh int
}

// change returns a spec with one change made, or false where none can be made at what was drawn.
func (d *drawer) change(have map[string]any) (map[string]any, step, bool) {
	all := collections(have, []any{spec})
	path := all[d.chance(len(all), "where")]
	out := clone(have).(map[string]any)
	in := lookup(out, path[1:])
	var s step
	var now any
	switch in := in.(type) {
	case map[string]any:
		now, s = d.object(in, path)
	case []any:
		if now, s = d.list(in, path); now == nil {
			return nil, step{}, false
		}
	}
	if len(path) == 1 {
		return now.(map[string]any), s, true
	}
	switch up := lookup(out, path[1:len(path)-1]).(type) {
	case map[string]any:
		up[path[len(path)-1].(string)] = now
	case []any:
		up[path[len(path)-1].(int)] = now
	}
	return out, s, true
}

func (d *drawer) object(in map[string]any, path []any) (any, step) {
	names := make([]string, 0, len(in))
	for name := range in {
		names = append(names, name)
	}
	slices.Sort(names)
	kind := d.chance(4, "kind")
	if len(names) == 0 {
		kind = 0
	}
	switch kind {
	case 0:
		name := d.text("key")
		in[name] = d.value(2)
		return in, step{append(slices.Clone(path), name), false, true}
	case 1:
		name := names[d.chance(len(names), "name")]
		delete(in, name)
		return in, step{append(slices.Clone(path), name), true, false}
	}
	name := names[d.chance(len(names), "name")]
	in[name] = d.value(2)
	return in, step{append(slices.Clone(path), name), true, true}
}

func (d *drawer) list(in []any, path []any) (any, step) {
	i := d.chance(len(in)+1, "item")
	kind := d.chance(3, "kind")
	if i == len(in) || kind == 0 {
		now := d.value(2)
		if slices.ContainsFunc(in, func(item any) bool { return equal(item, now) }) {
			return nil, step{} // which one came can't be told
		}
		return slices.Insert(in, i, now), step{append(slices.Clone(path), i), false, true}
	}
	for j := range in {
		if j != i && equal(in[i], in[j]) {
			return nil, step{} // which one is meant can't be told
		}
	}
	s := step{append(slices.Clone(path), i), true, kind == 1}
	if kind == 1 {
		if in[i] = d.value(2); slices.ContainsFunc(slices.Delete(slices.Clone(in), i, i+1), func(item any) bool {
			return equal(item, in[i])
		}) {
			return nil, step{}
		}
		return in, s
	}
	return slices.Delete(in, i, i+1), s
}

// oddTexts are such that a reader may take them for something else.
var oddTexts = []string{
	"yes", "y", "on", "null", "~", "1", "0o17", "017", "1e3", "1_000", "12:30:45", "2026-01-01", ".5", "+1", "-", "- a",
	"a: b", "a #b", "#", "'", "\"", "\\", "[a]", "{a}", "*a", "&a", "!a", "%a", "@a", "`a", "=", "<<", "", " ", "a ", "é",
	"日本", "a:", "a,b", "10.0.0.0/8", "10.0.0.1", "00:00:5e:00:53:01", "fd00::1", "leaf-1/E1/1", "two\nlines\n",
	"two\n  lines", "x\n\ny", "\tt", "🚀", "\u2028", "a\u00a0b", "?", "? a", "---", "...", "0x1F", "1.5.2", "1.", "0b1",
	"-1", "NaN", ".inf", ".nan", "e", "\n", "\na", "a\n\n", "x: |",
}

func (d *drawer) text(label string) string {
	d.fresh++
	if d.chance(2, label) == 0 {
		return fmt.Sprintf("new-%d", d.fresh)
	}
	return oddTexts[d.chance(len(oddTexts), label)] + fmt.Sprint(d.fresh)
}

// value returns one that is not there yet.
func (d *drawer) value(depth int) any {
	kinds := 10
	if depth == 0 {
		kinds = 8
	}
	d.fresh++
	switch d.chance(kinds, "value") {
	case 0:
		return number(fmt.Sprint(1000 + d.fresh))
	case 1:
		return number(fmt.Sprintf("%d.5e2", 1000+d.fresh))
	case 2:
		return []any{nil, true, false, map[string]any{}, []any{}}[d.chance(5, "constant")]
	case 8:
		out := map[string]any{}
		for range 1 + d.chance(3, "size") {
			out[d.text("key")] = d.value(depth - 1)
		}
		return out
	case 9:
		var out []any
		for range 1 + d.chance(3, "size") {
			out = append(out, d.value(depth-1))
		}
		return out
	}
	if d.chance(3, "odd") == 0 {
		return oddTexts[d.chance(len(oddTexts), "text")]
	}
	return d.text("text")
}
