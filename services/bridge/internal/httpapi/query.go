package httpapi

import (
	"maps"
	"net/http"
	"regexp"
	"slices"

	"github.com/grpc-ecosystem/grpc-gateway/v2/runtime"

	"fgdsync.dev/libs/errs"
	"fgdsync.dev/libs/rpc"
)

// queryNames are the query parameters that operations take, by method and path.
type queryNames map[string][]string

// variable is a variable of a path as the gateway writes it.
var variable = regexp.MustCompile(`\{(\w+)=[^}]*\}`)

// knownQueries refuses requests whose query has a parameter that the operation does not take. The gateway would pass
// over it, and a caller who mistypes validate_only, or puts it beside a body, would get what was not asked for.
func knownQueries(described lazyDescription, p problems) runtime.Middleware {
	return func(next runtime.HandlerFunc) runtime.HandlerFunc {
		return func(w http.ResponseWriter, r *http.Request, pathParams map[string]string) {
			if err := checkQuery(described, r); err != nil {
				p.write(w, r, err)
				return
			}
			next(w, r, pathParams)
		}
	}
}

func checkQuery(described lazyDescription, r *http.Request) error {
	if r.URL.RawQuery == "" {
		return nil
	}
	description, err := described()
	if err != nil {
		return err
	}
	if name, found := description.queries.unknown(r); found {
		shown := rpc.PrintableName(name)
		return errs.Field(shown, "%s is not a parameter of this request.", shown).
			WithRemedy("See /docs for the parameters of each path; what a body takes does not go into the query.")
	}
	return nil
}

// unknown returns a parameter of a request's query that its operation does not take.
func (q queryNames) unknown(r *http.Request) (string, bool) {
	pattern, ok := runtime.HTTPPattern(r.Context())
	if !ok {
		return "", false
	}
	known := q[operationKey(r.Method, variable.ReplaceAllString(pattern.String(), "{$1}"))]
	for _, name := range slices.Sorted(maps.Keys(r.URL.Query())) {
		if !slices.Contains(known, name) {
			return name, true
		}
	}
	return "", false
}

func operationKey(method, path string) string { return method + " " + path }
