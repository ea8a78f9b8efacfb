// Package topology makes of the resources of a fabric what they are to each other: which one names which, and how its
// devices are connected. It is pure; what a resource names is said by who has read it.
package topology

import (
	"cmp"
	"encoding/json"
	"slices"
	"strings"

	bridgev1 "fgdsync.dev/proto/fgd/bridge/v1"
	reportv1 "fgdsync.dev/proto/fgd/report/v1"
)

// id tells resources apart. What a resource names is in its own namespace.
type id struct{ kind, namespace, name string }

func idOf(r *reportv1.ResourceContent) id {
	return id{r.GetKey().GetKind(), r.GetKey().GetNamespace(), r.GetKey().GetName()}
}

func byName(a, b id) int {
	return cmp.Or(cmp.Compare(a.kind, b.kind), cmp.Compare(a.namespace, b.namespace), cmp.Compare(a.name, b.name))
}

// devices are the kinds that stand at the ends of links.
var devices = []string{"Switch", "Server", "Gateway", "External"} //nolint:gochecknoglobals // read only

// Of returns how the devices of a fabric are connected.
func Of(resources []*reportv1.ResourceContent) *bridgev1.GetTopologyResponse {
	m := &maker{devices: map[id]*bridgev1.Device{}, externals: map[id]string{}, out: &bridgev1.GetTopologyResponse{}}
	for _, r := range resources {
		switch kind := r.GetKey().GetKind(); {
		case slices.Contains(devices, kind):
			m.device(r)
		case kind == "ExternalAttachment":
			m.external(r)
		case kind == "VPCAttachment":
			m.attachment(r)
		}
	}
	for _, r := range resources {
		if r.GetKey().GetKind() == "Connection" {
			m.connection(r)
		}
	}
	return m.finish()
}

// maker makes a topology.
type maker struct {
	devices   map[id]*bridgev1.Device
	externals map[id]string // what is at the end of a Connection, by its id
	out       *bridgev1.GetTopologyResponse
}

func (m *maker) device(r *reportv1.ResourceContent) {
	var spec struct {
		Role, Description string
		Redundancy        struct{ Group, Type string }
	}
	_ = json.Unmarshal(r.GetSpec(), &spec) // what has another type than it should is not shown
	of := idOf(r)
	m.devices[of] = &bridgev1.Device{
		Kind: of.kind, Namespace: of.namespace, Name: of.name, Role: spec.Role, Description: spec.Description,
		RedundancyGroup: spec.Redundancy.Group, RedundancyType: spec.Redundancy.Type,
	}
}

func (m *maker) external(r *reportv1.ResourceContent) {
	connection, external := named(r, "Connection").GetName(), named(r, "External").GetName()
	if connection != "" && external != "" {
		m.externals[id{"Connection", r.GetKey().GetNamespace(), connection}] = external
	}
}

func (m *maker) attachment(r *reportv1.ResourceContent) {
	vpc := named(r, "VPC")
	m.out.Attachments = append(m.out.Attachments, &bridgev1.Attachment{
		Name: r.GetKey().GetName(), Namespace: r.GetKey().GetNamespace(), Vpc: vpc.GetName(), Subnet: vpc.GetSubnet(),
		Connection: named(r, "Connection").GetName(),
	})
}

// named returns what a resource names of a kind first; nil when it names none.
func named(r *reportv1.ResourceContent, kind string) *reportv1.Reference {
	for _, one := range r.GetReferences() {
		if one.GetKind() == kind {
			return one
		}
	}
	return nil
}

// pair is two devices that are connected.
type pair struct{ from, to id }

// connection makes links of a Connection: one for each two devices that it connects.
func (m *maker) connection(r *reportv1.ResourceContent) {
	links := map[pair]*bridgev1.Link{}
	var order []pair
	for _, cable := range cablesOf(r) {
		between, ports := m.between(r, cable)
		link := links[between]
		if link == nil {
			link = &bridgev1.Link{
				Connection: r.GetKey().GetName(), Namespace: r.GetKey().GetNamespace(), Type: typeOf(cable[0].GetField()),
				FromKind: between.from.kind, From: between.from.name, ToKind: between.to.kind, To: between.to.name,
			}
			links[between], order = link, append(order, between)
		}
		link.Cables = append(link.Cables, ports)
	}
	for _, between := range order {
		m.out.Links = append(m.out.Links, links[between])
	}
}

// between returns what a cable connects, and by which ports. A cable with one end leads to what an attachment says is
// there.
func (m *maker) between(r *reportv1.ResourceContent, cable []*reportv1.Reference) (pair, *bridgev1.Cable) {
	namespace := r.GetKey().GetNamespace()
	end := func(e *reportv1.Reference) id { return m.known(id{e.GetKind(), namespace, e.GetName()}) }
	if len(cable) == 1 {
		between := pair{from: end(cable[0])}
		if external := m.externals[idOf(r)]; external != "" {
			between.to = m.known(id{"External", namespace, external})
		}
		return between, &bridgev1.Cable{FromPort: cable[0].GetPort()}
	}
	from, to := cable[0], cable[1]
	if byName(end(from), end(to)) > 0 { // the same devices are the same pair, whichever end is written first
		from, to = to, from
	}
	return pair{end(from), end(to)}, &bridgev1.Cable{FromPort: from.GetPort(), ToPort: to.GetPort()}
}

// known adds a device that is named and not there.
func (m *maker) known(of id) id {
	if m.devices[of] == nil {
		m.devices[of] = &bridgev1.Device{Kind: of.kind, Namespace: of.namespace, Name: of.name, Missing: true}
	}
	return of
}

// cablesOf returns the ends of each cable of a Connection: one or two. Those of one cable are in one object.
func cablesOf(r *reportv1.ResourceContent) [][]*reportv1.Reference {
	var cables [][]*reportv1.Reference
	last := ""
	for _, one := range r.GetReferences() {
		if one.GetPort() == "" {
			continue
		}
		object := parent(parent(one.GetField())) // spec.mclag.links[0].server.port
		if n := len(cables); n > 0 && object == last && len(cables[n-1]) == 1 {
			cables[n-1] = append(cables[n-1], one)
			continue
		}
		cables, last = append(cables, []*reportv1.Reference{one}), object
	}
	return cables
}

// parent returns the field that a field is in.
func parent(field string) string { return field[:max(strings.LastIndexByte(field, '.'), 0)] }

// typeOf returns the type of a Connection from a field of it.
func typeOf(field string) string {
	name, _, _ := strings.Cut(strings.TrimPrefix(field, "spec."), ".")
	return name
}

func (m *maker) finish() *bridgev1.GetTopologyResponse {
	for _, device := range m.devices {
		m.out.Devices = append(m.out.Devices, device)
	}
	slices.SortFunc(m.out.Devices, func(a, b *bridgev1.Device) int {
		return byName(id{a.GetKind(), a.GetNamespace(), a.GetName()}, id{b.GetKind(), b.GetNamespace(), b.GetName()})
	})
	slices.SortStableFunc(m.out.GetLinks(), func(a, b *bridgev1.Link) int {
		return cmp.Or(cmp.Compare(a.GetNamespace(), b.GetNamespace()), cmp.Compare(a.GetConnection(), b.GetConnection()))
	})
	slices.SortFunc(m.out.GetAttachments(), func(a, b *bridgev1.Attachment) int {
		return cmp.Or(cmp.Compare(a.GetNamespace(), b.GetNamespace()), cmp.Compare(a.GetName(), b.GetName()))
	})
	return m.out
}
