package grpcapi

import (
	"context"
	"math"
	"path"
	"unicode/utf8"

	bridgev1 "fgdsync.dev/proto/fgd/bridge/v1"
	fabricv1 "fgdsync.dev/proto/fgd/fabric/v1"
	gitv1 "fgdsync.dev/proto/fgd/git/v1"
)

// ListFiles lists the files of the directory at the branch head, or as they were.
func (s *Server) ListFiles(ctx context.Context, req *bridgev1.ListFilesRequest) (*bridgev1.ListFilesResponse, error) {
	wanted := &fabricv1.ListFilesRequest{
		FabricId: req.GetFabricId(), Directory: req.GetDirectory(), FileType: req.GetFileType(),
		IncludeContent: req.GetIncludeContent(),
	}
	switch {
	case req.GetCommit() != "" && req.GetAsOf() != nil:
		return nil, invalid("as_of", "commit and as_of do not go together.")
	case req.GetCommit() != "":
		wanted.At = &fabricv1.ListFilesRequest_Commit{Commit: req.GetCommit()}
	case req.GetAsOf() != nil:
		wanted.At = &fabricv1.ListFilesRequest_AsOf{AsOf: req.GetAsOf()}
	}
	found, err := s.fabrics.ListFiles(ctx, wanted)
	if err != nil {
		return nil, err
	}
	out := &bridgev1.ListFilesResponse{Total: clamp(int64(len(found.GetFiles()))), CommitSha: found.GetCommit()}
	for _, file := range found.GetFiles() {
		out.Files = append(out.Files, fileToAPI(file))
	}
	return out, nil
}

// fileToAPI shows content only where it is text: JSON has no other.
func fileToAPI(f *fabricv1.File) *bridgev1.File {
	entry := f.GetEntry()
	out := &bridgev1.File{
		Path: entry.GetPath(), Name: path.Base(entry.GetPath()), Size: clamp(entry.GetSize()), BlobSha: entry.GetBlobId(),
		Type: fileType(entry.GetMode()),
	}
	if f.Content != nil && utf8.Valid(f.GetContent()) {
		content := string(f.GetContent())
		out.Content = &content
	}
	return out
}

func fileType(m gitv1.FileMode) string {
	switch m {
	case gitv1.FileMode_FILE_MODE_SYMLINK:
		return "symlink"
	case gitv1.FileMode_FILE_MODE_SUBMODULE:
		return "submodule"
	default:
		return "file"
	}
}

// clamp keeps a size in 32 bits: the contract's numbers are JSON numbers, and 64-bit ones would be strings.
func clamp(n int64) int32 { return int32(min(n, math.MaxInt32)) }
