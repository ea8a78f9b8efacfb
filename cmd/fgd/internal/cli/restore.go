package cli

import (
	"context"
	"errors"
	"time"

	"github.com/spf13/cobra"
	"google.golang.org/protobuf/types/known/timestamppb"

	"fgdsync.dev/cmd/fgd/internal/exit"
	"fgdsync.dev/cmd/fgd/internal/local"
	gitv1 "fgdsync.dev/proto/fgd/git/v1"
	syncv1 "fgdsync.dev/proto/fgd/sync/v1"
)

func newRestore(env Environment) *cobra.Command {
	t, options := newTarget(env), &syncv1.SyncOptions{}
	var asOf time.Time
	cmd := &cobra.Command{
		Use:   "restore --commit X | --as-of TIME [PATH…] --repo URL|PATH --branch B --dir D",
		Short: "Sync, and make files and folders what they were",
		Long: `Makes managed/, or the files and folders that are named, what they were at an earlier commit of the branch, or at a
time, and syncs: what comes back is validated like anything else, and published as one new commit. History is never
rewritten.

A path that was not there then is taken away. .hnp/ can't be restored: its logs only grow.`,
		RunE: func(cmd *cobra.Command, args []string) error {
			if (options.GetRestoreCommit() == "") == asOf.IsZero() {
				return exit.Misuse(errors.New("say --commit or --as-of, and not both"))
			}
			if asOf.IsZero() {
				if err := checkCommit("--commit", options.GetRestoreCommit()); err != nil {
					return err
				}
			}
			if err := t.checkSync(options); err != nil {
				return err
			}
			options.RestorePaths = args
			return t.run(cmd.Context(), func(ctx context.Context, s *local.Session) error {
				return t.restore(ctx, s, options, asOf)
			})
		},
	}
	t.addSyncFlags(cmd, options)
	t.addStatFlag(cmd)
	flags := cmd.Flags()
	flags.StringVar(&options.RestoreCommit, "commit", "", "as of this `commit` of the branch: its id, the first digits of it, or HEAD~N")
	flags.TimeVar(&asOf, "as-of", time.Time{}, timeFormats(), "as of this `time`")
	flags.BoolVar(&options.ValidateOnly, "dry-run", false, dryRunUsage)
	flags.BoolVar(&options.Force, "force", false, forceUsage)
	return cmd
}

func (t *target) restore(ctx context.Context, s *local.Session, options *syncv1.SyncOptions, asOf time.Time) error {
	at := &gitv1.OpenSnapshotRequest{At: &gitv1.OpenSnapshotRequest_AtCommit{AtCommit: options.GetRestoreCommit()}}
	if options.GetRestoreCommit() == "" {
		at.At = &gitv1.OpenSnapshotRequest_AtTime{AtTime: timestamppb.New(asOf)}
	}
	commit, err := s.CommitAt(ctx, at)
	if err != nil {
		return exit.MisuseIfInvalid(err)
	}
	options.RestoreCommit = commit
	return exit.MisuseIfInvalid(t.syncIn(ctx, s, options))
}
