package workflow

import (
	"fmt"
	"testing"

	ingestionv1 "fgdsync.dev/proto/fgd/ingestion/v1"
	reportv1 "fgdsync.dev/proto/fgd/report/v1"
	"fgdsync.dev/services/orchestrator/internal/state"
)

// TestLongPlansAreCut: the lists are bounded, the numbers are of everything.
func TestLongPlansAreCut(t *testing.T) {
	t.Parallel()
	vpc := func(i int) *reportv1.ResourceKey { return &reportv1.ResourceKey{Kind: "VPC", Name: fmt.Sprint(i)} }
	var in ingested
	var diff state.ResourceDiff
	for i := range maxPlanned + 1 {
		in.documents = append(in.documents, &ingestionv1.DocumentResult{Outcome: ingestionv1.Outcome_OUTCOME_QUARANTINED})
		in.dangling = append(in.dangling, &reportv1.DanglingReference{From: vpc(-i), To: vpc(i)})
		diff.Deleted = append(diff.Deleted, &ingestionv1.Resource{Key: vpc(i)})
	}
	plan := makePlan(in, diff, true)
	if counts := plan.GetCounts(); counts.GetQuarantines() != maxPlanned+1 || counts.GetDeletes() != maxPlanned+1 ||
		counts.GetOrphans() != maxPlanned+1 {
		t.Errorf("counts %v", counts)
	}
	if len(plan.GetActions()) != maxPlanned || len(plan.GetOrphans()) != maxPlanned {
		t.Errorf("%d actions, %d orphans", len(plan.GetActions()), len(plan.GetOrphans()))
	}
}

// TestWhatBecameInvalidByHandIsNoUpdate: its resource stays as the last sync had it.
func TestWhatBecameInvalidByHandIsNoUpdate(t *testing.T) {
	t.Parallel()
	edited := func(name string, valid bool) *ingestionv1.Resource {
		return &ingestionv1.Resource{Key: &reportv1.ResourceKey{Kind: "VPC", Name: name}, Path: name + ".yaml", Valid: valid}
	}
	diff := state.ResourceDiff{Updated: []*ingestionv1.Resource{edited("broken", false), edited("edited", true)}}
	plan := makePlan(ingested{}, diff, true)
	if len(plan.GetActions()) != 1 || plan.GetActions()[0].GetFrom() != "edited.yaml" ||
		plan.GetCounts().GetUpdates() != 1 {
		t.Errorf("planned %v", plan)
	}
}
