package rewrite

import (
	"slices"
	"strings"
)

// Identity is which resource a document is for.
type Identity struct {
	APIVersion, Kind string
	Namespace, Name  string // the namespace may be empty
}

// sampleOrder is the order in which samples have their fields. Others follow by their names.
var sampleOrder = []string{
	"name", "role", "description", "profile", "from", "to", "start", "end", "prefix", "ipv4Namespace", "vlanNamespace",
	"inboundCommunity", "outboundCommunity", "vpc", "external", "connection", "server", "spine", "leaf", "switch",
	"neighbor", "port", "subnet", "subnets", "gateway", "ip", "vlan", "asn", "nativeVLAN", "dhcp", "enable", "range",
	"boot", "groups", "vlanNamespaces", "prefixes",
}

func samplePlace(name string) int {
	if i := slices.Index(sampleOrder, name); i >= 0 {
		return i
	}
	return len(sampleOrder)
}

// Compose returns the document of a resource that has none, as a person would write it. The system's own annotations
// are left out. The error is an *Error.
func Compose(id Identity, content Content) ([]byte, error) {
	s := style{step: usualStep, list: usualStep}
	meta := []any{newEntry{"name", id.Name}}
	if id.Namespace != "" {
		meta = append(meta, newEntry{"namespace", id.Namespace})
	}
	for _, e := range []newEntry{{labels, content.Labels}, {annotations, withOwn(nil, content.Annotations)}} {
		if !saysNothing(e.value) {
			meta = append(meta, e)
		}
	}
	lines := s.lines([]any{newEntry{"apiVersion", id.APIVersion}, newEntry{"kind", id.Kind}}, 0)
	lines = append(append(lines, metadata+":"), s.lines(meta, s.step)...)
	lines = append(lines, s.lines([]any{newEntry{spec, nonNil(content.Spec)}}, 0)...)
	out := []byte(strings.Join(lines, "\n") + "\n")
	if _, have, err := read(out); err != nil || !says(have, id, content) {
		return nil, &Error{Reason: "what it shall say can't be written as YAML that says so"}
	}
	return out, nil
}

// says reports whether a document says what it was composed from.
func says(have map[string]any, id Identity, content Content) bool {
	meta := map[string]any{"name": id.Name}
	if id.Namespace != "" {
		meta["namespace"] = id.Namespace
	}
	set(meta, labels, content.Labels)
	set(meta, annotations, withOwn(nil, content.Annotations))
	return equal(have, map[string]any{
		"apiVersion": id.APIVersion, "kind": id.Kind, metadata: meta, spec: nonNil(content.Spec),
	})
}
