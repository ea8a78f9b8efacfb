package cli

import (
	"errors"
	"time"

	"github.com/spf13/cobra"

	"fgdsync.dev/cmd/fgd/internal/exit"
	syncv1 "fgdsync.dev/proto/fgd/sync/v1"
)

func newRestore(env Environment) *cobra.Command {
	t, options := newTarget(env), &syncv1.SyncOptions{}
	var asOf time.Time
	cmd := &cobra.Command{
		Use:   "restore (FABRIC | --repo URL|PATH --branch B --dir D) (--commit X | --as-of TIME) [PATH…]",
		Short: "Sync, and make files and folders what they were",
		Long: `Makes managed/, or the files and folders that are named, what they were at an earlier commit of the branch, or at a
time, and syncs: what comes back is validated like anything else, and published as one new commit. History is never
rewritten.

A path that was not there then is taken away. .hnp/ can't be restored: its logs only grow.`,
		Annotations: map[string]string{publishes: "yes"},
		RunE: func(cmd *cobra.Command, args []string) error {
			if (options.GetRestoreCommit() == "") == asOf.IsZero() {
				return exit.Misuse(errors.New("say --commit or --as-of, and not both"))
			}
			if asOf.IsZero() {
				if err := checkCommit("--commit", options.GetRestoreCommit()); err != nil {
					return err
				}
			}
			options.RestorePaths = t.words(args)
			return t.sync(cmd.Context(), options, asOf)
		},
	}
	t.addFlags(cmd)
	t.addIdentityFlags(cmd, options)
	t.eitherWay(cmd, 0, noLimit, "PATH")
	t.addStatFlag(cmd)
	flags := cmd.Flags()
	flags.StringVar(&options.RestoreCommit, "commit", "", "as of this `commit` of the branch: its id, the first digits of it, or HEAD~N")
	flags.TimeVar(&asOf, "as-of", time.Time{}, timeFormats(), "as of this `time`")
	flags.BoolVar(&options.ValidateOnly, "dry-run", false, dryRunUsage)
	flags.BoolVar(&options.Force, "force", false, forceUsage)
	return cmd
}
