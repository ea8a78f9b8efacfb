package printable_test

import (
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"

	"fgdsync.dev/libs/printable"
)

func TestLine(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]string{
		"":                        "",
		"Ann Example":             "Ann Example",
		"  around \n":             "around",
		"one\r\ntwo\tthree":       "one  two three",
		"red\x1b[31m":             "red [31m",
		"naïve ☃ 雪":               "naïve ☃ 雪",
		"bad \xff byte":           "bad   byte",
		"turned \u202eback":       "turned  back",
		"C1 \u009b and \u00a0 no": "C1   and   no",
	} {
		if got := printable.Line(in); got != want {
			t.Errorf("Line(%q) is %q, want %q", in, got, want)
		}
	}
}

func TestTruncate(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		in   string
		n    int
		want string
	}{
		{"", 1, ""},
		{"a", 1, "a"},
		{"ab", 1, "…"},
		{"abc", 3, "abc"},
		{"abcd", 3, "ab…"},
		{"雪雪雪", 3, "雪雪雪"},
		{"雪雪雪雪", 3, "雪雪…"},
		{"a\nb", 3, "a\nb"},
		{"a\xffb", 3, "a\ufffdb"},
	} {
		if got := printable.Truncate(c.in, c.n); got != c.want {
			t.Errorf("Truncate(%q, %d) is %q, want %q", c.in, c.n, got, c.want)
		}
	}
}

func FuzzPrintable(f *testing.F) {
	f.Add("plain", 3)
	f.Add("\xff\n\u202e☃", 2)
	f.Fuzz(func(t *testing.T, s string, n int) {
		n = 1 + int(uint(n)%300)
		short := printable.Truncate(s, n)
		if !utf8.ValidString(short) || utf8.RuneCountInString(short) > n {
			t.Errorf("Truncate(%q, %d) is %q", s, n, short)
		}
		line := printable.Line(s)
		if !utf8.ValidString(line) || strings.ContainsFunc(line, unicode.IsControl) || printable.Line(line) != line {
			t.Errorf("Line(%q) is %q", s, line)
		}
	})
}
