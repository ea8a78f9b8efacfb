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

// isEdit reports whether the sync makes edits.
func (a *attempt) isEdit() bool { return a.sync.record.GetEditSet() != nil }

// edits reports whether this attempt makes edits. One that works on the commit of an attempt before it does not: that
// commit has them.
func (a *attempt) edits() bool {
	return a.isEdit() && a.snapshot.GetPublished() == nil
}

// edit makes the edits, all of them or none. All that follows works on that tree as if somebody had pushed it.
func (a *attempt) edit(ctx context.Context) error {
	if a.first { // what guards a first sync is not for edits, and would be past
		return errs.New(errs.EditRefused, "Nothing has synced this directory yet.").
			WithRemedy("Start a sync first; where it opens a pull request, merge that.")
	}
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
	if !a.isEdit() {
		return nil
	}
	only := &ingestionv1.OnlyFiles{}
	if mend := a.sync.record.GetEditSet().GetMend(); mend != nil {
		only.Paths = []string{mend.GetPath()}
	}
	for _, edited := range a.sync.record.GetEdited() {
		if edited.GetEffect() == editv1.Effect_EFFECT_CREATED {
			only.Paths = append(only.Paths, edited.GetPath())
		}
	}
	return only
}

// guardEdits stops a sync in which an edit did not come to what it was made for: a new resource has to be taken up, and
// one that was deleted has to be gone. One that a rule of the whole fabric refuses goes into no quarantine, for nobody
// has put a file anywhere.
func (a *attempt) guardEdits() error {
	if !a.isEdit() {
		return nil
	}
	now := make(map[hedgehog.ResourceID]*ingestionv1.Resource, len(a.resources))
	for _, r := range a.resources {
		now[state.IDOf(r.GetKey())] = r
	}
	if a.edits() {
		for _, edited := range a.sync.record.GetEdited() {
			if err := a.guardEdit(edited, now); err != nil {
				return err
			}
		}
	}
	a.noteBlobs(now)
	return nil
}

func (a *attempt) guardEdit(edited *editv1.Edited, now map[hedgehog.ResourceID]*ingestionv1.Resource) error {
	key := edited.GetResource()
	there := now[state.IDOf(key)]
	switch {
	case edited.GetEffect() == editv1.Effect_EFFECT_CREATED && !a.tookUp(edited.GetPath(), now):
		for _, f := range a.sync.record.GetErrors() {
			if f.GetFile() == edited.GetPath() {
				return errs.FromFinding(f)
			}
		}
		return errs.New(errs.EditRefused, "%s %s/%s was not taken up from %s.", key.GetKind(), key.GetNamespace(),
			key.GetName(), edited.GetPath()).
			WithRemedy("See whether .fgdignore names that file, or the folder that it is in.")
	case edited.GetEffect() == editv1.Effect_EFFECT_DELETED && there != nil:
		return errs.New(errs.EditRefused, "%s %s/%s is still there without its file, in %s.", key.GetKind(),
			key.GetNamespace(), key.GetName(), there.GetPath()).
			WithRemedy("Let a sync put the directory in order first, or edit the files in Git.")
	}
	return nil
}

// tookUp reports whether a file has become a resource.
func (a *attempt) tookUp(file string, now map[hedgehog.ResourceID]*ingestionv1.Resource) bool {
	return slices.ContainsFunc(a.ingested.documents, func(d *ingestionv1.DocumentResult) bool {
		switch d.GetOutcome() {
		case ingestionv1.Outcome_OUTCOME_CREATED, ingestionv1.Outcome_OUTCOME_UPDATED,
			ingestionv1.Outcome_OUTCOME_DUPLICATE:
			return d.GetFile() == file && now[state.IDOf(d.GetResource())] != nil
		}
		return false
	})
}

// noteBlobs notes which files the edited resources have now.
func (a *attempt) noteBlobs(now map[hedgehog.ResourceID]*ingestionv1.Resource) {
	for _, edited := range a.sync.record.GetEdited() {
		edited.Path = ""
		if r := now[state.IDOf(edited.GetResource())]; r != nil {
			edited.Path, edited.BlobAfter = r.GetPath(), r.GetBlobId()
		}
	}
}

// editedAway is how many resources the edits take away: whoever asked for that meant it. What became of edits is lost
// with the record of a sync that had been pushed; then it is what was asked for that counts.
func (a *attempt) editedAway() int {
	type key struct{ kind, namespace, name string } // who asks may leave the group out
	away := map[key]bool{}
	for _, edited := range a.sync.record.GetEdited() {
		if k := edited.GetResource(); edited.GetEffect() == editv1.Effect_EFFECT_DELETED {
			away[key{k.GetKind(), k.GetNamespace(), k.GetName()}] = true
		}
	}
	if len(a.sync.record.GetEdited()) == 0 {
		for _, edit := range a.sync.record.GetEditSet().GetEdits() {
			if k := edit.GetResource(); edit.GetDelete() {
				away[key{k.GetKind(), k.GetNamespace(), k.GetName()}] = true
			}
		}
	}
	number := 0
	for _, gone := range a.change.Deleted {
		if k := gone.GetKey(); away[key{k.GetKind(), k.GetNamespace(), k.GetName()}] {
			number++
		}
	}
	return number
}

// editedHeadline is the part of a commit's first line that says what was edited; empty when nothing was.
func (a *attempt) editedHeadline() string {
	if mend := a.sync.record.GetEditSet().GetMend(); mend != nil {
		return "mend " + oneLine(mend.GetPath())
	}
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
