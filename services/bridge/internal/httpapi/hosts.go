package httpapi

import (
	"net"
	"net/http"
	"net/netip"
	"strings"

	"fgdsync.dev/libs/errs"
	"fgdsync.dev/libs/rpc"
)

// publicHosts are the names by which the API may be called beside those of loopback. A web page can have a name of its
// own lead to this machine (DNS rebinding). To a browser it is then of the same origin as the API, and nothing but the
// name gives it away.
type publicHosts map[string]bool

func newPublicHosts(names []string) publicHosts {
	hosts := publicHosts{}
	for _, name := range names {
		hosts[plainHost(name)] = true
	}
	return hosts
}

// plainHost returns the one spelling of what a Host header names, without its port.
func plainHost(host string) string {
	if name, _, err := net.SplitHostPort(host); err == nil {
		host = name
	}
	host = strings.TrimSuffix(strings.TrimPrefix(host, "["), "]")
	if address, err := netip.ParseAddr(host); err == nil {
		return address.Unmap().String()
	}
	return strings.ToLower(strings.TrimSuffix(host, "."))
}

// allows reports whether the API may be called by what a Host header says.
func (h publicHosts) allows(header string) bool {
	host := plainHost(header)
	address, err := netip.ParseAddr(host)
	return host == "localhost" || (err == nil && address.IsLoopback()) || h[host]
}

// only refuses requests for other hosts, before anything else looks at them.
func (h publicHosts) only(problems problems, next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if !h.allows(r.Host) {
			problems.foreignHost(w, r)
			return
		}
		next.ServeHTTP(w, r)
	})
}

func (p problems) foreignHost(w http.ResponseWriter, r *http.Request) {
	p.writeStatus(w, r, http.StatusMisdirectedRequest, errs.New(errs.HostRefused,
		"The API is not to be called by the host %q.", rpc.PrintableName(r.Host)))
}
