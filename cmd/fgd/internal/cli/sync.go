package cli

import (
	"context"

	"github.com/spf13/cobra"

	"fgdsync.dev/cmd/fgd/internal/exit"
	"fgdsync.dev/cmd/fgd/internal/local"
	"fgdsync.dev/cmd/fgd/internal/render"
	bridgev1 "fgdsync.dev/proto/fgd/bridge/v1"
	syncv1 "fgdsync.dev/proto/fgd/sync/v1"
)

const (
	dryRunUsage = "print the diff and commit nothing"
	forceUsage  = "go on although many resources would be removed (FGD_3005)"
)

func newSync(env Environment) *cobra.Command {
	t, options := newTarget(env), &syncv1.SyncOptions{}
	cmd := &cobra.Command{
		Use: "sync --repo URL|PATH --branch B --dir D", Short: "Sync one fabric directory once",
		Long: `Runs one sync of one directory through the same five services as fgd up, in this process.

Credentials come from ` + local.EnvToken + `, or ` + local.EnvUsername + ` and ` + local.EnvPassword + `,
or from --credentials-file; a URL with credentials in it is refused.

The fabric is the one that the manifest in the directory names, or a new one where there is none. A directory that is
not there is made with --init alone.

Exit codes: 0 done (also when nothing changed), 1 failed, 2 called wrongly, 3 done, and there are errors to mend,
130 interrupted.`,
		Args: noArguments,
		RunE: func(cmd *cobra.Command, _ []string) error { return t.sync(cmd.Context(), options) },
	}
	t.addSyncFlags(cmd, options)
	t.addStatFlag(cmd)
	flags := cmd.Flags()
	flags.BoolVar(&t.Init, "init", false, "make the directory when it is not there")
	flags.BoolVar(&options.ValidateOnly, "dry-run", false, dryRunUsage)
	flags.BoolVar(&options.RetryQuarantined, "retry-quarantined", false, "judge the files in unmanaged/ again")
	flags.BoolVar(&options.Force, "force", false, forceUsage)
	return cmd
}

// sync runs a sync to its end and says how that was.
func (t *target) sync(ctx context.Context, options *syncv1.SyncOptions) error {
	if err := t.checkSync(options); err != nil {
		return err
	}
	return t.run(ctx, func(ctx context.Context, s *local.Session) error { return t.syncIn(ctx, s, options) })
}

func (t *target) syncIn(ctx context.Context, s *local.Session, options *syncv1.SyncOptions) error {
	status, err := s.Sync(ctx, options, t.bar.Show)
	if err != nil {
		return err
	}
	asked := t.asked(options)
	if asked.Plan, asked.Diff, err = s.Details(ctx, status); err != nil {
		return err
	}
	document, err := render.NewSync(status, asked.Plan, asked.Diff)
	if err != nil {
		return err
	}
	if err := t.document(document, func() { render.Sync(t.env.results(), status, asked) }); err != nil {
		return err
	}
	return outcome(status)
}

// outcome returns the exit code of a sync that ended, as an error: it is 0 only when nothing was quarantined and there
// is no error to tell of.
func outcome(status *bridgev1.SyncStatus) error {
	switch {
	case status.GetState() != "completed":
		return exit.Code(exit.Failed)
	case status.GetResult().GetFilesQuarantined() > 0, len(status.GetErrors()) > 0:
		return exit.Code(exit.Findings)
	}
	return nil
}
