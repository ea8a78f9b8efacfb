package references

import "fgdsync.dev/libs/hedgehog"

// Dangling is a name of a resource that is not there.
type Dangling struct {
	From  hedgehog.ResourceID
	Field string
	To    hedgehog.ResourceID
}

// Dangling calls for what a resource with these facts names and what is not there. A subnet that is missing dangles
// only with its VPC, and then the VPC is called once where it and subnets of it are named together.
func (f *Facts) Dangling(from hedgehog.ResourceID, there func(hedgehog.ResourceID) bool, visit func(Dangling)) {
	if f == nil {
		return
	}
	look := func(field, kind, name string) {
		if to := identity(from.Namespace, kind, name); !there(to) {
			visit(Dangling{from, field, to})
		}
	}
	for i, r := range f.refs {
		if i > 0 && r.subnet != "" && f.refs[i-1].kind == r.kind && f.refs[i-1].name == r.name {
			continue
		}
		look(r.field, r.kind, r.name)
	}
	for _, p := range f.ports {
		look(p.field, p.kind, p.device())
	}
}
