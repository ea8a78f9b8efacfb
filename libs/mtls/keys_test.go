package mtls_test

import (
	"bytes"
	"crypto/x509"
	"errors"
	"log/slog"
	"net/url"
	"os"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"

	"fgdsync.dev/libs/authority"
	"fgdsync.dev/libs/errs"
	"fgdsync.dev/libs/health"
	"fgdsync.dev/libs/mtls"
	"fgdsync.dev/testkit/certtest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func load(files mtls.Files, log *bytes.Buffer, now func() time.Time) (*mtls.Keys, error) {
	return mtls.Load(files, "directory", slog.New(slog.NewTextHandler(log, nil)), now)
}

// TestWhatCannotBeUsedIsNamedAtTheStart, with the key of the configuration, and with a remedy.
func TestWhatCannotBeUsedIsNamedAtTheStart(t *testing.T) {
	t.Parallel()
	ca, other := certtest.New(t), certtest.New(t)
	good, second := ca.Service("directory"), ca.Service("directory")
	issue := func(change func(*x509.Certificate)) authority.Pair {
		template := certtest.Template("directory")
		change(template)
		return ca.Issue(template)
	}
	with := func(certificate, key []byte) authority.Pair {
		return authority.Pair{Certificate: certificate, Key: key}
	}
	expired := issue(func(c *x509.Certificate) { c.NotAfter = time.Now().Add(-time.Minute) })
	for name, c := range map[string]struct {
		ca   []byte
		pair authority.Pair
		code errs.Code
		says string
	}{
		"no authority":      {[]byte("nonsense"), good, errs.ConfigurationInvalid, "service_ca_file: "},
		"a leaf for one":    {good.Certificate, good, errs.ConfigurationInvalid, "service_ca_file: "},
		"no certificate":    {ca.PEM(), with([]byte("x"), good.Key), errs.ConfigurationInvalid, "service_certificate_file: "},
		"no key":            {ca.PEM(), with(good.Certificate, []byte("x")), errs.ConfigurationInvalid, "service_key_file: "},
		"another key":       {ca.PEM(), with(good.Certificate, second.Key), errs.ConfigurationInvalid, "service_key_file: "},
		"another authority": {other.PEM(), good, errs.ConfigurationInvalid, "service_certificate_file: "},
		"another service":   {ca.PEM(), ca.Service("bridge"), errs.ConfigurationInvalid, "is that of bridge"},
		"expired":           {ca.PEM(), expired, errs.CertificateExpired, "service_certificate_file: "},
		"no URI": {
			ca.PEM(), issue(func(c *x509.Certificate) { c.URIs, c.DNSNames = nil, []string{"directory"} }),
			errs.ConfigurationInvalid, "names no service",
		},
		"for servers alone": {
			ca.PEM(), issue(func(c *x509.Certificate) { c.ExtKeyUsage = c.ExtKeyUsage[1:] }),
			errs.ConfigurationInvalid, "service_certificate_file: ",
		},
	} {
		_, err := load(certtest.Write(t, t.TempDir(), c.ca, c.pair), &bytes.Buffer{}, time.Now)
		if !errs.HasCode(err, c.code) || !strings.Contains(err.Error(), c.says) || errs.From(err).RemedyText() == "" ||
			strings.Contains(err.Error(), string(good.Key)) {
			t.Errorf("%s: %v", name, err)
		}
	}
	whole := certtest.Write(t, t.TempDir(), ca.PEM(), good)
	partial := whole
	partial.KeyFile = ""
	if _, err := load(partial, &bytes.Buffer{}, time.Now); !errs.HasCode(err, errs.ConfigurationInvalid) ||
		!strings.Contains(err.Error(), "service_key_file is not") {
		t.Errorf("without a key: %v", err)
	}
	whole.CAFile += "x"
	if _, err := load(whole, &bytes.Buffer{}, time.Now); !errs.HasCode(err, errs.ConfigurationInvalid) ||
		!strings.Contains(err.Error(), "service_ca_file: "+whole.CAFile) {
		t.Errorf("without a file: %v", err)
	}
	if keys, err := load(mtls.Files{}, &bytes.Buffer{}, time.Now); keys != nil || err != nil {
		t.Errorf("without anything: %v, %v", keys, err)
	}
}

// TestWhoseACertificateIs: it has one URI, and that names a service and nothing else.
func TestWhoseACertificateIs(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"fgd://bridge": "bridge", "fgd://github-sync": "github-sync", "": "", "fgd://": "", "fgd://Bridge": "",
		"fgd://bridge/": "", "fgd://bridge/x": "", "fgd://bridge:1": "", "fgd://a@bridge": "", "fgd://bridge?x": "",
		"fgd://bridge#x": "", "https://bridge": "", "fgd:bridge": "", "fgd://bridge.": "",
		"fgd://bridge fgd://orchestrator": "", "fgd://bridge fgd://bridge": "",
	} {
		certificate := &x509.Certificate{DNSNames: []string{"bridge"}}
		for _, one := range strings.Fields(text) {
			uri, err := url.Parse(one)
			if err != nil {
				t.Fatal(err)
			}
			certificate.URIs = append(certificate.URIs, uri)
		}
		got, err := mtls.ServiceOf(certificate)
		if got != want || (err == nil) != (want != "") {
			t.Errorf("%q: %q, %v", text, got, err)
		}
	}
}

// TestTheEndOfACertificateIsTold, two weeks before it comes, be it shown to services or to callers.
func TestTheEndOfACertificateIsTold(t *testing.T) {
	t.Parallel()
	ca := certtest.New(t)
	now := time.Now()
	clock := func() time.Time { return now }
	template := certtest.Template("directory")
	template.NotAfter = now.Add(20 * 24 * time.Hour)
	files := certtest.Write(t, t.TempDir(), ca.PEM(), ca.Issue(template))
	keys, err := load(files, &bytes.Buffer{}, clock)
	if err != nil {
		t.Fatal(err)
	}
	served, err := mtls.LoadServed(mtls.ServedFiles{CertificateFile: files.CertificateFile, KeyFile: files.KeyFile},
		slog.New(slog.DiscardHandler), clock)
	if err != nil {
		t.Fatal(err)
	}
	checks := map[string]health.Check{health.ServiceCertificate: keys.Check, health.CallersCertificate: served.Check}
	for name, check := range checks {
		if err := check(t.Context()); err != nil {
			t.Errorf("%s, long before: %v", name, err)
		}
	}
	now = now.Add(7 * 24 * time.Hour)
	for name, check := range checks {
		var trouble *health.Trouble
		if err := check(t.Context()); !errors.As(err, &trouble) || trouble.Status != health.Degraded ||
			!strings.Contains(trouble.Reason, "ends in 12 days") && !strings.Contains(trouble.Reason, "ends in 13 days") ||
			trouble.Remedy == "" || trouble.Details["ends"] != template.NotAfter.UTC().Format(time.RFC3339) {
			t.Errorf("%s, soon: %v", name, err)
		}
	}
	now = now.Add(14 * 24 * time.Hour)
	for name, check := range checks {
		if err := check(t.Context()); !errs.HasCode(err, errs.CertificateExpired) {
			t.Errorf("%s, after it: %v", name, err)
		}
	}
}

// TestChangedFilesAreRead, and those that can't be used leave what was there, with one line for each change.
func TestChangedFilesAreRead(t *testing.T) {
	t.Parallel()
	ca := certtest.New(t)
	folder, log := t.TempDir(), &bytes.Buffer{}
	now := time.Now()
	template := certtest.Template("directory")
	template.NotAfter = now.Add(20 * 24 * time.Hour)
	files := certtest.Write(t, folder, ca.PEM(), ca.Issue(template))
	keys, err := load(files, log, func() time.Time { return now })
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(files.KeyFile, []byte("nonsense"), 0o600); err != nil {
		t.Fatal(err)
	}
	var trouble *health.Trouble
	for range 3 {
		if err := keys.Check(t.Context()); !errors.As(err, &trouble) || trouble.Status != health.Degraded {
			t.Errorf("broken files: %v", err)
		}
	}
	if n := strings.Count(log.String(), "level=WARN"); n != 1 || strings.Contains(log.String(), "nonsense") {
		t.Errorf("%d lines: %s", n, log)
	}
	if err := os.Remove(files.KeyFile); err != nil {
		t.Fatal(err)
	}
	_ = keys.Check(t.Context())
	if n := strings.Count(log.String(), "level=WARN"); n != 2 {
		t.Errorf("a file that is away: %d lines: %s", n, log)
	}
	template.NotAfter = now.Add(40 * 24 * time.Hour)
	certtest.Write(t, folder, ca.PEM(), ca.Issue(template))
	now = now.Add(10 * 24 * time.Hour)
	if err := keys.Check(t.Context()); err != nil || !strings.Contains(log.String(), "changed certificates were read") {
		t.Errorf("mended: %v\n%s", err, log)
	}
}
