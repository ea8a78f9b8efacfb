// Package certtest has authorities and certificates for the time of a test, good ones and others.
package certtest

import (
	"crypto/x509"
	"log/slog"
	"net/url"
	"os"
	"path/filepath"
	"testing"
	"time"

	"fgdsync.dev/libs/authority"
	"fgdsync.dev/libs/mtls"
)

// CA is an authority.
type CA struct {
	t       testing.TB
	made    *authority.Authority
	content []byte
}

// New returns an authority that begins now.
func New(t testing.TB) *CA {
	t.Helper()
	return At(t, time.Now())
}

// At returns an authority that begins at a time.
func At(t testing.TB, now time.Time) *CA {
	t.Helper()
	made, pair, err := authority.New(now)
	if err != nil {
		t.Fatal(err)
	}
	return &CA{t, made, pair.Certificate}
}

// PEM returns the certificate of the authority.
func (c *CA) PEM() []byte { return c.content }

// Pool returns what trusts the authority alone.
func (c *CA) Pool() *x509.CertPool {
	pool := x509.NewCertPool()
	pool.AppendCertsFromPEM(c.content)
	return pool
}

// Service returns the certificate of a service, which is good for a day.
func (c *CA) Service(name string) authority.Pair {
	c.t.Helper()
	pair, err := c.made.Service(name, time.Now(), 24*time.Hour)
	if err != nil {
		c.t.Fatal(err)
	}
	return pair
}

// Template returns what Service has signed, for a test to change.
func Template(name string) *x509.Certificate {
	return &x509.Certificate{
		URIs: []*url.URL{mtls.URI(name)}, NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(24 * time.Hour),
		KeyUsage:    x509.KeyUsageDigitalSignature,
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth, x509.ExtKeyUsageServerAuth},
	}
}

// Issue returns any certificate.
func (c *CA) Issue(template *x509.Certificate) authority.Pair {
	c.t.Helper()
	pair, err := c.made.Issue(template)
	if err != nil {
		c.t.Fatal(err)
	}
	return pair
}

// Write writes authorities and a certificate into a folder, one file after the other, and returns where they are.
func Write(t testing.TB, folder string, authorities []byte, pair authority.Pair) mtls.Files {
	t.Helper()
	files := mtls.Files{
		CAFile: filepath.Join(folder, "ca.crt"), CertificateFile: filepath.Join(folder, "tls.crt"),
		KeyFile: filepath.Join(folder, "tls.key"),
	}
	for path, content := range map[string][]byte{
		files.CAFile: authorities, files.CertificateFile: pair.Certificate, files.KeyFile: pair.Key,
	} {
		if err := os.WriteFile(path+".new", content, 0o600); err != nil {
			t.Fatal(err)
		}
		if err := os.Rename(path+".new", path); err != nil {
			t.Fatal(err)
		}
	}
	return files
}

// Keys returns those of a service.
func (c *CA) Keys(name string) *mtls.Keys {
	c.t.Helper()
	keys, err := mtls.Load(Write(c.t, c.t.TempDir(), c.content, c.Service(name)), name, slog.New(slog.DiscardHandler),
		time.Now)
	if err != nil {
		c.t.Fatal(err)
	}
	return keys
}
