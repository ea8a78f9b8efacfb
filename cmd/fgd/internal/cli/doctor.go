package cli

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"fgdsync.dev/cmd/fgd/internal/doctor"
	"fgdsync.dev/cmd/fgd/internal/exit"
	"fgdsync.dev/cmd/fgd/internal/local"
	bridgev1 "fgdsync.dev/proto/fgd/bridge/v1"
	syncv1 "fgdsync.dev/proto/fgd/sync/v1"
)

func newDoctor(env Environment) *cobra.Command {
	t := newTarget(env)
	cmd := &cobra.Command{
		Use: "doctor --repo URL|PATH --branch B --dir D", Short: "Measure an existing repository, and change nothing",
		Long: `Measures the history of a directory and what it holds: commits by subject, those that change only times or only
comments, files that were rewritten without a change of meaning, resources that are described twice, mixed API
versions, invalid files, and what a sync would do. It reads only.

Credentials are those of fgd sync.

Exit codes: 0 nothing noteworthy, 1 failed, 2 called wrongly, 3 something was found.`,
		Args: noArguments,
		RunE: func(cmd *cobra.Command, _ []string) error { return t.runHere(cmd.Context(), t.examine) },
	}
	t.addRepositoryFlags(cmd)
	t.AllowRoot = true // it changes nothing
	return cmd
}

// examine measures, tries a sync without a commit, and reports.
func (t *target) examine(ctx context.Context, s *local.Session) error {
	report, err := s.Measure(ctx)
	if err != nil {
		return err
	}
	id, err := s.Start(ctx, &syncv1.SyncOptions{ValidateOnly: true}, time.Time{})
	if err != nil {
		return err
	}
	status, err := s.Follow(ctx, id, t.bar.Show)
	t.bar.Close()
	if err != nil {
		return err
	}
	report.Sync = outlook(status)
	report.Conclude()
	var printErr error
	err = t.print(report, func() { printErr = report.Print(t.env.Stdout) })
	err = errors.Join(err, printErr)
	if err == nil && len(report.Findings) > 0 {
		return exit.Code(exit.Findings)
	}
	return err
}

// outlook is what a dry run said of a sync.
func outlook(status *bridgev1.SyncStatus) doctor.Sync {
	result := status.GetResult()
	plan := result.GetCounts()
	s := doctor.Sync{
		State:        status.GetState(),
		Creates:      int(plan.GetCreates()),
		Updates:      int(plan.GetUpdates()),
		Moves:        int(plan.GetMoves()),
		Quarantines:  int(plan.GetQuarantines()),
		Deletes:      int(plan.GetDeletes()),
		Duplicates:   int(plan.GetDuplicates()),
		FilesCreated: int(result.GetFilesCreated()),
		FilesUpdated: int(result.GetFilesUpdated()),
		FilesRemoved: int(result.GetFilesRemoved()),
		Resources:    int(result.GetResourcesTotal()),
		Errors:       []string{},
	}
	for _, f := range status.GetErrors() {
		s.Errors = append(s.Errors, fmt.Sprintf("%s %s: %s", f.GetCode(), f.GetName(), f.GetMessage()))
	}
	return s
}
