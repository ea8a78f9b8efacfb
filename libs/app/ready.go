package app

import (
	"bytes"
	"context"
	"crypto/tls"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"strings"
	"time"

	"fgdsync.dev/libs/errs"
)

// readyTimeout bounds how long a program waits for the answer of another one like it.
const readyTimeout = 5 * time.Second

// askReady asks the program that listens at an address whether it is ready, as the health check of a container does:
// its image has nothing else that could ask. A certificate file is that of what is served there, when it is TLS.
func askReady(ctx context.Context, listen, certificateFile string) error {
	ctx, cancel := context.WithTimeout(ctx, readyTimeout)
	defer cancel()
	host, port, err := net.SplitHostPort(listen)
	if err != nil {
		return errs.New(errs.ConfigurationInvalid, "http_listen: %q is no address; write host:port.", listen)
	}
	if ip := net.ParseIP(host); host == "" || ip.IsUnspecified() {
		host = "127.0.0.1"
	}
	scheme, config := "http://", (*tls.Config)(nil)
	if certificateFile != "" {
		scheme, config = "https://", onlyOf(certificateFile)
	}
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, scheme+net.JoinHostPort(host, port)+"/readyz", nil)
	if err != nil {
		return fmt.Errorf("ask whether it is ready: %w", err)
	}
	request.Host = "localhost" // whatever it is called by others
	client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true, TLSClientConfig: config}}
	response, err := client.Do(request)
	if err != nil {
		return errs.New(errs.ServiceUnavailable, "Nothing answers at %s.", request.URL.Host).WithCause(err).
			WithRemedy("Start the program, with the same configuration.")
	}
	defer func() { _ = response.Body.Close() }()
	if response.StatusCode == http.StatusOK {
		return nil
	}
	text, err := io.ReadAll(io.LimitReader(response.Body, 1<<10))
	return errs.New(errs.ServiceUnavailable, "It is not ready: %s", strings.TrimSpace(string(text))).WithCause(err)
}

// onlyOf takes the certificate of a file and no other, whatever name it is for: who asks is on the same machine, and
// asks by an address of loopback.
func onlyOf(file string) *tls.Config {
	return &tls.Config{
		MinVersion:         tls.VersionTLS12,
		InsecureSkipVerify: true, //nolint:gosec // which looks at the name; what has to be shown is below
		VerifyConnection: func(state tls.ConnectionState) error {
			content, err := os.ReadFile(file)
			if err != nil {
				return err
			}
			if block, _ := pem.Decode(content); block == nil || !bytes.Equal(block.Bytes, state.PeerCertificates[0].Raw) {
				return errors.New("the certificate is not that of " + file)
			}
			return nil
		},
	}
}
