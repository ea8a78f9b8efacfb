package resourceapi

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"

	"google.golang.org/protobuf/types/known/structpb"

	"fgdsync.dev/libs/rpc"
	bridgev1 "fgdsync.dev/proto/fgd/bridge/v1"
	fabricv1 "fgdsync.dev/proto/fgd/fabric/v1"
	reportv1 "fgdsync.dev/proto/fgd/report/v1"
	"fgdsync.dev/services/bridge/internal/apiv1"
	"fgdsync.dev/services/bridge/internal/merge"
)

const (
	mostFields = 200      // of a change that are listed
	valueBytes = 64 << 10 // of a value that is shown, as JSON
)

// ListResourceChanges lists how a resource came to what it is.
func (s *Server) ListResourceChanges(
	ctx context.Context, req *bridgev1.ListResourceChangesRequest,
) (*bridgev1.ListResourceChangesResponse, error) {
	merger, err := merge.New()
	if err != nil {
		return nil, err
	}
	out := &bridgev1.ListResourceChangesResponse{}
	err = rpc.Collect(ctx, s.resources.ListResourceChanges, &fabricv1.ListResourceChangesRequest{
		FabricId: req.GetFabricId(), PageToken: req.GetPageToken(),
		Limit:    apiv1.Limit(req.GetLimit(), apiv1.DefaultPastChanges),
		Resource: &reportv1.ResourceKey{Kind: req.GetKind(), Namespace: req.GetNamespace(), Name: req.GetName()},
	}, func(part *fabricv1.ListResourceChangesResponse) error {
		for _, change := range part.GetChanges() {
			past := apiv1.PastChangeToAPI(change)
			if err := addFields(past, merger, req.GetKind(), change); err != nil {
				return err
			}
			out.Changes = append(out.Changes, past)
		}
		out.NextPageToken, out.Truncated = part.GetNextPageToken(), part.GetTruncated()
		return nil
	})
	return out, err
}

// addFields adds what became of the fields of a resource. What there was before it was made, and what there is once it
// is gone, says nothing.
func addFields(past *bridgev1.PastChange, merger *merge.Merger, kind string, change *fabricv1.ResourceChange) error {
	if past.GetProblem() != nil {
		return nil
	}
	before, err := contentOf(change.GetBefore())
	if err != nil {
		return err
	}
	after, err := contentOf(change.GetAfter())
	if err != nil {
		return err
	}
	sides := merge.Sides{Base: before, Git: before, NetBox: after}
	edits := merger.Merge(kind, sides, func(merge.Content) error { return nil }).NetBox
	past.FieldsLeftOut = int32(max(0, len(edits)-mostFields))
	for _, edit := range edits[:len(edits)-int(past.GetFieldsLeftOut())] {
		field := &bridgev1.FieldChange{Path: string(edit.Path)}
		if field.From, field.FromLeftOut, err = valueOf(edit.From); err != nil {
			return err
		}
		if field.To, field.ToLeftOut, err = valueOf(edit.To); err != nil {
			return err
		}
		past.Fields = append(past.Fields, field)
	}
	return nil
}

// contentOf returns what a file says, for comparing.
func contentOf(r *reportv1.ResourceContent) (*merge.Content, error) {
	content := &merge.Content{}
	for _, part := range []struct {
		from []byte
		into *map[string]any
	}{
		{r.GetSpec(), &content.Spec}, {r.GetLabels(), &content.Labels}, {r.GetAnnotations(), &content.Annotations},
	} {
		if len(part.from) == 0 {
			continue
		}
		decoder := json.NewDecoder(bytes.NewReader(part.from))
		decoder.UseNumber()
		if err := decoder.Decode(part.into); err != nil {
			return nil, fmt.Errorf("read what %s said: %w", r.GetPath(), err)
		}
	}
	return content, nil
}

// valueOf shows a value; nil for what is not there, and for what is too large and left out.
func valueOf(value merge.Value) (shown *structpb.Value, leftOut bool, err error) {
	if !value.Present {
		return nil, false, nil
	}
	raw, err := json.Marshal(value.JSON)
	if err != nil || len(raw) > valueBytes {
		return nil, true, err
	}
	shown, err = apiv1.ValueToAPI(value.JSON)
	return shown, false, err
}
