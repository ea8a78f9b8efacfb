package remotehost_test

import (
	"net/url"
	"testing"

	"golang.org/x/net/http/httpguts"

	"fgdsync.dev/libs/remotehost"
)

// TestOneSpelling: all spellings of a server are one Host, and different servers are different ones.
func TestOneSpelling(t *testing.T) {
	t.Parallel()
	type parts [3]string
	seen := map[remotehost.Host]string{}
	for name, spellings := range map[string][]parts{
		"example.com": {
			{"https", "example.com", ""},
			{"HTTPS", "EXAMPLE.com", "443"},
			{"https", "example.com.", ""},
			{"https", "ｅxample。com", ""},
		},
		"example.com:80":           {{"https", "example.com", "80"}},
		"over http":                {{"http", "example.com", ""}, {"http", "example.com", "80"}},
		"over SSH":                 {{"ssh", "example.com", ""}, {"SSH", "Example.Com.", "22"}},
		"www.example.com":          {{"https", "www.example.com", ""}},
		"xn--bcher-kva.example":    {{"https", "b\u00fccher.example", ""}, {"https", "XN--BCHER-KVA.example", ""}},
		"bucher.example":           {{"https", "bucher.example", ""}},
		"[2001:db8::1]":            {{"https", "2001:db8::1", ""}, {"https", "2001:0DB8:0:0:0:0:0:1", "443"}},
		"[2001:db8::1]:3000":       {{"https", "2001:db8::1", "3000"}},
		"[fe80::1%eth0]:3000":      {{"https", "fe80::1%eth0", "3000"}},
		"192.0.2.1":                {{"https", "192.0.2.1", ""}, {"https", "192.0.2.1.", ""}},
		"the IPv6 form of an IPv4": {{"https", "::ffff:192.0.2.1", ""}},
		"my_host":                  {{"https", "my_host", ""}},
	} {
		var first remotehost.Host
		for i, p := range spellings {
			h, ok := remotehost.New(p[0], p[1], p[2])
			if !ok || h.None() {
				t.Errorf("%s: %v is none", name, p)
			}
			if i == 0 {
				first = h
			}
			if h != first {
				t.Errorf("%s: %v is %v, not %v", name, p, h, first)
			}
			if other, taken := seen[h]; taken && other != name {
				t.Errorf("%v is %s and %s", h, name, other)
			}
			seen[h] = name
		}
	}
}

// TestNoServer: what can't be a server is none, and neither can it be one of a list.
func TestNoServer(t *testing.T) {
	t.Parallel()
	for _, name := range []string{
		"", ".", "..", "a..b", ".a", "a..", "-a", "a.-b", "a b", "a/b", "a\\b", "a@b", "a\x00", "a\n", "a:b", "a%41", "a'b",
		"[::1]", "::1%", "::1%a/b", "\u00fc..b", "xn--a\u00fc", "a\u200d", "\xff",
	} {
		if h, ok := remotehost.New("https", name, ""); ok {
			t.Errorf("%q is %v", name, h)
		}
		list, ok := remotehost.ParseList(name)
		if h := (remotehost.Host{Scheme: "https", Name: name, Port: "443"}); ok && list.Allows(h) {
			t.Errorf("%q is in a list", name)
		}
	}
	for _, port := range []string{"0", "00443", "0443", "65536", "-1", "+1", "x", " 1", "1.0"} {
		if h, ok := remotehost.New("https", "a", port); ok {
			t.Errorf("the port %q is %v", port, h)
		}
	}
	for _, scheme := range []string{"", "file", "ftp", "git", "git+ssh"} {
		if h, ok := remotehost.New(scheme, "a", ""); ok {
			t.Errorf("the scheme %q is %v", scheme, h)
		}
	}
	if (remotehost.List{}).Allows(remotehost.Host{}) {
		t.Error("no list permits no server")
	}
}

// FuzzNew: a server has one spelling, its text in a URL leads back to it, and the HTTP client connects to no other
// name.
func FuzzNew(f *testing.F) {
	for _, name := range []string{
		"Example.com.", "b\u00fccher.example", "2001:db8::1", "fe80::1%eth0", "127.1",
		"\u2474",
	} {
		f.Add("https", name, "8443")
		f.Add("ssh", name, "")
	}
	f.Fuzz(func(t *testing.T, scheme, name, port string) {
		h, ok := remotehost.New(scheme, name, port)
		if !ok {
			return
		}
		if again, ok := remotehost.New(h.Scheme, h.Name, h.Port); !ok || again != h {
			t.Fatalf("%v is %v", h, again)
		}
		u, err := url.Parse((&url.URL{Scheme: h.Scheme, Host: h.String(), Path: "/"}).String())
		if err != nil {
			t.Fatalf("%v can't be in a URL: %v", h, err)
		}
		if read, ok := remotehost.New(u.Scheme, u.Hostname(), u.Port()); !ok || read != h {
			t.Fatalf("%v in a URL is %v", h, read)
		}
		if dialed, err := httpguts.PunycodeHostPort(h.Address()); err != nil || dialed != h.Address() {
			t.Fatalf("%v is dialled as %s, %v", h, dialed, err)
		}
		list, ok := remotehost.ParseList(h.Address())
		if !ok || !list.Allows(h) {
			t.Fatalf("%v is not in a list of it", h)
		}
	})
}
