package cli

import (
	"context"
	"errors"

	"github.com/spf13/cobra"

	"fgdsync.dev/cmd/fgd/internal/exit"
	"fgdsync.dev/cmd/fgd/internal/local"
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
		Use: "list --repo URL|PATH --branch B --dir D", Short: "List what is in quarantine, and why", Args: noArguments,
		RunE: func(cmd *cobra.Command, _ []string) error { return t.run(cmd.Context(), t.listQuarantine) },
	}
	t.addFlags(cmd)
	return cmd
}

func (t *target) listQuarantine(ctx context.Context, s *local.Session) error {
	list, err := s.Quarantined(ctx)
	if err != nil {
		return err
	}
	return t.print(render.NewQuarantine(list), func() { render.Quarantine(t.env.results(), list) })
}

func newQuarantineShow(env Environment) *cobra.Command {
	t := newTarget(env)
	cmd := &cobra.Command{
		Use: "show PATH --repo URL|PATH --branch B --dir D", Short: "Show a file in quarantine",
		Args: arguments(1, 1, "PATH"),
		RunE: func(cmd *cobra.Command, args []string) error {
			return t.run(cmd.Context(), func(ctx context.Context, s *local.Session) error {
				return t.showQuarantined(ctx, s, args[0])
			})
		},
	}
	t.addFlags(cmd)
	return cmd
}

func (t *target) showQuarantined(ctx context.Context, s *local.Session, path string) error {
	file, content, err := s.QuarantinedFile(ctx, path, !t.json)
	if err != nil {
		return err
	}
	return t.print(render.NewQuarantinedFile(file), func() { render.QuarantinedFile(t.env.results(), file, content) })
}

func newQuarantineRetry(env Environment) *cobra.Command {
	t, options := newTarget(env), &syncv1.SyncOptions{}
	cmd := &cobra.Command{
		Use: "retry PATH… | --all --repo URL|PATH --branch B --dir D", Short: "Sync, and judge files in quarantine again",
		RunE: func(cmd *cobra.Command, args []string) error {
			if (len(args) > 0) == options.GetRetryQuarantined() {
				return exit.Misuse(errors.New("name files, or say --all, and not both"))
			}
			options.RetryPaths = args
			return t.sync(cmd.Context(), options)
		},
	}
	t.addSyncFlags(cmd, options)
	cmd.Flags().BoolVar(&options.RetryQuarantined, "all", false, "all files in quarantine")
	return cmd
}

func newQuarantineRelease(env Environment) *cobra.Command {
	t, options := newTarget(env), &syncv1.SyncOptions{}
	cmd := &cobra.Command{
		Use:   "release PATH… --repo URL|PATH --branch B --dir D",
		Short: "Sync, and put files back to where they came from, to be left alone there",
		Args:  arguments(1, noLimit, "PATH"),
		RunE: func(cmd *cobra.Command, args []string) error {
			options.ReleasePaths = args
			return t.sync(cmd.Context(), options)
		},
	}
	t.addSyncFlags(cmd, options)
	return cmd
}
