package rewrite

import (
	"slices"
	"testing"

	"pgregory.net/rapid"
)

// TestCommon: what two lists have in common is as long as can be, and in the order of both.
func TestCommon(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		texts := rapid.SliceOfN(rapid.SampledFrom([]string{"a", "b", "c", "d", "e"}), 0, 12)
		a, b := texts.Draw(t, "a"), texts.Draw(t, "b")
		length, last := 0, -1
		for i, j := range common(a, b) {
			if j < 0 {
				continue
			}
			if j <= last || a[i] != b[j] {
				t.Fatalf("%v and %v have in common %v", a, b, common(a, b))
			}
			length, last = length+1, j
		}
		if longest := longestCommon(a, b); length != longest {
			t.Fatalf("%v and %v have %d in common, not %d", a, b, longest, length)
		}
	})
}

// longestCommon is the recursion by which the length is defined.
func longestCommon(a, b []string) int {
	lengths := make([][]int, len(a)+1)
	for i := range lengths {
		lengths[i] = make([]int, len(b)+1)
	}
	for i := range a {
		for j := range b {
			if a[i] == b[j] {
				lengths[i+1][j+1] = lengths[i][j] + 1
				continue
			}
			lengths[i+1][j+1] = max(lengths[i][j+1], lengths[i+1][j])
		}
	}
	return lengths[len(a)][len(b)]
}

// TestKeys: items with a key are told apart by it, and only what differs in them changes.
func TestKeys(t *testing.T) {
	t.Parallel()
	const in = head + "spec:\n  links:\n  # one\n  - a: {port: p1}\n    m: 1 # c\n  - m: 2\n    a:\n      port: p2\n  - a: {port: p3}\n"
	for spec, want := range map[string]string{
		`{"links": [{"a": {"port": "p2"}, "m": 7}, {"a": {"port": "p3"}}]}`: head + "spec:\n  links:\n  # one\n  - m: 7\n    a:\n" +
			"      port: p2\n  - a: {port: p3}\n",
		`{"links": [{"a": {"port": "p1"}, "m": 7}, {"a": {"port": "p0"}}, {"m": 2, "a": {"port": "p2"}}, {"a": {"port": "p3"}}]}`: head +
			"spec:\n  links:\n  # one\n  - a: {port: p1}\n    m: 7 # c\n  - a:\n      port: p0\n  - m: 2\n    a:\n      port: p2\n" +
			"  - a: {port: p3}\n",
		`{"links": [{"a": {"port": "p0"}, "m": 1}, {"a": {"port": "p2"}, "m": 2}, {"a": {"port": "p4"}}]}`: head + "spec:\n  links:\n" +
			"  # one\n  - a: {port: p0}\n    m: 1 # c\n  - m: 2\n    a:\n      port: p2\n  - a: {port: p4}\n",
	} {
		got, err := Apply([]byte(in), Content{Spec: tree(t, spec)}, portKeys)
		if err != nil || string(got) != want {
			t.Errorf("got:\n%s\n%v\nwant:\n%s", got, err, want)
		}
	}
}

// TestPairUp: items between those that have a match become those that stand in the same gap.
func TestPairUp(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		matches, want []int
		size          int
		keyed         bool
	}{
		{[]int{-1, 1, -1, -1, 2, -1}, []int{0, 1, -1, -1, 2, 3}, 5, false},
		{[]int{-1, 1, -1, 2, -1}, []int{0, 1, -1, 2, -1}, 5, true},
		{[]int{0, -1, 4, -1}, []int{0, 1, 4, -1}, 5, false},
		{[]int{-1, -1}, []int{-1, -1}, 0, false},
		{nil, nil, 3, false},
	} {
		got := slices.Clone(c.matches)
		if pairUp(got, c.size, c.keyed); !slices.Equal(got, c.want) {
			t.Errorf("%v of %d: got %v, want %v", c.matches, c.size, got, c.want)
		}
	}
}
