package system

import (
	"bytes"
	"context"
	"crypto/tls"
	"encoding/json"
	"io"
	"net/http"
	"os"
	"strings"
	"testing"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"
)

// Token is the first token of the services, which may do everything; empty until it is made.
func (s *System) Token() string {
	raw, err := os.ReadFile(s.TokenFile)
	if err != nil {
		return ""
	}
	return strings.TrimSpace(string(raw))
}

// Client is one of HTTP that shows the first token. It keeps no connection, so that none outlives a test, and does not
// wait longer than a test wants to.
func (s *System) Client() *http.Client {
	transport := &http.Transport{DisableKeepAlives: true}
	if s.trusted != nil {
		transport.TLSClientConfig = &tls.Config{RootCAs: s.trusted, MinVersion: tls.VersionTLS12}
	}
	return &http.Client{Transport: Showing(s.Token(), transport), Timeout: time.Minute}
}

// Showing is a transport that shows a token with each request; without one, it is the transport itself.
func Showing(token string, transport http.RoundTripper) http.RoundTripper {
	if token == "" {
		return transport
	}
	return shower{token, transport}
}

type shower struct {
	token     string
	transport http.RoundTripper
}

// RoundTrip sends a request that shows the token, unless it shows one.
func (s shower) RoundTrip(request *http.Request) (*http.Response, error) {
	if request.Header.Get("Authorization") == "" {
		request = request.Clone(request.Context())
		request.Header.Set("Authorization", "Bearer "+s.token)
	}
	return s.transport.RoundTrip(request)
}

// TryAs makes a call that shows another token, and gives the status code, 0 when there is no answer.
func (s *System) TryAs(token, method, path string) int {
	s.t.Helper()
	request, err := http.NewRequestWithContext(s.t.Context(), method, s.bridge()+path, http.NoBody)
	if err != nil {
		s.t.Fatal(err)
	}
	request.Header.Set("Authorization", "Bearer "+token)
	code, _ := s.send(request)
	return code
}

// TryWith makes a call with a header, and returns the headers of the answer too.
func (s *System) TryWith(method, path, header, value string, body any) (int, http.Header, []byte) {
	s.t.Helper()
	content, err := json.Marshal(body)
	if err != nil {
		s.t.Fatal(err)
	}
	request, err := http.NewRequestWithContext(s.t.Context(), method, s.bridge()+path, bytes.NewReader(content))
	if err != nil {
		s.t.Fatal(err)
	}
	request.Header.Set("Content-Type", "application/json")
	request.Header.Set(header, value)
	response, err := s.Client().Do(request)
	if err != nil {
		s.t.Fatal(err)
	}
	defer func() { _ = response.Body.Close() }()
	answer, err := io.ReadAll(response.Body)
	if err != nil {
		s.t.Fatal(err)
	}
	return response.StatusCode, response.Header, answer
}

// Dial returns a connection of gRPC, as grpcurl makes one, that shows the first token.
func (s *System) Dial(t testing.TB) *grpc.ClientConn {
	t.Helper()
	if token := s.Token(); token != "" {
		return s.dial(t, grpc.WithPerRPCCredentials(bearer(token)))
	}
	return s.dial(t)
}

// Anonymous returns a connection of gRPC that shows nothing by itself.
func (s *System) Anonymous(t testing.TB) *grpc.ClientConn {
	t.Helper()
	return s.dial(t)
}

func (s *System) dial(t testing.TB, options ...grpc.DialOption) *grpc.ClientConn {
	t.Helper()
	options = append(options, grpc.WithTransportCredentials(insecure.NewCredentials()))
	conn, err := grpc.NewClient(s.GRPC, options...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	return conn
}

// bearer shows a token with each call.
type bearer string

// GetRequestMetadata returns what is shown.
func (b bearer) GetRequestMetadata(context.Context, ...string) (map[string]string, error) {
	return map[string]string{"authorization": "Bearer " + string(b)}, nil
}

// RequireTransportSecurity reports that it is shown without TLS too.
func (bearer) RequireTransportSecurity() bool { return false }
