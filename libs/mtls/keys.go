// Package mtls has the certificates by which services know each other: each has one that names it, of an authority of
// the installation, and shows it to those that it calls and to those that call it. It also has the certificate that is
// shown to callers. All are read again when their files change.
package mtls

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"log/slog"
	"strings"
	"time"

	"fgdsync.dev/libs/errs"
)

// warnBefore is how long before its end a certificate is not healthy any more.
const warnBefore = 14 * 24 * time.Hour

const renewal = "Renew it: fgd certs renew writes new ones, which count without a restart."

// Files name what a service needs to prove who it is, and to know others.
type Files struct {
	// CAFile has the authorities whose certificates are taken.
	CAFile string `koanf:"service_ca_file" reads:"file"`
	// CertificateFile has the certificate that names the service, and those that lead from it to an authority.
	CertificateFile string `koanf:"service_certificate_file" reads:"file"`
	// KeyFile has the private key of the certificate.
	KeyFile string `koanf:"service_key_file" reads:"file"`
}

// Check returns the error of files that some of are named, and others not.
func (f Files) Check() error {
	_, err := f.none()
	return err
}

// none reports whether nothing is named. Some alone are an error.
func (f Files) none() (bool, error) {
	var missing, named []string
	for _, file := range f.list() {
		if file.path == "" {
			missing = append(missing, file.key)
		} else {
			named = append(named, file.key)
		}
	}
	if len(named) > 0 && len(missing) > 0 {
		return false, errs.New(errs.ConfigurationInvalid, "%s is set, and %s is not.", strings.Join(named, " and "),
			strings.Join(missing, " and ")).
			WithRemedy("Set service_ca_file, service_certificate_file and service_key_file, or none of them; fgd certs " +
				"init makes the files.")
	}
	return len(named) == 0, nil
}

func (f Files) list() []keyFile {
	return []keyFile{
		{"service_ca_file", f.CAFile}, {"service_certificate_file", f.CertificateFile}, {"service_key_file", f.KeyFile},
	}
}

// Keys are what a service proves by who it is, and what it knows others by.
type Keys struct {
	service string
	log     *slog.Logger
	now     func() time.Time
	held    *followed[held]
	refused refusals
}

// held is what the files hold.
type held struct {
	certificate *tls.Certificate
	authorities *x509.CertPool
	until       time.Time // the first end of a certificate on the way to an authority
}

// Load reads the keys of a service. It returns nil when no file is named: then services speak to each other in clear.
func Load(files Files, service string, log *slog.Logger, now func() time.Time) (*Keys, error) {
	if none, err := files.none(); none || err != nil {
		return nil, err
	}
	k := &Keys{service: service, log: log, now: now}
	list := files.list()
	parse := func(contents [][]byte) (held, error) { return k.judge(list[0], list[1], list[2], contents) }
	var err error
	k.held, err = follow(log, parse, list...)
	if err != nil {
		return nil, err
	}
	return k, nil
}

// judge takes what can be used: a certificate that names this service, of one of the authorities, and not past its end.
func (k *Keys) judge(ca, certificate, key keyFile, contents [][]byte) (held, error) {
	authorities, err := ca.authorities(contents[0])
	if err != nil {
		return held{}, err
	}
	own, chain, err := pair(certificate, key, contents[1], contents[2])
	if err != nil {
		return held{}, err
	}
	switch name, err := ServiceOf(chain[0]); {
	case err != nil:
		return held{}, certificate.unusable("names no service: %v.", err)
	case name != k.service:
		return held{}, certificate.unusable("is that of %s, and this is %s.", name, k.service)
	}
	var until time.Time
	for _, usage := range []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth, x509.ExtKeyUsageServerAuth} {
		if until, err = verify(chain, authorities, k.now(), usage); err != nil {
			break
		}
	}
	switch {
	case isExpired(err) && k.now().After(chain[0].NotAfter):
		return held{}, expired(certificate.key+": the certificate in "+certificate.path, chain[0].NotAfter)
	case err != nil:
		return held{}, certificate.unusable("can't be used with %s: %v.", ca.path, err)
	}
	return held{own, authorities, until}, nil
}

// Service returns the name of the service whose keys they are.
func (k *Keys) Service() string { return k.service }

// Check reports how long the certificate is good for, when that is not long, and whether changed files can't be used.
func (k *Keys) Check(context.Context) error {
	held, problem := k.held.get()
	return judgeEnd("The certificate of "+k.service, held.until, k.now(), problem)
}

func expired(whose string, until time.Time) *errs.Error {
	return errs.New(errs.CertificateExpired, "%s ended at %s.", whose, until.UTC().Format(time.RFC3339)).
		WithRemedy(renewal)
}

// verify returns the first end of a certificate on the way from a chain's first to an authority.
func verify(chain []*x509.Certificate, authorities *x509.CertPool, now time.Time, usage x509.ExtKeyUsage,
) (until time.Time, err error) {
	between := x509.NewCertPool()
	for _, one := range chain[1:] {
		between.AddCert(one)
	}
	paths, err := chain[0].Verify(x509.VerifyOptions{
		Roots: authorities, Intermediates: between, CurrentTime: now, KeyUsages: []x509.ExtKeyUsage{usage},
	})
	if err != nil {
		return time.Time{}, err //nolint:wrapcheck // whoever asks says what it is of
	}
	for _, path := range paths {
		first := path[0].NotAfter
		for _, one := range path {
			if one.NotAfter.Before(first) {
				first = one.NotAfter
			}
		}
		if first.After(until) {
			until = first
		}
	}
	return until, nil
}

// isExpired reports whether a certificate was refused for its time.
func isExpired(err error) bool {
	var invalid x509.CertificateInvalidError
	return errors.As(err, &invalid) && invalid.Reason == x509.Expired
}
