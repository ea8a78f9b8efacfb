package workflow

import (
	"slices"
	"strings"

	"fgdsync.dev/libs/hedgehog"
	ingestionv1 "fgdsync.dev/proto/fgd/ingestion/v1"
	reportv1 "fgdsync.dev/proto/fgd/report/v1"
	syncv1 "fgdsync.dev/proto/fgd/sync/v1"
	"fgdsync.dev/services/orchestrator/internal/state"
)

// maxPlanned bounds each list of a plan: it is part of the record, which is written several times. The counts are of
// all.
const maxPlanned = 1000

// Words of planned actions.
const (
	actionCreate      = "create"
	actionUpdate      = "update"
	actionMove        = "move"
	actionQuarantine  = "quarantine"
	actionDelete      = "delete"
	actionDuplicate   = "duplicate"
	actionKeepManaged = "keep_managed"
	actionRelease     = "release"
)

// ingested is what an ingestion says of documents and references.
type ingested struct {
	documents []*ingestionv1.DocumentResult
	dangling  []*reportv1.DanglingReference
}

// planner puts a plan together. What is new and what is changed is judged against the resources of the last sync, as
// deletions are, so that a plan also has what people did to managed/ by hand, and creations less deletions are how many
// resources the fabric has more. Before the first sync, when there is nothing to judge by, only documents count.
type planner struct {
	indexed bool                         // there are resources of a last sync
	isNew   map[hedgehog.ResourceID]bool // since the last sync
	created map[hedgehog.ResourceID]bool // an action says so
	changed map[hedgehog.ResourceID]bool // an action says so
	plan    *syncv1.Plan
}

// makePlan says what a sync does, given how its resources differ from those of the last one.
func makePlan(in ingested, diff state.ResourceDiff, indexed bool) *syncv1.Plan {
	p := &planner{
		indexed: indexed, isNew: map[hedgehog.ResourceID]bool{}, created: map[hedgehog.ResourceID]bool{},
		changed: map[hedgehog.ResourceID]bool{},
		plan:    &syncv1.Plan{Counts: &syncv1.PlanCounts{}},
	}
	for _, r := range diff.Created {
		p.isNew[state.IDOf(r.GetKey())] = true
	}
	for _, d := range in.documents {
		p.document(d)
	}
	if indexed {
		p.byHand(diff)
	}
	p.deletions(diff.Deleted, in.dangling)
	slices.SortStableFunc(p.plan.Actions, func(a, b *syncv1.PlannedAction) int {
		return strings.Compare(a.GetFrom(),
			b.GetFrom())
	})
	p.plan.Actions = cut(p.plan.GetActions())
	p.plan.Orphans = cut(p.plan.GetOrphans())
	return p.plan
}

func cut[T any](list []T) []T { return slices.Clip(list[:min(len(list), maxPlanned)]) }

func (p *planner) document(d *ingestionv1.DocumentResult) {
	word, k := p.word(d), state.IDOf(d.GetResource())
	switch word {
	case "":
		return
	case actionCreate:
		p.created[k] = true
	case actionUpdate, actionMove:
		p.changed[k] = true
	}
	p.add(word, d.GetResource(), d.GetFile(), d.GetDestination())
}

func (p *planner) word(d *ingestionv1.DocumentResult) string {
	switch d.GetOutcome() {
	case ingestionv1.Outcome_OUTCOME_CREATED, ingestionv1.Outcome_OUTCOME_UPDATED:
		isNew := p.isNew[state.IDOf(d.GetResource())]
		if !p.indexed {
			isNew = d.GetOutcome() == ingestionv1.Outcome_OUTCOME_CREATED
		}
		if isNew {
			return actionCreate
		}
		return actionUpdate
	case ingestionv1.Outcome_OUTCOME_MOVED:
		return actionMove
	case ingestionv1.Outcome_OUTCOME_QUARANTINED:
		return actionQuarantine
	case ingestionv1.Outcome_OUTCOME_DUPLICATE:
		return actionDuplicate
	case ingestionv1.Outcome_OUTCOME_KEPT_MANAGED:
		return actionKeepManaged
	case ingestionv1.Outcome_OUTCOME_RELEASED:
		return actionRelease
	}
	return ""
}

// byHand adds what people did in managed/ since the last sync: no document waited for it. What became unreadable or
// invalid there is no update: its resource stays as it was, and a finding says why.
func (p *planner) byHand(diff state.ResourceDiff) {
	for _, r := range diff.Created {
		if !p.created[state.IDOf(r.GetKey())] {
			p.add(actionCreate, r.GetKey(), r.GetPath(), r.GetPath())
		}
	}
	for _, r := range diff.Updated {
		if r.GetValid() && !p.changed[state.IDOf(r.GetKey())] {
			p.add(actionUpdate, r.GetKey(), r.GetPath(), r.GetPath())
		}
	}
}

// deletions adds what is gone, and what names it.
func (p *planner) deletions(gone []*ingestionv1.Resource, dangling []*reportv1.DanglingReference) {
	if len(gone) == 0 {
		return
	}
	missing := make(map[hedgehog.ResourceID]bool, len(gone))
	for _, r := range gone {
		missing[state.IDOf(r.GetKey())] = true
		p.add(actionDelete, r.GetKey(), r.GetPath(), "")
	}
	for _, d := range dangling {
		if missing[state.IDOf(d.GetTo())] {
			p.plan.Counts.Orphans++
			p.plan.Orphans = append(p.plan.Orphans, d)
		}
	}
}

func (p *planner) add(word string, resource *reportv1.ResourceKey, from, to string) {
	counts := p.plan.GetCounts()
	switch word {
	case actionCreate:
		counts.Creates++
	case actionUpdate:
		counts.Updates++
	case actionMove:
		counts.Moves++
	case actionQuarantine:
		counts.Quarantines++
	case actionDelete:
		counts.Deletes++
	case actionDuplicate:
		counts.Duplicates++
	case actionRelease:
		counts.Releases++
	}
	p.plan.Actions = append(p.plan.Actions, &syncv1.PlannedAction{Action: word, Resource: resource, From: from, To: to})
}
