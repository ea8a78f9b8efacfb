package grpcapi

import (
	"context"
	"io/fs"
	"strings"
	"unicode"
	"unicode/utf8"

	"fgdsync.dev/libs/errs"
	"fgdsync.dev/libs/layout"
	fabricv1 "fgdsync.dev/proto/fgd/fabric/v1"
	gitv1 "fgdsync.dev/proto/fgd/git/v1"
	ingestionv1 "fgdsync.dev/proto/fgd/ingestion/v1"
)

// ListQuarantine lists what is in quarantine.
func (f *Fabrics) ListQuarantine(ctx context.Context,
	req *fabricv1.ListQuarantineRequest,
) (*fabricv1.ListQuarantineResponse, error) {
	out := &fabricv1.ListQuarantineResponse{}
	err := f.atHead(ctx, req.GetFabricId(), func(ctx context.Context, _ *fabricv1.Fabric, snapshot *gitv1.Snapshot) error {
		out.Commit = snapshot.GetCommit()
		found, err := f.Ingestion.ListQuarantine(ctx, &ingestionv1.ListQuarantineRequest{
			SnapshotId: snapshot.GetSnapshotId(),
			Tree:       snapshot.GetTree(),
		})
		if err != nil {
			return err
		}
		for _, file := range found.GetFiles() {
			if req.GetPath() == "" || req.GetPath() == file.GetPath() {
				out.Files = append(out.Files, &fabricv1.QuarantinedFile{File: file})
			}
		}
		if req.GetPath() != "" && len(out.GetFiles()) == 0 {
			return errs.New(errs.NotInQuarantine, "There is no file %q in quarantine.", req.GetPath())
		}
		if !req.GetIncludeContent() {
			return nil
		}
		return f.addQuarantined(ctx, snapshot, out.GetFiles())
	})
	if err != nil {
		return nil, err
	}
	return out, nil
}

func (f *Fabrics) addQuarantined(ctx context.Context, snapshot *gitv1.Snapshot,
	quarantined []*fabricv1.QuarantinedFile,
) error {
	files := make([]*fabricv1.File, len(quarantined))
	for i, q := range quarantined {
		files[i] = &fabricv1.File{Entry: &gitv1.TreeEntry{
			Path: q.GetFile().GetPath(), Mode: gitv1.FileMode_FILE_MODE_REGULAR, BlobId: q.GetFile().GetBlobId(),
			Size: q.GetFile().GetSize(),
		}}
	}
	if err := f.addContents(ctx, snapshot, files); err != nil {
		return err
	}
	for i, file := range files {
		quarantined[i].Content = file.Content
	}
	return nil
}

// maxPaths bounds the paths that one request names.
const maxPaths = 1000

// checkPaths holds that paths are such as files in quarantine have.
func checkPaths(field string, paths []string) error {
	if err := checkNames(field, paths); err != nil {
		return err
	}
	for _, p := range paths {
		if layout.Part(p) != layout.Unmanaged {
			return errs.New(errs.InvalidRequest, "%s has %q, which is no path in %s/.", field, p, layout.Unmanaged)
		}
	}
	return nil
}

// checkNames holds that paths may be such as files and folders of a directory have.
func checkNames(field string, paths []string) error {
	if err := checkCount(field, paths); err != nil {
		return err
	}
	for _, p := range paths {
		if !utf8.ValidString(p) || strings.ContainsFunc(p, unicode.IsControl) || !fs.ValidPath(p) || p == "." {
			return errs.New(errs.InvalidRequest, "%s has %q, which is no path in the directory.", field, p)
		}
	}
	return nil
}

func checkCount(field string, paths []string) error {
	if len(paths) > maxPaths {
		return errs.New(errs.InvalidRequest, "%s has %d paths; allowed are %d.", field, len(paths), maxPaths).
			WithRemedy("Name fewer at a time, or the folder that they are in; retry_quarantined stands for all that is in " +
				"quarantine.")
	}
	return nil
}
