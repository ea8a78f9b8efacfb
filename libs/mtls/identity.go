package mtls

import (
	"crypto/x509"
	"fmt"
	"net/url"
	"regexp"

	"fgdsync.dev/libs/errs"
)

// scheme is that of the URI by which a certificate names a service.
const scheme = "fgd"

var nameForm = regexp.MustCompile(`^[a-z][a-z0-9]*(-[a-z0-9]+)*$`)

// URI returns what the certificate of a service names it by.
func URI(service string) *url.URL { return &url.URL{Scheme: scheme, Host: service} }

// ServiceOf returns the service that a certificate is for: that of its only URI, fgd://NAME. Names of hosts beside it
// say nothing, and one with more URIs is for nobody. Whether to trust the certificate is another question.
func ServiceOf(certificate *x509.Certificate) (string, error) {
	if len(certificate.URIs) != 1 {
		return "", fmt.Errorf("the certificate has %d URIs, and that of a service has one, %s://NAME",
			len(certificate.URIs), scheme)
	}
	uri := certificate.URIs[0]
	if !nameForm.MatchString(uri.Host) || uri.String() != URI(uri.Host).String() {
		return "", fmt.Errorf("the certificate is for %q, and that of a service for %s://NAME", uri, scheme)
	}
	return uri.Host, nil
}

// unproven returns the error of a peer whose certificate does not prove that it is a service.
func unproven(service, why string) *errs.Error {
	return errs.New(errs.ServiceUnproven, "What answers as the service %s does not prove that it is: %s.", service, why).
		WithMeta("service", service)
}
