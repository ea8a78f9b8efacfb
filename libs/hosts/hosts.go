// Package hosts says for which hosts a process answers requests over HTTP. A web page can have a name of its own lead
// to this machine (DNS rebinding). To a browser it is then of the same origin as the process, and nothing but the name
// in the request gives it away.
package hosts

import (
	"net"
	"net/http"
	"net/netip"
	"regexp"
	"strings"

	"fgdsync.dev/libs/config"
	"fgdsync.dev/libs/errs"
	"fgdsync.dev/libs/printable"
)

// Key is that of the configuration for the names beside those of loopback.
const Key = "public_hosts"

// Check refuses what can't be the name or the address in a Host header, without a port.
func Check(names []string) error {
	for _, name := range names {
		if !isHost(name) {
			return config.Invalid(Key, name, "names and IP addresses, each without a scheme, a port or a path")
		}
	}
	return nil
}

var hostName = regexp.MustCompile(`^[A-Za-z0-9_]([A-Za-z0-9._-]*[A-Za-z0-9_])?$`)

func isHost(text string) bool {
	_, err := netip.ParseAddr(text)
	return err == nil || hostName.MatchString(text)
}

// Public are the names by which a process may be asked beside those of loopback, and beside the address at which it is
// reached: a page whose host is an address came from there.
type Public map[string]bool

// New returns the public hosts of a list of names and addresses without ports.
func New(names []string) Public {
	public := Public{}
	for _, name := range names {
		public[plain(name)] = true
	}
	return public
}

// plain returns the one spelling of what a Host header names, without its port.
func plain(host string) string {
	if name, _, err := net.SplitHostPort(host); err == nil {
		host = name
	}
	host = strings.TrimSuffix(strings.TrimPrefix(host, "["), "]")
	if address, err := netip.ParseAddr(host); err == nil {
		return address.Unmap().String()
	}
	return strings.ToLower(strings.TrimSuffix(host, "."))
}

// Allows reports whether a request is for a host that it may be for.
func (p Public) Allows(r *http.Request) bool {
	host := plain(r.Host)
	if IsLoopback(r.Host) || p[host] {
		return true
	}
	_, err := netip.ParseAddr(host)
	return err == nil && host == reached(r)
}

// IsLoopback reports whether a Host header names this machine to itself.
func IsLoopback(host string) bool {
	host = plain(host)
	address, err := netip.ParseAddr(host)
	return host == "localhost" || err == nil && address.IsLoopback()
}

// reached returns the address of this machine at which a request has come in.
func reached(r *http.Request) string {
	local, known := r.Context().Value(http.LocalAddrContextKey).(net.Addr)
	if !known {
		return ""
	}
	return plain(local.String())
}

// maxShown bounds what a refusal repeats of a Host header, in characters.
const maxShown = 100

// Refusal is the error of a request for another host. Its HTTP status is http.StatusMisdirectedRequest.
func Refusal(r *http.Request) error {
	return errs.New(errs.HostRefused, "Requests for the host %q are not answered here.",
		printable.Truncate(printable.Line(r.Host), maxShown))
}
