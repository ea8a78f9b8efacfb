package local

import (
	"context"
	"unicode/utf8"

	"fgdsync.dev/libs/errs"
	"fgdsync.dev/libs/gittree"
	bridgev1 "fgdsync.dev/proto/fgd/bridge/v1"
	gitv1 "fgdsync.dev/proto/fgd/git/v1"
	ingestionv1 "fgdsync.dev/proto/fgd/ingestion/v1"
	reportv1 "fgdsync.dev/proto/fgd/report/v1"
)

// Quarantined lists what is in quarantine at the branch head.
func (s *Session) Quarantined(ctx context.Context) (found *bridgev1.ListQuarantineResponse, err error) {
	open := &gitv1.OpenSnapshotRequest{}
	err = s.atSnapshot(ctx, open, func(snapshot *gitv1.Snapshot) error {
		if err := present(open, snapshot); err != nil {
			return err
		}
		list, err := s.listQuarantine(ctx, snapshot)
		found = quarantine(list)
		found.CommitSha = snapshot.GetCommit()
		return err
	})
	return found, err
}

func (s *Session) listQuarantine(ctx context.Context, snapshot *gitv1.Snapshot,
) (*ingestionv1.ListQuarantineResponse, error) {
	return ingestionv1.NewIngestionServiceClient(s.internal()).ListQuarantine(ctx, &ingestionv1.ListQuarantineRequest{
		SnapshotId: snapshot.GetSnapshotId(), Tree: snapshot.GetTree(),
	})
}

// QuarantinedFile returns one file in quarantine at the branch head, with what it holds where that is text.
func (s *Session) QuarantinedFile(ctx context.Context, path string) (found *bridgev1.QuarantinedFile, err error) {
	err = s.atSnapshot(ctx, &gitv1.OpenSnapshotRequest{}, func(snapshot *gitv1.Snapshot) error {
		list, err := s.listQuarantine(ctx, snapshot)
		if err != nil {
			return err
		}
		var file *reportv1.QuarantinedFile
		for _, one := range list.GetFiles() {
			if one.GetPath() == path {
				file = one
			}
		}
		if file == nil {
			return errs.New(errs.NotInQuarantine, "There is no file %q in quarantine.", path)
		}
		found = quarantinedFile(file)
		return gittree.Read(ctx, gitv1.NewTreeServiceClient(s.internal()), snapshot.GetSnapshotId(),
			[]string{file.GetBlobId()}, func(blob []byte) error {
				if utf8.Valid(blob) {
					found.Content = new(string(blob))
				}
				return nil
			})
	})
	return found, err
}
