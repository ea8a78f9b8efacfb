// Package resourceapi serves the resources of fabrics: what they say, and changes of them, each of which is a sync of
// its own.
package resourceapi

import (
	"context"
	"fmt"

	"github.com/google/uuid"
	"google.golang.org/grpc"
	"google.golang.org/grpc/metadata"

	"fgdsync.dev/libs/errs"
	"fgdsync.dev/libs/rpc"
	bridgev1 "fgdsync.dev/proto/fgd/bridge/v1"
	editv1 "fgdsync.dev/proto/fgd/edit/v1"
	fabricv1 "fgdsync.dev/proto/fgd/fabric/v1"
	reportv1 "fgdsync.dev/proto/fgd/report/v1"
	syncv1 "fgdsync.dev/proto/fgd/sync/v1"
	"fgdsync.dev/services/bridge/internal/apiv1"
	"fgdsync.dev/services/bridge/internal/follow"
)

// Server serves ResourceService.
type Server struct {
	bridgev1.UnsafeResourceServiceServer
	resources fabricv1.ResourceServiceClient
	syncs     syncv1.SyncServiceClient
}

var _ bridgev1.ResourceServiceServer = (*Server)(nil)

// New returns a server that asks the orchestrator.
func New(orchestrator grpc.ClientConnInterface) *Server {
	return &Server{
		resources: fabricv1.NewResourceServiceClient(orchestrator), syncs: syncv1.NewSyncServiceClient(orchestrator),
	}
}

// Register adds the service to a server.
func (s *Server) Register(r grpc.ServiceRegistrar) { bridgev1.RegisterResourceServiceServer(r, s) }

// ListResources lists resources.
func (s *Server) ListResources(
	ctx context.Context, req *bridgev1.ListResourcesRequest,
) (*bridgev1.ListResourcesResponse, error) {
	found, err := s.resources.ListResources(ctx, &fabricv1.ListResourcesRequest{
		FabricId: req.GetFabricId(), Kind: req.GetKind(), Namespace: req.GetNamespace(),
		Limit: apiv1.Limit(req.GetLimit(), apiv1.DefaultResources), PageToken: req.GetPageToken(),
	})
	if err != nil {
		return nil, err
	}
	return apiv1.ResourcesToAPI(found), nil
}

// GetResource reads a resource.
func (s *Server) GetResource(
	ctx context.Context, req *bridgev1.GetResourceRequest,
) (*bridgev1.GetResourceResponse, error) {
	var found *fabricv1.ChangedResource
	err := rpc.Collect(ctx, s.resources.ReadResources, &fabricv1.ReadResourcesRequest{
		FabricId: req.GetFabricId(),
		Resource: &reportv1.ResourceKey{Kind: req.GetKind(), Namespace: req.GetNamespace(), Name: req.GetName()},
	}, func(part *fabricv1.ReadResourcesResponse) error {
		for _, r := range part.GetResources() {
			found = r
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	if found == nil {
		return nil, errs.New(errs.ResourceNotFound, "Fabric %d has no %s %s/%s.", req.GetFabricId(), req.GetKind(),
			req.GetNamespace(), req.GetName())
	}
	shown := apiv1.ResourceToAPI(found)
	if err := grpc.SetHeader(ctx, metadata.Pairs(apiv1.ETagKey, etag(shown.GetBlobId()))); err != nil {
		return nil, fmt.Errorf("set the ETag: %w", err)
	}
	return &bridgev1.GetResourceResponse{Resource: shown}, nil
}

// PutResource makes a resource say something.
func (s *Server) PutResource(
	ctx context.Context, req *bridgev1.PutResourceRequest,
) (*bridgev1.PutResourceResponse, error) {
	result, err := s.editOne(ctx, req.GetFabricId(), req.GetOptions(), &bridgev1.ResourceEdit{
		Kind: req.GetKind(), Namespace: req.GetNamespace(), Name: req.GetName(), IfMatch: req.GetIfMatch(),
		IfNoneMatch: req.GetIfNoneMatch(), Change: &bridgev1.ResourceEdit_Content{Content: req.GetContent()},
	})
	return &bridgev1.PutResourceResponse{Result: result}, err
}

// PatchResource changes some of what a resource says.
func (s *Server) PatchResource(
	ctx context.Context, req *bridgev1.PatchResourceRequest,
) (*bridgev1.PatchResourceResponse, error) {
	result, err := s.editOne(ctx, req.GetFabricId(), req.GetOptions(), &bridgev1.ResourceEdit{
		Kind: req.GetKind(), Namespace: req.GetNamespace(), Name: req.GetName(), IfMatch: req.GetIfMatch(),
		Change: &bridgev1.ResourceEdit_Patch{Patch: req.GetPatch()},
	})
	return &bridgev1.PatchResourceResponse{Result: result}, err
}

// DeleteResource deletes a resource.
func (s *Server) DeleteResource(
	ctx context.Context, req *bridgev1.DeleteResourceRequest,
) (*bridgev1.DeleteResourceResponse, error) {
	options := &bridgev1.EditOptions{ValidateOnly: req.GetValidateOnly()}
	result, err := s.editOne(ctx, req.GetFabricId(), options, &bridgev1.ResourceEdit{
		Kind: req.GetKind(), Namespace: req.GetNamespace(), Name: req.GetName(), IfMatch: req.GetIfMatch(),
		Change: &bridgev1.ResourceEdit_Delete{Delete: true},
	})
	return &bridgev1.DeleteResourceResponse{Result: result}, err
}

// BatchEditResources makes several changes in one commit.
func (s *Server) BatchEditResources(
	ctx context.Context, req *bridgev1.BatchEditResourcesRequest,
) (*bridgev1.BatchEditResourcesResponse, error) {
	set, err := apiv1.EditsFromAPI(req.GetEdits())
	if err != nil {
		return nil, err
	}
	result, err := s.edit(ctx, req.GetFabricId(), req.GetOptions(), set)
	return &bridgev1.BatchEditResourcesResponse{Result: result}, err
}

// editOne has a sync make a change, of the file that it is meant for.
func (s *Server) editOne(
	ctx context.Context, fabricID int32, options *bridgev1.EditOptions, edit *bridgev1.ResourceEdit,
) (*bridgev1.EditResult, error) {
	if err := conditioned(ctx, edit); err != nil {
		return nil, err
	}
	set, err := apiv1.EditFromAPI(edit)
	if err != nil {
		return nil, err
	}
	return s.edit(ctx, fabricID, options, set)
}

// edit has a sync make changes, and waits for its end.
func (s *Server) edit(
	ctx context.Context, fabricID int32, options *bridgev1.EditOptions, set *editv1.EditSet,
) (*bridgev1.EditResult, error) {
	if options.GetValidateOnly() {
		ended, diff, err := follow.DryEdits(ctx, s.syncs, fabricID, set)
		if err != nil {
			return nil, err
		}
		result := apiv1.EditResultToAPI(ended)
		result.Diff = diff
		return result, nil
	}
	ended, err := follow.Edits(ctx, s.syncs, fabricID, uuid.NewString(), set)
	if err != nil {
		return nil, err
	}
	return apiv1.EditResultToAPI(ended), nil
}
