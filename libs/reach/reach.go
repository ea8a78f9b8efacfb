// Package reach says which addresses nothing in the suite connects to, whatever a configuration allows.
package reach

import (
	"fmt"
	"net/netip"
	"syscall"

	"fgdsync.dev/libs/errs"
)

var (
	translated = netip.MustParsePrefix("64:ff9b::/96") // RFC 6052
	tunnelled  = netip.MustParsePrefix("2002::/16")    // RFC 3056
)

// Never reports whether an address is one that no configuration allows: the machinery of clouds answers at link-local
// ones. One that only leads there is not looked at; Embedded returns it.
func Never(ip netip.Addr) bool {
	return ip.IsLinkLocalUnicast() || ip.IsMulticast()
}

// Embedded returns the IPv4 address that an IPv6 address leads to through a translator or a tunnel.
func Embedded(ip netip.Addr) (netip.Addr, bool) {
	bytes := ip.As16()
	switch {
	case translated.Contains(ip):
		return netip.AddrFrom4([4]byte(bytes[12:])), true
	case tunnelled.Contains(ip):
		return netip.AddrFrom4([4]byte(bytes[2:6])), true
	}
	return ip, false
}

// AnyButNever is the Control of a dialer for a host that whoever runs the system has named himself, so that it may be
// in a private network. It looks at the address that is connected to, whatever the name resolved to before.
func AnyButNever(_, address string, _ syscall.RawConn) error {
	endpoint, err := netip.ParseAddrPort(address)
	if err != nil {
		return fmt.Errorf("read address: %w", err)
	}
	ip := endpoint.Addr().Unmap().WithZone("")
	inner, _ := Embedded(ip)
	if Never(ip) || Never(inner) || ip.IsUnspecified() {
		return errs.New(errs.RemoteRefused, "The address %s is link-local or none of a host, which is never permitted.", ip).
			WithRemedy("Correct the host, or what its name resolves to.")
	}
	return nil
}
