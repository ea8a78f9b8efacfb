package suite_test

import (
	"crypto/tls"
	"crypto/x509"
	"log/slog"
	"net"
	"net/http"
	"path/filepath"
	"testing"
	"time"

	"fgdsync.dev/cmd/fgd/internal/suite"
	"fgdsync.dev/libs/mtls"
	"fgdsync.dev/testkit/certtest"
)

// TestCallersOfASuiteAreAnsweredOverTLS, and over nothing else, where there is a certificate to show to them: a token
// that is sent in clear can be read on the way.
func TestCallersOfASuiteAreAnsweredOverTLS(t *testing.T) {
	t.Parallel()
	ca, folder := certtest.New(t), t.TempDir()
	template := certtest.Template("")
	template.URIs, template.DNSNames = nil, []string{"localhost"}
	template.ExtKeyUsage = []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth}
	certtest.Write(t, folder, ca.PEM(), ca.Issue(template))
	served, err := mtls.LoadServed(mtls.ServedFiles{
		CertificateFile: filepath.Join(folder, "tls.crt"), KeyFile: filepath.Join(folder, "tls.key"),
	}, slog.New(slog.DiscardHandler), time.Now)
	if err != nil {
		t.Fatal(err)
	}
	callers := &suite.Listeners{GRPC: listen(t), HTTP: listen(t)}
	o := options(t)
	o.Callers, o.Served = callers, served
	running, err := suite.New(o)
	if err != nil {
		t.Fatal(err)
	}
	ended, ctx := make(chan error, 1), t.Context()
	go func() { ended <- running.Run(ctx) }()
	t.Cleanup(func() { // after the end of the test's context
		if err := <-ended; err != nil {
			t.Error(err)
		}
	})
	_, port, _ := net.SplitHostPort(callers.HTTP.Addr().String())
	client := &http.Client{Transport: &http.Transport{
		DisableKeepAlives: true, TLSClientConfig: &tls.Config{RootCAs: ca.Pool(), MinVersion: tls.VersionTLS12},
	}}
	for scheme, want := range map[string]int{"https": http.StatusOK, "http": http.StatusBadRequest} {
		request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, scheme+"://localhost:"+port+"/healthz", nil)
		if err != nil {
			t.Fatal(err)
		}
		response, err := client.Do(request)
		if err != nil {
			t.Errorf("%s: %v", scheme, err)
			continue
		}
		if _ = response.Body.Close(); response.StatusCode != want {
			t.Errorf("%s: %s", scheme, response.Status)
		}
	}
}
