package grpcapi

import (
	"context"
	"errors"
	"io"
	"strings"

	"fgdsync.dev/libs/gittree"
	fabricv1 "fgdsync.dev/proto/fgd/fabric/v1"
	gitv1 "fgdsync.dev/proto/fgd/git/v1"
)

// ListFiles lists the files of a fabric's directory.
func (f *Fabrics) ListFiles(ctx context.Context, req *fabricv1.ListFilesRequest) (*fabricv1.ListFilesResponse, error) {
	out := &fabricv1.ListFilesResponse{}
	open := &gitv1.OpenSnapshotRequest{}
	switch at := req.GetAt().(type) {
	case *fabricv1.ListFilesRequest_Commit:
		open.At = &gitv1.OpenSnapshotRequest_AtCommit{AtCommit: at.Commit}
	case *fabricv1.ListFilesRequest_AsOf:
		open.At = &gitv1.OpenSnapshotRequest_AtTime{AtTime: at.AsOf}
	}
	err := f.at(ctx, req.GetFabricId(), open, func(ctx context.Context, _ *fabricv1.Fabric,
		snapshot *gitv1.Snapshot,
	) error {
		out.Commit = snapshot.GetCommit()
		entries, err := f.list(ctx, snapshot, req)
		if err != nil {
			return err
		}
		for _, entry := range entries {
			out.Files = append(out.Files, &fabricv1.File{Entry: entry})
		}
		if req.GetIncludeContent() {
			return f.addContents(ctx, snapshot, out.GetFiles())
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	return out, nil
}

func (f *Fabrics) list(ctx context.Context, snapshot *gitv1.Snapshot,
	req *fabricv1.ListFilesRequest,
) ([]*gitv1.TreeEntry, error) {
	stream, err := f.Trees.ListTree(ctx, &gitv1.ListTreeRequest{
		SnapshotId: snapshot.GetSnapshotId(),
		Tree:       snapshot.GetTree(),
	})
	if err != nil {
		return nil, err
	}
	directory := strings.Trim(req.GetDirectory(), "/")
	var out []*gitv1.TreeEntry
	for {
		part, err := stream.Recv()
		if errors.Is(err, io.EOF) {
			return out, nil
		}
		if err != nil {
			return nil, err
		}
		for _, entry := range part.GetEntries() {
			inside := directory == "" || strings.HasPrefix(entry.GetPath(), directory+"/")
			ofType := req.GetFileType() == "" || strings.HasSuffix(entry.GetPath(),
				"."+strings.TrimPrefix(req.GetFileType(), "."))
			if inside && ofType {
				out = append(out, entry)
			}
		}
	}
}

// addContents reads the contents of regular files within the size limit. All together are bounded too: a listing is
// one message.
func (f *Fabrics) addContents(ctx context.Context, snapshot *gitv1.Snapshot, files []*fabricv1.File) error {
	var wanted []string
	left := f.MaxFileBytes
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
	return gittree.Read(ctx, f.Trees, snapshot.GetSnapshotId(), wanted, func(content []byte) error {
		for _, file := range byBlob[wanted[next]] {
			file.Content = content
		}
		next++
		return nil
	})
}
