package cli

import (
	"context"
	"errors"
	"time"

	"github.com/spf13/cobra"

	"fgdsync.dev/cmd/fgd/internal/exit"
	"fgdsync.dev/cmd/fgd/internal/render"
	syncv1 "fgdsync.dev/proto/fgd/sync/v1"
)

func newQuarantine(env Environment) *cobra.Command {
	return group(&cobra.Command{
		Use: "quarantine", Short: "Look at what is in quarantine, and take it out",
		Long: `Files and documents that can't be ingested are in unmanaged/, each with its reason. Mend one in its place, and the
next sync takes it. Here you look at them, have them judged again as they are, or put them back to be left alone.`,
	}, newQuarantineList(env), newQuarantineShow(env), newQuarantineRetry(env), newQuarantineRelease(env))
}

func newQuarantineList(env Environment) *cobra.Command {
	t := newTarget(env)
	cmd := &cobra.Command{
		Use: "list FABRIC | --repo URL|PATH --branch B --dir D", Short: "List what is in quarantine, and why",
		RunE: func(cmd *cobra.Command, _ []string) error { return t.run(cmd.Context(), t.listQuarantine) },
	}
	t.addFlags(cmd)
	t.eitherWay(cmd, 0, 0, "")
	return cmd
}

func (t *target) listQuarantine(ctx context.Context, d directory) error {
	list, err := d.Quarantined(ctx)
	if err != nil {
		return err
	}
	return t.print(list, func() { render.Quarantine(t.env.results(), list) })
}

func newQuarantineShow(env Environment) *cobra.Command {
	t := newTarget(env)
	cmd := &cobra.Command{
		Use: "show (FABRIC | --repo URL|PATH --branch B --dir D) PATH", Short: "Show a file in quarantine",
		RunE: func(cmd *cobra.Command, args []string) error {
			return t.run(cmd.Context(), func(ctx context.Context, d directory) error {
				file, err := d.QuarantinedFile(ctx, t.words(args)[0])
				if err != nil {
					return err
				}
				return t.print(file, func() { render.QuarantinedFile(t.env.results(), file) })
			})
		},
	}
	t.addFlags(cmd)
	t.eitherWay(cmd, 1, 1, "PATH")
	return cmd
}

func newQuarantineRetry(env Environment) *cobra.Command {
	t, options := newTarget(env), &syncv1.SyncOptions{}
	cmd := &cobra.Command{
		Use:         "retry (FABRIC | --repo URL|PATH --branch B --dir D) (PATH… | --all)",
		Short:       "Sync, and judge files in quarantine again",
		Annotations: map[string]string{publishes: "yes"},
		RunE: func(cmd *cobra.Command, args []string) error {
			options.RetryPaths = t.words(args)
			if (len(options.GetRetryPaths()) > 0) == options.GetRetryQuarantined() {
				return exit.Misuse(errors.New("name files, or say --all, and not both"))
			}
			return t.sync(cmd.Context(), options, time.Time{})
		},
	}
	t.addFlags(cmd)
	t.addIdentityFlags(cmd, options)
	t.eitherWay(cmd, 0, noLimit, "PATH")
	cmd.Flags().BoolVar(&options.RetryQuarantined, "all", false, "all files in quarantine")
	return cmd
}

func newQuarantineRelease(env Environment) *cobra.Command {
	t, options := newTarget(env), &syncv1.SyncOptions{}
	cmd := &cobra.Command{
		Use:         "release (FABRIC | --repo URL|PATH --branch B --dir D) PATH…",
		Short:       "Sync, and put files back to where they came from, to be left alone there",
		Annotations: map[string]string{publishes: "yes"},
		RunE: func(cmd *cobra.Command, args []string) error {
			options.ReleasePaths = t.words(args)
			return t.sync(cmd.Context(), options, time.Time{})
		},
	}
	t.addFlags(cmd)
	t.addIdentityFlags(cmd, options)
	t.eitherWay(cmd, 1, noLimit, "PATH")
	return cmd
}
