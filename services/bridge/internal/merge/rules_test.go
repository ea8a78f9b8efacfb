package merge

import (
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"fgdsync.dev/services/bridge/internal/hnp"
)

// inOrderLists are the lists of the definitions that are one value, in which the order counts.
func inOrderLists() []string {
	return []string{
		"VPC permit", "VPC permit.*", "VPC subnets.*.dhcp.options.dnsServers", "VPC subnets.*.dhcp.options.timeServers",
	}
}

// TestTheKeyTableIsWhole: it has each list and each map of the definitions, as what it is, and nothing else.
func TestTheKeyTableIsWhole(t *testing.T) {
	t.Parallel()
	var defined, known []string
	for kind, d := range definitions(t) {
		var walk func(at string, d *definition)
		walk = func(at string, d *definition) {
			switch {
			case d.Items != nil:
				defined = append(defined, kind+" list "+at)
				walk(at+".*", d.Items)
			case d.Additional != nil:
				defined = append(defined, kind+" map "+at)
				walk(at+".*", d.Additional)
			}
			for name, inner := range d.Properties {
				walk(strings.TrimPrefix(at+"."+name, "."), inner)
			}
		}
		walk("", d)
		for _, e := range keyTable()[kind] {
			known = append(known, kind+" "+what(t, e, d)+" "+e.path)
		}
	}
	for _, place := range inOrderLists() {
		kind, path, _ := strings.Cut(place, " ")
		known = append(known, kind+" list "+path)
	}
	known = slices.DeleteFunc(known, func(place string) bool { return strings.Contains(place, " object ") })
	slices.Sort(defined)
	slices.Sort(known)
	if !slices.Equal(defined, known) {
		t.Errorf("the definitions have\n%s\nand the key table\n%s", strings.Join(defined, "\n"), strings.Join(known, "\n"))
	}
}

// what says what a line of the key table is of, as far as the definition agrees.
func what(t *testing.T, e entry, d *definition) string {
	t.Helper()
	for name := range strings.SplitSeq(e.path, ".") {
		switch {
		case name != "*":
			d = d.Properties[name]
		case d.Items != nil:
			d = d.Items
		default:
			d = d.Additional
		}
		if d == nil {
			t.Fatalf("there is no %s", e.path)
		}
	}
	switch e.form {
	case byKey:
		if d.Additional != nil {
			return "map"
		}
	case fact:
		if d.Properties != nil {
			return "object"
		}
	case keyed:
		for name := range strings.SplitSeq(e.key, ".") {
			if d.Items != nil {
				d = d.Items
			}
			d = d.Properties[name]
		}
		if d != nil && (d.Type == "string" || d.Type == "integer") {
			return "list"
		}
	case set:
		if d.Items != nil && d.Items.Type == "string" {
			return "list"
		}
	case inOrder:
		if d.Items != nil {
			return "list"
		}
	}
	t.Errorf("%s is something else", e.path)
	return ""
}

// TestTheKeyTableHasTheKindsOfNetBox: a merge is of what the plugin has records of.
func TestTheKeyTableHasTheKindsOfNetBox(t *testing.T) {
	t.Parallel()
	if kinds := slices.Sorted(maps.Keys(keyTable())); !slices.Equal(kinds, hnp.Kinds()) {
		t.Errorf("%v", kinds)
	}
}

// TestTheKeyTableHasWhatMayBeEmpty: of what the Go types of the kinds have a pointer to, an empty one is not none.
func TestTheKeyTableHasWhatMayBeEmpty(t *testing.T) {
	t.Parallel()
	pointer := regexp.MustCompile(`\s\*[A-Z]\w*\s+.json:"(\w+)`)
	files, err := filepath.Glob("../../../../libs/hedgehog/api/*/v1beta1/*.go")
	if err != nil || len(files) == 0 {
		t.Fatalf("%v, %v", files, err)
	}
	var types, known []string
	for _, file := range files {
		if strings.HasSuffix(file, "profile.go") { // no kinds of NetBox
			continue
		}
		raw, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		for _, found := range pointer.FindAllSubmatch(raw, -1) {
			types = append(types, string(found[1]))
		}
	}
	for _, entries := range keyTable() {
		for _, e := range entries {
			if e.form == fact {
				known = append(known, e.path[strings.LastIndex(e.path, ".")+1:])
			}
		}
	}
	slices.Sort(types)
	slices.Sort(known)
	if !slices.Equal(types, known) {
		t.Errorf("the types have %v, and the key table %v", types, known)
	}
}
