package httpapi

import (
	"bufio"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"regexp"
	"slices"
	"strings"
	"testing"
	"unicode"

	"go.opentelemetry.io/otel/trace/noop"
	"google.golang.org/grpc/metadata"

	"fgdsync.dev/libs/errs"
	"fgdsync.dev/libs/hosts"
	"fgdsync.dev/libs/rpc"
)

// known is who shows one thing alone, from one address.
type known struct{ authorization, from string }

func (k known) Check(authorization string, from netip.Addr) error {
	if authorization != k.authorization || from.String() != k.from {
		return errs.New(errs.NotAuthenticated, "That is nobody.")
	}
	return nil
}

// FuzzHeaders: whatever the headers of a request are, nobody passes who shows anything but one valid Authorization, no
// header becomes metadata but the three of the contract, and what those say fits into one line.
func FuzzHeaders(f *testing.F) {
	const good, from = "Bearer good", "192.0.2.7"
	for _, head := range []string{
		"Authorization: Bearer good\r\nX-Requested-By: alice\r\nX-Correlation-Id: 1",
		"Authorization: Bearer good\r\nX-Requested-By-Email: alice@example.com",
		"Authorization: Bearer good\r\nX-Requested-By-Email: zo\xc3\xab <a@b>",
		"authorization: Bearer good\r\nAUTHORIZATION: Bearer good", "Authorization:\tBearer good ",
		"Authorization: Bearer good\r\nX-Requested-By: a\x1b[2J\r\nx-correlation-id: a b\r\nGrpc-Metadata-Fgd-Source: 1",
		"Upgrade: websocket\r\nSec-WebSocket-Protocol: x, fgd.bearer.good", "X-Forwarded-For: 127.0.0.1",
		"Authorization: Bearer good\r\nFgd-Principal-Bin: root\r\nGrpc-Timeout: 1n\r\nX-Http-Method-Override: DELETE",
		"Authorization: Bearer good\r\nTraceparent: 00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01\r\nBaggage: a=b",
	} {
		f.Add(head)
	}
	id := regexp.MustCompile(`\A[A-Za-z0-9._:-]{1,128}\z`)
	problems := problems{log: slog.New(slog.DiscardHandler)}
	identify := func(next http.Handler) http.Handler {
		return identified(known{good, from}, nil, false, problems, next)
	}
	f.Fuzz(func(t *testing.T, head string) {
		request, err := http.ReadRequest(bufio.NewReader(strings.NewReader(
			"GET /api/v1/caller HTTP/1.1\r\nHost: 127.0.0.1\r\n" + head + "\r\n\r\n")))
		if err != nil {
			return
		}
		request.RemoteAddr = from + ":7"
		shown := slices.Clone(request.Header["Authorization"])
		var passed metadata.MD
		end := http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
			passed = callMetadata(r.Context(), r)
			for name := range r.Header {
				if name == "Authorization" || strings.HasPrefix(name, "Grpc-") || strings.HasPrefix(name, "X-Forwarded-") {
					t.Errorf("%q: %s goes on", head, name)
				}
			}
		})
		answer := httptest.NewRecorder()
		outer(end, identify, hosts.New(nil), problems, noop.NewTracerProvider()).ServeHTTP(answer, request)
		correlation := answer.Header().Get(correlationHeader)
		if !id.MatchString(correlation) || answer.Code >= http.StatusInternalServerError {
			t.Errorf("%q: %d, %q", head, answer.Code, correlation)
		}
		if passed == nil {
			return
		}
		protocol := strings.Contains(strings.Join(request.Header["Sec-Websocket-Protocol"], ","), "fgd.bearer.good")
		if !slices.Equal(shown, []string{good}) && (len(shown) > 0 || !protocol) {
			t.Errorf("%q was let in", head)
		}
		checkPassed(t, passed, correlation, good, from+":7")
	})
}

// checkPassed looks at the metadata that a request has become.
func checkPassed(t *testing.T, passed metadata.MD, correlation, authorization, from string) {
	t.Helper()
	for key, want := range map[string]string{
		rpc.CorrelationIDKey: correlation, rpc.AuthorizationKey: authorization, rpc.SourceKey: from,
	} {
		if got := passed.Get(key); !slices.Equal(got, []string{want}) {
			t.Errorf("%s is %q, not %q", key, got, want)
		}
		passed.Delete(key)
	}
	name := rpc.ClaimedName(metadata.NewIncomingContext(t.Context(), passed))
	if strings.ContainsFunc(name, func(r rune) bool { return !unicode.IsPrint(r) }) {
		t.Errorf("for %q", name)
	}
	for _, email := range passed.Get(rpc.RequestedByEmailKey) {
		if email == "" || rpc.CleanEmail(email) != email {
			t.Errorf("at %q", email)
		}
	}
	passed.Delete(rpc.RequestedByKey)
	passed.Delete(rpc.RequestedByEmailKey)
	if len(passed) > 0 {
		t.Errorf("more goes on: %v", passed)
	}
}
