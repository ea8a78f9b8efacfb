package doctor

import (
	"strings"
	"testing"
)

func TestMeaning(t *testing.T) {
	t.Parallel()
	const base = "# Generated: 2026-01-01 10:00:00 UTC\nkind: VPC\nmetadata:\n  name: a\n  annotations: {at: " +
		"'2026-01-01T10:00:00.123+00:00'}\nspec:\n  vlans: [1, 2]\n"
	replaced := func(pairs ...string) string { return strings.NewReplacer(pairs...).Replace(base) }
	for name, test := range map[string]struct {
		before, after string
		want          meaning
	}{
		"nothing":                  {base, base, textOnly},
		"a comment":                {base, replaced("# Generated: 2026-01-01", "# Generated: 2026-02-02"), textOnly},
		"a blank line":             {base, replaced("spec:", "\nspec:"), textOnly},
		"a marker":                 {base, "---\n" + base, textOnly},
		"an empty document":        {base, "# only a comment\n---\n" + base, textOnly},
		"quotes":                   {base, replaced("name: a", `name: "a"`), textOnly},
		"layout":                   {base, replaced("[1, 2]", "\n  - 1\n  - 2"), textOnly},
		"the order of keys":        {base, replaced("kind: VPC\n", "", "spec:", "kind: VPC\nspec:"), textOnly},
		"a time":                   {base, replaced("01T10", "02T11"), timesOnly},
		"a time in another form":   {base, replaced("'2026-01-01T10:00:00.123+00:00'", "2026-01-02"), timesOnly},
		"a time and a comment":     {base, replaced("01T10", "02T11", "# Generated", "# Made"), timesOnly},
		"a time and a value":       {base, replaced("01T10", "02T11", "name: a", "name: b"), realMeaning},
		"a time that goes":         {base, replaced("at: '2026-01-01T10:00:00.123+00:00'", ""), realMeaning},
		"a time that became text":  {base, replaced("'2026-01-01T10:00:00.123+00:00'", "never"), realMeaning},
		"text with a time in it":   {"a: on 2026-01-01\n", "a: on 2026-01-02\n", realMeaning},
		"a name that has numbers":  {"a: 2026-01\n", "a: 2026-02\n", realMeaning},
		"a value":                  {base, replaced("name: a", "name: b"), realMeaning},
		"a number that became one": {"a: '1'\n", "a: 1\n", realMeaning},
		"the order of a list":      {base, replaced("[1, 2]", "[2, 1]"), realMeaning},
		"a key":                    {base, replaced("vlans", "vlan"), realMeaning},
		"a document more":          {base, base + "---\nkind: VPC\n", realMeaning},
		"an alias":                 {"a: &x 1\nb: &y 1\nc: *x\n", "a: &x 1\nb: &y 1\nc: *y\n", realMeaning},
		"a key that is there twice": {
			"a: 1\nb: 2\n", "a: 1\na: 1\n", realMeaning,
		},
		"broken before":          {"a: [\n", "a: []\n", realMeaning},
		"broken after":           {"a: []\n", "a: [\n", realMeaning},
		"aliases without number": {bomb, "# more\n" + bomb, textOnly},
	} {
		if got := compare([]byte(test.before), []byte(test.after)); got != test.want {
			t.Errorf("%s: %d, not %d", name, got, test.want)
		}
	}
}

// bomb means a thousand million words.
const bomb = "a: &a [x,x,x,x,x,x,x,x,x,x]\nb: &b [*a,*a,*a,*a,*a,*a,*a,*a,*a,*a]\nc: &c " +
	"[*b,*b,*b,*b,*b,*b,*b,*b,*b,*b]\n" +
	"d: &d [*c,*c,*c,*c,*c,*c,*c,*c,*c,*c]\ne: &e [*d,*d,*d,*d,*d,*d,*d,*d,*d,*d]\nf: &f " +
	"[*e,*e,*e,*e,*e,*e,*e,*e,*e,*e]\n" +
	"g: &g [*f,*f,*f,*f,*f,*f,*f,*f,*f,*f]\nh: &h [*g,*g,*g,*g,*g,*g,*g,*g,*g,*g]\ni: [*h,*h,*h,*h,*h,*h,*h,*h,*h,*h]\n"

func TestFamily(t *testing.T) {
	t.Parallel()
	for subject, want := range map[string]string{
		"Update vpc-1 with VLAN 1001":                      "Update vpc-<n> with VLAN <n>",
		"Sync at 2026-01-01T10:00:00.5+01:00":              "Sync at <time>",
		"Sync at 2026-01-01 10:00 UTC":                     "Sync at <time>",
		"Merge 4b280b5 into main":                          "Merge <id> into main",
		"Sync 0c9e8f0a-1b2c-4d5e-8f90-a1b2c3d4e5f6 of all": "Sync <id> of all",
		"Deface the facade of 1234567":                     "Deface the facade of <n>",
		"Mend the README":                                  "Mend the README",
		"":                                                 "",
	} {
		if got := family(subject); got != want {
			t.Errorf("%q: %q, not %q", subject, got, want)
		}
	}
}
