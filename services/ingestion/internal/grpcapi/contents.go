package grpcapi

import (
	"google.golang.org/grpc"

	ingestionv1 "fgdsync.dev/proto/fgd/ingestion/v1"
	reportv1 "fgdsync.dev/proto/fgd/report/v1"
	"fgdsync.dev/services/ingestion/internal/pipeline"
	"fgdsync.dev/services/ingestion/internal/references"
)

// batchBytes is how much of what resources say a message has, unless a single one says more.
const batchBytes = 1 << 20

// ReadResources streams what the files of managed/ say.
func (s *Server) ReadResources(req *ingestionv1.ReadResourcesRequest,
	stream grpc.ServerStreamingServer[ingestionv1.ReadResourcesResponse],
) error {
	page, size := &ingestionv1.ReadResourcesResponse{}, 0
	wanted := pipeline.Wanted{Tree: treeFromProto(req), Schema: schemaFromProto(req.GetOptions()), Paths: req.GetPaths()}
	if key := req.GetResource(); key != nil {
		wanted.Resource = new(keyFromProto(key))
	}
	err := s.pipeline.Contents(stream.Context(), wanted, func(managed *pipeline.Managed) error {
		next := managedToProto(managed)
		if req.GetWithReferences() {
			next.References = referencesToProto(managed.Facts.References())
		}
		if n := len(page.GetResources()); n == batchItems || n > 0 && size+weight(next) > batchBytes {
			if err := stream.Send(page); err != nil {
				return err
			}
			page, size = &ingestionv1.ReadResourcesResponse{}, 0
		}
		page.Resources = append(page.Resources, next)
		size += weight(next)
		return nil
	})
	if err != nil || len(page.GetResources()) == 0 {
		return err
	}
	return stream.Send(page)
}

func referencesToProto(named []references.Reference) []*reportv1.Reference {
	out := make([]*reportv1.Reference, 0, len(named))
	for _, r := range named {
		out = append(out, &reportv1.Reference{Field: r.Field, Kind: r.Kind, Name: r.Name, Subnet: r.Subnet, Port: r.Port})
	}
	return out
}

// weight returns about how many bytes a resource has in a message.
func weight(r *reportv1.ResourceContent) int {
	return len(r.GetPath()) + len(r.GetSpec()) + len(r.GetLabels()) + len(r.GetAnnotations()) + 256 +
		100*len(r.GetReferences())
}

func managedToProto(m *pipeline.Managed) *reportv1.ResourceContent {
	out := &reportv1.ResourceContent{
		Key: keyToProto(m.Identity), Path: m.Path, BlobId: m.Blob, Spec: m.Spec, Labels: m.Labels,
		Annotations: m.Annotations, OriginalFile: m.OriginalFile,
	}
	if m.Problem != nil {
		out.Problem = findingToProto(*m.Problem)
	}
	return out
}
