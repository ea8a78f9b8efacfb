package remotehost

import (
	"net"
	"strings"
	"unicode"
)

// List is servers that something is permitted for.
type List []entry

// entry is a server of a list, by whatever scheme it is spoken to.
type entry struct {
	name string
	port string // empty: that of the scheme
}

// ParseList reads servers of the form HOST or HOST:PORT, separated by commas, blanks or line ends. A # begins a
// comment, which goes to the end of its line. Without a port the port of the scheme is meant. Ok is false when an entry
// can't be a server; nothing is permitted then.
func ParseList(text string) (l List, ok bool) {
	for line := range strings.Lines(text) {
		line, _, _ = strings.Cut(line, "#")
		for _, field := range strings.FieldsFunc(line, func(r rune) bool { return r == ',' || unicode.IsSpace(r) }) {
			e, ok := parseEntry(field)
			if !ok {
				return nil, false
			}
			l = append(l, e)
		}
	}
	return l, true
}

func parseEntry(text string) (entry, bool) {
	if host, port, err := net.SplitHostPort(text); err == nil {
		name, ok := canonicalName(host)
		return entry{name, port}, ok && isPort(port)
	}
	if inner, opened := strings.CutPrefix(text, "["); opened { // an address without a port
		text = strings.TrimSuffix(inner, "]")
	}
	name, ok := canonicalName(text)
	return entry{name: name}, ok
}

// Allows reports whether a server is in the list.
func (l List) Allows(h Host) bool {
	standard, known := defaultPort(h.Scheme)
	for _, e := range l {
		port := e.port
		if port == "" {
			port = standard
		}
		if known && e.name == h.Name && port == h.Port {
			return true
		}
	}
	return false
}
