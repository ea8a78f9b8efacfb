package render

import (
	"cmp"

	"fgdsync.dev/cmd/fgd/internal/contexts"
	"fgdsync.dev/libs/printable"
)

// Contexts prints contexts, a line each; a star marks the current one.
func Contexts(s *Screen, all *contexts.All) {
	t := newTable(s)
	t.cells("CURRENT", "NAME", "SERVER", "CA FILE", "TOKEN FILE")
	for _, name := range all.Names() {
		mark := ""
		if name == all.Current {
			mark = "*"
		}
		c := all.Contexts[name]
		t.cells(mark, name, printable.Line(c.Server), cmp.Or(printable.Line(c.CAFile), "-"),
			cmp.Or(printable.Line(c.TokenFile), "-"))
	}
	t.end()
}

// Context prints where a system is; name is that of its context, and from is what has said it, both where there is one.
func Context(s *Screen, name string, c contexts.Context, from string) {
	f := s.facts()
	f.add("context", "%s", cmp.Or(name, "none"))
	f.add("server", "%s", c.Server)
	if from != "" {
		f.add("said by", "%s", from)
	}
	f.add("CA file", "%s", cmp.Or(c.CAFile, "-"))
	f.add("token file", "%s", cmp.Or(c.TokenFile, "-"))
	f.end()
}
