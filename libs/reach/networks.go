package reach

import (
	"context"
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"syscall"

	"fgdsync.dev/libs/config"
	"fgdsync.dev/libs/errs"
)

// special are networks that no public host is in: private ones, those of this machine, those that are set aside for
// tests and examples, those through which an IPv6 address leads to any IPv4 address, and the address that machines in
// Azure find the machinery of their host at. The registries are those of IANA for special-purpose addresses (RFC 6890).
var special = prefixes(
	"0.0.0.0/8", "10.0.0.0/8", "100.64.0.0/10", "127.0.0.0/8", "168.63.129.16/32", "172.16.0.0/12", "192.0.0.0/24",
	"192.0.2.0/24", "192.88.99.0/24", "192.168.0.0/16", "198.18.0.0/15", "198.51.100.0/24", "203.0.113.0/24",
	"240.0.0.0/4",
	"::/96", "64:ff9b::/96", "64:ff9b:1::/48", "100::/64", "2001::/23", "2001:db8::/32", "2002::/16", "3fff::/20",
	"5f00::/16", "fc00::/7", "fec0::/10",
)

func prefixes(texts ...string) (out []netip.Prefix) {
	for _, text := range texts {
		out = append(out, netip.MustParsePrefix(text))
	}
	return out
}

// NetworksKey is that of the configuration for private networks that are allowed.
const NetworksKey = "allowed_private_networks"

// Networks are private ones whose hosts may be connected to; of others only those with public addresses may be. This
// machine is among them when it is listed.
type Networks []netip.Prefix

// ParseNetworks reads the private networks that a configuration allows. Link-local ones can't be.
func ParseNetworks(texts []string) (Networks, error) {
	var networks Networks
	for _, text := range texts {
		network, err := netip.ParsePrefix(strings.TrimSpace(text))
		if err != nil || network != network.Masked() || Never(network.Addr()) {
			return nil, config.Invalid(NetworksKey, text, "networks like 10.0.0.0/8, and none that is link-local")
		}
		networks = append(networks, network)
	}
	return networks, nil
}

// Control returns the ControlContext of a dialer for hosts that callers have named, called what people call them: "Git
// host". It looks at the address that is connected to, whatever the name resolved to before.
func (n Networks) Control(called string) func(context.Context, string, string, syscall.RawConn) error {
	return func(_ context.Context, _, address string, _ syscall.RawConn) error {
		endpoint, err := netip.ParseAddrPort(address)
		if err != nil {
			return fmt.Errorf("read address: %w", err)
		}
		return n.Check(called, endpoint.Addr())
	}
}

// Check returns an error for an address that may not be connected to.
func (n Networks) Check(called string, ip netip.Addr) error {
	ip = ip.Unmap().WithZone("")
	within := func(network netip.Prefix) bool { return network.Contains(ip) }
	switch {
	case Never(ip), ip.IsUnspecified():
		return errs.New(errs.RemoteRefused,
			"The %s's address is link-local or none of a host, which is never permitted.", called)
	case slices.ContainsFunc(special, within) && !slices.ContainsFunc(n, within):
		return errs.New(errs.RemoteRefused,
			"The %s's address is loopback, private or set aside, which is not permitted.", called).
			WithRemedy("List its network in %s (--allow-network), if the host is one of yours.", NetworksKey)
	}
	if inner, embedded := Embedded(ip); embedded {
		return n.Check(called, inner)
	}
	return nil
}

// Loopback reports whether this machine may be spoken to.
func (n Networks) Loopback() bool {
	return slices.ContainsFunc(n, func(network netip.Prefix) bool {
		return network.Contains(netip.AddrFrom4([4]byte{127, 0, 0, 1})) || network.Contains(netip.IPv6Loopback())
	})
}
