package rewrite

import (
	"slices"
	"sort"

	"go.yaml.in/yaml/v3"
)

// sequence makes a list that has items say what it shall, which are items too.
func (e *editor) sequence(n *yaml.Node, have, want []any, at *place) {
	matches := e.align(have, want, at)
	parts := make([]part, len(n.Content))
	added, changed, next := map[int][]any{}, false, 0
	for i, item := range n.Content {
		parts[i].value = item
		to := matches[i]
		if to < 0 {
			e.refuseShared(item, at.at(i, item, n))
			parts[i].gone, changed = true, true
			continue
		}
		if to > next {
			added[i], changed = want[next:to], true
		}
		next = to + 1
		e.value(item, have[i], want[to], at.at(i, item, n))
	}
	if next < len(want) {
		added[len(parts)], changed = want[next:], true
	}
	if changed {
		e.rearrange(n, parts, added, want, at)
	}
}

// align returns for each item of a list the place in another list of what it becomes, or -1. Items that are the same
// are found by the longest common subsequence of their keys or else of all that they say; of others that stand between
// the same two of these, each becomes the one at its place, as pairUp has it.
func (e *editor) align(have, want []any, at *place) []int {
	a, b, keyed := e.tokens(have, want, at)
	matches := common(a, b)
	pairUp(matches, len(want), keyed)
	return matches
}

// tokens returns a text for each item, the same for those that are the same one.
func (e *editor) tokens(have, want []any, at *place) (a, b []string, keyed bool) {
	var key []string
	if e.keys != nil {
		key = e.keys(at.names())
	}
	if len(key) > 0 {
		a, b = keysOf(have, key), keysOf(want, key)
	}
	if a != nil && b != nil {
		return a, b, true
	}
	return texts(have), texts(want), false
}

func texts(items []any) []string {
	out := make([]string, len(items))
	for i, item := range items {
		out[i] = string(canonical(nil, item))
	}
	return out
}

// keysOf returns the key of each item; nil when one has none or two have the same.
func keysOf(items []any, path []string) []string {
	out, seen := make([]string, len(items)), make(map[string]bool, len(items))
	for i, item := range items {
		for _, name := range path {
			object, _ := item.(map[string]any)
			item = object[name]
		}
		out[i] = string(canonical(nil, item))
		if item == nil || seen[out[i]] {
			return nil
		}
		seen[out[i]] = true
	}
	return out
}

// pairUp gives the items between those that have a match one in the same gap of the other list, in order. Those with
// keys get one only when the gap holds as many afterwards as before, so that it may be the keys that changed.
func pairUp(matches []int, size int, keyed bool) {
	from, next := 0, 0 // where the gap begins, in both lists
	for i := 0; i <= len(matches); i++ {
		limit := size
		if i < len(matches) {
			if limit = matches[i]; limit < 0 {
				continue
			}
		}
		same := i-from == limit-next
		for ; from < i && next < limit && (same || !keyed); from, next = from+1, next+1 {
			matches[from] = next
		}
		from, next = i+1, limit+1
	}
}

// manyMatches bounds how often a text may occur to be looked at when lists are compared.
const manyMatches = 1 << 16

// common returns for each text of a list its place in another by a longest common subsequence, or -1. It is that of
// Hunt and Szymanski: a longest rising sequence of the places at which the texts occur.
func common(a, b []string) []int {
	matches := make([]int, len(a))
	for i := range matches {
		matches[i] = -1
	}
	from := 0
	for ; from < min(len(a), len(b)) && a[from] == b[from]; from++ {
		matches[from] = from
	}
	endA, endB := len(a), len(b)
	for ; endA > from && endB > from && a[endA-1] == b[endB-1]; endA, endB = endA-1, endB-1 {
		matches[endA-1] = endB - 1
	}
	for at := rising(a[from:endA], b[from:endB]); at != nil; at = at.before {
		matches[from+at.i] = from + at.j
	}
	return matches
}

// match is the end of a common subsequence.
type match struct {
	i, j   int
	before *match
}

func rising(a, b []string) *match {
	count, places := map[string]int{}, map[string][]int{}
	for _, text := range a {
		count[text]++
	}
	for j, text := range b {
		places[text] = append(places[text], j)
	}
	var ends []*match // of the common subsequences of each length, the one that ends first in b
	for i, text := range a {
		all := places[text]
		if len(all)*count[text] > manyMatches {
			continue
		}
		for _, j := range slices.Backward(all) {
			at := sort.Search(len(ends), func(k int) bool { return ends[k].j >= j })
			end := &match{i: i, j: j}
			if at > 0 {
				end.before = ends[at-1]
			}
			if at == len(ends) {
				ends = append(ends, end)
				continue
			}
			ends[at] = end
		}
	}
	if len(ends) == 0 {
		return nil
	}
	return ends[len(ends)-1]
}
