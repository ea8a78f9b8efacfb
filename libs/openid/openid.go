// Package openid asks an OpenID Connect issuer what it says of itself. Whoever runs the system has named the issuer,
// and still it is not trusted with more than it needs: what it answers is bounded in size and time, it can't send
// anybody elsewhere, and a network that stands in its place can't lead to the machinery of clouds.
package openid

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"strings"
	"time"

	"fgdsync.dev/libs/printable"
	"fgdsync.dev/libs/reach"
)

const (
	// Patience bounds one question to an issuer.
	Patience = 5 * time.Second
	// maxAnswer bounds its answer, in bytes.
	maxAnswer = 512 << 10
	// discoveryPath is where an issuer says what it has, below its own URL.
	discoveryPath = "/.well-known/openid-configuration"
)

// Metadata is what an issuer says of itself. Only what the suite needs is read.
type Metadata struct {
	Issuer         string `json:"issuer"`
	Keys           string `json:"jwks_uri"`
	Token          string `json:"token_endpoint"`
	Authorization  string `json:"authorization_endpoint"`
	DeviceEndpoint string `json:"device_authorization_endpoint"`
}

// CheckIssuer refuses what can't be the URL of an issuer: https, and http on this machine alone.
func CheckIssuer(issuer string) error {
	u, err := url.Parse(issuer)
	if err != nil || u.RawQuery != "" || u.Fragment != "" || !safe(u) {
		return fmt.Errorf("%s is no https URL without a query", printable.Truncate(printable.Line(issuer), 200))
	}
	return nil
}

// safe reports whether nobody on the way can read or change what is asked and answered.
func safe(u *url.URL) bool {
	return u.Host != "" && u.User == nil && (u.Scheme == "https" || u.Scheme == "http" && onThisMachine(u.Hostname()))
}

func onThisMachine(host string) bool {
	ip, err := netip.ParseAddr(host)
	return host == "localhost" || err == nil && ip.IsLoopback()
}

// Endpoint refuses a URL that an issuer names when it is not safe.
func Endpoint(text string) (*url.URL, error) {
	u, err := url.Parse(text)
	if err != nil || !safe(u) {
		return nil, fmt.Errorf("%q is no https URL", printable.Truncate(printable.Line(text), 200))
	}
	return u, nil
}

// NewClient returns a client for questions to an issuer, which trusts the roots; those of the system when there are
// none. It follows no redirect and keeps no connection.
func NewClient(roots *x509.CertPool, patience time.Duration) *http.Client {
	dialer := &net.Dialer{Timeout: patience, Control: reach.AnyButNever}
	return &http.Client{
		Timeout: patience,
		Transport: &http.Transport{
			DialContext: dialer.DialContext, DisableKeepAlives: true, ForceAttemptHTTP2: true,
			TLSClientConfig:        &tls.Config{RootCAs: roots, MinVersion: tls.VersionTLS12},
			MaxResponseHeaderBytes: 64 << 10,
		},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
}

// Discover asks an issuer what it has. What answers has to be that issuer itself.
func Discover(ctx context.Context, client *http.Client, issuer string) (*Metadata, error) {
	raw, err := Get(ctx, client, strings.TrimSuffix(issuer, "/")+discoveryPath)
	if err != nil {
		return nil, err
	}
	found := &Metadata{}
	if err := json.Unmarshal(raw, found); err != nil {
		return nil, fmt.Errorf("its discovery document can't be read: %w", err)
	}
	if found.Issuer != issuer {
		return nil, fmt.Errorf("it calls itself %q", printable.Truncate(printable.Line(found.Issuer), 200))
	}
	return found, nil
}

// Get returns what is at a URL of an issuer.
func Get(ctx context.Context, client *http.Client, address string) ([]byte, error) {
	if _, err := Endpoint(address); err != nil {
		return nil, err
	}
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, address, http.NoBody)
	if err != nil {
		return nil, err
	}
	request.Header.Set("Accept", "application/json")
	response, err := client.Do(request)
	if err != nil {
		return nil, fmt.Errorf("it does not answer: %w", err)
	}
	defer func() { _ = response.Body.Close() }()
	if response.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("it answers with status %d", response.StatusCode)
	}
	raw, err := io.ReadAll(io.LimitReader(response.Body, maxAnswer+1))
	switch {
	case err != nil:
		return nil, fmt.Errorf("its answer broke off: %w", err)
	case len(raw) > maxAnswer:
		return nil, fmt.Errorf("its answer has more than %d bytes", maxAnswer)
	}
	return raw, nil
}

// Reason returns in one line what went wrong with an issuer, fit to be shown.
func Reason(err error) string { return printable.Truncate(printable.Line(err.Error()), 300) }
