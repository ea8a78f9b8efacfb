package remote

import (
	"net/netip"
	"testing"

	"fgdsync.dev/libs/errs"
	"fgdsync.dev/libs/reach"
)

// TestAddresses: without permission only public addresses are connected to. Nothing is dialled.
func TestAddresses(t *testing.T) {
	t.Parallel()
	private := []string{
		"0.0.0.1", "10.1.2.3", "100.64.0.1", "100.127.255.254", "127.0.0.1", "127.8.8.8", "168.63.129.16", "172.16.0.1",
		"172.31.255.254", "192.0.0.8", "192.0.2.1", "192.168.1.1", "198.18.0.1", "198.19.255.254", "240.0.0.1",
		"255.255.255.255", "::1", "::7f00:1", "::ffff:10.0.0.1", "64:ff9b::a00:1", "64:ff9b::808:808", "64:ff9b:1::1",
		"100::1", "2001::1", "2001:db8::1", "2002:a00:1::1", "fc00::1", "fd12:3456::1", "fec0::1",
	}
	never := []string{
		"0.0.0.0", "::", "169.254.169.254", "::ffff:169.254.169.254", "fe80::1", "fe80::1%eth0", "224.0.0.1", "ff02::1",
	}
	public := []string{
		"8.8.8.8", "100.63.255.255", "100.128.0.1", "172.32.0.1", "192.0.1.1", "198.20.0.1", "2606:4700::1", "2a00:1450::1",
	}
	all := Policy{Networks: []netip.Prefix{netip.MustParsePrefix("0.0.0.0/0"), netip.MustParsePrefix("::/0")}}
	check := func(policy Policy, addresses []string, permitted bool) {
		t.Helper()
		for _, text := range addresses {
			err := policy.Networks.Check(gitHost, netip.MustParseAddr(text))
			if permitted && err != nil || !permitted && !errs.HasCode(err, errs.RemoteRefused) {
				t.Errorf("%s, permitted %t: %v", text, permitted, err)
			}
		}
	}
	check(Policy{}, private, false)
	check(Policy{}, never, false)
	check(Policy{}, public, true)
	check(all, private, true)
	check(all, never, false)
	check(all, []string{"64:ff9b::a9fe:a9fe", "2002:a9fe:a9fe::1"}, false) // lead to 169.254.169.254
}

// TestPermittedNetworks: a network permits its own addresses and no others.
func TestPermittedNetworks(t *testing.T) {
	t.Parallel()
	networks, err := reach.ParseNetworks([]string{"10.0.0.0/8", " 127.0.0.0/8"})
	if err != nil {
		t.Fatal(err)
	}
	policy := Policy{Networks: networks}
	for address, permitted := range map[string]bool{
		"10.9.9.9": true, "127.0.0.1": true, "::ffff:10.0.0.1": true, "172.16.0.1": false, "192.168.0.1": false, "::1": false,
	} {
		if err := policy.Networks.Check(gitHost, netip.MustParseAddr(address)); (err == nil) != permitted {
			t.Errorf("%s: %v", address, err)
		}
	}
	if err := policy.checkName("localhost"); err != nil {
		t.Errorf("localhost: %v", err)
	}
	if err := (Policy{Networks: networks[:1]}).checkName("git.localhost."); err == nil {
		t.Error("localhost, and loopback is not listed")
	}
	for _, bad := range []string{"", "10.0.0.1", "10.0.0.1/8", "169.254.0.0/16", "fe80::/10", "x/8"} {
		if _, err := reach.ParseNetworks([]string{bad}); !errs.HasCode(err, errs.ConfigurationInvalid) {
			t.Errorf("%q: %v", bad, err)
		}
	}
}
