// Package references holds the resources of a fabric against each other: what one names has to be there, a port has one
// cable, a VLAN lies in its namespace, subnets do not overlap. Which facts of a resource matter is taken from its document
// once; the comparison needs no document any more.
package references

import (
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"

	"fgdsync.dev/services/ingestion/internal/yamldoc"
)

// Facts is what a resource says about others, and what others may say about it.
type Facts struct {
	refs    []ref
	ports   []port // of a Connection
	subnets []subnet
	ipv4    string     // namespace of the subnets
	vlans   string     // namespace of the VLANs
	ranges  [][2]int64 // of a VLANNamespace
	cidrs   []string   // of an IPv4Namespace
}

// place is where in a document something stands.
type place struct {
	field        string
	line, column int
}

// ref is a name of another resource.
type ref struct {
	place
	kind, name string
	subnet     string // of a VPC, when one is named
}

// port is a port of a device, "device/port".
type port struct {
	place
	kind, name string
}

// usualPorts is the number of ports of most connections.
const usualPorts = 4

type subnet struct {
	place
	name, cidr string
	vlan       int64
}

// Of takes the facts out of a document of a kind; nil when there are none.
func Of(kind string, root *yaml.Node) *Facts {
	_, spec := yamldoc.Field(root, "spec")
	if spec == nil || spec.Kind != yaml.MappingNode {
		return nil
	}
	f := &Facts{}
	switch kind {
	case "Connection":
		f.connection(spec)
	case "Switch":
		f.switchSpec(spec)
	case "VLANNamespace":
		f.vlanNamespace(spec)
	case "IPv4Namespace":
		f.ipv4Namespace(spec)
	case "VPC":
		f.vpc(spec)
	case "VPCAttachment":
		f.vpcAttachment(spec)
	case "VPCPeering":
		f.vpcPeering(spec)
	case "External":
		f.names(spec, "spec", "ipv4Namespace", "IPv4Namespace")
	case "ExternalAttachment":
		f.externalAttachment(spec)
	case "ExternalPeering":
		f.externalPeering(spec)
	case "GatewayPeering":
		f.gatewayPeering(spec)
	case "Gateway":
		f.gateway(spec)
	default:
		return nil
	}
	return f
}

// names adds a reference for the text of a field.
func (f *Facts) names(parent *yaml.Node, path, field, kind string) {
	if _, value := yamldoc.Field(parent, field); value != nil {
		f.name(value, path+"."+field, kind)
	}
}

func (f *Facts) name(value *yaml.Node, path, kind string) {
	if text := text(value); text != "" {
		f.refs = append(f.refs, ref{place: place{path, value.Line, value.Column}, kind: kind, name: text})
	}
}

// text gives the string that a node is.
func text(n *yaml.Node) string {
	for n.Kind == yaml.AliasNode {
		n = n.Alias
	}
	if n.Kind != yaml.ScalarNode {
		return ""
	}
	if s := yamldoc.Resolve(n); s.Type == yamldoc.String {
		return s.Text
	}
	return ""
}

// each calls for the elements of a list.
func each(parent *yaml.Node, field string, visit func(i string, item *yaml.Node)) {
	_, list := yamldoc.Field(parent, field)
	if list == nil || list.Kind != yaml.SequenceNode {
		return
	}
	for i, item := range list.Content {
		visit("["+strconv.Itoa(i)+"]", item)
	}
}

// entries calls for the keys of a mapping and their values.
func entries(n *yaml.Node, visit func(key, value *yaml.Node)) {
	if n == nil || n.Kind != yaml.MappingNode {
		return
	}
	for i := 0; i+1 < len(n.Content); i += 2 {
		visit(n.Content[i], n.Content[i+1])
	}
}

func number(parent *yaml.Node, field string) int64 {
	_, value := yamldoc.Field(parent, field)
	if value == nil || value.Kind != yaml.ScalarNode {
		return 0
	}
	return yamldoc.Resolve(value).Int
}

// device tells which kind stands at an end of a cable.
func device(end string) string {
	switch end {
	case "server":
		return "Server"
	case "gateway":
		return "Gateway"
	case "switch", "switch1", "switch2", "leaf", "leaf1", "leaf2", "spine":
		return "Switch"
	}
	return ""
}

// connection finds the ports of a cable, however deep they stand.
func (f *Facts) connection(spec *yaml.Node) {
	f.ends(spec, "spec")
	_, static := yamldoc.Field(spec, "staticExternal")
	f.names(static, "spec.staticExternal", "withinVPC", "VPC")
}

func (f *Facts) ends(n *yaml.Node, path string) {
	if n.Kind == yaml.SequenceNode {
		for i, item := range n.Content {
			f.ends(item, path+"["+strconv.Itoa(i)+"]")
		}
		return
	}
	entries(n, func(key, value *yaml.Node) {
		at := path + "." + key.Value
		if kind := device(key.Value); kind != "" {
			f.port(value, at, kind)
			return
		}
		f.ends(value, at)
	})
}

func (f *Facts) port(end *yaml.Node, path, kind string) {
	_, value := yamldoc.Field(end, "port")
	if value == nil {
		return
	}
	if full := text(value); strings.Contains(full, "/") {
		if f.ports == nil {
			f.ports = make([]port, 0, usualPorts)
		}
		f.ports = append(f.ports, port{place{path + ".port", value.Line, value.Column}, kind, full})
	}
}

func (f *Facts) switchSpec(spec *yaml.Node) {
	each(spec, "groups", func(i string, item *yaml.Node) { f.name(item, "spec.groups"+i, "SwitchGroup") })
	each(spec, "vlanNamespaces", func(i string, item *yaml.Node) { f.name(item, "spec.vlanNamespaces"+i, "VLANNamespace") })
	_, redundancy := yamldoc.Field(spec, "redundancy")
	f.names(redundancy, "spec.redundancy", "group", "SwitchGroup")
}

func (f *Facts) vlanNamespace(spec *yaml.Node) {
	each(spec, "ranges", func(_ string, item *yaml.Node) {
		f.ranges = append(f.ranges, [2]int64{number(item, "from"), number(item, "to")})
	})
}

func (f *Facts) ipv4Namespace(spec *yaml.Node) {
	each(spec, "subnets", func(_ string, item *yaml.Node) { f.cidrs = append(f.cidrs, text(item)) })
}

func (f *Facts) vpc(spec *yaml.Node) {
	f.names(spec, "spec", "ipv4Namespace", "IPv4Namespace")
	f.names(spec, "spec", "vlanNamespace", "VLANNamespace")
	f.ipv4, f.vlans = orDefault(yamldoc.Text(spec, "ipv4Namespace")), orDefault(yamldoc.Text(spec, "vlanNamespace"))
	_, subnets := yamldoc.Field(spec, "subnets")
	entries(subnets, func(key, value *yaml.Node) {
		f.subnets = append(f.subnets, subnet{
			place: place{"spec.subnets." + key.Value, key.Line, key.Column}, name: key.Value,
			cidr: yamldoc.Text(value, "subnet"), vlan: number(value, "vlan"),
		})
	})
}

func orDefault(name string) string {
	if name == "" {
		return defaultName
	}
	return name
}

// vpcAttachment names a subnet as "vpc/subnet".
func (f *Facts) vpcAttachment(spec *yaml.Node) {
	f.names(spec, "spec", "connection", "Connection")
	_, value := yamldoc.Field(spec, "subnet")
	if value == nil {
		return
	}
	if vpc, name, found := strings.Cut(text(value), "/"); found {
		f.refs = append(f.refs, ref{place{"spec.subnet", value.Line, value.Column}, "VPC", vpc, name})
	}
}

func (f *Facts) vpcPeering(spec *yaml.Node) {
	each(spec, "permit", func(i string, item *yaml.Node) {
		entries(item, func(key, value *yaml.Node) { f.peer(key, value, "spec.permit"+i+"."+key.Value, key.Value) })
	})
}

// peer adds a VPC, and the subnets of it that are named.
func (f *Facts) peer(at, peer *yaml.Node, path, vpc string) {
	f.refs = append(f.refs, ref{place: place{path, at.Line, at.Column}, kind: "VPC", name: vpc})
	each(peer, "subnets", func(i string, item *yaml.Node) {
		if name := text(item); name != "" {
			f.refs = append(f.refs, ref{place{path + ".subnets" + i, item.Line, item.Column}, "VPC", vpc, name})
		}
	})
}

func (f *Facts) externalAttachment(spec *yaml.Node) {
	f.names(spec, "spec", "external", "External")
	f.names(spec, "spec", "connection", "Connection")
}

func (f *Facts) externalPeering(spec *yaml.Node) {
	_, permit := yamldoc.Field(spec, "permit")
	_, external := yamldoc.Field(permit, "external")
	f.names(external, "spec.permit.external", "name", "External")
	_, vpc := yamldoc.Field(permit, "vpc")
	if _, name := yamldoc.Field(vpc, "name"); name != nil && text(name) != "" {
		f.peer(name, vpc, "spec.permit.vpc", text(name))
	}
}

func (f *Facts) gatewayPeering(spec *yaml.Node) {
	f.names(spec, "spec", "gatewayGroup", "GatewayGroup")
	_, peering := yamldoc.Field(spec, "peering")
	entries(peering, func(key, _ *yaml.Node) {
		if external, found := strings.CutPrefix(key.Value, "ext."); found {
			f.refs = append(f.refs, ref{place: place{"spec.peering." + key.Value, key.Line, key.Column}, kind: "External", name: external})
			return
		}
		f.refs = append(f.refs, ref{place: place{"spec.peering." + key.Value, key.Line, key.Column}, kind: "VPC", name: key.Value})
	})
}

func (f *Facts) gateway(spec *yaml.Node) {
	each(spec, "groups", func(i string, item *yaml.Node) { f.names(item, "spec.groups"+i, "name", "GatewayGroup") })
}
