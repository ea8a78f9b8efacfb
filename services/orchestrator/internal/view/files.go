package view

import (
	"context"
	"strings"

	"fgdsync.dev/libs/gittree"
	"fgdsync.dev/libs/rpc"
	fabricv1 "fgdsync.dev/proto/fgd/fabric/v1"
	gitv1 "fgdsync.dev/proto/fgd/git/v1"
	"fgdsync.dev/services/orchestrator/internal/paging"
)

// Files returns a page of the files of a fabric's directory, at the head of its branch or as they were.
func (v *View) Files(ctx context.Context, req *fabricv1.ListFilesRequest) (*fabricv1.ListFilesResponse, error) {
	query, err := paging.New(req.GetLimit(), req.GetPageToken(), "files", req.GetFabricId(), req.GetDirectory(),
		req.GetFileType(), req.GetCommit(), req.GetAsOf().AsTime())
	if err != nil {
		return nil, err
	}
	open := &gitv1.OpenSnapshotRequest{}
	switch at := req.GetAt().(type) {
	case *fabricv1.ListFilesRequest_Commit:
		open.At = &gitv1.OpenSnapshotRequest_AtCommit{AtCommit: at.Commit}
	case *fabricv1.ListFilesRequest_AsOf:
		open.At = &gitv1.OpenSnapshotRequest_AtTime{AtTime: at.AsOf}
	}
	out := &fabricv1.ListFilesResponse{}
	err = v.at(ctx, req.GetFabricId(), open, func(ctx context.Context, fabric *fabricv1.Fabric,
		snapshot *gitv1.Snapshot,
	) error {
		out.Commit = snapshot.GetCommit()
		entries, err := v.list(ctx, snapshot, req)
		if err != nil {
			return err
		}
		if directory := strings.Trim(req.GetDirectory(), "/"); len(entries) == 0 && directory != "" {
			if err := v.everWere(ctx, fabric, snapshot, []string{directory}); err != nil {
				return err
			}
		}
		out.Total = int32(len(entries))
		entries, out.NextPageToken = paging.Cut(query, entries, (*gitv1.TreeEntry).GetPath)
		for _, entry := range entries {
			out.Files = append(out.Files, &fabricv1.File{Entry: entry})
		}
		if req.GetIncludeContent() {
			return v.addContents(ctx, snapshot, out.GetFiles())
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	return out, nil
}

// list returns the files that a request asks for.
func (v *View) list(
	ctx context.Context, snapshot *gitv1.Snapshot, req *fabricv1.ListFilesRequest,
) ([]*gitv1.TreeEntry, error) {
	directory, extension := strings.Trim(req.GetDirectory(), "/"), strings.TrimPrefix(req.GetFileType(), ".")
	var out []*gitv1.TreeEntry
	err := rpc.Collect(ctx, v.deps.Trees.ListTree, &gitv1.ListTreeRequest{
		SnapshotId: snapshot.GetSnapshotId(), Tree: snapshot.GetTree(),
	}, func(part *gitv1.ListTreeResponse) error {
		for _, entry := range part.GetEntries() {
			inside := directory == "" || entry.GetPath() == directory || strings.HasPrefix(entry.GetPath(), directory+"/")
			ofType := extension == "" || strings.HasSuffix(entry.GetPath(), "."+extension)
			if inside && ofType {
				out = append(out, entry)
			}
		}
		return nil
	})
	return out, err
}

// addContents reads the contents of regular files within the size limit. All together are bounded too: a listing is
// one message.
func (v *View) addContents(ctx context.Context, snapshot *gitv1.Snapshot, files []*fabricv1.File) error {
	var wanted []string
	left := v.deps.MaxFileBytes
	byBlob := map[string][]*fabricv1.File{}
	for _, file := range files {
		entry := file.GetEntry()
		plain := entry.GetMode() == gitv1.FileMode_FILE_MODE_REGULAR || entry.GetMode() == gitv1.FileMode_FILE_MODE_EXECUTABLE
		if !plain || entry.GetSize() > left {
			continue
		}
		left -= entry.GetSize()
		if byBlob[entry.GetBlobId()] == nil {
			wanted = append(wanted, entry.GetBlobId())
		}
		byBlob[entry.GetBlobId()] = append(byBlob[entry.GetBlobId()], file)
	}
	next := 0
	return gittree.Read(ctx, v.deps.Trees, snapshot.GetSnapshotId(), wanted, func(content []byte) error {
		for _, file := range byBlob[wanted[next]] {
			file.Content = content
		}
		next++
		return nil
	})
}
