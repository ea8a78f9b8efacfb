package httpapi

import (
	"mime"
	"net/http"
	"net/url"
	"path"
	"regexp"
	"strings"
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
// metadata of the client's choice, another method than the one routed by, and addresses that nobody vouches for.
func dropHeaders(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		for name := range r.Header {
			if strings.HasPrefix(name, "Grpc-") || strings.HasPrefix(name, "X-Forwarded-") || name == "X-Http-Method-Override" {
				r.Header.Del(name)
			}
		}
		next.ServeHTTP(w, r)
	})
}

// ofFile is a path with the name of a file at its end, whose slashes clients may escape, as generated ones do.
var ofFile = regexp.MustCompile(`^/api/v1/fabrics/[^/%]+/quarantine/`)

// cleanPath takes every path with and without a slash at its end, and refuses those that are written in a way that a
// proxy in front could read otherwise: dots, doubled slashes, and escaped ones outside of the name of a file.
func cleanPath(problems problems, next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		trimmed := "/" + strings.Trim(r.URL.Path, "/")
		escaped := r.URL.EscapedPath()
		escapedSlash := strings.Contains(strings.ToLower(escaped), "%2f") && !ofFile.MatchString(escaped)
		if escapedSlash || trimmed != path.Clean(trimmed) || !strings.HasPrefix(r.URL.Path, trimmed) {
			problems.notFound(w, r)
			return
		}
		cleaned := r.Clone(r.Context())
		cleaned.URL.Path, cleaned.URL.RawPath = trimmed, ""
		next.ServeHTTP(w, cleaned)
	})
}

// jsonOnly refuses bodies that are said to be something else than JSON. A form of a foreign page can have its browser
// send JSON as text/plain. It can't as application/x-www-form-urlencoded, which escapes what JSON needs, and which curl
// names when nobody tells it otherwise.
func jsonOnly(problems problems, next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.ContentLength > 0 && !saysJSON(r.Header.Get("Content-Type")) {
			w.Header().Set("Accept", "application/json")
			problems.writeStatus(w, r, http.StatusUnsupportedMediaType,
				errs.New(errs.MediaTypeRefused, "The body is not said to be JSON."))
			return
		}
		r.Header.Set("Content-Type", "application/json")
		next.ServeHTTP(w, r)
	})
}

func saysJSON(contentType string) bool {
	if contentType == "" {
		return true
	}
	name, _, err := mime.ParseMediaType(contentType)
	return err == nil && (name == "application/json" || name == "application/x-www-form-urlencoded")
}

// headAsGet serves HEAD as GET; the server keeps the body to itself.
func headAsGet(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method == http.MethodHead {
			r = r.Clone(r.Context())
			r.Method = http.MethodGet
		}
		next.ServeHTTP(w, r)
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
			problems.notAllowed(w, r, []string{http.MethodGet, http.MethodHead})
			return
		}
		next.ServeHTTP(w, r)
	})
}
