// Package references holds the resources of a fabric against each other: what one names has to be there, a port has one
// cable, a VLAN lies in its namespace, subnets do not overlap. Which facts of a resource matter is taken from its
// document once; the comparison needs no document any more.
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
	untyped *place // of a Connection that has no type
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

func (p port) device() string {
	name, _, _ := strings.Cut(p.name, "/")
	return name
}

// Reference is what a resource names: another resource, a subnet of it, or a port of it.
type Reference struct {
	Field      string
	Kind, Name string
	Subnet     string // of a VPC, when one is named
	Port       string // of a device, when one is named
}

// References returns what the resource names, resources before ports: nothing of a resource without facts.
func (f *Facts) References() []Reference {
	if f == nil {
		return nil
	}
	named := make([]Reference, 0, len(f.refs)+len(f.ports))
	for _, r := range f.refs {
		named = append(named, Reference{Field: r.field, Kind: r.kind, Name: r.name, Subnet: r.subnet})
	}
	for _, p := range f.ports {
		device, port, _ := strings.Cut(p.name, "/")
		named = append(named, Reference{Field: p.field, Kind: p.kind, Name: device, Port: port})
	}
	return named
}

// usualPorts is the number of ports of most connections.
const usualPorts = 4

type subnet struct {
	place
	name, cidr string
	vlan       int64
}

// Of returns the facts in a document of a kind; nil when there are none.
func Of(kind string, root *yaml.Node) *Facts {
	spec := yamldoc.Lookup(root, "spec")
	if kind == "Connection" {
		f := &Facts{}
		f.connection(root, spec)
		return f
	}
	if spec == nil || spec.Kind != yaml.MappingNode {
		return nil
	}
	f := &Facts{}
	switch kind {
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
	if value := yamldoc.Lookup(parent, field); value != nil {
		f.name(value, path+"."+field, kind)
	}
}

func (f *Facts) name(value *yaml.Node, path, kind string) {
	if name := text(value); name != "" {
		f.refs = append(f.refs, ref{place: at(path, value), kind: kind, name: name})
	}
}

// subnetOf adds a reference to a subnet of a VPC for a text.
func (f *Facts) subnetOf(value *yaml.Node, path, vpc string) {
	if name := text(value); name != "" {
		f.refs = append(f.refs, ref{at(path, value), "VPC", vpc, name})
	}
}

func at(path string, n *yaml.Node) place { return place{path, n.Line, n.Column} }

// text returns the string that a node is; empty when it is none.
func text(n *yaml.Node) string {
	if n = yamldoc.Follow(n); n == nil || n.Kind != yaml.ScalarNode {
		return ""
	}
	if s := yamldoc.Resolve(n); s.Type == yamldoc.String {
		return s.Text
	}
	return ""
}

// each calls for the elements of a list.
func each(parent *yaml.Node, field string, visit func(i string, item *yaml.Node)) {
	list := yamldoc.Lookup(parent, field)
	if list == nil || list.Kind != yaml.SequenceNode {
		return
	}
	for i, item := range list.Content {
		visit("["+strconv.Itoa(i)+"]", yamldoc.Follow(item))
	}
}

func number(parent *yaml.Node, field string) int64 {
	value := yamldoc.Lookup(parent, field)
	if value == nil || value.Kind != yaml.ScalarNode {
		return 0
	}
	return yamldoc.Resolve(value).Int
}

// device returns the kind that stands at an end of a cable.
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

// isConnectionType reports whether a field of the spec of a Connection says what it connects. Its name can be that of
// an end too: a gateway is both.
func isConnectionType(field string) bool {
	switch field {
	case "unbundled", "bundled", "eslag", "mclag", "mclagDomain", "fabric", "mesh", "gateway", "vpcLoopback", "external",
		"staticExternal":
		return true
	}
	return false
}

// connection finds the ports of a cable, however deep they stand below its type.
func (f *Facts) connection(root, spec *yaml.Node) {
	typed := false
	yamldoc.Entries(spec, func(name string, _, value *yaml.Node) {
		if isConnectionType(name) && !isNull(value) {
			typed = true
			f.ends(value, "spec."+name)
		}
	})
	if !typed {
		f.lacksType(root)
	}
	f.names(yamldoc.Lookup(spec, "staticExternal"), "spec.staticExternal", "withinVPC", "VPC")
}

func isNull(n *yaml.Node) bool {
	return n.Kind == yaml.ScalarNode && yamldoc.Resolve(n).Type == yamldoc.Null
}

func (f *Facts) lacksType(root *yaml.Node) {
	where := root
	if key, _ := yamldoc.Field(root, "spec"); key != nil {
		where = key
	}
	untyped := at("spec", where)
	f.untyped = &untyped
}

func (f *Facts) ends(n *yaml.Node, path string) {
	if n.Kind == yaml.SequenceNode {
		for i, item := range n.Content {
			f.ends(yamldoc.Follow(item), path+"["+strconv.Itoa(i)+"]")
		}
		return
	}
	yamldoc.Entries(n, func(name string, _, value *yaml.Node) {
		below := path + "." + name
		if kind := device(name); kind != "" {
			f.port(value, below, kind)
			return
		}
		f.ends(value, below)
	})
}

func (f *Facts) port(end *yaml.Node, path, kind string) {
	value := yamldoc.Lookup(end, "port")
	if value == nil {
		return
	}
	if full := text(value); strings.Contains(full, "/") {
		if f.ports == nil {
			f.ports = make([]port, 0, usualPorts)
		}
		f.ports = append(f.ports, port{at(path+".port", value), kind, full})
	}
}

func (f *Facts) switchSpec(spec *yaml.Node) {
	each(spec, "groups", func(i string, item *yaml.Node) { f.name(item, "spec.groups"+i, "SwitchGroup") })
	each(spec, "vlanNamespaces", func(i string, item *yaml.Node) {
		f.name(item, "spec.vlanNamespaces"+i,
			"VLANNamespace")
	})
	f.names(yamldoc.Lookup(spec, "redundancy"), "spec.redundancy", "group", "SwitchGroup")
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
	f.ipv4, f.vlans = orDefault(text(yamldoc.Lookup(spec, "ipv4Namespace"))), orDefault(text(yamldoc.Lookup(spec,
		"vlanNamespace")))
	yamldoc.Entries(yamldoc.Lookup(spec, "subnets"), func(name string, key, value *yaml.Node) {
		path := "spec.subnets." + name
		f.subnets = append(f.subnets, subnet{
			place: at(path, key), name: name, cidr: text(yamldoc.Lookup(value, "subnet")), vlan: number(value, "vlan"),
		})
		f.names(yamldoc.Lookup(value, "dhcp"), path+".dhcp", "relayVPC", "VPC")
	})
}

func orDefault(name string) string {
	if name == "" {
		return defaultName
	}
	return name
}

// vpcAttachment names a subnet as "vpc/subnet"; a VPC alone means its subnet "default".
func (f *Facts) vpcAttachment(spec *yaml.Node) {
	f.names(spec, "spec", "connection", "Connection")
	value := yamldoc.Lookup(spec, "subnet")
	if vpc, name, _ := strings.Cut(text(value), "/"); vpc != "" {
		f.refs = append(f.refs, ref{at("spec.subnet", value), "VPC", vpc, orDefault(name)})
	}
}

func (f *Facts) vpcPeering(spec *yaml.Node) {
	f.names(spec, "spec", "remote", "SwitchGroup")
	each(spec, "permit", func(i string, item *yaml.Node) {
		yamldoc.Entries(item, func(vpc string, key, value *yaml.Node) { f.peer(key, value, "spec.permit"+i+"."+vpc, vpc) })
	})
}

// peer adds a VPC, and the subnets of it that are named.
func (f *Facts) peer(key, peer *yaml.Node, path, vpc string) {
	f.refs = append(f.refs, ref{place: at(path, key), kind: "VPC", name: vpc})
	each(peer, "subnets", func(i string, item *yaml.Node) { f.subnetOf(item, path+".subnets"+i, vpc) })
}

func (f *Facts) externalAttachment(spec *yaml.Node) {
	f.names(spec, "spec", "external", "External")
	f.names(spec, "spec", "connection", "Connection")
}

func (f *Facts) externalPeering(spec *yaml.Node) {
	permit := yamldoc.Lookup(spec, "permit")
	f.names(yamldoc.Lookup(permit, "external"), "spec.permit.external", "name", "External")
	vpc := yamldoc.Lookup(permit, "vpc")
	if name := yamldoc.Lookup(vpc, "name"); text(name) != "" {
		f.peer(name, vpc, "spec.permit.vpc", text(name))
	}
}

// gatewayPeering names VPCs and, as "ext.NAME", externals.
func (f *Facts) gatewayPeering(spec *yaml.Node) {
	f.names(spec, "spec", "gatewayGroup", "GatewayGroup")
	yamldoc.Entries(yamldoc.Lookup(spec, "peering"), func(name string, key, peer *yaml.Node) {
		path := "spec.peering." + name
		if external, found := strings.CutPrefix(name, "ext."); found {
			f.refs = append(f.refs, ref{place: at(path, key), kind: "External", name: external})
			return
		}
		f.refs = append(f.refs, ref{place: at(path, key), kind: "VPC", name: name})
		each(peer, "expose", func(i string, expose *yaml.Node) {
			each(expose, "ips", func(j string, ip *yaml.Node) {
				f.subnetOf(yamldoc.Lookup(ip, "vpcSubnet"), path+".expose"+i+".ips"+j+".vpcSubnet", name)
			})
		})
	})
}

func (f *Facts) gateway(spec *yaml.Node) {
	each(spec, "groups", func(i string, item *yaml.Node) { f.names(item, "spec.groups"+i, "name", "GatewayGroup") })
}
