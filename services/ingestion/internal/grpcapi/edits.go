package grpcapi

import (
	"context"

	"fgdsync.dev/libs/errs"
	editv1 "fgdsync.dev/proto/fgd/edit/v1"
	ingestionv1 "fgdsync.dev/proto/fgd/ingestion/v1"
	"fgdsync.dev/services/ingestion/internal/pipeline"
	"fgdsync.dev/services/ingestion/internal/rewrite"
)

// EditResources makes edits, or mends a file in quarantine.
func (s *Server) EditResources(ctx context.Context, req *ingestionv1.EditResourcesRequest) (
	*ingestionv1.EditResourcesResponse, error,
) {
	if mend := req.GetEditSet().GetMend(); mend != nil {
		tree, err := s.pipeline.Mend(ctx, treeFromProto(req), pipeline.Mend{
			Path: mend.GetPath(), Match: mend.GetIfMatch(), Content: mend.GetContent(),
		})
		return &ingestionv1.EditResourcesResponse{Tree: tree}, err
	}
	edits := make([]pipeline.Edit, len(req.GetEditSet().GetEdits()))
	for i, edit := range req.GetEditSet().GetEdits() {
		var err error
		if edits[i], err = editFromProto(edit); err != nil {
			return nil, err
		}
	}
	tree, edited, err := s.pipeline.Edit(ctx, pipeline.Edits{
		Tree: treeFromProto(req), Schema: schemaFromProto(req.GetOptions()),
		References: referenceChoices[req.GetOptions().GetReferences()], Edits: edits,
	})
	if err != nil {
		return nil, err
	}
	response := &ingestionv1.EditResourcesResponse{Tree: tree}
	for _, e := range edited {
		response.Edited = append(response.Edited, editedToProto(e))
	}
	return response, nil
}

func editFromProto(edit *editv1.Edit) (pipeline.Edit, error) {
	out := pipeline.Edit{
		ID: keyFromProto(edit.GetResource()), Match: edit.GetIfMatch(), New: edit.GetIfNoneMatch(),
		Patch: edit.GetMergePatch(), Delete: edit.GetDelete(),
	}
	put := edit.GetPut()
	if put == nil {
		return out, nil
	}
	out.Says = &rewrite.Content{}
	for _, part := range []struct {
		name string
		raw  []byte
		into *map[string]any
	}{
		{"spec", put.GetSpec(), &out.Says.Spec},
		{"labels", put.GetLabels(), &out.Says.Labels},
		{"annotations", put.GetAnnotations(), &out.Says.Annotations},
	} {
		object, err := pipeline.Object(part.raw)
		if err != nil {
			return out, errs.Field(part.name, "%s is no JSON object that can be read: %v.", part.name, err)
		}
		*part.into = object
	}
	return out, nil
}

var effects = map[pipeline.Effect]editv1.Effect{
	pipeline.EditCreates:        editv1.Effect_EFFECT_CREATED,
	pipeline.EditUpdates:        editv1.Effect_EFFECT_UPDATED,
	pipeline.EditDeletes:        editv1.Effect_EFFECT_DELETED,
	pipeline.EditChangesNothing: editv1.Effect_EFFECT_UNCHANGED,
}

func editedToProto(e pipeline.Edited) *editv1.Edited {
	out := &editv1.Edited{Resource: keyToProto(e.ID), Effect: effects[e.Effect], Path: e.Path, BlobBefore: e.Blob}
	if e.Problem != nil {
		out.Problem = findingToProto(*e.Problem)
	}
	return out
}
