package resourceapi

import (
	"context"

	"fgdsync.dev/libs/errs"
	"fgdsync.dev/libs/rpc"
	bridgev1 "fgdsync.dev/proto/fgd/bridge/v1"
	fabricv1 "fgdsync.dev/proto/fgd/fabric/v1"
	reportv1 "fgdsync.dev/proto/fgd/report/v1"
	"fgdsync.dev/services/bridge/internal/topology"
)

// maxInTopology bounds the resources that are looked at for one answer.
const maxInTopology = 50_000

// GetTopology says how the devices of a fabric are connected.
func (s *Server) GetTopology(
	ctx context.Context, req *bridgev1.GetTopologyRequest,
) (*bridgev1.GetTopologyResponse, error) {
	all, err := s.named(ctx, req.GetFabricId())
	if err != nil {
		return nil, err
	}
	answer := topology.Of(all.resources)
	answer.CommitSha, answer.Truncated = all.commit, all.truncated
	return answer, nil
}

// GetReferences says what a resource names, and what names it.
func (s *Server) GetReferences(
	ctx context.Context, req *bridgev1.GetReferencesRequest,
) (*bridgev1.GetReferencesResponse, error) {
	all, err := s.named(ctx, req.GetFabricId())
	if err != nil {
		return nil, err
	}
	answer, there := topology.ReferencesOf(all.resources, req.GetKind(), req.GetNamespace(), req.GetName())
	if !there && len(answer.GetReferencedBy()) == 0 {
		return nil, errs.New(errs.ResourceNotFound, "Fabric %d has no %s %s/%s.", req.GetFabricId(), req.GetKind(),
			req.GetNamespace(), req.GetName())
	}
	answer.CommitSha = all.commit
	return answer, nil
}

// namedResources are resources of a fabric, with what they name.
type namedResources struct {
	commit    string
	resources []*reportv1.ResourceContent
	truncated bool
}

// named reads the resources of a fabric, with what they name.
func (s *Server) named(ctx context.Context, fabricID int32) (*namedResources, error) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	all := &namedResources{}
	err := rpc.Collect(ctx, s.resources.ReadResources, &fabricv1.ReadResourcesRequest{
		FabricId: fabricID, WithoutAuthors: true, WithReferences: true,
	}, func(part *fabricv1.ReadResourcesResponse) error {
		if part.GetCommit() != "" {
			all.commit = part.GetCommit()
		}
		for _, r := range part.GetResources() {
			if len(all.resources) == maxInTopology {
				all.truncated = true
				return errEnough
			}
			all.resources = append(all.resources, r.GetResource())
		}
		return nil
	})
	if err != nil && !all.truncated {
		return nil, err
	}
	return all, nil
}

// errEnough ends a stream of which no more is wanted.
var errEnough = errs.New(errs.SyncCancelled, "Enough was read.")
