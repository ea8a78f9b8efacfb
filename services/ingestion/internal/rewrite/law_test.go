package rewrite

import (
	"bytes"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"

	"fgdsync.dev/services/ingestion/internal/yamldoc"
)

// step is one change of a spec: what is at a path becomes something else, comes, or goes. Names of a path are strings,
// places in lists are numbers.
type step struct {
	path   []any // from the document on
	before bool  // it is there before
	after  bool  // it is there afterwards
}

// requireLines requires the law of lines: without the lines of the field that was changed, both texts are the same.
func requireLines(t failer, before, after []byte, change step) {
	t.Helper()
	old, changed := newExtents(t, before), newExtents(t, after)
	oldIn, from := old.find(change.path)
	newIn, to := changed.find(change.path)
	moves := change.before && from == 0 && !change.after && old.isInline(oldIn) || change.after && to == 0 &&
		!change.before && changed.isInline(newIn)
	old.allow(change.path, change.before, moves)
	changed.allow(change.path, change.after, moves)
	x := old
	if !change.before {
		x = changed
	}
	if _, isPlace := change.path[len(change.path)-1].(int); isPlace {
		old.allowAround(change.path, old.neighbours(change.path, change.before))
		changed.allowAround(change.path, changed.neighbours(change.path, change.after))
	} else {
		names := x.neighbours(change.path, true)
		old.allowAround(change.path, names)
		changed.allowAround(change.path, names)
	}
	if old.empty || changed.empty {
		old.allow(change.path[:len(change.path)-1], true, false)
		changed.allow(change.path[:len(change.path)-1], true, false)
	}
	rest := changed.rest()
	if old.rest() == rest || changed.keeps(old) {
		return
	}
	if change.before && !change.after {
		if old.note(change.path); old.rest() == rest {
			return
		}
	}
	t.Fatalf("%v, from %v to %v: lines of other fields changed:\n%s\nbecame:\n%s\nlines %v and %v", change.path, change.before,
		change.after, before, after, old.allowed, changed.allowed)
}

// extents are lines of a document that may change.
type extents struct {
	lines   []string
	root    *yaml.Node
	order   []*yaml.Node // all nodes, in the order of the text
	places  map[*yaml.Node]int
	allowed map[int]bool // by numbers from 1
	empty   bool         // the collection in which something changes has nothing in it
}

func newExtents(t failer, doc []byte) *extents {
	t.Helper()
	root, err := yamldoc.Parse(doc, yamldoc.DefaultLimits())
	if err != nil {
		t.Fatalf("%v in\n%s", err, doc)
	}
	x := &extents{root: root, places: map[*yaml.Node]int{}, allowed: map[int]bool{}}
	for line := range bytes.SplitAfterSeq(doc, []byte("\n")) {
		x.lines = append(x.lines, strings.TrimRight(string(line), "\r\n"))
	}
	x.list(root)
	return x
}

func (x *extents) list(n *yaml.Node) {
	x.places[n] = len(x.order)
	x.order = append(x.order, n)
	for _, child := range n.Content {
		x.list(child)
	}
}

// rest returns the lines that may not change.
func (x *extents) rest() string {
	var out []string
	for i, line := range x.lines {
		if !x.allowed[i+1] {
			out = append(out, line)
		}
	}
	return strings.TrimRight(strings.Join(out, "\n"), "\n")
}

// keeps reports whether the lines that may not change are those of the document before, and some comments and blank
// lines that stood in what was changed.
func (x *extents) keeps(old *extents) bool {
	kept := map[string]int{}
	for number := range old.allowed {
		if text := strings.TrimSpace(old.lines[number-1]); text == "" || text[0] == '#' {
			kept[text]++
		}
	}
	want := strings.Split(old.rest(), "\n")
	for line := range strings.SplitSeq(x.rest(), "\n") {
		text := strings.TrimSpace(line)
		switch {
		case len(want) > 0 && want[0] == line:
			want = want[1:]
		case kept[text] > 0:
			kept[text]--
		default:
			return false
		}
	}
	return len(want) == 0
}

// find returns the collection in which the last name of a path is, and the number of its part there, or -1.
func (x *extents) find(path []any) (in *yaml.Node, part int) {
	at := x.root
	for i, name := range path {
		in, part = at, -1
		switch name := name.(type) {
		case string:
			for j := 0; j+1 < len(at.Content); j += 2 {
				if nameOf(at, j/2) == name {
					part = j / 2
				}
			}
			if part >= 0 {
				at = at.Content[2*part+1]
			}
		case int:
			if at.Kind == yaml.SequenceNode && name >= 0 && name < len(at.Content) {
				part, at = name, at.Content[name]
			}
		}
		if part < 0 && i < len(path)-1 {
			return nil, -1
		}
	}
	return in, part
}

// nameOf returns the name of an entry; nothing for a merge.
func nameOf(in *yaml.Node, i int) string {
	key, _ := entries(&yaml.Node{Kind: yaml.MappingNode, Content: in.Content[2*i : 2*i+2]})
	if len(key) != 1 {
		return ""
	}
	return key[0].name
}

// first returns the node with which a part begins.
func (x *extents) first(in *yaml.Node, part int) *yaml.Node {
	if in.Kind == yaml.MappingNode {
		return in.Content[2*part]
	}
	return in.Content[part]
}

func parts(in *yaml.Node) int {
	if in.Kind == yaml.MappingNode {
		return len(in.Content) / 2
	}
	return len(in.Content)
}

// allow notes the lines of a part. Inside braces and brackets those of its neighbours are among them, for their commas;
// of a collection that begins behind a dash, the line of that.
func (x *extents) allow(path []any, there, moves bool) {
	in, part := x.find(path)
	if in == nil {
		return
	}
	x.empty = x.empty || parts(in) == 0
	if there {
		x.extent(in, part)
	}
	if moves {
		x.beginning(in, part == 0 && there)
	}
}

// neighbours returns the names of the entries before and behind one in braces, or the places of the items around one in
// brackets.
func (x *extents) neighbours(path []any, there bool) []any {
	in, part := x.find(path)
	if in == nil || !isFlow(in) {
		return nil
	}
	last := path[len(path)-1]
	i, isPlace := last.(int)
	switch {
	case isPlace && there:
		return []any{i - 1, i + 1}
	case isPlace:
		return []any{i - 1, i}
	}
	var out []any
	for _, i := range []int{part - 1, part + 1} {
		if i >= 0 && i < parts(in) {
			out = append(out, nameOf(in, i))
		}
	}
	return out
}

// allowAround notes the lines of neighbours, which may get or lose a comma.
func (x *extents) allowAround(path []any, names []any) {
	for _, name := range names {
		if in, part := x.find(append(slices.Clone(path[:len(path)-1]), name)); in != nil {
			x.extent(in, part)
		}
	}
}

// beginning notes the line of what is first behind a dash, or with what comes and goes there, of what is next.
func (x *extents) beginning(in *yaml.Node, both bool) {
	switch {
	case isFlow(in) || parts(in) == 0:
	case !both:
		begin := x.first(in, 0).Line
		x.allowed[begin] = true
		dash := begin - 1
		for dash > 0 && x.isComment(dash) {
			dash--
		}
		if dash > 0 && strings.HasPrefix(strings.TrimLeft(x.lines[dash-1], "- "), "#") { // a comment is behind the dash now
			for line := dash; line < begin; line++ {
				x.allowed[line] = true
			}
		}
	case x.isInline(in) && parts(in) > 1:
		x.extent(in, 0)
		for line := x.first(in, 1).Line; !x.allowed[line]; line-- {
			x.allowed[line] = true
		}
	}
}

// isInline reports whether a block collection begins behind a dash.
func (x *extents) isInline(in *yaml.Node) bool {
	if isFlow(in) || parts(in) == 0 {
		return false
	}
	before := strings.TrimRight(x.before(x.first(in, 0)), " ")
	if in.Kind == yaml.SequenceNode {
		before = strings.TrimSuffix(before, "-")
	}
	return strings.Trim(before, " ") != ""
}

// before returns what stands before a node on its line.
func (x *extents) before(n *yaml.Node) string {
	line := x.lines[n.Line-1]
	return line[:min(len(line), n.Column-1)]
}

// extent notes the lines of a part up to the next node, without comments and blank lines behind it.
func (x *extents) extent(in *yaml.Node, part int) {
	if part < 0 {
		return
	}
	first := x.first(in, part)
	leaf := first
	if in.Kind == yaml.MappingNode {
		leaf = in.Content[2*part+1]
	}
	for len(leaf.Content) > 0 {
		leaf = leaf.Content[len(leaf.Content)-1]
	}
	end := len(x.lines)
	if next := x.places[leaf] + 1; next < len(x.order) {
		end = max(first.Line, x.order[next].Line-1)
		if strings.ContainsAny(x.before(x.order[next]), "]}") {
			end = x.order[next].Line // its brace stands before the next node
		}
	}
	for ; end > first.Line; end-- {
		text := strings.TrimLeft(x.lines[end-1], " ")
		block := leaf.Style&(yaml.LiteralStyle|yaml.FoldedStyle) != 0 && len(x.lines[end-1])-len(text) >= first.Column
		if text != "" && x.lines[end-1] != "..." && (text[0] != '#' || block) {
			break
		}
	}
	for line := first.Line; line <= end; line++ {
		x.allowed[line] = true
	}
}

// note notes the comment directly above a part that goes.
func (x *extents) note(path []any) {
	in, part := x.find(path)
	if part < 0 {
		return
	}
	begin := x.first(in, part).Line
	for line := begin - 1; line > 0 && x.isComment(line) && x.indent(line) == x.indent(begin); line-- {
		x.allowed[line] = true
	}
}

func (x *extents) isComment(line int) bool {
	return strings.HasPrefix(strings.TrimLeft(x.lines[line-1], " "), "#")
}

func (x *extents) indent(line int) int {
	return len(x.lines[line-1]) - len(strings.TrimLeft(x.lines[line-1], " "))
}
