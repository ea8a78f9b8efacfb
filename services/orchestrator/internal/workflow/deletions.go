package workflow

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"fgdsync.dev/libs/errs"
	ingestionv1 "fgdsync.dev/proto/fgd/ingestion/v1"
	reportv1 "fgdsync.dev/proto/fgd/report/v1"
)

// guardDeletions compares the resources with those of the last sync. It stops a sync that takes many of them away,
// before anything is published or told: a file that somebody removed by mistake would be an object less in a network.
func (a *attempt) guardDeletions(ctx context.Context) error {
	if a.known {
		return nil
	}
	diff, err := a.deps.Store.DiffResources(ctx, a.fabric.GetFabricId(), a.resources)
	if err != nil {
		return err
	}
	a.diff = diff
	gone, before := len(diff.Deleted), len(a.resources)-len(diff.Created)+len(diff.Deleted)
	if !a.isMass(gone, before) || a.t.v.GetOptions().GetForce() {
		return nil
	}
	severity := reportv1.Severity_SEVERITY_ERROR
	if a.t.v.GetOptions().GetValidateOnly() {
		severity = reportv1.Severity_SEVERITY_WARNING
	}
	slices.SortFunc(diff.Deleted, func(x, y *ingestionv1.Resource) int { return strings.Compare(x.GetPath(), y.GetPath()) })
	for _, resource := range diff.Deleted {
		a.t.find(goneFinding(resource, severity))
	}
	if a.t.v.GetOptions().GetValidateOnly() {
		return nil
	}
	return errs.New(errs.Precondition, errs.MassDeleteRefused, "The sync would take away %d of %d resources.", gone, before)
}

func (a *attempt) isMass(gone, before int) bool {
	return gone > 0 && gone >= a.cfg.MassDeleteMinimum && gone*100 > a.cfg.MassDeletePercent*before
}

func goneFinding(r *ingestionv1.Resource, severity reportv1.Severity) *reportv1.Finding {
	return &reportv1.Finding{
		Severity: severity, Code: errs.MassDeleteRefused.ID, Name: errs.MassDeleteRefused.Name, File: r.GetPath(),
		Message: fmt.Sprintf("%s %s/%s is no longer there", r.GetKey().GetKind(), r.GetKey().GetNamespace(), r.GetKey().GetName()),
		Remedy:  errs.MassDeleteRefused.Remedy,
	}
}
