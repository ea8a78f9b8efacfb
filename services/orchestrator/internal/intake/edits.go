package intake

import (
	"encoding/json"
	"fmt"

	"google.golang.org/protobuf/proto"

	"fgdsync.dev/libs/errs"
	"fgdsync.dev/libs/hedgehog"
	editv1 "fgdsync.dev/proto/fgd/edit/v1"
	syncv1 "fgdsync.dev/proto/fgd/sync/v1"
	"fgdsync.dev/services/orchestrator/internal/state"
)

// mostEditBytes bounds what the edits of one sync say together: its record holds them until it has ended.
const mostEditBytes = 4 << 20

// checkEdits holds what the rules of the contract leave open: of each resource there is one edit, what is said is JSON,
// and the sync does nothing beside them.
func checkEdits(set *editv1.EditSet, o *syncv1.SyncOptions) error {
	if set == nil {
		return nil
	}
	beside := &syncv1.SyncOptions{
		ValidateOnly: o.GetValidateOnly(), RefuseIfRunning: o.GetRefuseIfRunning(), Force: o.GetForce(),
	}
	if !proto.Equal(beside, o) {
		return errs.Field("options", "A sync that makes edits does nothing else: it takes validate_only, force and "+
			"refuse_if_running alone.")
	}
	if size := proto.Size(set); size > mostEditBytes {
		return errs.Field("edit_set", "The edits have %d bytes together; allowed are at most %d.", size, mostEditBytes)
	}
	if mend := set.GetMend(); mend != nil {
		return checkPath("edit_set.mend.path", mend.GetPath())
	}
	seen := map[hedgehog.ResourceID]bool{}
	for i, edit := range set.GetEdits() {
		field := fmt.Sprintf("edit_set.edits[%d]", i)
		if id := state.IDOf(edit.GetResource()); seen[id] {
			return errs.Field(field, "%s changes %s %s/%s, which another edit does too.", field, id.Kind, id.Namespace, id.Name)
		}
		seen[state.IDOf(edit.GetResource())] = true
		if err := checkEdit(field, edit); err != nil {
			return err
		}
	}
	return nil
}

func checkEdit(field string, edit *editv1.Edit) error {
	key := edit.GetResource()
	if key.GetKind() == "" || key.GetNamespace() == "" || key.GetName() == "" {
		return errs.Field(field+".resource", "%s.resource needs a kind, a namespace and a name.", field)
	}
	if edit.GetIfNoneMatch() && (edit.GetIfMatch() != "" || edit.GetDelete()) {
		return errs.Field(field+".if_none_match", "%s wants that there is no such resource, and what it has to be.", field)
	}
	for part, raw := range map[string][]byte{
		"put.spec": edit.GetPut().GetSpec(), "put.labels": edit.GetPut().GetLabels(),
		"put.annotations": edit.GetPut().GetAnnotations(), "merge_patch": edit.GetMergePatch(),
	} {
		var object map[string]any
		if len(raw) > 0 && json.Unmarshal(raw, &object) != nil {
			return errs.Field(field+"."+part, "%s.%s is no JSON object.", field, part)
		}
	}
	return nil
}
