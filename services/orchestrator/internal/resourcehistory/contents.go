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

// was returns the file that a commit has changed, as it was; nothing for what was no file.
func was(change *gitv1.FileChange) at {
	return fileAt(change, change.GetOldBlobId(), change.GetOldMode())
}

// is returns the file that a commit has changed, as it became; nothing for what is no file.
func is(change *gitv1.FileChange) at {
	return fileAt(change, change.GetNewBlobId(), change.GetNewMode())
}

func fileAt(change *gitv1.FileChange, blob string, mode gitv1.FileMode) at {
	if mode != gitv1.FileMode_FILE_MODE_REGULAR && mode != gitv1.FileMode_FILE_MODE_EXECUTABLE {
		return at{}
	}
	return at{change.GetPath(), blob}
}

// versionsOf are the files that a commit has changed, as they were and as they became.
func versionsOf(changes []*gitv1.FileChange) []*ingestionv1.FileVersion {
	var files []*ingestionv1.FileVersion
	known := map[at]bool{{}: true} // what is no file is not among them
	for _, change := range changes {
		for _, file := range []at{was(change), is(change)} {
			if !known[file] {
				known[file] = true
				files = append(files, &ingestionv1.FileVersion{Path: file.path, BlobId: file.blob})
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
		if before == nil {
			before = s[was(change)]
		}
		if after == nil {
			after = s[is(change)]
		}
	}
	return before, after
}
