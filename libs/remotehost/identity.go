package remotehost

import (
	"net"
	"net/netip"
	"strconv"
	"strings"
)

// localhost is the name of this machine, whose address stands for it (RFC 6761).
const localhost = "localhost"

// Identity returns the server without its scheme, the same for all names that certainly are one server: those of this
// machine, and those that an IPv4 address has as a part of IPv6 or in the forms of inet_aton(3). It tells repositories
// apart. What is connected to, and what credentials are bound to, is the server as it was named.
func (h Host) Identity() string {
	same := h
	same.Name = identity(h.Name)
	return same.String()
}

func identity(name string) string {
	address, ok := numeric(name)
	switch {
	case name == localhost || strings.HasSuffix(name, "."+localhost), ok && isThisMachine(address):
		return thisMachine().String()
	case ok:
		return address.String()
	}
	return name
}

// isThisMachine reports whether an address is the one that localhost stands for, or the unspecified one, which a
// connection to leads to the same place. Others of 127.0.0.0/8 may have listeners of their own.
func isThisMachine(address netip.Addr) bool {
	return address == thisMachine() || address == netip.IPv6Loopback() || address.IsUnspecified()
}

func thisMachine() netip.Addr { return netip.AddrFrom4([net.IPv4len]byte{127, 0, 0, 1}) }

func numeric(name string) (netip.Addr, bool) {
	if address, err := netip.ParseAddr(name); err == nil {
		return address.Unmap(), true
	}
	return classful(name)
}

// classful reads an IPv4 address of one to four numbers, each decimal, octal or hexadecimal, of which the last one
// fills all bytes that are left.
func classful(name string) (netip.Addr, bool) {
	parts := strings.Split(name, ".")
	if len(parts) > net.IPv4len {
		return netip.Addr{}, false
	}
	var bytes [net.IPv4len]byte
	for i, part := range parts[:len(parts)-1] {
		number, err := strconv.ParseUint(part, 0, 8)
		if err != nil {
			return netip.Addr{}, false
		}
		bytes[i] = byte(number)
	}
	left := net.IPv4len - len(parts) + 1
	rest, err := strconv.ParseUint(parts[len(parts)-1], 0, 8*left)
	if err != nil {
		return netip.Addr{}, false
	}
	for i := range left {
		bytes[net.IPv4len-1-i] = byte(rest >> (8 * i))
	}
	return netip.AddrFrom4(bytes), true
}
