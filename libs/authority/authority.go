// Package authority makes the certificates of an installation: those by which its services know each other, and one
// that is shown to callers, all of a small authority of its own.
package authority

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"fmt"
	"math/big"
	"net"
	"net/url"
	"time"

	"fgdsync.dev/libs/mtls"
)

const (
	// authorityLifetime is how long an authority is good for.
	authorityLifetime = 10 * 365 * 24 * time.Hour
	// skew is how far the clocks of those who look at a certificate may be behind.
	skew = 5 * time.Minute
	// serialBits is the size of the number that tells certificates of an authority apart.
	serialBits = 120
)

// Authority issues certificates.
type Authority struct {
	certificate *x509.Certificate
	key         *ecdsa.PrivateKey
}

// Pair is a certificate and its private key, both as PEM.
type Pair struct{ Certificate, Key []byte }

// New makes an authority.
func New(now time.Time) (*Authority, Pair, error) {
	template := &x509.Certificate{
		Subject:   pkix.Name{CommonName: "FGD Sync authority of " + now.UTC().Format(time.DateOnly)},
		NotBefore: now.Add(-skew), NotAfter: now.Add(authorityLifetime),
		IsCA: true, BasicConstraintsValid: true, MaxPathLenZero: true,
		KeyUsage: x509.KeyUsageCertSign | x509.KeyUsageCRLSign,
	}
	a := &Authority{certificate: template}
	made, key, err := a.issue(template, nil)
	if err != nil {
		return nil, Pair{}, err
	}
	a, err = open(made.Certificate, key)
	return a, made, err
}

// Open reads an authority. Of several certificates, as there are while the authority changes, it is that of the key.
func Open(p Pair) (*Authority, error) {
	block, _ := pem.Decode(p.Key)
	if block == nil {
		return nil, errors.New("the key of the authority is no PEM")
	}
	parsed, err := x509.ParsePKCS8PrivateKey(block.Bytes)
	if err != nil {
		return nil, errors.New("the key of the authority can't be read") // and is not repeated
	}
	key, is := parsed.(*ecdsa.PrivateKey)
	if !is {
		return nil, errors.New("the key of the authority is none of ECDSA")
	}
	return open(p.Certificate, key)
}

func open(certificates []byte, key *ecdsa.PrivateKey) (*Authority, error) {
	for block, rest := pem.Decode(certificates); block != nil; block, rest = pem.Decode(rest) {
		one, err := x509.ParseCertificate(block.Bytes)
		if err != nil {
			return nil, fmt.Errorf("read the certificate of the authority: %w", err)
		}
		if key.PublicKey.Equal(one.PublicKey) {
			return &Authority{one, key}, nil
		}
	}
	return nil, errors.New("no certificate of an authority is that of the key")
}

// Until returns when the authority ends.
func (a *Authority) Until() time.Time { return a.certificate.NotAfter }

// Service issues the certificate of a service.
func (a *Authority) Service(name string, now time.Time, lifetime time.Duration) (Pair, error) {
	return a.leaf(&x509.Certificate{
		Subject: pkix.Name{CommonName: name}, URIs: []*url.URL{mtls.URI(name)},
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth, x509.ExtKeyUsageServerAuth},
	}, now, lifetime)
}

// Host issues the certificate of those whom callers reach by names and addresses. It proves nothing to services.
func (a *Authority) Host(names []string, addresses []net.IP, now time.Time, lifetime time.Duration) (Pair, error) {
	return a.leaf(&x509.Certificate{
		Subject: pkix.Name{CommonName: "FGD Sync"}, DNSNames: names, IPAddresses: addresses,
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
	}, now, lifetime)
}

// Issue issues what a template says, as it stands.
func (a *Authority) Issue(template *x509.Certificate) (Pair, error) {
	made, _, err := a.issue(template, a.key)
	return made, err
}

func (a *Authority) leaf(template *x509.Certificate, now time.Time, lifetime time.Duration) (Pair, error) {
	template.NotBefore, template.NotAfter = now.Add(-skew), now.Add(lifetime)
	template.KeyUsage, template.BasicConstraintsValid = x509.KeyUsageDigitalSignature, true
	if template.NotAfter.After(a.certificate.NotAfter) {
		return Pair{}, fmt.Errorf("the authority ends at %s, before what it would issue",
			a.certificate.NotAfter.UTC().Format(time.RFC3339))
	}
	return a.Issue(template)
}

// issue makes a key, and signs its certificate with another one, or with itself when there is none.
func (a *Authority) issue(template *x509.Certificate, by *ecdsa.PrivateKey) (Pair, *ecdsa.PrivateKey, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return Pair{}, nil, fmt.Errorf("make a key: %w", err)
	}
	if template.SerialNumber, err = rand.Int(rand.Reader, new(big.Int).Lsh(big.NewInt(1), serialBits)); err != nil {
		return Pair{}, nil, fmt.Errorf("choose a number: %w", err)
	}
	if by == nil {
		by = key
	}
	certificate, err := x509.CreateCertificate(rand.Reader, template, a.certificate, &key.PublicKey, by)
	if err != nil {
		return Pair{}, nil, fmt.Errorf("sign a certificate: %w", err)
	}
	raw, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		return Pair{}, nil, fmt.Errorf("write a key: %w", err)
	}
	return Pair{
		Certificate: pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: certificate}),
		Key:         pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: raw}),
	}, key, nil
}
