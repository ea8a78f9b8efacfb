package rewrite

import (
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"
)

// rearrangeFlow works inside the braces or brackets of a collection.
func (e *editor) rearrangeFlow(n *yaml.Node, parts []part, added map[int][]any, at *place) {
	f := flowEditor{editor: e, at: at, parts: parts, json: at.field("", nil, n).json, stays: len(parts)}
	for f.stays > 0 && parts[f.stays-1].gone {
		f.stays--
	}
	f.trailing = e.comma(parts[len(parts)-1].end) != unknown
	for i := range f.stays {
		f.put(i, added[i])
		if parts[i].gone {
			f.cut(i)
		}
	}
	f.finish(slices.Concat(f.tailAdded(added)...))
}

type flowEditor struct {
	*editor
	at       *place
	parts    []part
	json     bool
	stays    int  // behind the last part that stays
	trailing bool // a comma stands behind the last part
}

// tailAdded returns what is added behind the last part that stays.
func (f *flowEditor) tailAdded(added map[int][]any) [][]any {
	var out [][]any
	for i := f.stays; i <= len(f.parts); i++ {
		out = append(out, added[i])
	}
	return out
}

func (f *flowEditor) texts(added []any) []string {
	out := make([]string, len(added))
	for i, value := range added {
		out[i] = f.style.flow(value, 0, f.json)
	}
	return out
}

// separator returns what stands between a part and the next: a blank, or a line break and the indentation of the part.
func (f *flowEditor) separator(i int) string {
	start := f.parts[i].start
	if !f.beginsLine(start) {
		return " "
	}
	return f.lineBreak(start) + strings.Repeat(" ", f.column(start))
}

// put puts texts before a part.
func (f *flowEditor) put(i int, added []any) {
	if len(added) == 0 {
		return
	}
	between := "," + f.separator(i)
	f.replaceText(f.parts[i].start, f.parts[i].start, strings.Join(f.texts(added), between)+between)
}

// cut takes a part out, with the comma behind it and, when nothing else is there, its lines.
func (f *flowEditor) cut(i int) {
	p := f.parts[i]
	behind := f.comma(p.end)
	if behind == unknown {
		f.refuse(f.at, p.value, "there is no comma where one is expected")
		return
	}
	from, to := f.lines(p.start, behind+1)
	f.replaceText(from, to, "")
}

// lines returns the extent of the lines between two offsets when nothing else than a comment is on them, else one up to
// the next text of the line.
func (f *flowEditor) lines(start, end int) (from, to int) {
	rest := f.skipSpaces(end)
	if f.beginsLine(start) && (rest >= f.contentEnd(f.lineStart(rest)) || f.text[rest] == '#') {
		return f.lineStart(start), f.nextLine(end)
	}
	return start, min(rest, f.contentEnd(f.lineStart(end)))
}

// finish takes out what goes at the end, and puts texts there.
func (f *flowEditor) finish(added []any) {
	last := len(f.parts) - 1
	switch {
	case f.stays <= last && len(added) > 0:
		with := strings.Join(f.texts(added), ","+f.separator(f.stays))
		f.replaceText(f.parts[f.stays].start, f.parts[last].end, with)
	case f.stays <= last:
		f.cutTail()
	case len(added) > 0:
		f.extend(added)
	}
}

// cutTail takes the last parts out, and the comma before them. What stands between the two on lines of its own stays.
func (f *flowEditor) cutTail() {
	before, first, last := f.parts[f.stays-1], f.parts[f.stays], f.parts[len(f.parts)-1]
	if !f.beginsLine(first.start) {
		f.replaceText(before.end, last.end, "")
		return
	}
	end := last.end
	if f.trailing {
		end = f.comma(end) + 1
	} else {
		comma := f.comma(before.end)
		f.replaceText(comma, comma+1, "")
	}
	from, to := f.lines(first.start, end)
	f.replaceText(from, to, "")
}

// extend puts texts behind the last part: on its line, or on lines of their own.
func (f *flowEditor) extend(added []any) {
	last := len(f.parts) - 1
	end, separator := f.parts[last].end, f.separator(last)
	texts := strings.Join(f.texts(added), ","+separator)
	line := f.lineStart(end)
	rest := f.skipSpaces(end)
	if f.trailing {
		rest = f.skipSpaces(f.comma(end) + 1)
	}
	alone := rest >= f.contentEnd(line) || f.text[rest] == '#'
	if separator == " " || !alone {
		f.replaceText(end, end, ","+separator+texts)
		return
	}
	if f.trailing {
		texts += ","
	} else {
		f.replaceText(end, end, ",")
	}
	f.replaceText(f.contentEnd(line), f.contentEnd(line), separator+texts)
}

// flow writes a value or an entry in one line, a text in the style of the one before it where that is possible.
func (s *style) flow(value any, old yaml.Style, json bool) string {
	switch v := value.(type) {
	case newEntry:
		return keyText(v.name, true, json) + ": " + s.flow(v.value, 0, json)
	case map[string]any:
		entries := make([]string, 0, len(v))
		for _, name := range s.sorted(v) {
			entries = append(entries, s.flow(newEntry{name, v[name]}, 0, json))
		}
		return "{" + strings.Join(entries, ", ") + "}"
	case []any:
		items := make([]string, len(v))
		for i, item := range v {
			items[i] = s.flow(item, 0, json)
		}
		return "[" + strings.Join(items, ", ") + "]"
	}
	if json && old&yaml.SingleQuotedStyle == 0 {
		old = yaml.DoubleQuotedStyle
	}
	return scalarText(value, old, true)
}
