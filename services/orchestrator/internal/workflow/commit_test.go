package workflow

import (
	"strings"
	"testing"

	"fgdsync.dev/libs/lock"
	editv1 "fgdsync.dev/proto/fgd/edit/v1"
	fabricv1 "fgdsync.dev/proto/fgd/fabric/v1"
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
		"Ada <\"a>b\"@example.com>":   "Ada \"ab\"@example.com " + noAddress,
	} {
		a := author(&syncv1.Sync{RequestedBy: who})
		got := a.GetName() + " " + a.GetEmail()
		if strings.ContainsAny(got, "\n\r<>") || want != "" && got != want {
			t.Errorf("%q is %q, not %q", who, got, want)
		}
	}
}

// TestTheAddressOfWhoAsked is the author's, unless it is none or the name has one.
func TestTheAddressOfWhoAsked(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ who, email, want string }{
		{"ada", "ada@example.com", "ada <ada@example.com>"},
		{"ada", "x <y@example.com", "ada <" + noAddress + ">"},
		{"ada", "a@b@c", "ada <" + noAddress + ">"},
		{"Ada <ada@example.com>", "other@example.com", "Ada <ada@example.com>"},
	} {
		a := author(&syncv1.Sync{RequestedBy: c.who, RequestedByEmail: c.email})
		if got := a.GetName() + " <" + a.GetEmail() + ">"; got != c.want {
			t.Errorf("%s, %s: %s, not %s", c.who, c.email, got, c.want)
		}
	}
}

// TestTheAuthorOfEdits is who made them, whatever the name and the address hold, and the commit has lines of its own
// alone.
func TestTheAuthorOfEdits(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		author       *editv1.Author
		want, edited string
	}{
		"known": {
			&editv1.Author{Name: "Ada", Email: "ada@example.com"}, "Ada ada@example.com", "Ada <ada@example.com>",
		},
		"no address":      {&editv1.Author{Name: "Ada"}, "Ada " + noAddress, "Ada"},
		"no such address": {&editv1.Author{Name: "Ada", Email: "ada"}, "Ada " + noAddress, "Ada"},
		"lines": {
			&editv1.Author{Name: "A\r\nparent 1", Email: "a@example.com\nparent 1"}, "A  parent 1 " + noAddress, "A  parent 1",
		},
		"brackets": {
			&editv1.Author{Name: "A <b@c>", Email: "<a@example.com>"}, "A b@c a@example.com", "A b@c <a@example.com>",
		},
		"nothing else": {&editv1.Author{Name: "<>\n", Email: "\"a>b\"@example.com"}, "unknown " + noAddress, "unknown"},
		"quoted":       {&editv1.Author{Name: "Q", Email: "\"a b\"@example.com"}, "Q " + noAddress, "Q"},
	} {
		a := editAttempt(nil)
		a.sync.record.EditSet.Author, a.sync.record.RequestedBy = c.author, "netbox"
		a.fabric, a.sync.lease = &fabricv1.Fabric{}, &lock.Lease{}
		by, message := author(a.sync.record.Sync), commitMessage(a)
		if got := by.GetName() + " " + by.GetEmail(); got != c.want {
			t.Errorf("%s: the author is %q, want %q", name, got, c.want)
		}
		if !strings.Contains(message, "\nRequested-by: netbox\nEdited-by: "+c.edited+"\n") ||
			strings.Contains(message, "\nparent") {
			t.Errorf("%s: the message is %q", name, message)
		}
	}
}
