package console

import (
	"strings"
	"testing"
)

// TestAFileOfOthersIsText: a line of 10 MiB is cut.
func TestAFileOfOthersIsText(t *testing.T) {
	t.Parallel()
	lines := numbered("a: <script>\n"+strings.Repeat("é", 5<<20)+"\n"+strings.Repeat("x\n", 3*maxLines), 1)
	if len(lines) != maxLines || lines[0].Text != "a: <script>" || !lines[0].Marked ||
		len(lines[1].Text) > maxLine+20 || strings.ToValidUTF8(lines[1].Text, "") != lines[1].Text {
		t.Errorf("%d lines, %q", len(lines), lines[0].Text)
	}
}

// TestNoPageIsTurned: no character of others changes the direction of what stands around it. Tags stay as they are, and
// so does what somebody types.
func TestNoPageIsTurned(t *testing.T) {
	t.Parallel()
	for page, want := range map[string]string{
		"<p title=\"\u202e\">a\u202eb\u2069</p>\u2066":   "<p title=\"\u202e\">a\ufffdb\ufffd</p>\ufffd",
		"<textarea>\u202e</textarea>\u202d":              "<textarea>\u202e</textarea>\ufffd",
		"<p>… – \u200f\u2029\u206a€\xe2\x80</p>\xe2":     "<p>… – \u200f\u2029\u206a€\xe2\x80</p>\xe2",
		"<input value=\"\u202e&gt;\u202e\"> \u202b <b>x": "<input value=\"\u202e&gt;\u202e\"> \ufffd <b>x",
	} {
		if got := string(upright([]byte(page))); got != want {
			t.Errorf("%q became %q, not %q", page, got, want)
		}
	}
}
