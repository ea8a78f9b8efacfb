package httpapi

import (
	"context"
	"net/http"
	"strings"

	"github.com/grpc-ecosystem/grpc-gateway/v2/runtime"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/trace"

	"fgdsync.dev/libs/errs"
	"fgdsync.dev/libs/secret"
)

// fromRouting answers requests that no route of the gateway takes.
func (g *gateway) fromRouting(ctx context.Context, _ *runtime.ServeMux, _ runtime.Marshaler, w http.ResponseWriter,
	r *http.Request, httpStatus int,
) {
	switch {
	case questionOf(ctx) != nil: // nothing takes what was only asked
	case httpStatus == http.StatusMethodNotAllowed, httpStatus == http.StatusNotFound:
		g.noRoute(w, r)
	default:
		g.problems.writeStatus(w, r, httpStatus, errs.New(errs.InvalidRequest, "The request can't be read."))
	}
}

// wholeIDs keeps routes from what is no id: where a path ends in a colon and a verb, the gateway takes both for a part
// of the id when it has the verb for other methods only.
func (g *gateway) wholeIDs(next runtime.HandlerFunc) runtime.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request, pathParams map[string]string) {
		for name, value := range pathParams {
			if name != filePath && strings.Contains(value, ":") {
				g.noRoute(w, r)
				return
			}
		}
		next(w, r, pathParams)
	}
}

// filePath is the variable of a path that may have any characters.
const filePath = "path"

func (g *gateway) noRoute(w http.ResponseWriter, r *http.Request) {
	if questionOf(r.Context()) != nil {
		return
	}
	if methods := g.methodsOf(r); len(methods) > 0 {
		g.problems.notAllowed(w, r, methods)
		return
	}
	g.problems.notFound(w, r)
}

// methodsOf returns the methods that the path of a request takes. The gateway alone knows, so it is asked with each.
func (g *gateway) methodsOf(r *http.Request) []string {
	var methods []string
	for _, method := range []string{
		http.MethodGet, http.MethodPost, http.MethodPut, http.MethodPatch, http.MethodDelete,
	} {
		taken := false
		asked := r.Clone(context.WithValue(r.Context(), question{}, &taken))
		asked.Method = method
		g.mux.ServeHTTP(nowhere{}, asked)
		if taken {
			methods = append(methods, method)
		}
	}
	if len(methods) > 0 && methods[0] == http.MethodGet {
		methods = append(methods, http.MethodHead)
	}
	return methods
}

// question is the key of what a request wants to know that is only asked whether a route takes it.
type question struct{}

func questionOf(ctx context.Context) *bool {
	taken, _ := ctx.Value(question{}).(*bool)
	return taken
}

// onlyAsked answers requests that are only asked whether a route takes them.
func onlyAsked(next runtime.HandlerFunc) runtime.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request, pathParams map[string]string) {
		if taken := questionOf(r.Context()); taken != nil {
			*taken = true
			return
		}
		next(w, r, pathParams)
	}
}

// nowhere takes the answers that nobody wants.
type nowhere struct{}

// Header returns headers that go nowhere.
func (nowhere) Header() http.Header { return http.Header{} }

// Write drops what it is given.
func (nowhere) Write(p []byte) (int, error) { return len(p), nil }

// WriteHeader does nothing.
func (nowhere) WriteHeader(int) {}

// routeNamed names the span of a request by its route.
func routeNamed(next runtime.HandlerFunc) runtime.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request, pathParams map[string]string) {
		if route, known := routeOf(r); known {
			nameSpan(r, route)
		}
		next(w, r, pathParams)
	}
}

// routeOf returns the path of a request's operation, as the API's description has it.
func routeOf(r *http.Request) (string, bool) {
	pattern, known := runtime.HTTPPattern(r.Context())
	if !known {
		return "", false
	}
	return variable.ReplaceAllString(pattern.String(), "{$1}"), true
}

// atRoute is routeNamed for what is served beside the gateway.
func atRoute(route string, next http.Handler) http.Handler {
	route = strings.TrimSuffix(route, "{$}")
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		nameSpan(r, route)
		next.ServeHTTP(w, r)
	})
}

func nameSpan(r *http.Request, route string) {
	span := trace.SpanFromContext(r.Context())
	span.SetName(r.Method + " " + route)
	span.SetAttributes(attribute.String("http.route", route))
}

// tracedWithoutTokens takes out of a request's span what looks like a token in its path. A query is not in it.
func tracedWithoutTokens(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if clean := secret.Scrub(r.URL.Path); clean != r.URL.Path {
			trace.SpanFromContext(r.Context()).SetAttributes(attribute.String("url.path", clean))
		}
		next.ServeHTTP(w, r)
	})
}
