package plan

import (
	"slices"

	"fgdsync.dev/libs/errs"
	"fgdsync.dev/libs/hedgehog"
	"fgdsync.dev/services/ingestion/internal/finding"
	"fgdsync.dev/services/ingestion/internal/references"
)

// result returns the plan that was made.
func (p *planner) result() *Plan {
	plan := &Plan{Items: p.items, Resources: p.resources(), Held: len(p.held) > 0, planner: p}
	for i := range p.in.Files {
		if file := &p.in.Files[i]; !p.left[file] {
			plan.Findings = append(plan.Findings, file.Findings...)
		}
	}
	for _, item := range p.items {
		plan.Findings = append(plan.Findings, item.findings()...)
	}
	plan.Findings = append(plan.Findings, p.planFindings...)
	return plan
}

// Cut is what there is to say about an item and is not among its findings.
func (item *Item) Cut() finding.Counts {
	if item.Doc == nil || item.replaced {
		return nil
	}
	return item.Doc.Cut
}

// findings returns what there is to say about an item: what its document says of itself, and why it went to unmanaged/.
func (item *Item) findings() []finding.Finding {
	switch {
	case item.Doc == nil, len(item.holds) > 0 && item.Reason.Code == errs.ManagedUnreadable:
		return []finding.Finding{item.Reason}
	case item.replaced:
		return nil
	case item.Outcome == Quarantined && item.Doc.Valid:
		return append(slices.Clone(item.Doc.Findings), item.Reason)
	}
	return item.Doc.Findings
}

// resources lists what managed/ holds: for each identity its winner, or else what is left there although it is not
// valid.
func (p *planner) resources() []Resource {
	out := make([]Resource, 0, len(p.order))
	for _, g := range p.order {
		item := g.winner
		if item == nil {
			item = g.remaining()
		}
		if item == nil && g.keepsHeld() {
			g.final = g.held
			out = append(out, p.heldResource(g))
			continue
		}
		if g.final = item; item == nil {
			continue
		}
		out = append(out, p.resource(g, item))
		for _, input := range g.inputs {
			if input.Outcome == KeptManaged {
				input.Destination = item.Destination
			}
		}
	}
	return out
}

// heldResource is a resource whose file can't be read.
func (p *planner) heldResource(g *group) Resource {
	blob, _ := p.staged.Blob(g.held.File.Path)
	return Resource{Identity: g.id, Path: g.held.File.Path, APIVersion: g.apiVersion, Blob: blob}
}

// FindDangling lists what resources name that managed/ does not hold afterwards. It is apart from the rest of a plan,
// which needs it for nothing, so that it can be done beside other work.
func (plan *Plan) FindDangling() {
	p := plan.planner
	there := func(id hedgehog.ResourceID) bool {
		n, known := p.in.Index.Find(id)
		return known && p.groups[n].final != nil
	}
	add := func(d references.Dangling) { plan.Dangling = append(plan.Dangling, d) }
	for _, g := range p.order {
		if g.final != nil && g.final != g.held {
			g.final.Doc.Facts.Dangling(g.id, there, add)
		}
	}
}

// remaining returns an invalid document that stays in managed/.
func (g *group) remaining() *Item {
	for _, item := range g.broken {
		if item.Outcome == Stays && !item.replaced {
			item.Destination = item.File.Path
			return item
		}
	}
	return nil
}

func (p *planner) resource(g *group, item *Item) Resource {
	blob := item.Doc.Blob
	if item.Outcome != Created && item.Outcome != Updated {
		blob, _ = p.staged.Blob(item.Destination)
	}
	r := Resource{
		Identity: g.id, Path: item.Destination, APIVersion: item.Doc.APIVersion, Blob: blob,
		Valid: item.Doc.Valid,
	}
	if item.Doc.UpgradeTo != "" && item.Outcome != Stays && item.Doc.Final != nil {
		r.APIVersion = item.Doc.UpgradeTo
	}
	return r
}
