package local

import (
	"context"

	"fgdsync.dev/cmd/fgd/internal/doctor"
	gitv1 "fgdsync.dev/proto/fgd/git/v1"
	ingestionv1 "fgdsync.dev/proto/fgd/ingestion/v1"
)

// CheckConnection tries out how the repository can be reached. It changes nothing.
func (s *Session) CheckConnection(ctx context.Context) (*gitv1.Connection, error) {
	location, err := s.Location(ctx)
	if err != nil {
		return nil, err
	}
	response, err := gitv1.NewRepositoryServiceClient(s.internal()).
		CheckConnection(ctx, &gitv1.CheckConnectionRequest{Location: location})
	return response.GetConnection(), err
}

// Measure measures the history of the directory and what it holds. It changes nothing.
func (s *Session) Measure(ctx context.Context) (report *doctor.Report, err error) {
	services := doctor.Services{
		History: gitv1.NewHistoryServiceClient(s.internal()), Trees: gitv1.NewTreeServiceClient(s.internal()),
		Ingestion: ingestionv1.NewIngestionServiceClient(s.internal()),
	}
	open := &gitv1.OpenSnapshotRequest{}
	err = s.atSnapshot(ctx, open, func(snapshot *gitv1.Snapshot) error {
		report, err = doctor.Examine(ctx, services, snapshot)
		return err
	})
	if err != nil {
		return nil, err
	}
	at := open.GetLocation()
	report.Repository, report.Branch, report.Directory = at.GetRepositoryUrl(), at.GetBranch(), at.GetDirectory()
	return report, nil
}
