package mtls

import (
	"bytes"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
)

// certificates returns those of a PEM file, of which there has to be one.
func (f keyFile) certificates(content []byte) ([]*x509.Certificate, error) {
	var out []*x509.Certificate
	for block, rest := pem.Decode(content); block != nil; block, rest = pem.Decode(rest) {
		if block.Type != "CERTIFICATE" {
			continue
		}
		one, err := x509.ParseCertificate(block.Bytes)
		if err != nil {
			return nil, f.unusable("has a certificate that can't be read.").WithCause(err)
		}
		out = append(out, one)
	}
	if len(out) == 0 {
		return nil, f.unusable("has no certificate.")
	}
	return out, nil
}

// authorities returns those of a PEM file; while they change there are two.
func (f keyFile) authorities(content []byte) (*x509.CertPool, error) {
	all, err := f.certificates(content)
	if err != nil {
		return nil, err
	}
	pool := x509.NewCertPool()
	for _, one := range all {
		if !one.IsCA {
			return nil, f.unusable("has %s, which is no authority.", one.Subject)
		}
		pool.AddCert(one)
	}
	return pool, nil
}

// pair returns a certificate, those that lead from it to an authority, and its key.
func pair(certificate, key keyFile, contents ...[]byte) (*tls.Certificate, []*x509.Certificate, error) {
	chain, err := certificate.certificates(contents[0])
	if err != nil {
		return nil, nil, err
	}
	if !bytes.Contains(contents[1], []byte("PRIVATE KEY")) {
		return nil, nil, key.unusable("has no private key.")
	}
	found, err := tls.X509KeyPair(contents[0], contents[1])
	if err != nil { // says nothing of the key itself
		return nil, nil, key.unusable("is not the key of %s, or can't be read.", certificate.path).WithCause(err)
	}
	return &found, chain, nil
}
