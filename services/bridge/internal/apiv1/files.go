package apiv1

import (
	"math"
	"path"
	"unicode/utf8"

	"fgdsync.dev/libs/layout"
	bridgev1 "fgdsync.dev/proto/fgd/bridge/v1"
	fabricv1 "fgdsync.dev/proto/fgd/fabric/v1"
	gitv1 "fgdsync.dev/proto/fgd/git/v1"
)

// ListFilesRequest returns the request for the files that a caller wants to see.
func ListFilesRequest(req *bridgev1.ListFilesRequest) *fabricv1.ListFilesRequest {
	out := &fabricv1.ListFilesRequest{
		FabricId: req.GetFabricId(), Directory: req.GetDirectory(), FileType: req.GetFileType(),
		IncludeContent: req.GetIncludeContent(), Limit: Limit(req.GetLimit(), DefaultFiles), PageToken: req.GetPageToken(),
	}
	switch {
	case req.GetCommit() != "":
		out.At = &fabricv1.ListFilesRequest_Commit{Commit: req.GetCommit()}
	case req.GetAsOf() != nil:
		out.At = &fabricv1.ListFilesRequest_AsOf{AsOf: req.GetAsOf()}
	}
	return out
}

// FilesToAPI shows a page of the files of a directory.
func FilesToAPI(found *fabricv1.ListFilesResponse) *bridgev1.ListFilesResponse {
	return &bridgev1.ListFilesResponse{
		Files: each(found.GetFiles(), fileToAPI), Total: found.GetTotal(), CommitSha: found.GetCommit(),
		NextPageToken: found.GetNextPageToken(),
	}
}

func fileToAPI(f *fabricv1.File) *bridgev1.File {
	entry := f.GetEntry()
	return &bridgev1.File{
		Path: entry.GetPath(), Name: path.Base(entry.GetPath()), Size: clamp(entry.GetSize()), BlobSha: entry.GetBlobId(),
		Type: fileType(entry.GetMode()), Content: text(f.Content),
	}
}

// text returns content only where it is text: JSON has no other.
func text(content []byte) *string {
	if content == nil || !utf8.Valid(content) {
		return nil
	}
	return new(string(content))
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

// QuarantineToAPI shows a page of what is in quarantine.
func QuarantineToAPI(found *fabricv1.ListQuarantineResponse) *bridgev1.ListQuarantineResponse {
	return &bridgev1.ListQuarantineResponse{
		Files: each(found.GetFiles(), QuarantinedToAPI), Total: found.GetTotal(), CommitSha: found.GetCommit(),
		NextPageToken: found.GetNextPageToken(),
	}
}

// QuarantinedToAPI shows a file in quarantine.
func QuarantinedToAPI(q *fabricv1.QuarantinedFile) *bridgev1.QuarantinedFile {
	file := q.GetFile()
	return &bridgev1.QuarantinedFile{
		Path: file.GetPath(), BlobSha: file.GetBlobId(), Size: clamp(file.GetSize()), Origin: file.GetOrigin(),
		OriginDocument: file.OriginDocument, OriginBlobSha: file.GetOriginBlobId(), OriginCommitSha: file.GetOriginCommit(),
		QuarantinedAt: file.GetQuarantinedAt(), Changed: file.GetChanged(), Reason: FindingToAPI(file.GetReason()),
		Content: text(q.Content), WebUrl: q.GetWebUrl(),
	}
}

// ChangesToAPI shows a page of what differs between two commits.
func ChangesToAPI(found *fabricv1.ListChangesResponse) *bridgev1.ListDirectoryChangesResponse {
	return &bridgev1.ListDirectoryChangesResponse{
		Changes: each(found.GetChanges(), changeToAPI), Total: found.GetTotal(), SinceSha: found.GetSinceCommit(),
		CommitSha: found.GetCommit(), NextPageToken: found.GetNextPageToken(),
	}
}

func changeToAPI(change *gitv1.FileChange) *bridgev1.DirectoryChange {
	return &bridgev1.DirectoryChange{
		Path: change.GetPath(), Change: changeNames.name(change.GetKind()), Part: partOf(change.GetPath()),
		OldBlobSha: change.GetOldBlobId(), NewBlobSha: change.GetNewBlobId(),
	}
}

// Parts of a directory that have no folder name to be called by.
const (
	partMetadata = "metadata"
	partOther    = "other"
)

func partOf(path string) string {
	switch part := layout.Part(path); part {
	case layout.Metadata:
		return partMetadata
	case "":
		return partOther
	default:
		return part
	}
}
