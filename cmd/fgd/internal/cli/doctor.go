package cli

import (
	"context"
	"encoding/json"
	"fmt"

	"github.com/spf13/cobra"

	"fgdsync.dev/cmd/fgd/internal/doctor"
	bridgev1 "fgdsync.dev/proto/fgd/bridge/v1"
	gitv1 "fgdsync.dev/proto/fgd/git/v1"
	ingestionv1 "fgdsync.dev/proto/fgd/ingestion/v1"
	syncv1 "fgdsync.dev/proto/fgd/sync/v1"
)

func newDoctor(env Environment) *cobra.Command {
	t := target{}
	cmd := &cobra.Command{
		Use: "doctor --repo URL|PATH --branch B --dir D", Short: "Measure an existing repository, and change nothing",
		Long: `Measures the history of a directory and what it holds: commits by subject, those that change only times or only comments,
files that were rewritten without a change of meaning, resources that are described twice, mixed API versions, invalid files,
and what a sync would do. It reads only.

Credentials are those of fgd sync.

Exit codes: 0 nothing noteworthy, 1 failed, 2 called wrongly, 3 something was found.`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return t.inSuite(cmd.Context(), env, func(ctx context.Context, in *session) error { return in.examine(ctx) })
		},
	}
	t.addRepositoryFlags(cmd)
	return cmd
}

// examine measures, tries a sync without a commit, and reports.
func (s *session) examine(ctx context.Context) error {
	report, err := s.measure(ctx)
	if err != nil {
		return err
	}
	status, err := s.toEnd(ctx, &syncv1.SyncOptions{ValidateOnly: true})
	if err != nil {
		return err
	}
	report.Sync = outlook(status)
	report.Conclude()
	if err := s.printDoctor(report); err != nil {
		return err
	}
	if len(report.Findings) > 0 {
		return outcome(ExitFindings)
	}
	return nil
}

func (s *session) measure(ctx context.Context) (report *doctor.Report, err error) {
	location, _, err := s.location(ctx)
	if err != nil {
		return nil, err
	}
	services := doctor.Services{
		History: gitv1.NewHistoryServiceClient(s.s.Conn()), Trees: gitv1.NewTreeServiceClient(s.s.Conn()),
		Ingestion: ingestionv1.NewIngestionServiceClient(s.s.Conn()),
	}
	err = s.atSnapshot(ctx, &gitv1.OpenSnapshotRequest{}, func(snapshot *gitv1.Snapshot) error {
		report, err = doctor.Examine(ctx, services, snapshot)
		return err
	})
	if err != nil {
		return nil, err
	}
	report.Repository, report.Branch, report.Directory = location.GetRepositoryUrl(), location.GetBranch(), location.GetDirectory()
	return report, nil
}

// outlook is what a dry run said of a sync.
func outlook(status *bridgev1.SyncStatus) doctor.Sync {
	result := status.GetResult()
	plan := result.GetPlan()
	s := doctor.Sync{
		State: status.GetState(), Creates: int(plan.GetCreates()), Updates: int(plan.GetUpdates()),
		Moves:       int(plan.GetMoves()),
		Quarantines: int(plan.GetQuarantines()), Deletes: int(plan.GetDeletes()), Duplicates: int(plan.GetDuplicates()),
		FilesCreated: int(result.GetFilesCreated()), FilesUpdated: int(result.GetFilesUpdated()),
		FilesRemoved: int(result.GetFilesRemoved()),
		Resources:    int(result.GetResourcesTotal()), Errors: []string{},
	}
	for _, f := range status.GetErrors() {
		s.Errors = append(s.Errors, fmt.Sprintf("%s %s: %s", f.GetCode(), f.GetName(), f.GetMessage()))
	}
	return s
}

func (s *session) printDoctor(report *doctor.Report) error {
	if !s.t.json {
		return report.Print(s.env.Stdout)
	}
	encoder := json.NewEncoder(s.env.Stdout)
	encoder.SetEscapeHTML(false)
	encoder.SetIndent("", "  ")
	if err := encoder.Encode(report); err != nil {
		return fmt.Errorf("encode JSON: %w", err)
	}
	return nil
}
