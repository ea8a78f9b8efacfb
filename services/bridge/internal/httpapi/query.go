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
// over it, and a caller who mistypes validate_only, or puts it beside a body, would get what was not asked for. Dates
// become the times that the gateway reads.
func knownQueries(described lazyDescription, p problems) runtime.Middleware {
	return func(next runtime.HandlerFunc) runtime.HandlerFunc {
		return func(w http.ResponseWriter, r *http.Request, pathParams map[string]string) {
			if err := prepareQuery(described, r); err != nil {
				p.write(w, r, err)
				return
			}
			next(w, r, pathParams)
		}
	}
}

func prepareQuery(described lazyDescription, r *http.Request) error {
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
	datesInQuery(r, description.times.of(r))
	return nil
}

// of returns the parameters that are listed for the operation of a request.
func (q queryNames) of(r *http.Request) []string {
	route, _ := routeOf(r)
	return q[operationKey(r.Method, route)]
}

// unknown returns a parameter of a request's query that its operation does not take.
func (q queryNames) unknown(r *http.Request) (string, bool) {
	known := q.of(r)
	for _, name := range slices.Sorted(maps.Keys(r.URL.Query())) {
		if !slices.Contains(known, name) {
			return name, true
		}
	}
	return "", false
}

func operationKey(method, path string) string { return method + " " + path }
