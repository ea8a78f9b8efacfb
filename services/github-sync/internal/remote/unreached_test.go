package remote

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"syscall"
	"testing"
	"time"
)

// failing returns the error of a request to a URL.
func failing(t *testing.T, address string, proxy func(*http.Request) (*url.URL, error), timeout time.Duration) error {
	t.Helper()
	transport := &http.Transport{DisableKeepAlives: true, Proxy: proxy}
	ctx, cancel := context.WithTimeout(t.Context(), timeout)
	defer cancel()
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, address, nil)
	if err != nil {
		t.Fatal(err)
	}
	response, err := transport.RoundTrip(request)
	if err == nil {
		_ = response.Body.Close()
		t.Fatalf("%s answers", address)
	}
	return err
}

// TestWhyAHostIsNotReached: in words, by what the system says and not by its text.
func TestWhyAHostIsNotReached(t *testing.T) {
	t.Parallel()
	plain := httptest.NewServer(http.NotFoundHandler())
	defer plain.Close()
	nobody, err := url.Parse("http://127.0.0.1:1")
	if err != nil {
		t.Fatal(err)
	}
	proxied := failing(t, "https://example.com/", http.ProxyURL(nobody), time.Minute)
	dial := func(cause error) error { return &net.OpError{Op: "dial", Net: "tcp", Err: cause} }
	for _, c := range []struct {
		err       error
		why       string
		hasRemedy bool
	}{
		{failing(t, nobody.String(), nil, time.Minute), "it refuses the connection", true},
		{failing(t, "https"+plain.URL[len("http"):], nil, time.Minute), "what answers at that port does not speak TLS", true},
		{failing(t, plain.URL, nil, 0), "it did not answer in time", true},
		{proxied, "the proxy can't be reached: it refuses the connection", true},
		{dial(&net.DNSError{Name: "x", IsNotFound: true}), "there is no host of that name", true},
		{dial(&net.DNSError{Name: "x", IsTimeout: true}), "its name can't be looked up", true},
		{dial(os.NewSyscallError("connect", syscall.EHOSTUNREACH)), "no way leads there", true},
		{dial(os.NewSyscallError("connect", syscall.ETIMEDOUT)), "it did not answer in time", true},
		{dial(syscall.ECONNRESET), "the connection broke off", false},
		{fmt.Errorf("speak: %w", tls.AlertError(40)), "it ended the TLS handshake: tls: handshake failure", false},
		{errors.New("odd"), "", false},
	} {
		if why, remedy := Unreached(c.err); why != c.why || (remedy != "") != c.hasRemedy {
			t.Errorf("%v: %q, %q", c.err, why, remedy)
		}
	}
}
