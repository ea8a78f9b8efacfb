// Package remotehost names the servers that credentials are for. A server has one spelling: two URLs are of one server
// if and only if their Hosts are equal. What the names resolve to is not looked at, so that the answer is the same
// wherever and whenever it is asked for.
package remotehost

import (
	"net"
	"net/netip"
	"regexp"
	"strconv"
	"strings"
	"unicode/utf8"

	"golang.org/x/net/idna"
)

// Host is a server, and how it is spoken to. The zero Host is none.
type Host struct {
	Scheme string // https, http or ssh
	Name   string // lower case ASCII without a dot at its end, or an address without brackets
	Port   string // decimal, without leading zeros
}

// New returns a server in its one spelling; ok is false for what can't be one. A port that is empty is that of the
// scheme. Names with letters beyond ASCII are those that DNS is asked for (RFC 5891).
func New(scheme, name, port string) (h Host, ok bool) {
	h.Scheme = strings.ToLower(scheme)
	standard, known := defaultPort(h.Scheme)
	if !known {
		return Host{}, false
	}
	if h.Name, ok = canonicalName(name); !ok {
		return Host{}, false
	}
	if h.Port = port; port == "" {
		h.Port = standard
	}
	return h, isPort(h.Port)
}

// None reports whether there is no server.
func (h Host) None() bool { return h == Host{} }

// Address returns name:port, with an IPv6 address in brackets.
func (h Host) Address() string { return net.JoinHostPort(h.Name, h.Port) }

// String returns the server as a URL has it: with the port only when it is not that of the scheme.
func (h Host) String() string {
	if standard, _ := defaultPort(h.Scheme); h.Port != standard {
		return h.Address()
	}
	if strings.Contains(h.Name, ":") {
		return "[" + h.Name + "]"
	}
	return h.Name
}

func defaultPort(scheme string) (port string, known bool) {
	switch scheme {
	case "https":
		return "443", true
	case "http":
		return "80", true
	case "ssh":
		return "22", true
	}
	return "", false
}

// name is what can be one; what can begin with a dash could become an option of a program.
var name = regexp.MustCompile(`^[A-Za-z0-9_][A-Za-z0-9_-]*(\.[A-Za-z0-9_][A-Za-z0-9_-]*)*$`)

// zone is the interface that a link-local address is reached through.
var zone = regexp.MustCompile(`^[A-Za-z0-9_.-]+$`)

func canonicalName(raw string) (string, bool) {
	if address, err := netip.ParseAddr(raw); err == nil {
		return address.String(), address.Zone() == "" || zone.MatchString(address.Zone())
	}
	if !utf8.ValidString(raw) {
		return "", false
	}
	if !isASCII(raw) { // as the HTTP client maps it
		ascii, err := idna.Lookup.ToASCII(raw)
		if err != nil {
			return "", false
		}
		raw = ascii
	}
	raw = strings.TrimSuffix(raw, ".")
	if address, err := netip.ParseAddr(raw); err == nil {
		return address.String(), address.Zone() == ""
	}
	return strings.ToLower(raw), name.MatchString(raw)
}

func isASCII(text string) bool {
	for i := range len(text) {
		if text[i] > '~' {
			return false
		}
	}
	return true
}

func isPort(port string) bool {
	number, err := strconv.ParseUint(port, 10, 16)
	return err == nil && number > 0 && strconv.FormatUint(number, 10) == port
}
