package cli

import (
	"context"
	"time"

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
		Use: "sync --repo URL|PATH --branch B --dir D", Short: "Sync one fabric directory once, or look after syncs",
		Long: `Runs one sync of one directory through the same five services as fgd up, in this process. The commands below are about
the syncs of a running system.

Credentials come from ` + local.EnvToken + `, or ` + local.EnvUsername + ` and ` + local.EnvPassword + `,
or from --credentials-file; a URL with credentials in it is refused.

The fabric is the one that the manifest in the directory names, or a new one where there is none. A directory that is
not there is made with --init alone.

Exit codes: 0 done (also when nothing changed), 1 failed, 2 called wrongly, 3 done, and there are errors to mend,
130 interrupted.`,
		Args: noArguments, Annotations: map[string]string{publishes: "yes"},
		RunE: func(cmd *cobra.Command, _ []string) error { return t.sync(cmd.Context(), options, time.Time{}) },
	}
	t.addFlags(cmd)
	t.addIdentityFlags(cmd, options)
	t.addStatFlag(cmd)
	cmd.Flags().BoolVar(&t.Init, "init", false, "make the directory when it is not there")
	addOptionFlags(cmd, options)
	cmd.AddCommand(newSyncStart(env), newSyncList(env), newSyncShow(env), newSyncWatch(env), newSyncCancel(env))
	return cmd
}

// addOptionFlags adds those of how a sync is done, wherever it is.
func addOptionFlags(cmd *cobra.Command, options *syncv1.SyncOptions) {
	flags := cmd.Flags()
	flags.BoolVar(&options.ValidateOnly, "dry-run", false, dryRunUsage)
	flags.BoolVar(&options.RetryQuarantined, "retry-quarantined", false, "judge the files in unmanaged/ again")
	flags.BoolVar(&options.Force, "force", false, forceUsage)
}

// sync runs a sync to its end, which restores what was there at a time where one is given, and says how that was.
func (t *target) sync(ctx context.Context, options *syncv1.SyncOptions, asOf time.Time) error {
	if err := t.checkSync(options); err != nil {
		return err
	}
	return t.run(ctx, func(ctx context.Context, d directory) error {
		id, err := d.Start(ctx, options, asOf)
		if err != nil {
			return err
		}
		return t.follow(ctx, d, id)
	})
}

// follow shows the progress of a sync until it has ended, and says how that was.
func (t *target) follow(ctx context.Context, d directory, id string) error {
	status, err := d.Follow(ctx, id, t.bar.Show)
	if err != nil {
		return err
	}
	if err := t.show(ctx, d, status); err != nil {
		return err
	}
	return outcome(status)
}

// detailed is where details of a sync come from.
type detailed interface {
	Details(ctx context.Context, status *bridgev1.SyncStatus) (plan *bridgev1.Plan, diff string, err error)
}

// show says how a sync is, and what it did or would do.
func (t *target) show(ctx context.Context, d detailed, status *bridgev1.SyncStatus) (err error) {
	asked := t.asked()
	if asked.Plan, asked.Diff, err = d.Details(ctx, status); err != nil {
		return err
	}
	document, err := render.NewSync(status, asked.Plan, asked.Diff)
	if err != nil {
		return err
	}
	return t.print(document, func() { render.Sync(t.results(), status, asked) })
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
