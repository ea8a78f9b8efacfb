package grpcapi

import (
	"context"

	"google.golang.org/grpc"

	gitv1 "fgdsync.dev/proto/fgd/git/v1"
	ingestionv1 "fgdsync.dev/proto/fgd/ingestion/v1"
	"fgdsync.dev/services/ingestion/internal/pipeline"
)

// LocateResource says where the file of a resource is.
func (s *Server) LocateResource(
	ctx context.Context, req *ingestionv1.LocateResourceRequest,
) (*ingestionv1.LocateResourceResponse, error) {
	path, places, err := s.pipeline.Locate(ctx, pipeline.Wanted{
		Tree: treeFromProto(req), Schema: schemaFromProto(req.GetOptions()), Resource: new(keyFromProto(req.GetResource())),
	})
	if err != nil {
		return nil, err
	}
	return &ingestionv1.LocateResourceResponse{Path: path, Places: places}, nil
}

// ReadVersions streams what files say of a resource.
func (s *Server) ReadVersions(req *ingestionv1.ReadVersionsRequest,
	stream grpc.ServerStreamingServer[ingestionv1.ReadVersionsResponse],
) error {
	files := make([]pipeline.Version, len(req.GetFiles()))
	for i, file := range req.GetFiles() {
		files[i] = pipeline.Version{Path: file.GetPath(), Blob: file.GetBlobId()}
	}
	page, size := &ingestionv1.ReadVersionsResponse{}, 0
	err := s.pipeline.Versions(stream.Context(), req.GetSnapshotId(), schemaFromProto(req.GetOptions()),
		keyFromProto(req.GetResource()), files, func(managed *pipeline.Managed) error {
			next := &ingestionv1.ResourceVersion{}
			if managed != nil {
				next.Content = managedToProto(managed)
			}
			if size += weight(next.GetContent()); size > batchBytes && len(page.GetVersions()) > 0 {
				if err := stream.Send(page); err != nil {
					return err
				}
				page, size = &ingestionv1.ReadVersionsResponse{}, weight(next.GetContent())
			}
			page.Versions = append(page.Versions, next)
			return nil
		})
	if err != nil || len(page.GetVersions()) == 0 {
		return err
	}
	return stream.Send(page)
}

// CompareMeaning says which files mean what they meant.
func (s *Server) CompareMeaning(ctx context.Context, req *ingestionv1.CompareMeaningRequest) (
	*ingestionv1.CompareMeaningResponse, error,
) {
	var files []pipeline.Changed
	for _, change := range req.GetChanges() {
		if isFile(change.GetOldMode()) && isFile(change.GetNewMode()) {
			files = append(files, pipeline.Changed{
				Path: change.GetPath(), Old: change.GetOldBlobId(), New: change.GetNewBlobId(),
			})
		}
	}
	paths, err := s.pipeline.SameMeaning(ctx, req.GetSnapshotId(), files)
	if err != nil {
		return nil, err
	}
	return &ingestionv1.CompareMeaningResponse{Paths: paths}, nil
}

// isFile reports whether something was a file, or was not there.
func isFile(mode gitv1.FileMode) bool {
	return mode != gitv1.FileMode_FILE_MODE_SYMLINK && mode != gitv1.FileMode_FILE_MODE_SUBMODULE
}
