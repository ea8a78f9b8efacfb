package apiv1

import (
	"fmt"

	"google.golang.org/protobuf/types/known/structpb"

	"fgdsync.dev/libs/errs"
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
		one := &editv1.Edit{
			Resource: &reportv1.ResourceKey{
				Kind: edit.GetKind(), Namespace: namespaceOr(edit.GetNamespace()), Name: edit.GetName(),
			},
			IfMatch: edit.GetIfMatch(), IfNoneMatch: edit.GetIfNoneMatch(),
		}
		var err error
		switch change := edit.GetChange().(type) {
		case *bridgev1.ResourceEdit_Content:
			one.Change, err = putFromAPI(change.Content)
		case *bridgev1.ResourceEdit_Patch:
			patch := &editv1.Edit_MergePatch{}
			patch.MergePatch, err = objectFromAPI(change.Patch)
			one.Change = patch
		case *bridgev1.ResourceEdit_Delete:
			one.Change = &editv1.Edit_Delete{Delete: true}
		}
		if err != nil {
			return nil, errs.Field(fmt.Sprintf("edits[%d]", i), "edits[%d] has a value that JSON does not know.", i)
		}
		set.Edits = append(set.Edits, one)
	}
	return set, nil
}

func namespaceOr(namespace string) string {
	if namespace == "" {
		return "default"
	}
	return namespace
}

func putFromAPI(content *bridgev1.ResourceContent) (*editv1.Edit_Put, error) {
	says := &editv1.Says{}
	for _, part := range []struct {
		from *structpb.Struct
		into *[]byte
	}{
		{content.GetSpec(), &says.Spec},
		{content.GetLabels(), &says.Labels},
		{content.GetAnnotations(), &says.Annotations},
	} {
		raw, err := objectFromAPI(part.from)
		if err != nil {
			return nil, err
		}
		*part.into = raw
	}
	return &editv1.Edit_Put{Put: says}, nil
}

func objectFromAPI(object *structpb.Struct) ([]byte, error) {
	if object == nil {
		return nil, nil
	}
	return object.MarshalJSON()
}

// ResourceToAPI shows a resource with what it says.
func ResourceToAPI(changed *fabricv1.ChangedResource) (*bridgev1.Resource, error) {
	r, by := changed.GetResource(), changed.GetChangedBy()
	key := r.GetKey()
	out := &bridgev1.Resource{
		Group: key.GetGroup(), Kind: key.GetKind(), Namespace: key.GetNamespace(), Name: key.GetName(), Path: r.GetPath(),
		BlobId: r.GetBlobId(), Problem: FindingToAPI(r.GetProblem()), ChangedBy: &bridgev1.ResourceChange{
			Commit: by.GetCommit(), Name: by.GetName(), Email: by.GetEmail(), Subject: by.GetSubject(),
		},
	}
	if r.GetProblem() != nil {
		return out, nil
	}
	out.Content = &bridgev1.ResourceContent{}
	for _, part := range []struct {
		from []byte
		into **structpb.Struct
	}{
		{r.GetSpec(), &out.Content.Spec},
		{r.GetLabels(), &out.Content.Labels},
		{r.GetAnnotations(), &out.Content.Annotations},
	} {
		if len(part.from) == 0 {
			continue
		}
		*part.into = &structpb.Struct{}
		if err := (*part.into).UnmarshalJSON(part.from); err != nil {
			return nil, fmt.Errorf("show what %s says: %w", r.GetPath(), err)
		}
	}
	return out, nil
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

var effectNames = map[editv1.Effect]string{
	editv1.Effect_EFFECT_CREATED: "created", editv1.Effect_EFFECT_UPDATED: "updated",
	editv1.Effect_EFFECT_DELETED: "deleted", editv1.Effect_EFFECT_UNCHANGED: "unchanged",
}

// EditResultToAPI shows what became of the edits of a sync that has completed.
func EditResultToAPI(s *syncv1.Sync) *bridgev1.EditResult {
	result := s.GetResult()
	return &bridgev1.EditResult{
		SyncId: s.GetSyncId(), CommitSha: result.GetCommitSha(), CommitUrl: result.GetCommitUrl(),
		PullRequest: pullRequestToAPI(result.GetPullRequest()),
		Resources:   each(s.GetEdited(), editedToAPI),
	}
}

func editedToAPI(e *editv1.Edited) *bridgev1.EditedResource {
	key := e.GetResource()
	return &bridgev1.EditedResource{
		Kind: key.GetKind(), Namespace: key.GetNamespace(), Name: key.GetName(), Effect: effectNames[e.GetEffect()],
		Path: e.GetPath(), BlobId: e.GetBlobAfter(),
	}
}
