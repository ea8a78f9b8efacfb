package mtls

import (
	"context"
	"crypto/tls"
	"fmt"
	"log/slog"
	"time"

	"google.golang.org/grpc/credentials"

	"fgdsync.dev/libs/errs"
	"fgdsync.dev/libs/health"
)

// ServedFiles name the certificate that is shown to callers, for names and addresses by which they come.
type ServedFiles struct {
	CertificateFile string `koanf:"tls_certificate_file" reads:"file"`
	KeyFile         string `koanf:"tls_key_file" reads:"file"`
}

// Check returns the error of one file that is named without the other.
func (f ServedFiles) Check() error {
	if (f.CertificateFile == "") == (f.KeyFile == "") {
		return nil
	}
	return errs.New(errs.ConfigurationInvalid, "tls_certificate_file and tls_key_file belong together.").
		WithRemedy("Set both, or neither.")
}

// Served is the certificate that is shown to callers.
type Served struct {
	now  func() time.Time
	held *followed[*tls.Certificate]
}

// LoadServed reads the certificate for callers. It returns nil when no file is named: then callers are answered in
// clear.
func LoadServed(files ServedFiles, log *slog.Logger, now func() time.Time) (*Served, error) {
	if files == (ServedFiles{}) {
		return nil, nil //nolint:nilnil // none is there
	}
	if err := files.Check(); err != nil {
		return nil, err
	}
	certificate, key := keyFile{"tls_certificate_file", files.CertificateFile}, keyFile{"tls_key_file", files.KeyFile}
	parse := func(contents [][]byte) (*tls.Certificate, error) {
		found, chain, err := pair(certificate, key, contents...)
		if err == nil && now().After(chain[0].NotAfter) {
			return nil, expired(certificate.key+": the certificate in "+certificate.path, chain[0].NotAfter)
		}
		return found, err
	}
	held, err := follow(log, parse, certificate, key)
	if err != nil {
		return nil, err
	}
	return &Served{now, held}, nil
}

// Config returns what callers are answered with, over gRPC and HTTP.
func (s *Served) Config() *tls.Config {
	return &tls.Config{
		MinVersion: tls.VersionTLS12, Time: s.now,
		GetCertificate: func(*tls.ClientHelloInfo) (*tls.Certificate, error) {
			held, _ := s.held.get()
			return held, nil
		},
	}
}

// Server returns what a gRPC server for callers shows to those who connect.
func (s *Served) Server() credentials.TransportCredentials { return credentials.NewTLS(s.Config()) }

// Check reports how long the certificate is good for, when that is not long, and whether changed files can't be used.
func (s *Served) Check(context.Context) error {
	held, problem := s.held.get()
	return judgeEnd("The certificate for callers", held.Leaf.NotAfter, s.now(), problem)
}

// judgeEnd reports that a certificate ends soon or has ended, or that one to follow it can't be used.
func judgeEnd(whose string, until, now time.Time, problem error) error {
	left := until.Sub(now)
	switch {
	case left <= 0:
		return expired(whose, until)
	case problem != nil:
		return &health.Trouble{
			Status: health.Degraded, Reason: "Changed certificates can't be used: " + errs.From(problem).Message,
			Remedy: errs.From(problem).RemedyText(),
		}
	case left < warnBefore:
		return &health.Trouble{
			Status: health.Degraded, Remedy: renewal, Reason: fmt.Sprintf(
				"%s ends in %d days, on %s.", whose, int(left.Hours()/24), until.Format(time.DateOnly)),
			Details: map[string]string{"ends": until.UTC().Format(time.RFC3339)},
		}
	}
	return nil
}
