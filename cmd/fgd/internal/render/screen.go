package render

import (
	"fmt"
	"io"
	"os"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/fatih/color"
	"github.com/rivo/uniseg"
	"golang.org/x/term"
)

// Screen is where a command prints: a terminal, with colours and lines that break between words, or anything else,
// which gets the bare text.
type Screen struct {
	w        io.Writer
	terminal bool
	width    int  // in columns; 0 when lines don't break
	all      bool // tables have all their columns, and nothing of them is cut

	good, bad, warn, strong, faint, place *color.Color
}

// NewScreen returns a screen on w. A terminal that is dumb, or a variable NO_COLOR in the environment, turns colours
// off.
func NewScreen(w io.Writer, lookupEnv func(string) (string, bool)) *Screen {
	s := &Screen{w: w}
	if file, ok := w.(*os.File); ok && term.IsTerminal(int(file.Fd())) {
		s.terminal = true
		if width, _, err := term.GetSize(int(file.Fd())); err == nil {
			s.width = width
		}
	}
	refused, _ := lookupEnv("NO_COLOR")
	kind, _ := lookupEnv("TERM")
	s.paint(s.terminal && refused == "" && kind != "dumb")
	return s
}

// ShowingAll returns a screen whose tables have all their columns, and are not cut to fit.
func (s *Screen) ShowingAll() *Screen {
	all := *s
	all.all = true
	return &all
}

// Through returns a screen that prints in the same way through something that leads to it, as a pager does.
func (s *Screen) Through(w io.Writer) *Screen {
	through := *s
	through.w = w
	return &through
}

func (s *Screen) paint(colours bool) {
	for to, attributes := range map[**color.Color][]color.Attribute{
		&s.good: {color.FgGreen}, &s.bad: {color.FgRed}, &s.warn: {color.FgYellow}, &s.strong: {color.Bold},
		&s.faint: {color.Faint}, &s.place: {color.FgCyan},
	} {
		*to = color.New(attributes...)
		if (*to).DisableColor(); colours {
			(*to).EnableColor()
		}
	}
}

// Terminal reports whether a person looks at it.
func (s *Screen) Terminal() bool { return s.terminal }

// Write prints bytes as they are.
func (s *Screen) Write(p []byte) (int, error) { return s.w.Write(p) }

// printf prints text as it is. A reader that went away is no reason to fail.
func (s *Screen) printf(format string, args ...any) { _, _ = fmt.Fprintf(s.w, format, args...) }

// harmless returns a text that others wrote so that it does not move the cursor: on a terminal, what can't be printed
// is a blank. Elsewhere it stays as it is, to the last byte.
func (s *Screen) harmless(text string) string {
	if !s.terminal {
		return text
	}
	return strings.Map(func(r rune) rune {
		if r == '\n' || r == '\t' || r != utf8.RuneError && unicode.IsPrint(r) {
			return r
		}
		return ' '
	}, text)
}

// line prints a line that begins with something coloured and breaks between words, its further lines two columns in.
func (s *Screen) line(style *color.Color, first, rest string) {
	first, rest = s.harmless(first), s.harmless(rest)
	for i, text := range wrap(rest, s.width-uniseg.StringWidth(first), s.width-len(hanging)) {
		begin := hanging
		if i == 0 {
			begin = style.Sprint(first)
		}
		s.printf("%s\n", begin+text)
	}
}

const hanging = "  "

// facts are rows of a name and a value, the values below each other.
type facts struct {
	screen *Screen
	rows   []fact
}

type fact struct {
	name, value string
	style       *color.Color
}

func (s *Screen) facts() *facts { return &facts{screen: s} }

func (f *facts) add(name, format string, args ...any) { f.styled(nil, name, format, args...) }

func (f *facts) styled(style *color.Color, name, format string, args ...any) {
	f.rows = append(f.rows, fact{name, fmt.Sprintf(format, args...), style})
}

func (f *facts) end() {
	widest := 0
	for _, row := range f.rows {
		widest = max(widest, len(row.name))
	}
	indent := widest + len(hanging)
	for _, row := range f.rows {
		for i, text := range wrap(f.screen.harmless(row.value), f.screen.width-indent, f.screen.width-indent) {
			name := strings.Repeat(" ", indent)
			if i == 0 {
				name = fmt.Sprintf("%-*s", indent, row.name)
			}
			if row.style != nil {
				text = row.style.Sprint(text)
			}
			f.screen.printf("%s\n", strings.TrimRight(f.screen.faint.Sprint(name)+text, " "))
		}
	}
}

// narrowest is how many columns text is broken to; where there are fewer, the terminal breaks it.
const narrowest = 20

// wrap breaks a text between words into lines of a width, the first of a width of its own, which may have no room for a
// word. A word that is longer than a line stays whole, so that it can be copied.
func wrap(text string, first, others int) []string {
	if others < narrowest {
		return []string{text}
	}
	var lines []string
	line, limit := "", first
	for word := range strings.FieldsSeq(text) {
		longer := word
		if line != "" {
			longer = line + " " + word
		}
		if uniseg.StringWidth(longer) > limit && (line != "" || len(lines) == 0 && first < others) {
			lines, longer, limit = append(lines, line), word, others
		}
		line = longer
	}
	return append(lines, line)
}
