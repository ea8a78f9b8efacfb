package httpapi

import (
	"bytes"
	"encoding/json"
	"io"
	"maps"
	"net/http"
	"slices"
	"strings"

	"github.com/grpc-ecosystem/grpc-gateway/v2/runtime"

	"fgdsync.dev/libs/errs"
	"fgdsync.dev/libs/rpc"
)

// pathWins refuses bodies that say something else than the path does. The gateway would pass over it, and a caller who
// wants to give a fabric another number would be told that it has it.
func pathWins(p problems) runtime.Middleware {
	return func(next runtime.HandlerFunc) runtime.HandlerFunc {
		return func(w http.ResponseWriter, r *http.Request, pathParams map[string]string) {
			body, err := io.ReadAll(r.Body)
			if err == nil {
				err = contradiction(body, pathParams)
			}
			if err != nil {
				p.write(w, r, err)
				return
			}
			r.Body = io.NopCloser(bytes.NewReader(body))
			next(w, r, pathParams)
		}
	}
}

// contradiction returns the error of a field that a body and the path name with different values.
func contradiction(body []byte, pathParams map[string]string) error {
	var object map[string]json.RawMessage
	if json.Unmarshal(body, &object) != nil {
		return nil //nolint:nilerr // what can't be read is the decoder's to refuse
	}
	for _, key := range slices.Sorted(maps.Keys(object)) {
		for name, inPath := range pathParams {
			inBody := strings.Trim(string(object[key]), `"`)
			if plainName(key) == plainName(name) && inBody != inPath {
				return errs.Field(name, "%s is %s in the body and %s in the path.", name, rpc.PrintableName(inBody),
					rpc.PrintableName(inPath)).WithRemedy("Leave it out of the body; the path says it.")
			}
		}
	}
	return nil
}

// plainName returns what the two spellings of a field in JSON have in common.
func plainName(field string) string { return strings.ToLower(strings.ReplaceAll(field, "_", "")) }
