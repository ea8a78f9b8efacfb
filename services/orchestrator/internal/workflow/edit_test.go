package workflow

import (
	"testing"

	"fgdsync.dev/libs/errs"
	editv1 "fgdsync.dev/proto/fgd/edit/v1"
	ingestionv1 "fgdsync.dev/proto/fgd/ingestion/v1"
	reportv1 "fgdsync.dev/proto/fgd/report/v1"
	syncv1 "fgdsync.dev/proto/fgd/sync/v1"
	"fgdsync.dev/services/orchestrator/internal/state"
)

func editOf(name string) *reportv1.ResourceKey {
	return &reportv1.ResourceKey{Kind: "VPC", Namespace: "default", Name: name}
}

func wholeKey(name string) *reportv1.ResourceKey {
	key := editOf(name)
	key.Group = "vpc.githedgehog.com"
	return key
}

// editAttempt is one that makes edits.
func editAttempt(edited []*editv1.Edited, set ...*editv1.Edit) *attempt {
	record := &syncv1.Sync{EditSet: &editv1.EditSet{Edits: set}, Edited: edited}
	return &attempt{sync: &tracker{record: &state.Record{Sync: record}}}
}

// TestDeletionsThatWereAskedForAreKnown: what became of edits counts, and where that was lost with the record what was
// asked for, which need not name the group.
func TestDeletionsThatWereAskedForAreKnown(t *testing.T) {
	t.Parallel()
	gone := state.ResourceDiff{Deleted: []*ingestionv1.Resource{{Key: wholeKey("a")}, {Key: wholeKey("b")}}}
	asked := []*editv1.Edit{
		{Resource: editOf("a"), Change: &editv1.Edit_Delete{Delete: true}},
		{Resource: editOf("b"), Change: &editv1.Edit_Put{Put: &editv1.Says{}}},
	}
	for name, a := range map[string]*attempt{
		"lost": editAttempt(nil, asked...),
		"made": editAttempt([]*editv1.Edited{
			{Resource: wholeKey("a"), Effect: editv1.Effect_EFFECT_DELETED},
			{Resource: wholeKey("b"), Effect: editv1.Effect_EFFECT_UPDATED},
		}, asked...),
	} {
		if a.change = gone; a.editedAway() != 1 {
			t.Errorf("%s: %d resources were edited away, not 1", name, a.editedAway())
		}
	}
}

// TestEditsThatCameToNothingAreRefused: a new resource has to be taken up, and a deleted one has to be gone.
func TestEditsThatCameToNothingAreRefused(t *testing.T) {
	t.Parallel()
	const file = "raw/vpc_default_a.yaml"
	created := &editv1.Edited{Resource: wholeKey("a"), Effect: editv1.Effect_EFFECT_CREATED, Path: file}
	deleted := &editv1.Edited{Resource: wholeKey("a"), Effect: editv1.Effect_EFFECT_DELETED}
	there := []*ingestionv1.Resource{{Key: wholeKey("a"), Path: "managed/vpcs/a.yaml", BlobId: "1"}}
	document := func(outcome ingestionv1.Outcome) []*ingestionv1.DocumentResult {
		return []*ingestionv1.DocumentResult{{File: file, Outcome: outcome, Resource: wholeKey("a")}}
	}
	for name, c := range map[string]struct {
		edited    *editv1.Edited
		documents []*ingestionv1.DocumentResult
		resources []*ingestionv1.Resource
		passes    bool
	}{
		"taken up":          {created, document(ingestionv1.Outcome_OUTCOME_CREATED), there, true},
		"not looked at":     {created, nil, there, false},
		"in quarantine":     {created, document(ingestionv1.Outcome_OUTCOME_QUARANTINED), there, false},
		"no resource of it": {created, document(ingestionv1.Outcome_OUTCOME_CREATED), nil, false},
		"gone":              {deleted, nil, nil, true},
		"still there":       {deleted, nil, there, false},
	} {
		edited := &editv1.Edited{Resource: c.edited.GetResource(), Effect: c.edited.GetEffect(), Path: c.edited.GetPath()}
		a := editAttempt([]*editv1.Edited{edited})
		a.ingested.documents, a.resources = c.documents, c.resources
		if err := a.guardEdits(); (err == nil) != c.passes {
			t.Errorf("%s: %v", name, err)
		}
		if c.passes && c.resources != nil && (edited.GetPath() != "managed/vpcs/a.yaml" || edited.GetBlobAfter() != "1") {
			t.Errorf("%s: noted as %v", name, edited)
		}
	}
}

// TestEditsAreNoFirstSync: what guards a first sync would be past afterwards.
func TestEditsAreNoFirstSync(t *testing.T) {
	t.Parallel()
	a := editAttempt(nil)
	a.first = true
	if err := a.edit(t.Context()); !errs.HasCode(err, errs.EditRefused) {
		t.Errorf("edits of a directory that nobody has synced: %v", err)
	}
}
