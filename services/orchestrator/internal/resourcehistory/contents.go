package resourcehistory

import (
	"context"

	"fgdsync.dev/libs/rpc"
	gitv1 "fgdsync.dev/proto/fgd/git/v1"
	ingestionv1 "fgdsync.dev/proto/fgd/ingestion/v1"
	reportv1 "fgdsync.dev/proto/fgd/report/v1"
)

// at is a file as some commit had it.
type at struct{ path, blob string }

// contents are what files say of the resource. Those that do not declare it are not among them.
type contents map[at]*reportv1.ResourceContent

// versionsOf are the files that commits have changed, as they were and as they became.
func versionsOf(commits []*gitv1.Commit) []*ingestionv1.FileVersion {
	var files []*ingestionv1.FileVersion
	known := map[at]bool{}
	for _, c := range commits {
		for _, change := range c.GetChanges() {
			for _, blob := range []string{change.GetOldBlobId(), change.GetNewBlobId()} {
				if file := (at{change.GetPath(), blob}); blob != "" && !known[file] {
					known[file] = true
					files = append(files, &ingestionv1.FileVersion{Path: file.path, BlobId: blob})
				}
			}
		}
	}
	return files
}

// read has ingestion say what files say of the resource.
func (w *walk) read(ctx context.Context, files []*ingestionv1.FileVersion) (contents, error) {
	said := contents{}
	if len(files) == 0 {
		return said, nil
	}
	next := 0
	err := rpc.Collect(ctx, w.Ingestion.ReadVersions, &ingestionv1.ReadVersionsRequest{
		SnapshotId: w.snapshot.GetSnapshotId(), Options: w.fabric.GetOptions(), Resource: w.key, Files: files,
	}, func(part *ingestionv1.ReadVersionsResponse) error {
		for _, version := range part.GetVersions() {
			if content := version.GetContent(); content != nil {
				said[at{files[next].GetPath(), files[next].GetBlobId()}] = content
			}
			next++
		}
		return nil
	})
	return said, err
}

// sides are what the files that a commit has changed said of the resource before, and what they say since; nil for
// nothing. A file that can't be read counts where the same file held the resource, or was it.
func (s contents) sides(changes []*gitv1.FileChange) (before, after *reportv1.ResourceContent) {
	for _, change := range changes {
		was, is := s[at{change.GetPath(), change.GetOldBlobId()}], s[at{change.GetPath(), change.GetNewBlobId()}]
		if before == nil {
			before = was
		}
		if after == nil {
			after = is
		}
	}
	return before, after
}
