package workflow

import (
	"slices"
	"strings"

	"fgdsync.dev/libs/errs"
	"fgdsync.dev/libs/hedgehog"
	fabricv1 "fgdsync.dev/proto/fgd/fabric/v1"
	ingestionv1 "fgdsync.dev/proto/fgd/ingestion/v1"
	reportv1 "fgdsync.dev/proto/fgd/report/v1"
	syncv1 "fgdsync.dev/proto/fgd/sync/v1"
	"fgdsync.dev/services/orchestrator/internal/state"
)

// guardDeletions compares the resources with those of the last sync and says in the result what the sync does. It stops
// one that takes many resources away, before anything is published or told: a file that somebody removed by mistake
// would be an object less in a network.
func (a *attempt) guardDeletions() error {
	a.compare()
	before := len(a.resources) - len(a.change.Created) + len(a.change.Deleted)
	gone := len(a.change.Deleted) - a.editedAway()
	plan := makePlan(a.ingested, a.change, a.unchanged || before > 0)
	plan.Counts.ResourcesBefore, plan.Counts.DeletesAllowed = int32(before), int32(a.deletesAllowed(before))
	a.ingested = ingested{}
	if a.sync.reported {
		return nil
	}
	a.sync.record.Result.Plan = plan
	options := a.sync.record.GetOptions()
	if !a.isMass(gone, before) || options.GetForce() {
		a.tellEmptied(gone, before)
		a.tellOrphans(plan)
		return nil
	}
	severity := reportv1.Severity_SEVERITY_ERROR
	if options.GetValidateOnly() {
		severity = reportv1.Severity_SEVERITY_WARNING
	}
	for _, resource := range a.change.Deleted {
		a.sync.addFinding(goneFinding(resource, severity))
	}
	if options.GetValidateOnly() {
		a.tellOrphans(plan)
		return nil
	}
	return a.massDeletion(gone, before)
}

// massDeletion refuses a sync. What is gone beside an edit went before it, and who edits can't force anything.
func (a *attempt) massDeletion(gone, before int) error {
	if !a.isEdit() {
		return errs.New(errs.MassDeleteRefused, "The sync would take away %d of %d resources.", gone, before)
	}
	return errs.New(errs.MassDeleteRefused, "Beside what is edited, %d of %d resources are gone since the last sync.",
		gone, before).
		WithRemedy("Put their files back or, if the deletions are wanted, start a sync with force, POST "+
			`/api/v1/fabrics/%d/syncs with {"options": {"force": true}}, merge the pull request if it opens one, `+
			"and edit again.", a.fabric.GetFabricId())
}

// tellEmptied warns when nothing is left of what the last sync had: a folder that was removed by mistake and a branch
// that was replaced look so, also where a fabric is too small for the limits of a mass deletion.
func (a *attempt) tellEmptied(gone, before int) {
	if gone == 0 || gone < before {
		return
	}
	a.sync.addFinding(errs.NewFinding(errs.DirectoryEmptied, reportv1.Severity_SEVERITY_WARNING,
		"none of the %d resources that the directory had in the last sync is there any more", before))
}

// guardRoot stops the first sync of a whole repository when it would put more away than it ingests: most of what is
// there belongs to somebody else.
func (a *attempt) guardRoot() error {
	options, quarantined := a.sync.record.GetOptions(), int(a.sync.record.GetResult().GetFilesQuarantined())
	if !a.first || a.sync.reported || a.fabric.GetLocation().GetDirectory() != "" || options.GetForce() ||
		quarantined <= a.created+a.updated {
		return nil
	}
	refusal := errs.New(errs.MassDeleteRefused,
		"The first sync of the whole repository would move %d files and documents to unmanaged/, and ingest %d.", quarantined,
		a.created+a.updated).
		WithRemedy("Name the directory of the fabric, or list what is not its own in .fgdignore; start the sync with " +
			"force if all of it is to move.")
	if options.GetValidateOnly() {
		a.sync.addFinding(errs.ToFinding(refusal, reportv1.Severity_SEVERITY_WARNING))
		return nil
	}
	return refusal
}

// compare finds out how the resources differ from those of the last sync.
func (a *attempt) compare() {
	if a.unchanged {
		return
	}
	a.diff = a.stored.Diff(a.resources)
	a.change = a.base().Diff(a.resources)
	slices.SortFunc(a.change.Deleted, func(x, y *ingestionv1.Resource) int {
		return strings.Compare(x.GetPath(), y.GetPath())
	})
}

func (a *attempt) isMass(gone, before int) bool {
	cfg := a.cfg.Load()
	return gone > 0 && gone >= cfg.MassDeleteMinimum && gone*100 > cfg.MassDeletePercent*before
}

// deletesAllowed returns the largest number of resources, of those there were, that is not mass yet.
func (a *attempt) deletesAllowed(before int) int {
	cfg := a.cfg.Load()
	return max(cfg.MassDeleteMinimum-1, cfg.MassDeletePercent*before/100)
}

func goneFinding(r *ingestionv1.Resource, severity reportv1.Severity) *reportv1.Finding {
	f := errs.NewFinding(errs.MassDeleteRefused, severity, "%s %s/%s is no longer there",
		r.GetKey().GetKind(), r.GetKey().GetNamespace(), r.GetKey().GetName())
	f.File = r.GetPath()
	return f
}

// tellOrphans warns of references that a deletion leaves leading nowhere, unless the ingestion has warned of them: it
// does so for valid resources, where the fabric wants it.
func (a *attempt) tellOrphans(plan *syncv1.Plan) {
	if len(plan.GetOrphans()) == 0 {
		return
	}
	untold := a.fabric.GetOptions().GetReferences() == fabricv1.References_REFERENCES_OFF
	from := make(map[hedgehog.ResourceID]*ingestionv1.Resource, len(a.resources))
	for _, r := range a.resources {
		from[state.IDOf(r.GetKey())] = r
	}
	for _, orphan := range plan.GetOrphans() {
		if r := from[state.IDOf(orphan.GetFrom())]; untold || !r.GetValid() {
			a.sync.addFinding(orphanFinding(orphan, r.GetPath()))
		}
	}
}

func orphanFinding(o *reportv1.DanglingReference, file string) *reportv1.Finding {
	f := errs.NewFinding(errs.ReferenceOrphaned, reportv1.Severity_SEVERITY_WARNING,
		"%s %s/%s names %s %s/%s, which is no longer there (%s)",
		o.GetFrom().GetKind(), o.GetFrom().GetNamespace(), o.GetFrom().GetName(),
		o.GetTo().GetKind(), o.GetTo().GetNamespace(), o.GetTo().GetName(), o.GetField())
	f.File, f.Field = file, o.GetField()
	return f
}
