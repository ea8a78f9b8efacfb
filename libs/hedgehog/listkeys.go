package hedgehog

import (
	"slices"
	"strings"
)

// ListKey is a list in the specs of a kind whose items are told apart by a field.
type ListKey struct {
	Path string // of the list, below spec; a star is each entry of a map or item of a list
	Key  string // path to the field, inside an item
}

// ListKeys returns the lists of a kind whose items have a key. The definitions mark none.
func ListKeys(kind string) []ListKey {
	switch kind {
	case "VPC":
		return []ListKey{{"staticRoutes", "prefix"}, {"subnets.*.dhcp.options.advertisedRoutes", "destination"}}
	case "ExternalAttachment":
		return []ListKey{{"inboundACL.statements", "seq"}}
	case "ExternalPeering":
		return []ListKey{{"permit.external.prefixes", "prefix"}}
	case "VLANNamespace":
		return []ListKey{{"ranges", "from"}}
	case "Connection":
		return []ListKey{
			{"bundled.links", "server.port"},
			{"mclag.links", "server.port"},
			{"eslag.links", "server.port"},
			{"mclagDomain.peerLinks", "switch1.port"},
			{"mclagDomain.sessionLinks", "switch1.port"},
			{"fabric.links", "spine.port"},
			{"mesh.links", "leaf1.port"},
			{"gateway.links", "switch.port"},
			{"vpcLoopback.links", "switch1.port"},
		}
	}
	return nil
}

// KeyOf returns the path to the key of the items of a list, which is named by its path in a document of a kind; nil for
// a list without one. The names of entries of maps count as they are, or as a star.
func KeyOf(kind string, path []string) []string {
	if len(path) == 0 || path[0] != "spec" {
		return nil
	}
	for _, list := range ListKeys(kind) {
		names := strings.Split(list.Path, ".")
		if slices.EqualFunc(names, path[1:], func(want, have string) bool { return want == have || want == "*" }) {
			return strings.Split(list.Key, ".")
		}
	}
	return nil
}
