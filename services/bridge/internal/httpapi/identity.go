package httpapi

import (
	"context"
	"net/http"
	"net/netip"
	"strings"

	"google.golang.org/grpc/metadata"

	"fgdsync.dev/libs/errs"
	"fgdsync.dev/libs/rpc"
	"fgdsync.dev/services/bridge/internal/console"
)

// Authenticator says whether what a request shows proves who makes it. The gRPC server judges it again, and what may be
// done: here it ends what nobody should have to read the body of.
type Authenticator interface {
	Check(authorization string, from netip.Addr) error
}

// DeniedFunc is told of a request that shows nothing that is valid.
type DeniedFunc func(ctx context.Context, method, path string, from netip.Addr, refusal error)

// shown is what a request shows of who makes it, and where it came from.
type shown struct {
	authorization string
	from          string
}

type shownKey struct{}

// openPath reports whether a path is served to everybody: whether the process is well, the documentation, how one signs
// in, what Git hosts post, whose signature says who they are, and the console, which asks by itself.
func openPath(path string) bool {
	switch strings.TrimSuffix(path, "/") {
	case "/healthz", "/readyz", "/docs", "/openapi.json", "/api/v1/login":
		return true
	}
	return strings.HasPrefix(path, webhookPath) || console.Serves(path)
}

// identified keeps out who shows nothing that is valid, before a body is read, and remembers what is shown for the
// calls that the request makes. The header itself goes no further.
func identified(
	auth Authenticator, denied DeniedFunc, openMetrics bool, problems problems, next http.Handler,
) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		s := shown{authorization: authorizationOf(r), from: r.RemoteAddr}
		r.Header.Del("Authorization")
		open := openPath(r.URL.Path) || openMetrics && r.URL.Path == "/metrics"
		if !open {
			if err := auth.Check(s.authorization, addressOf(r.RemoteAddr)); err != nil {
				if denied != nil {
					denied(r.Context(), r.Method, r.URL.Path, addressOf(r.RemoteAddr), err)
				}
				if errs.KindOf(err) == errs.Unauthenticated {
					w.Header().Set("WWW-Authenticate", `Bearer realm="fgd"`)
				}
				problems.write(w, r, err)
				return
			}
		}
		next.ServeHTTP(w, r.WithContext(context.WithValue(r.Context(), shownKey{}, s)))
	})
}

// authorizationOf returns what a request has as Authorization. More than one is none: who reads the first and who reads
// the last would see different callers.
func authorizationOf(r *http.Request) string {
	if values := r.Header.Values("Authorization"); len(values) == 1 {
		return values[0]
	} else if len(values) > 1 {
		return "several"
	}
	return webSocketBearer(r)
}

// bearerProtocol is the WebSocket protocol in whose name a page can show a token: it can set no headers.
const bearerProtocol = "fgd.bearer."

func webSocketBearer(r *http.Request) string {
	if !strings.EqualFold(r.Header.Get("Upgrade"), "websocket") {
		return ""
	}
	for _, value := range r.Header.Values("Sec-Websocket-Protocol") {
		for protocol := range strings.SplitSeq(value, ",") {
			if token, found := strings.CutPrefix(strings.TrimSpace(protocol), bearerProtocol); found {
				return "Bearer " + token
			}
		}
	}
	return ""
}

func addressOf(remote string) netip.Addr {
	if parsed, err := netip.ParseAddrPort(remote); err == nil {
		return parsed.Addr().Unmap()
	}
	return netip.Addr{}
}

// identityMetadata adds what a request shows to the metadata of its calls.
func identityMetadata(ctx context.Context, md metadata.MD) {
	s, _ := ctx.Value(shownKey{}).(shown)
	if s.authorization != "" {
		md.Set(rpc.AuthorizationKey, s.authorization)
	}
	if s.from != "" {
		md.Set(rpc.SourceKey, s.from)
	}
}
