package view

import (
	"context"

	"fgdsync.dev/libs/errs"
	"fgdsync.dev/libs/filepage"
	fabricv1 "fgdsync.dev/proto/fgd/fabric/v1"
	gitv1 "fgdsync.dev/proto/fgd/git/v1"
	ingestionv1 "fgdsync.dev/proto/fgd/ingestion/v1"
	"fgdsync.dev/services/orchestrator/internal/paging"
)

// Quarantine returns a page of what is in quarantine at the branch head.
func (v *View) Quarantine(
	ctx context.Context, req *fabricv1.ListQuarantineRequest,
) (*fabricv1.ListQuarantineResponse, error) {
	query, err := paging.New(req.GetLimit(), req.GetPageToken(), "quarantine", req.GetFabricId(), req.GetPath())
	if err != nil {
		return nil, err
	}
	out := &fabricv1.ListQuarantineResponse{}
	err = v.atHead(ctx, req.GetFabricId(), func(ctx context.Context, _ *fabricv1.Fabric, snapshot *gitv1.Snapshot) error {
		out.Commit = snapshot.GetCommit()
		all, err := v.quarantined(ctx, snapshot, req.GetPath())
		if err != nil {
			return err
		}
		out.Total = int32(len(all))
		out.Files, out.NextPageToken = paging.Cut(query, all,
			func(f *fabricv1.QuarantinedFile) string { return f.GetFile().GetPath() })
		if !req.GetIncludeContent() {
			return nil
		}
		return v.addQuarantined(ctx, snapshot, out.GetFiles())
	})
	if err != nil {
		return nil, err
	}
	return out, nil
}

// quarantined returns the file at a path, or all files in quarantine.
func (v *View) quarantined(
	ctx context.Context, snapshot *gitv1.Snapshot, path string,
) ([]*fabricv1.QuarantinedFile, error) {
	found, err := v.deps.Ingestion.ListQuarantine(ctx, &ingestionv1.ListQuarantineRequest{
		SnapshotId: snapshot.GetSnapshotId(), Tree: snapshot.GetTree(),
	})
	if err != nil {
		return nil, err
	}
	var out []*fabricv1.QuarantinedFile
	for _, file := range found.GetFiles() {
		if path == "" || path == file.GetPath() {
			out = append(out, &fabricv1.QuarantinedFile{
				File: file, WebUrl: filepage.URL(snapshot.GetPages(), file.GetPath(), file.GetReason().GetLine()),
			})
		}
	}
	if path != "" && len(out) == 0 {
		return nil, errs.New(errs.NotInQuarantine, "There is no file %q in quarantine.", path)
	}
	return out, nil
}

func (v *View) addQuarantined(
	ctx context.Context, snapshot *gitv1.Snapshot, quarantined []*fabricv1.QuarantinedFile,
) error {
	files := make([]*fabricv1.File, len(quarantined))
	for i, q := range quarantined {
		files[i] = &fabricv1.File{Entry: &gitv1.TreeEntry{
			Path: q.GetFile().GetPath(), Mode: gitv1.FileMode_FILE_MODE_REGULAR, BlobId: q.GetFile().GetBlobId(),
			Size: q.GetFile().GetSize(),
		}}
	}
	if err := v.addContents(ctx, snapshot, files); err != nil {
		return err
	}
	for i, file := range files {
		quarantined[i].Content = file.Content
	}
	return nil
}
