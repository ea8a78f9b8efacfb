package netboxserver

import (
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
)

// Version is that of the NetBox which it is held against. What older ones do is written from what is known of them, and
// was not run.
const Version = "4.7.3"

// Versions returns those that differ from one another, as far as the plugin's callers notice it.
func Versions() []string {
	return []string{"4.3.0", "4.3.5", "4.4.7", "4.5.1", "4.5.2", "4.6.0", Version}
}

// generation is the version of a NetBox, and what it can do.
type generation [3]int

// generationOf reads a version. One of two numbers is the last that is known of it.
func generationOf(version string) (generation, string, error) {
	if strings.Count(version, ".") == 1 {
		known := slices.DeleteFunc(Versions(), func(v string) bool { return !strings.HasPrefix(v, version+".") })
		if len(known) > 0 {
			version = known[len(known)-1]
		}
	}
	var g generation
	parts := strings.Split(version, ".")
	for i := range min(len(parts), len(g)) {
		number, err := strconv.Atoi(parts[i])
		if err != nil {
			return g, "", fmt.Errorf("%q is no version of NetBox", version)
		}
		g[i] = number
	}
	return g, version, nil
}

// from reports whether it is of a version, or newer.
func (g generation) from(major, minor, patch int) bool {
	return slices.Compare(g[:], []int{major, minor, patch}) >= 0
}

// ordered reports whether a list without an order is refused.
func (g generation) ordered() bool { return g.from(4, 3, 5) }

// messages reports whether the change log takes a message.
func (g generation) messages() bool { return g.from(4, 4, 0) }

// selfCheck reports whether a token can be tried by itself.
func (g generation) selfCheck() bool { return g.from(4, 5, 0) }

// eager reports whether each record that is saved is shown whole to whoever listens, before it is kept.
func (g generation) eager() bool { return !g.from(4, 5, 2) }

// conditional reports whether there are ETags, and If-Match counts.
func (g generation) conditional() bool { return g.from(4, 6, 0) }

// tagged reports whether single tags can be added and taken off.
func (g generation) tagged() bool { return g.from(4, 6, 0) }

// named reports whether refusals of a request about many records say which of them are bad.
func (g generation) named() bool { return g.from(4, 7, 0) }

// refusals is the answer of a request about many new records of which some are bad, as their NetBox gives it.
func (g generation) refusals(bad map[int]map[string]any, of int) answer {
	if g.named() {
		var named []any
		for i := range of {
			if bad[i] != nil {
				named = append(named, map[string]any{"index": i, "errors": bad[i]})
			}
		}
		return several(named, of, "could not be created")
	}
	list := make([]any, of)
	for i := range list {
		list[i] = map[string]any{}
		if bad[i] != nil {
			list[i] = bad[i]
		}
	}
	return answer{code: http.StatusBadRequest, body: list}
}

// noObject is what is said of what should be an object and is none.
func (g generation) noObject(value any) map[string]any {
	is := "str"
	switch value.(type) {
	case nil:
		is = "NoneType"
	case []any:
		is = "list"
	case bool:
		is = "bool"
	case json.Number:
		is = "int"
	}
	key := "__all__"
	if !g.named() {
		key = "non_field_errors"
	}
	return map[string]any{key: []string{"Invalid data. Expected a dictionary, but got " + is + "."}}
}
