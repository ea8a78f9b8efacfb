package reach

import (
	"crypto/x509"
	"os"

	"fgdsync.dev/libs/config"
	"fgdsync.dev/libs/errs"
)

// AuthoritiesKey is that of the configuration for a file of certificate authorities.
const AuthoritiesKey = "remotes_ca_file"

// Authorities returns the certificate authorities that the system trusts, and those of a file.
func Authorities(file string) (*x509.CertPool, error) {
	trusted, err := x509.SystemCertPool()
	if err != nil {
		return nil, errs.New(errs.ConfigurationInvalid, "The certificate authorities of the system can't be read.").
			WithCause(err)
	}
	pem, err := os.ReadFile(file)
	if err != nil || !trusted.AppendCertsFromPEM(pem) {
		return nil, config.Invalid(AuthoritiesKey, file, "a readable PEM file with certificates")
	}
	return trusted, nil
}
