package workflow

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"fgdsync.dev/libs/errs"
	"fgdsync.dev/libs/hedgehog"
	editv1 "fgdsync.dev/proto/fgd/edit/v1"
	ingestionv1 "fgdsync.dev/proto/fgd/ingestion/v1"
	reportv1 "fgdsync.dev/proto/fgd/report/v1"
	"fgdsync.dev/services/orchestrator/internal/state"
)

// edits reports whether this attempt makes edits. One that works on the commit of an attempt before it does not: that
// commit has them.
func (a *attempt) edits() bool {
	return a.sync.record.GetEditSet() != nil && a.snapshot.GetPublished() == nil
}

// edit makes the edits, all of them or none. All that follows works on that tree as if somebody had pushed it.
func (a *attempt) edit(ctx context.Context) error {
	response, err := a.deps.Ingestion.EditResources(ctx, &ingestionv1.EditResourcesRequest{
		SnapshotId: a.snapshot.GetSnapshotId(), Tree: a.tree, Options: a.fabric.GetOptions(),
		EditSet: a.sync.record.GetEditSet(),
	})
	if err != nil {
		return fmt.Errorf("edit resources: %w", err)
	}
	a.tree, a.sync.record.Edited = response.GetTree(), response.GetEdited()
	var first *reportv1.Finding
	for _, edited := range response.GetEdited() {
		if problem := edited.GetProblem(); problem != nil && first == nil {
			first = problem
		} else if problem != nil {
			a.sync.addFinding(problem)
		}
	}
	if first != nil {
		return errs.FromFinding(first)
	}
	return nil
}

// only returns what an ingestion takes up beside managed/: nothing that others have put elsewhere gets into the commit
// of an edit. Nil stands for everything.
func (a *attempt) only() *ingestionv1.OnlyFiles {
	if a.sync.record.GetEditSet() == nil {
		return nil
	}
	only := &ingestionv1.OnlyFiles{}
	for _, edited := range a.sync.record.GetEdited() {
		if edited.GetEffect() == editv1.Effect_EFFECT_CREATED {
			only.Paths = append(only.Paths, edited.GetPath())
		}
	}
	return only
}

// guardEdits stops a sync whose new resources were not ingested: one that a rule of the whole fabric refuses goes into
// no quarantine, for nobody has put a file anywhere.
func (a *attempt) guardEdits() error {
	only := a.only().GetPaths()
	a.noteBlobs()
	for _, document := range a.ingested.documents {
		if document.GetOutcome() != ingestionv1.Outcome_OUTCOME_QUARANTINED || !slices.Contains(only, document.GetFile()) {
			continue
		}
		for _, f := range a.sync.record.GetErrors() {
			if f.GetFile() == document.GetFile() {
				return errs.FromFinding(f)
			}
		}
		return errs.New(errs.ValidationFailed, "%s %s can't be ingested.", document.GetResource().GetKind(),
			document.GetResource().GetName())
	}
	return nil
}

// noteBlobs notes which files the edited resources have now.
func (a *attempt) noteBlobs() {
	now := make(map[hedgehog.ResourceID]*ingestionv1.Resource, len(a.resources))
	for _, r := range a.resources {
		now[state.IDOf(r.GetKey())] = r
	}
	for _, edited := range a.sync.record.GetEdited() {
		switch r := now[state.IDOf(edited.GetResource())]; {
		case r != nil:
			edited.Path, edited.BlobAfter = r.GetPath(), r.GetBlobId()
		case a.unchanged: // they are those of the last sync
			edited.BlobAfter = edited.GetBlobBefore()
		default:
			edited.Path = ""
		}
	}
}

// editedAway is how many resources the edits take away: whoever asked for that meant it.
func (a *attempt) editedAway() int {
	away := map[hedgehog.ResourceID]bool{}
	for _, edited := range a.sync.record.GetEdited() {
		if edited.GetEffect() == editv1.Effect_EFFECT_DELETED {
			away[state.IDOf(edited.GetResource())] = true
		}
	}
	number := 0
	for _, gone := range a.change.Deleted {
		if away[state.IDOf(gone.GetKey())] {
			number++
		}
	}
	return number
}

// editedHeadline is the part of a commit's first line that says what was edited; empty when nothing was.
func (a *attempt) editedHeadline() string {
	var changed []*editv1.Edited
	for _, edited := range a.sync.record.GetEdited() {
		if edited.GetEffect() != editv1.Effect_EFFECT_UNCHANGED {
			changed = append(changed, edited)
		}
	}
	switch len(changed) {
	case 0:
		return ""
	case 1:
		key := changed[0].GetResource()
		return fmt.Sprintf("%s %s %s", effectWord(changed[0].GetEffect()), key.GetKind(), oneLine(key.GetName()))
	}
	return fmt.Sprintf("edit %d resources", len(changed))
}

// editedLines say in a commit message what was done to which resource.
func (a *attempt) editedLines() string {
	var b strings.Builder
	for _, edited := range a.sync.record.GetEdited() {
		key := edited.GetResource()
		if edited.GetEffect() != editv1.Effect_EFFECT_UNCHANGED {
			fmt.Fprintf(&b, "Edited: %s %s %s/%s.\n", effectWord(edited.GetEffect()), key.GetKind(),
				oneLine(key.GetNamespace()), oneLine(key.GetName()))
		}
	}
	return b.String()
}

func effectWord(e editv1.Effect) string {
	switch e {
	case editv1.Effect_EFFECT_CREATED:
		return "create"
	case editv1.Effect_EFFECT_DELETED:
		return "delete"
	default:
		return "update"
	}
}
