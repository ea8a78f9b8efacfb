package remote

import (
	"context"
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"syscall"

	"fgdsync.dev/libs/config"
	"fgdsync.dev/libs/errs"
	"fgdsync.dev/libs/reach"
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

// ParseNetworks reads the private networks that a configuration allows. Link-local ones can't be.
func ParseNetworks(texts []string) ([]netip.Prefix, error) {
	var networks []netip.Prefix
	for _, text := range texts {
		network, err := netip.ParsePrefix(strings.TrimSpace(text))
		if err != nil || network != network.Masked() || reach.Never(network.Addr()) {
			return nil, config.Invalid("allowed_private_networks", text, "networks like 10.0.0.0/8, and none that is link-local")
		}
		networks = append(networks, network)
	}
	return networks, nil
}

// permittedOnly looks at the address that is connected to, whatever the name resolved to before.
func (p Policy) permittedOnly(_ context.Context, _, address string, _ syscall.RawConn) error {
	endpoint, err := netip.ParseAddrPort(address)
	if err != nil {
		return fmt.Errorf("read address: %w", err)
	}
	return p.checkAddress(endpoint.Addr())
}

func (p Policy) checkAddress(ip netip.Addr) error {
	ip = ip.Unmap().WithZone("")
	within := func(network netip.Prefix) bool { return network.Contains(ip) }
	switch {
	case reach.Never(ip), ip.IsUnspecified():
		return errs.New(errs.RemoteRefused,
			"The Git host's address is link-local or none of a host, which is never permitted.")
	case slices.ContainsFunc(special, within) && !slices.ContainsFunc(p.Networks, within):
		return errs.New(errs.RemoteRefused,
			"The Git host's address is loopback, private or set aside, which is not permitted.").
			WithRemedy("List its network in allowed_private_networks (--allow-network), if the host is one of yours.")
	}
	if inner, embedded := reach.Embedded(ip); embedded {
		return p.checkAddress(inner)
	}
	return nil
}

// allowsLoopback reports whether this machine may be spoken to.
func (p Policy) allowsLoopback() bool {
	return slices.ContainsFunc(p.Networks, func(network netip.Prefix) bool {
		return network.Contains(netip.AddrFrom4([4]byte{127, 0, 0, 1})) || network.Contains(netip.IPv6Loopback())
	})
}

// checkName refuses names that are addresses which may not be connected to. The forms of an address that only some
// resolvers know have nothing but digits, and x.
func (p Policy) checkName(host string) error {
	host = strings.TrimSuffix(strings.ToLower(host), ".")
	if ip, err := netip.ParseAddr(host); err == nil {
		return p.checkAddress(ip)
	}
	last := host[strings.LastIndexByte(host, '.')+1:]
	if last == "localhost" && p.allowsLoopback() {
		return nil
	}
	if last == "localhost" || last == "" || last[0] >= '0' && last[0] <= '9' {
		return errs.New(errs.RemoteRefused,
			"The Git host's name is a form of an address, or of this machine, which is not permitted.")
	}
	return nil
}
