package grpcapi

import (
	bridgev1 "fgdsync.dev/proto/fgd/bridge/v1"
	reportv1 "fgdsync.dev/proto/fgd/report/v1"
	syncv1 "fgdsync.dev/proto/fgd/sync/v1"
)

func planToAPI(p *syncv1.Plan) *bridgev1.Plan {
	if p == nil {
		return nil
	}
	counts := p.GetCounts()
	out := &bridgev1.Plan{
		Creates: counts.GetCreates(), Updates: counts.GetUpdates(), Moves: counts.GetMoves(),
		Quarantines: counts.GetQuarantines(),
		Deletes:     counts.GetDeletes(), Duplicates: counts.GetDuplicates(), Releases: counts.GetReleases(),
		Actions: make([]*bridgev1.PlannedAction, 0, len(p.GetActions())),
		Orphans: make([]*bridgev1.Orphan, 0, len(p.GetOrphans())),
	}
	for _, a := range p.GetActions() {
		r := a.GetResource()
		out.Actions = append(out.Actions, &bridgev1.PlannedAction{
			Action: a.GetAction(), Kind: r.GetKind(), Namespace: r.GetNamespace(), Name: r.GetName(), From: a.GetFrom(),
			To: a.GetTo(),
		})
	}
	for _, o := range p.GetOrphans() {
		out.Orphans = append(out.Orphans, orphanToAPI(o))
	}
	return out
}

func orphanToAPI(o *reportv1.DanglingReference) *bridgev1.Orphan {
	return &bridgev1.Orphan{
		Kind: o.GetFrom().GetKind(), Namespace: o.GetFrom().GetNamespace(), Name: o.GetFrom().GetName(), Field: o.GetField(),
		MissingKind: o.GetTo().GetKind(), MissingName: o.GetTo().GetName(),
	}
}
