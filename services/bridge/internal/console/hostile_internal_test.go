package console

import (
	"strings"
	"testing"
)

// TestAFileOfOthersIsText: a line of 10 MiB is cut, and no character turns those around it.
func TestAFileOfOthersIsText(t *testing.T) {
	t.Parallel()
	lines := numbered("a: \u202e\u2066<script>\n"+strings.Repeat("é", 5<<20)+"\n"+strings.Repeat("x\n", 3*maxLines), 1)
	if len(lines) != maxLines || lines[0].Text != "a: \ufffd\ufffd<script>" || !lines[0].Marked ||
		len(lines[1].Text) > maxLine+20 || strings.ToValidUTF8(lines[1].Text, "") != lines[1].Text {
		t.Errorf("%d lines, %q", len(lines), lines[0].Text)
	}
}
