package local

import (
	"bytes"
	"context"

	"fgdsync.dev/libs/errs"
	"fgdsync.dev/libs/gittree"
	gitv1 "fgdsync.dev/proto/fgd/git/v1"
	ingestionv1 "fgdsync.dev/proto/fgd/ingestion/v1"
	reportv1 "fgdsync.dev/proto/fgd/report/v1"
)

// Quarantined lists what is in quarantine at the branch head.
func (s *Session) Quarantined(ctx context.Context) (list *ingestionv1.ListQuarantineResponse, err error) {
	open := &gitv1.OpenSnapshotRequest{}
	err = s.atSnapshot(ctx, open, func(snapshot *gitv1.Snapshot) error {
		if err := present(open, snapshot); err != nil {
			return err
		}
		list, err = s.listQuarantine(ctx, snapshot)
		return err
	})
	return list, err
}

func (s *Session) listQuarantine(ctx context.Context, snapshot *gitv1.Snapshot,
) (*ingestionv1.ListQuarantineResponse, error) {
	return ingestionv1.NewIngestionServiceClient(s.internal()).ListQuarantine(ctx, &ingestionv1.ListQuarantineRequest{
		SnapshotId: snapshot.GetSnapshotId(), Tree: snapshot.GetTree(),
	})
}

// QuarantinedFile returns one file in quarantine at the branch head, and what it holds when that is wanted.
func (s *Session) QuarantinedFile(ctx context.Context, path string, withContent bool,
) (found *reportv1.QuarantinedFile, content []byte, err error) {
	err = s.atSnapshot(ctx, &gitv1.OpenSnapshotRequest{}, func(snapshot *gitv1.Snapshot) error {
		list, err := s.listQuarantine(ctx, snapshot)
		if err != nil {
			return err
		}
		for _, file := range list.GetFiles() {
			if file.GetPath() == path {
				found = file
			}
		}
		if found == nil {
			return errs.New(errs.NotInQuarantine, "There is no file %q in quarantine.", path)
		}
		if !withContent {
			return nil
		}
		return gittree.Read(ctx, gitv1.NewTreeServiceClient(s.internal()), snapshot.GetSnapshotId(),
			[]string{found.GetBlobId()}, func(blob []byte) error {
				content = bytes.Clone(blob)
				return nil
			})
	})
	return found, content, err
}
