package workflow

import (
	"strings"
	"testing"

	syncv1 "fgdsync.dev/proto/fgd/sync/v1"
)

// TestOneLine: no name of a person or a fabric ends its line of a commit, or opens an address.
func TestOneLine(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"Ada Lovelace":                "Ada Lovelace",
		"a\nFgd-Fence: 1":             "a Fgd-Fence: 1",
		"a\r\n\tb":                    "a   b",
		"a\x00b\x1b[31mc\x7fd\u0085e": "a b [31mc d e",
		"Ada <root@example.com>":      "Ada root@example.com",
		" \n ":                        "unknown",
		"":                            "unknown",
		"a\u2028b":                    "a\u2028b",
	} {
		if got := oneLine(text); got != want {
			t.Errorf("%q is %q, not %q", text, got, want)
		}
	}
}

// TestAuthor: who asked becomes the author, whatever the name holds.
func TestAuthor(t *testing.T) {
	t.Parallel()
	for who, want := range map[string]string{
		"ada":                         "ada " + noAddress,
		"Ada <ada@example.com>":       "Ada ada@example.com",
		"ada@example.com":             "ada@example.com ada@example.com",
		"a\nparent 1 <x@example.com>": "a parent 1 x@example.com " + noAddress,
		"\"A\\\nB\" <ab@example.com>": "",
	} {
		a := author(&syncv1.Sync{RequestedBy: who})
		got := a.GetName() + " " + a.GetEmail()
		if strings.ContainsAny(got, "\n\r<>") || want != "" && got != want {
			t.Errorf("%q is %q, not %q", who, got, want)
		}
	}
}
