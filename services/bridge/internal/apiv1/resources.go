package apiv1

import (
	"fmt"

	"google.golang.org/protobuf/types/known/structpb"

	"fgdsync.dev/libs/chain"
	"fgdsync.dev/libs/errs"
	"fgdsync.dev/libs/layout"
	bridgev1 "fgdsync.dev/proto/fgd/bridge/v1"
	editv1 "fgdsync.dev/proto/fgd/edit/v1"
	fabricv1 "fgdsync.dev/proto/fgd/fabric/v1"
	reportv1 "fgdsync.dev/proto/fgd/report/v1"
	syncv1 "fgdsync.dev/proto/fgd/sync/v1"
)

// EditsFromAPI returns the changes that a batch asks for.
func EditsFromAPI(edits []*bridgev1.ResourceEdit) (*editv1.EditSet, error) {
	set := &editv1.EditSet{}
	for i, edit := range edits {
		one, err := editFromAPI(fmt.Sprintf("edits[%d].", i), edit)
		if err != nil {
			return nil, err
		}
		set.Edits = append(set.Edits, one)
	}
	return set, nil
}

// EditFromAPI returns the one change that is asked for.
func EditFromAPI(edit *bridgev1.ResourceEdit) (*editv1.EditSet, error) {
	one, err := editFromAPI("", edit)
	if err != nil {
		return nil, err
	}
	return &editv1.EditSet{Edits: []*editv1.Edit{one}}, nil
}

// editFromAPI returns a change, whose fields the caller knows by what is put before them.
func editFromAPI(before string, edit *bridgev1.ResourceEdit) (*editv1.Edit, error) {
	one := &editv1.Edit{
		Resource: &reportv1.ResourceKey{
			Kind: edit.GetKind(), Namespace: namespaceOr(edit.GetNamespace()), Name: edit.GetName(),
		},
		IfMatch: edit.GetIfMatch(), IfNoneMatch: edit.GetIfNoneMatch(),
	}
	var err error
	switch change := edit.GetChange().(type) {
	case *bridgev1.ResourceEdit_Content:
		one.Change, err = putFromAPI(before+"content", change.Content)
	case *bridgev1.ResourceEdit_Patch:
		patch := &editv1.Edit_MergePatch{}
		patch.MergePatch, err = objectFromAPI(before+"patch", change.Patch)
		one.Change = patch
	case *bridgev1.ResourceEdit_Delete:
		one.Change = &editv1.Edit_Delete{Delete: true}
	}
	return one, err
}

func namespaceOr(namespace string) string {
	if namespace == "" {
		return "default"
	}
	return namespace
}

func putFromAPI(path string, content *bridgev1.ResourceContent) (*editv1.Edit_Put, error) {
	says := &editv1.Says{}
	for _, part := range []struct {
		name string
		from *structpb.Struct
		into *[]byte
	}{
		{"spec", content.GetSpec(), &says.Spec},
		{"labels", content.GetLabels(), &says.Labels},
		{"annotations", content.GetAnnotations(), &says.Annotations},
	} {
		raw, err := objectFromAPI(path+"."+part.name, part.from)
		if err != nil {
			return nil, err
		}
		*part.into = raw
	}
	return &editv1.Edit_Put{Put: says}, nil
}

// objectFromAPI returns an object as JSON. It is refused where it may say something else than what was sent.
func objectFromAPI(path string, object *structpb.Struct) ([]byte, error) {
	if object == nil {
		return nil, nil
	}
	if err := CheckExact(path, structpb.NewStructValue(object)); err != nil {
		return nil, err
	}
	raw, err := object.MarshalJSON()
	if err != nil {
		return nil, errs.Field(path, "%s has a value that JSON does not know.", path)
	}
	return raw, nil
}

// ResourceToAPI shows a resource with what it says, if that can be told as it is.
func ResourceToAPI(changed *fabricv1.ChangedResource) *bridgev1.Resource {
	r, by := changed.GetResource(), changed.GetChangedBy()
	key := r.GetKey()
	out := &bridgev1.Resource{
		Group: key.GetGroup(), Kind: key.GetKind(), Namespace: key.GetNamespace(), Name: key.GetName(), Path: r.GetPath(),
		BlobId: r.GetBlobId(), Problem: FindingToAPI(r.GetProblem()), ChangedBy: &bridgev1.ResourceChange{
			Commit: by.GetCommit(), Name: by.GetName(), Email: by.GetEmail(), Subject: by.GetSubject(),
		},
	}
	if r.GetProblem() != nil {
		return out
	}
	content := &bridgev1.ResourceContent{}
	for _, part := range []struct {
		name string
		from []byte
		into **structpb.Struct
	}{
		{"spec", r.GetSpec(), &content.Spec},
		{"labels", r.GetLabels(), &content.Labels},
		{"annotations", r.GetAnnotations(), &content.Annotations},
	} {
		if len(part.from) == 0 {
			continue
		}
		*part.into = &structpb.Struct{}
		if err := (*part.into).UnmarshalJSON(part.from); err != nil { // beyond all numbers
			out.Problem = inexactToAPI(r.GetPath(), part.name)
			return out
		}
		if at := inexactIn(part.name, structpb.NewStructValue(*part.into)); at != "" {
			out.Problem = inexactToAPI(r.GetPath(), at)
			return out
		}
	}
	out.Content = content
	return out
}

// inexactToAPI says why it is not shown what a file says: who got it rounded could write it back so.
func inexactToAPI(file, field string) *bridgev1.Finding {
	f := errs.NewFinding(errs.EditRefused, reportv1.Severity_SEVERITY_WARNING,
		"%s is or has too large a number to be told exactly: what the file says is not shown", field)
	f.File, f.Field, f.Remedy = file, field, "Read the file in Git. What it says can be patched, but for that field."
	return FindingToAPI(f)
}

// ResourcesToAPI shows a page of the resources of a fabric.
func ResourcesToAPI(found *fabricv1.ListResourcesResponse) *bridgev1.ListResourcesResponse {
	return &bridgev1.ListResourcesResponse{
		Resources: each(found.GetResources(), listedToAPI), NextPageToken: found.GetNextPageToken(), Total: found.GetTotal(),
	}
}

func listedToAPI(r *fabricv1.ListedResource) *bridgev1.Resource {
	key := r.GetKey()
	out := &bridgev1.Resource{
		Group: key.GetGroup(), Kind: key.GetKind(), Namespace: key.GetNamespace(), Name: key.GetName(), Path: r.GetPath(),
		BlobId: r.GetBlobId(),
	}
	if !r.GetValid() {
		out.Problem = FindingToAPI(errs.NewFinding(errs.ValidationFailed, reportv1.Severity_SEVERITY_ERROR,
			"the file is not valid; the errors of the last sync say why"))
	}
	return out
}

// PastChangeToAPI shows a change of a resource without its fields.
func PastChangeToAPI(change *fabricv1.ResourceChange) *bridgev1.PastChange {
	c, before, after := change.GetCommit(), change.GetBefore(), change.GetAfter()
	out := &bridgev1.PastChange{
		CommitSha: c.GetCommit(), CommittedAt: c.GetCommitTime(), AuthorName: c.GetAuthor().GetName(),
		AuthorEmail: c.GetAuthor().GetEmail(), Subject: c.GetSubject(),
		Effect: pastEffect(before, after), Origin: originNames[c.GetOrigin()], OriginConfirmed: change.GetConfirmed(),
		SyncId: c.GetSyncId(), Trigger: c.GetTrigger(), RequestedBy: c.GetRequestedBy(), RequestedVia: c.GetRequestedVia(),
		NetboxRequestId: c.GetNetboxRequestId(), NetboxChangeIds: each(c.GetNetboxChangeIds(), number),
		PullRequest: pullRequestToAPI(change.GetPullRequest()), PathBefore: before.GetPath(), PathAfter: after.GetPath(),
	}
	if c.GetSyncId() != "" {
		for _, head := range chain.HeadsIn(c.GetMessage(), layout.TrailerAudit) {
			out.AuditHeads = append(out.AuditHeads, head.String())
		}
	}
	if out.Problem = FindingToAPI(before.GetProblem()); out.GetProblem() == nil {
		out.Problem = FindingToAPI(after.GetProblem())
	}
	return out
}

// pastEffect says what became of a resource, by what its file said before and says since.
func pastEffect(before, after *reportv1.ResourceContent) string {
	switch {
	case before == nil:
		return "created"
	case after == nil:
		return "deleted"
	case before.GetPath() != after.GetPath():
		return "moved"
	}
	return "updated"
}

var effectNames = map[editv1.Effect]string{
	editv1.Effect_EFFECT_CREATED: "created", editv1.Effect_EFFECT_UPDATED: "updated",
	editv1.Effect_EFFECT_DELETED: "deleted", editv1.Effect_EFFECT_UNCHANGED: "unchanged",
}

// EditResultToAPI shows what became of the edits of a sync that has completed. What is proposed has no commit yet: that
// of its branch is with the pull request.
func EditResultToAPI(s *syncv1.Sync) *bridgev1.EditResult {
	result := s.GetResult()
	out := &bridgev1.EditResult{
		SyncId: s.GetSyncId(), PullRequest: pullRequestToAPI(result.GetPullRequest()),
		Resources: each(s.GetEdited(), editedToAPI),
	}
	if out.GetPullRequest() == nil {
		out.CommitSha, out.CommitUrl = result.GetCommitSha(), result.GetCommitUrl()
	}
	return out
}

func editedToAPI(e *editv1.Edited) *bridgev1.EditedResource {
	key := e.GetResource()
	return &bridgev1.EditedResource{
		Kind: key.GetKind(), Namespace: key.GetNamespace(), Name: key.GetName(), Effect: effectNames[e.GetEffect()],
		Path: e.GetPath(), BlobId: e.GetBlobAfter(),
	}
}
