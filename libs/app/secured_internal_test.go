package app

import (
	"bytes"
	"crypto/tls"
	"crypto/x509"
	"io"
	"log/slog"
	"net"
	"net/http"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"fgdsync.dev/libs/errs"
	"fgdsync.dev/libs/mtls"
	"fgdsync.dev/libs/rpc"
	"fgdsync.dev/libs/telemetry"
	"fgdsync.dev/testkit/certtest"
)

// TestListenersForServices are reached by this machine alone, or all who come prove who they are. Metrics may be
// anywhere.
func TestListenersForServices(t *testing.T) {
	t.Parallel()
	log := slog.New(slog.DiscardHandler)
	certificates := mtls.Files{CAFile: "ca.crt", CertificateFile: "service.crt", KeyFile: "service.key"}
	for address, local := range map[string]bool{
		"127.0.0.1:9093": true, "localhost:0": true, "[::1]:9093": true, ":9093": false, "0.0.0.0:9093": false,
		"192.0.2.1:9093": false, "directory:9093": false,
	} {
		s := settings{GRPCListen: address, HTTPListen: "0.0.0.0:9193", Unauthenticated: true}
		err := guardListeners(t.Context(), rpc.Services, s, log)
		if (err == nil) != local {
			t.Errorf("%s in clear: %v", address, err)
		}
		if err != nil && (!errs.HasCode(err, errs.ConfigurationInvalid) || !strings.Contains(err.Error(), "grpc_listen") ||
			!strings.Contains(errs.From(err).RemedyText(), "fgd certs init")) {
			t.Errorf("%s: %v", address, err)
		}
		s.Keys = certificates
		if err := guardListeners(t.Context(), rpc.Services, s, log); err != nil {
			t.Errorf("%s with certificates: %v", address, err)
		}
	}
	s := settings{GRPCListen: "nonsense", HTTPListen: "127.0.0.1:0", Keys: certificates}
	if err := guardListeners(t.Context(), rpc.Services, s, log); !errs.HasCode(err, errs.ConfigurationInvalid) {
		t.Errorf("no address: %v", err)
	}
	s = settings{GRPCListen: "127.0.0.1:0", HTTPListen: "0.0.0.0:8080", Unauthenticated: true}
	if err := guardListeners(t.Context(), rpc.Callers, s, log); err == nil {
		t.Error("callers of whom nobody asks who they are come from anywhere")
	}
}

// TestCallersAreAnsweredOverTLS, with HTTP/2, with a certificate that is read again, and the program that asks itself
// whether it is ready finds it.
func TestCallersAreAnsweredOverTLS(t *testing.T) {
	t.Parallel()
	ca, other := certtest.New(t), certtest.New(t)
	folder := t.TempDir()
	shown := func(by *certtest.CA) {
		template := certtest.Template("")
		template.URIs, template.DNSNames = nil, []string{"localhost"}
		template.ExtKeyUsage = []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth}
		certtest.Write(t, folder, by.PEM(), by.Issue(template))
	}
	shown(ca)
	files := mtls.ServedFiles{CertificateFile: filepath.Join(folder, "tls.crt"), KeyFile: filepath.Join(folder, "tls.key")}
	served, err := mtls.LoadServed(files, slog.New(slog.DiscardHandler), time.Now)
	if err != nil {
		t.Fatal(err)
	}
	host := NewHost(telemetry.Discard(), Security{Callers: served})
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	host.ServeCallers(listener, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.WriteString(w, r.Proto)
	}))
	ended := make(chan error, 1)
	go func() { ended <- host.http[0].serve() }()
	t.Cleanup(func() {
		_ = host.http[0].server.Close()
		if err := ignoreClosed(<-ended); err != nil {
			t.Error(err)
		}
		_ = host.Close()
	})
	_, port, _ := net.SplitHostPort(listener.Addr().String())
	get := func(trusted *certtest.CA, protocol ...string) (string, error) {
		client := &http.Client{Transport: &http.Transport{
			DisableKeepAlives: true, ForceAttemptHTTP2: len(protocol) == 0,
			TLSClientConfig: &tls.Config{RootCAs: trusted.Pool(), NextProtos: protocol, MinVersion: tls.VersionTLS12},
		}}
		request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "https://localhost:"+port+"/", nil)
		if err != nil {
			return "", err
		}
		response, err := client.Do(request)
		if err != nil {
			return "", err
		}
		defer func() { _ = response.Body.Close() }()
		body, err := io.ReadAll(response.Body)
		return string(body), err
	}
	if got, err := get(ca); got != "HTTP/2.0" || err != nil {
		t.Errorf("%q, %v", got, err)
	}
	if got, err := get(ca, "http/1.1"); got != "HTTP/1.1" || err != nil {
		t.Errorf("%q, %v", got, err)
	}
	if err := askReady(t.Context(), listener.Addr().String(), files.CertificateFile); err != nil {
		t.Errorf("ready: %v", err)
	}
	shown(other)
	if _, err := get(ca); err == nil {
		t.Error("the certificate of before is shown")
	}
	if got, err := get(other); got != "HTTP/2.0" || err != nil {
		t.Errorf("a new certificate: %q, %v", got, err)
	}
	strange := certtest.Write(t, t.TempDir(), ca.PEM(), ca.Service("x"))
	if err := askReady(t.Context(), listener.Addr().String(), strange.CertificateFile); err == nil {
		t.Error("another one is taken for the program")
	}
}

// TestSomeOfTheCertificatesAreNone: a program says which key is missing, and does not start.
func TestSomeOfTheCertificatesAreNone(t *testing.T) {
	t.Parallel()
	for variable, says := range map[string]string{
		"HEDGEHOG_FGD_SERVICE_CA_FILE=/ca.crt":       "service_certificate_file and service_key_file is not",
		"HEDGEHOG_FGD_TLS_CERTIFICATE_FILE=/tls.crt": "tls_certificate_file and tls_key_file belong together",
	} {
		var stderr bytes.Buffer
		def := Definition{Name: "bridge", Audience: rpc.Callers, GRPCListen: "127.0.0.1:0", HTTPListen: "127.0.0.1:0"}
		if code := Main(def, nil, []string{variable}, &stderr); code != 1 || !strings.Contains(stderr.String(), says) ||
			!strings.Contains(stderr.String(), "Set ") {
			t.Errorf("%s: %d %s", variable, code, &stderr)
		}
	}
}
