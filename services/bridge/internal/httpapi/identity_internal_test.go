package httpapi

import (
	"maps"
	"slices"
	"strings"
	"testing"
)

// TestWhichPathsAreOpen: of all that is served beside the gateway, those that a reason is written down for.
func TestWhichPathsAreOpen(t *testing.T) {
	t.Parallel()
	reasons := map[string]string{
		"/":                             "the console asks who visits by itself",
		"/docs":                         "says what everybody can read in the sources",
		"/openapi.json":                 "says what everybody can read in the sources",
		"/healthz":                      "what watches the process has no token",
		"/readyz":                       "what watches the process has no token",
		"/webhooks/netbox":              "NetBox signs what it posts",
		"/webhooks/{host}":              "a Git host signs what it posts",
		"/webhooks/{host}/{repository}": "a Git host signs what it posts",
	}
	served := slices.Concat(slices.Collect(maps.Keys((&live{}).byPath())), slices.Collect(maps.Keys((&pages{}).byPath())),
		slices.Collect(maps.Keys(webhooks{}.byPath(bounds{}))),
		[]string{exportPath, watchPath, "/metrics", "/api/v1/anything", "/"})
	for _, path := range served {
		path = strings.TrimSuffix(path, "{$}")
		reason, open := reasons[path]
		if openPath(path) != open || open && reason == "" {
			t.Errorf("%s is open: %t, because of %q", path, openPath(path), reason)
		}
		delete(reasons, path)
	}
	for path := range reasons {
		t.Errorf("nothing is served at %s", path)
	}
}
