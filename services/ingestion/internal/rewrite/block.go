package rewrite

import (
	"bytes"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"
)

// rearrangeBlock works on the lines of a block collection.
func (e *editor) rearrangeBlock(n *yaml.Node, parts []part, added map[int][]any, want any, at *place) {
	column := e.column(parts[0].start)
	stays := slices.IndexFunc(parts, func(p part) bool { return !p.gone })
	inline := !e.beginsLine(parts[0].start)
	switch {
	case !inline:
		e.insertLines(e.lineStart(parts[0].start), e.style.lines(added[0], column))
	case stays < 0:
		e.replace(n, want, at)
		return
	default:
		e.rearrangeInline(parts, stays, added[0], at)
	}
	ends := e.groupEnds(parts)
	for i := range parts {
		if parts[i].gone && (!inline || i > stays) {
			e.replaceText(e.noteAbove(parts, i, ends[i]), e.nextLine(parts[i].end), "")
		}
		e.insertLines(e.nextLine(parts[i].end), e.style.lines(added[i+1], column))
	}
}

// rearrangeInline changes the beginning of a collection that begins behind a dash: of those that go from there on, the
// lines are taken out and the first one that stays moves up.
func (e *editor) rearrangeInline(parts []part, stays int, added []any, at *place) {
	start := parts[0].start
	column := e.column(start)
	if stays > 0 {
		if len(added) > 0 {
			e.refuse(at, parts[0].value, "items are taken out and put in at the beginning of a list inside a list")
			return
		}
		e.replaceText(start, e.skipBlanks(e.nextLine(parts[stays-1].end)), "")
		return
	}
	if lines := e.style.lines(added, column); len(lines) > 0 {
		end := e.lineBreak(start) + strings.Repeat(" ", column)
		e.replaceText(start, start, strings.TrimLeft(strings.Join(lines, e.lineBreak(start)), " ")+end)
	}
}

// noteAbove returns where the lines of a part begin that goes. The comment directly above it, at the same indentation,
// goes with it when it can be about nothing else: not for the first part, whose comment may be about all of them, and
// only when it ends a group.
func (e *editor) noteAbove(parts []part, i int, endsGroup bool) int {
	start := e.lineStart(parts[i].start)
	if i == 0 || !endsGroup {
		return start
	}
	floor, column := e.nextLine(parts[i-1].end), e.column(parts[i].start)
	for start > floor {
		above := e.lineStart(start - 1)
		line := e.text[above:start]
		if above < floor || len(line)-len(bytes.TrimLeft(line, " ")) != column || line[column] != '#' {
			break
		}
		start = above
	}
	return start
}

// groupEnds tells of each part whether a blank line, a comment or the end of the collection follows it, or directly
// below only others that go and end a group.
func (e *editor) groupEnds(parts []part) []bool {
	out := make([]bool, len(parts))
	for i := range slices.Backward(parts) {
		out[i] = i == len(parts)-1 || e.lineStart(parts[i+1].start) != e.nextLine(parts[i].end) ||
			parts[i+1].gone && out[i+1]
	}
	return out
}

// replace puts another value in the place of a node.
func (e *editor) replace(n *yaml.Node, want any, at *place) {
	if e.refuseShared(n, at); e.err != nil {
		return
	}
	start, end := e.offset(n), e.end(n)
	if end == unknown {
		e.refuse(at, n, "it can't be told where what is written here ends")
		return
	}
	if at.flow {
		with := e.style.flow(want, n.Style, at.json)
		if isEmpty(n) && start > 0 && !isBlank(e.text[start-1]) {
			with = " " + with
		}
		e.replaceText(start, end, with)
		return
	}
	after := e.after(at)
	if after == unknown || at.key != nil && e.isExplicit(e.offset(at.key)) {
		e.refuse(at, n, "its key is not written in the plain way")
		return
	}
	e.replaceBlock(n, want, at, after, end)
}

// replaceBlock puts another value behind a colon or a dash, and below it.
func (e *editor) replaceBlock(n *yaml.Node, want any, at *place, after, end int) {
	first, lines := e.written(n, want, at, after)
	start := e.offset(n)
	below := bytes.IndexByte(e.text[after:start], '\n') >= 0
	switch {
	case isEmpty(n) && start == end || below:
		if first != "" {
			e.replaceText(after, after, " "+first)
		}
		if below {
			e.replaceText(e.nextLine(after), e.nextLine(end), "")
		}
	case n.Style&(yaml.LiteralStyle|yaml.FoldedStyle) != 0:
		header, _ := e.blockScalar(e.content(n))
		e.replaceText(start, header, first)
		e.replaceText(e.nextLine(header), e.nextLine(end), "")
	case first == "":
		e.replaceText(after, end, "")
	default:
		e.replaceText(start, end, first)
	}
	e.insertLines(e.nextLine(end), lines)
}

// written returns a value as it is written behind a colon or dash, and in the lines below.
func (e *editor) written(n *yaml.Node, want any, at *place, after int) (first string, lines []string) {
	column := e.column(after) - 1
	if at.key != nil {
		column = e.column(e.offset(at.key))
	}
	old := yaml.Style(0)
	if n.Kind == yaml.ScalarNode {
		old = n.Style
	}
	if text, isText := want.(string); isText && old&(yaml.LiteralStyle|yaml.FoldedStyle) != 0 {
		if header, lines, ok := blockText(text, old, e.textColumn(n, column)); ok {
			return header, lines
		}
	}
	return e.style.block(want, old, column, at.key == nil)
}

// textColumn returns the indentation of a literal or folded scalar.
func (e *editor) textColumn(n *yaml.Node, column int) int {
	header, end := e.blockScalar(e.content(n))
	for line := e.nextLine(header); line < end; line = e.nextLine(line) {
		if at := e.skipSpaces(line); at < e.contentEnd(line) {
			return at - line
		}
	}
	return column + e.style.step
}
