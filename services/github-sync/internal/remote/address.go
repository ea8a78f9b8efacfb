package remote

import (
	"net/netip"
	"strings"

	"fgdsync.dev/libs/errs"
)

// gitHost is what people call those that are connected to.
const gitHost = "Git host"

// checkName refuses names that are addresses which may not be connected to. The forms of an address that only some
// resolvers know have nothing but digits, and x.
func (p Policy) checkName(host string) error {
	host = strings.TrimSuffix(strings.ToLower(host), ".")
	if ip, err := netip.ParseAddr(host); err == nil {
		return p.Networks.Check(gitHost, ip)
	}
	last := host[strings.LastIndexByte(host, '.')+1:]
	if last == "localhost" && p.Networks.Loopback() {
		return nil
	}
	if last == "localhost" || last == "" || last[0] >= '0' && last[0] <= '9' {
		return errs.New(errs.RemoteRefused,
			"The Git host's name is a form of an address, or of this machine, which is not permitted.")
	}
	return nil
}
