package render

import (
	"fmt"
	"slices"
	"strings"

	"github.com/rivo/uniseg"
)

// table is rows of several columns, the first row their heads. On a terminal that is too narrow for it, the widest
// columns are cut until it fits, and what was cut ends with "…"; a screen that shows all cuts nothing.
type table struct {
	screen *Screen
	width  int   // in columns; 0 when it is never too wide
	whole  []int // columns that are not cut, because commands are called with what is in them
	rows   [][]string
}

// gap is how many columns are between those of a table.
const gap = 2

// newTable returns a table of which some columns are never cut.
func newTable(s *Screen, whole ...int) *table {
	t := &table{screen: s, whole: whole}
	if !s.all {
		t.width = s.width
	}
	return t
}

func (t *table) cells(values ...any) {
	row := make([]string, len(values))
	for i, value := range values {
		row[i] = t.screen.harmless(strings.ReplaceAll(fmt.Sprint(value), "\n", " "))
	}
	t.rows = append(t.rows, row)
}

// end prints the rows.
func (t *table) end() {
	for _, line := range t.lines() {
		t.screen.printf("%s\n", line)
	}
}

// lines returns the rows as they are printed.
func (t *table) lines() []string {
	widths := t.widths()
	lines := make([]string, len(t.rows))
	for i, row := range t.rows {
		var line strings.Builder
		for column, cell := range row {
			cell = cut(cell, widths[column])
			line.WriteString(cell)
			line.WriteString(strings.Repeat(" ", widths[column]+gap-uniseg.StringWidth(cell)))
		}
		lines[i] = strings.TrimRight(line.String(), " ")
	}
	return lines
}

// widths returns how wide each column is.
func (t *table) widths() []int {
	var widths []int
	for _, row := range t.rows {
		for column, cell := range row {
			if column == len(widths) {
				widths = append(widths, 0)
			}
			widths[column] = max(widths[column], uniseg.StringWidth(cell))
		}
	}
	if t.width == 0 {
		return widths
	}
	room, others := t.width-gap*(len(widths)-1), []int(nil)
	for column, width := range widths {
		if slices.Contains(t.whole, column) {
			room -= width
		} else {
			others = append(others, width)
		}
	}
	limit := shared(room, others)
	for column := range widths {
		if !slices.Contains(t.whole, column) {
			widths[column] = min(widths[column], limit)
		}
	}
	return widths
}

// shared returns how wide columns may be at most for all of them to have room. Those that need less leave the rest to
// the others.
func shared(room int, widths []int) int {
	slices.Sort(widths)
	for i, width := range widths {
		each := max(room/(len(widths)-i), 1)
		if width > each {
			return each
		}
		room -= width
	}
	return slices.Max(append(widths, 1))
}

// cut returns a text that is so many columns wide at most; what was cut ends with "…".
func cut(text string, width int) string {
	if uniseg.StringWidth(text) <= width {
		return text
	}
	var kept strings.Builder
	left := width - uniseg.StringWidth("…")
	for graphemes := uniseg.NewGraphemes(text); graphemes.Next(); {
		if left -= graphemes.Width(); left < 0 {
			break
		}
		kept.WriteString(graphemes.Str())
	}
	return kept.String() + "…"
}
