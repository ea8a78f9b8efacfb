package references

import (
	"cmp"
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"sync"

	"fgdsync.dev/libs/errs"
	"fgdsync.dev/libs/hedgehog"
	"fgdsync.dev/services/ingestion/internal/finding"
)

// defaultName is what namespaces and gateway groups are called that a cluster has by itself.
const defaultName = "default"

// Resource is one resource of the fabric.
type Resource struct {
	Identity hedgehog.ResourceID
	Facts    *Facts
	File     string
	Document int
	Line     int // of the file, on which its document begins
}

// Finding is something that is wrong with a resource in the company of the others.
type Finding struct {
	finding.Finding
	Resource  int  // its place among those that were given
	InCluster bool // it is about something that a cluster has by itself
}

type checker struct {
	resources []Resource
	lookup    func(hedgehog.ResourceID) (place int, found bool)
	found     []Finding
	naming    int // first of the resources that name what a cluster has by itself, or -1
}

// Check compares resources, which lookup finds by their identity. What it finds is in their order, and each is a
// warning. What a cluster has by itself is told of once.
func Check(resources []Resource, lookup func(hedgehog.ResourceID) (place int, found bool)) []Finding {
	c := &checker{resources: resources, lookup: lookup, naming: -1}
	cables := &checker{resources: resources}
	var wired sync.WaitGroup
	wired.Go(cables.ports) // which looks nothing up
	for i := range resources {
		if resources[i].Facts != nil {
			c.typed(i)
			c.names(i)
			c.vlans(i)
		}
	}
	wired.Wait()
	c.found = append(c.found, cables.found...)
	c.subnets()
	slices.SortStableFunc(c.found, func(a, b Finding) int {
		return cmp.Or(cmp.Compare(a.Resource, b.Resource), cmp.Compare(a.Line, b.Line), cmp.Compare(a.Column, b.Column))
	})
	return once(c.found)
}

// once leaves the first of the findings about what a cluster has by itself.
func once(found []Finding) []Finding {
	told := false
	return slices.DeleteFunc(found, func(f Finding) bool {
		again := f.InCluster && told
		told = told || f.InCluster
		return again
	})
}

func (c *checker) find(i int, at place, code errs.Code, format string, args ...any) *Finding {
	r := c.resources[i]
	c.found = append(c.found, Finding{Resource: i, Finding: finding.Finding{
		Code: code, Warning: true, File: r.File, Document: r.Document, Line: r.Line + at.line - 1, Column: at.column,
		Field: at.field, Message: fmt.Sprintf(format, args...),
	}})
	return &c.found[len(c.found)-1]
}

// other finds a resource by its kind and name, in the namespace of the one that names it.
func (c *checker) other(i int, kind, name string) (*Facts, bool) {
	at, found := c.lookup(identity(c.resources[i].Identity.Namespace, kind, name))
	if !found {
		return nil, false
	}
	return c.resources[at].Facts, true
}

func identity(namespace, kind, name string) hedgehog.ResourceID {
	return hedgehog.ResourceID{Group: groupOf(kind), Kind: kind, Namespace: namespace, Name: name}
}

func groupOf(kind string) string {
	switch kind {
	case "VPC", "External", "IPv4Namespace":
		return "vpc.githedgehog.com"
	case "Gateway", "GatewayGroup":
		return "gateway.githedgehog.com"
	}
	return "wiring.githedgehog.com"
}

// names looks for what a resource names. What a cluster has by itself need not be in the directory.
func (c *checker) names(i int) {
	for _, r := range c.resources[i].Facts.refs {
		facts, there := c.other(i, r.kind, r.name)
		switch {
		case !there && r.name == defaultName && (strings.HasSuffix(r.kind, "Namespace") || r.kind == "GatewayGroup"):
			c.inCluster(i, r)
		case !there:
			c.find(i, r.place, errs.ReferenceMissing, "there is no %s %s", r.kind, r.name)
		case r.subnet != "" && !hasSubnet(facts, r.subnet):
			c.find(i, r.place, errs.ReferenceMissing, "the VPC %s has no subnet %s", r.name, r.subnet)
		}
	}
	for _, p := range c.resources[i].Facts.ports {
		if _, there := c.other(i, p.kind, p.device()); !there {
			c.find(i, p.place, errs.ReferenceMissing, "there is no %s %s", p.kind, p.device())
		}
	}
}

func (c *checker) inCluster(i int, r ref) {
	if c.naming >= 0 && c.naming != i {
		return
	}
	c.naming = i
	f := c.find(i, r.place, errs.ReferenceMissing, "the %s %s is not in the directory; it may exist in the cluster only",
		r.kind, r.name)
	f.InCluster, f.Remedy = true, "Nothing to do when the cluster has it; else add it."
}

// hasSubnet reports whether a VPC has a subnet, as far as the VPC can be read.
func hasSubnet(f *Facts, name string) bool {
	return f == nil || slices.ContainsFunc(f.subnets, func(s subnet) bool { return s.name == name })
}

// typed holds that a Connection says what it connects.
func (c *checker) typed(i int) {
	if where := c.resources[i].Facts.untyped; where != nil {
		c.find(i, *where, errs.ConnectionUntyped, "the Connection has no type: none of unbundled, bundled, eslag, mclag, "+
			"mclagDomain, fabric, mesh, gateway, vpcLoopback, external and staticExternal is there")
	}
}

// portUse is where a port was met first.
type portUse struct {
	resource, port int
	told           bool // that it is not the only one
}

// ports holds that a port has one cable. Both ends of a clash are told, for either may be the wrong one.
func (c *checker) ports() {
	type slot struct{ namespace, port string }
	used := make(map[slot]portUse, len(c.resources))
	for i := range c.resources {
		if c.resources[i].Facts == nil {
			continue
		}
		for n, port := range c.resources[i].Facts.ports {
			k := slot{c.resources[i].Identity.Namespace, port.name}
			first, taken := used[k]
			if !taken {
				used[k] = portUse{resource: i, port: n}
				continue
			}
			used[k] = c.sharedPort(i, port, first)
		}
	}
}

// sharedPort tells of a port that was met before, where it was met first too unless that was told.
func (c *checker) sharedPort(i int, again port, first portUse) portUse {
	if first.resource == i {
		c.find(i, again.place, errs.PortConflict, "the port %s is used twice in this Connection", again.name)
		return first
	}
	c.find(i, again.place, errs.PortConflict, "the port %s is used by the Connection %s too", again.name,
		c.resources[first.resource].Identity.Name)
	if !first.told {
		c.find(first.resource, c.resources[first.resource].Facts.ports[first.port].place, errs.PortConflict,
			"the port %s is used by the Connection %s too", again.name, c.resources[i].Identity.Name)
	}
	first.told = true
	return first
}

// vlans holds that the VLANs of a VPC lie in their namespace.
func (c *checker) vlans(i int) {
	facts := c.resources[i].Facts
	for _, s := range facts.subnets {
		space, there := c.other(i, "VLANNamespace", facts.vlans)
		if s.vlan == 0 || !there || space == nil {
			continue
		}
		inside := slices.ContainsFunc(space.ranges, func(r [2]int64) bool { return r[0] <= s.vlan && s.vlan <= r[1] })
		if !inside {
			c.find(i, s.place, errs.VLANOutOfRange, "the VLAN %d of subnet %s is in no range of the VLANNamespace %s",
				s.vlan, s.name, facts.vlans)
		}
	}
}

// network is a subnet of a VPC as addresses.
type network struct {
	prefix   netip.Prefix
	resource int
	subnet   subnet
}

// subnets holds that subnets lie in their namespace and that no two of one namespace overlap.
func (c *checker) subnets() {
	type space struct{ namespace, name string }
	spaces := map[space][]network{}
	for i := range c.resources {
		facts := c.resources[i].Facts
		if facts == nil {
			continue
		}
		for _, s := range facts.subnets {
			prefix, err := netip.ParsePrefix(s.cidr)
			if err != nil {
				continue // the cluster judges the form
			}
			at := space{c.resources[i].Identity.Namespace, facts.ipv4}
			spaces[at] = append(spaces[at], network{prefix.Masked(), i, s})
			c.inside(i, s, prefix)
		}
	}
	for _, networks := range spaces {
		c.overlaps(networks)
	}
}

func (c *checker) inside(i int, s subnet, prefix netip.Prefix) {
	facts := c.resources[i].Facts
	space, there := c.other(i, "IPv4Namespace", facts.ipv4)
	if !there || space == nil {
		return
	}
	inside := slices.ContainsFunc(space.cidrs, func(text string) bool {
		outer, err := netip.ParsePrefix(text)
		return err == nil && outer.Bits() <= prefix.Bits() && outer.Contains(prefix.Addr())
	})
	if !inside {
		c.find(i, s.place, errs.SubnetConflict, "the subnet %s (%s) is in no range of the IPv4Namespace %s", s.name,
			s.cidr, facts.ipv4)
	}
}

// overlaps goes through networks in the order of their addresses: one that overlaps any before it overlaps the widest.
// Where they are of two VPCs both are told, the widest of the first that it overlaps.
func (c *checker) overlaps(networks []network) {
	slices.SortStableFunc(networks, func(a, b network) int {
		return cmp.Or(a.prefix.Addr().Compare(b.prefix.Addr()), cmp.Compare(a.prefix.Bits(), b.prefix.Bits()),
			cmp.Compare(a.resource, b.resource))
	})
	told := false
	for i, widest := 1, 0; i < len(networks); i++ {
		if !networks[widest].prefix.Overlaps(networks[i].prefix) {
			widest, told = i, false
			continue
		}
		c.overlap(networks[i], networks[widest])
		if !told && networks[i].resource != networks[widest].resource {
			told = true
			c.overlap(networks[widest], networks[i])
		}
	}
}

func (c *checker) overlap(one, other network) {
	c.find(one.resource, one.subnet.place, errs.SubnetConflict, "the subnet %s (%s) overlaps %s (%s) of the VPC %s",
		one.subnet.name, one.subnet.cidr, other.subnet.name, other.subnet.cidr, c.resources[other.resource].Identity.Name)
}
