package merge

import (
	"encoding/json"
	"maps"
	"slices"
	"strings"
	"testing"
)

// FuzzMerge: the laws hold of whatever people write into a spec and labels, and nothing falls over it.
func FuzzMerge(f *testing.F) {
	for i, seed := range []string{
		`{"subnets":{"a":{"vlan":1,"dhcp":{}}},"staticRoutes":[{"prefix":"a"},{"prefix":"b","nextHops":["1","2"]}]}`,
		`{"links":[{"server":{"port":"a"}}],"permit":[{"a":{}},[]],"ranges":[{"from":1},{"from":1e0}]}`,
		`{"inboundACL":{"statements":[{"seq":"1"},{"seq":1},{"seq":null}]},"static":{}}`, `-`, `[]`, `{"a":1e999999999}`,
	} {
		f.Add(byte(i), seed, `{"subnets":{"a":{"vlan":2}},"ranges":[]}`, `{"subnets":["a",7],"permit":{"vpc":{"subnets":["a"]}}}`)
	}
	m, err := New()
	if err != nil {
		f.Fatal(err)
	}
	kinds := append(slices.Sorted(maps.Keys(keyTable())), "Other")
	f.Fuzz(func(t *testing.T, kind byte, base, git, netbox string) {
		s := Sides{anything(base), anything(git), anything(netbox)}
		laws(t, m, kinds[int(kind)%len(kinds)], s)
	})
}

// anything returns a content that has a JSON as spec and as labels; none when it is no object.
func anything(raw string) *Content {
	decoder := json.NewDecoder(strings.NewReader(raw))
	decoder.UseNumber()
	var object map[string]any
	if decoder.Decode(&object) != nil {
		return nil
	}
	return &Content{Spec: object, Labels: object}
}
