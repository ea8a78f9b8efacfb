package httpapi

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net/http"
	"net/url"
	"path"
	"strings"
	"time"
	"unicode/utf8"

	"fgdsync.dev/libs/errs"
	"fgdsync.dev/libs/rpc"
)

const correlationHeader = "X-Correlation-Id"

// correlated gives every request an id that joins its answer, its log lines and its calls: the caller's, when it is
// one that can be logged as it stands, else a new one.
func correlated(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		id := rpc.CleanCorrelationID(r.Header.Get(correlationHeader))
		w.Header().Set(correlationHeader, id)
		next.ServeHTTP(w, r.WithContext(rpc.WithCorrelationID(r.Context(), id)))
	})
}

// securityHeaders are those of an answer that no browser shall interpret, embed or keep. Pages relax them.
func securityHeaders(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h := w.Header()
		h.Set("X-Content-Type-Options", "nosniff")
		h.Set("Content-Security-Policy", "default-src 'none'; frame-ancestors 'none'")
		h.Set("Referrer-Policy", "no-referrer")
		h.Set("Cache-Control", "no-store")
		next.ServeHTTP(w, r)
	})
}

// dropHeaders takes away what the gateway would act on by itself, whatever its header matcher says: a deadline and
// metadata of the client's choice, another method than the one routed by, credentials nobody checks here, and
// addresses that nobody vouches for.
func dropHeaders(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		for name := range r.Header {
			if strings.HasPrefix(name, "Grpc-") || strings.HasPrefix(name, "X-Forwarded-") || name == "X-Http-Method-Override" ||
				name == "Authorization" {
				r.Header.Del(name)
			}
		}
		next.ServeHTTP(w, r)
	})
}

// cleanPath takes every path with and without a slash at its end, and refuses those that are written in a way that a
// proxy in front could read otherwise: dots, doubled and escaped slashes.
func cleanPath(problems problems, next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		trimmed := "/" + strings.Trim(r.URL.Path, "/")
		escapedSlash := strings.Contains(strings.ToLower(r.URL.EscapedPath()), "%2f")
		if escapedSlash || trimmed != path.Clean(trimmed) || !strings.HasPrefix(r.URL.Path, trimmed) {
			problems.notFound(w, r)
			return
		}
		cleaned := r.Clone(r.Context())
		cleaned.URL.Path, cleaned.URL.RawPath = trimmed, ""
		next.ServeHTTP(w, cleaned)
	})
}

// textOnly refuses paths and queries that are no text: no field of a contract can hold them.
func textOnly(problems problems, next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		query, err := url.QueryUnescape(r.URL.RawQuery) // a query that can't be unescaped is refused by who reads it
		if !utf8.ValidString(r.URL.Path) || err == nil && !utf8.ValidString(query) {
			problems.write(w, r, errs.New(errs.InvalidRequest, "The path or the query of the request is not UTF-8."))
			return
		}
		next.ServeHTTP(w, r)
	})
}

func getOnly(problems problems, next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method != http.MethodGet && r.Method != http.MethodHead {
			w.Header().Set("Allow", "GET, HEAD")
			problems.notAllowed(w, r)
			return
		}
		next.ServeHTTP(w, r)
	})
}

// bounds limit the body and the time of a request.
type bounds struct {
	maxBytes int64
	timeout  time.Duration
	problems problems
}

func (b bounds) wrap(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		ctx, cancel := context.WithTimeout(r.Context(), b.timeout)
		defer cancel()
		body, err := b.readBody(w, r)
		if err != nil {
			b.refuse(w, r, err)
			return
		}
		r = r.WithContext(ctx)
		r.Body = io.NopCloser(bytes.NewReader(body))
		next.ServeHTTP(w, r)
	})
}

// readBody reads the whole body before anything is done, in bounded time.
func (b bounds) readBody(w http.ResponseWriter, r *http.Request) ([]byte, error) {
	if r.Body == nil || r.Body == http.NoBody {
		return nil, nil
	}
	// A server without deadlines on its connections, as in some tests, has the limit of size alone.
	control := http.NewResponseController(w)
	_ = control.SetReadDeadline(time.Now().Add(b.timeout))
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, b.maxBytes))
	if err == nil {
		_ = control.SetReadDeadline(time.Time{})
	}
	return body, err
}

func (b bounds) refuse(w http.ResponseWriter, r *http.Request, err error) {
	var tooLarge *http.MaxBytesError
	if errors.As(err, &tooLarge) {
		b.problems.writeStatus(w, r, http.StatusRequestEntityTooLarge,
			errs.New(errs.InvalidRequest, "The request is larger than %d bytes.", b.maxBytes).
				WithRemedy("Send a smaller request."))
		return
	}
	w.Header().Set("Connection", "close")
	b.problems.writeStatus(w, r, http.StatusRequestTimeout,
		errs.New(errs.InvalidRequest, "The request did not arrive as a whole in time.").WithRemedy("Send the request again.").
			WithCause(err))
}
