package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"fgdsync.dev/libs/errs"
	"fgdsync.dev/libs/gittree"
	gitv1 "fgdsync.dev/proto/fgd/git/v1"
	ingestionv1 "fgdsync.dev/proto/fgd/ingestion/v1"
	reportv1 "fgdsync.dev/proto/fgd/report/v1"
)

func newQuarantine(env Environment) *cobra.Command {
	root := &cobra.Command{
		Use: "quarantine", Short: "Look at what is in quarantine, and take it out",
		Long: `Files and documents that can't be ingested are in unmanaged/, each with its reason. Mend one in its place, and the next
sync takes it. Here you look at them, have them judged again as they are, or put them back to be left alone.`,
	}
	root.AddCommand(newQuarantineList(env), newQuarantineShow(env), newQuarantineRetry(env), newQuarantineRelease(env))
	return root
}

func newQuarantineList(env Environment) *cobra.Command {
	t := &target{}
	cmd := &cobra.Command{
		Use: "list --repo URL|PATH --branch B --dir D", Short: "List what is in quarantine, and why", Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return t.inSuite(cmd.Context(), env, func(ctx context.Context, s *session) error { return s.listQuarantine(ctx) })
		},
	}
	t.addFlags(cmd)
	return cmd
}

func newQuarantineShow(env Environment) *cobra.Command {
	t := &target{}
	cmd := &cobra.Command{
		Use: "show PATH --repo URL|PATH --branch B --dir D", Short: "Show a file in quarantine", Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			return t.inSuite(cmd.Context(), env, func(ctx context.Context,
				s *session,
			) error {
				return s.showQuarantined(ctx, args[0])
			})
		},
	}
	t.addFlags(cmd)
	return cmd
}

func newQuarantineRetry(env Environment) *cobra.Command {
	o := syncOptions{}
	cmd := &cobra.Command{
		Use: "retry PATH… | --all --repo URL|PATH --branch B --dir D", Short: "Sync, and judge files in quarantine again",
		RunE: func(cmd *cobra.Command, args []string) error {
			if (len(args) > 0) == o.retry {
				return usage{errors.New("name files, or say --all")}
			}
			o.retryPaths = args
			return o.inSuite(cmd.Context(), env, func(ctx context.Context, s *session) error { return s.sync(ctx, o) })
		},
	}
	o.addFlags(cmd)
	cmd.Flags().BoolVar(&o.retry, "all", false, "all files in quarantine")
	return cmd
}

func newQuarantineRelease(env Environment) *cobra.Command {
	o := syncOptions{}
	cmd := &cobra.Command{
		Use:   "release PATH… --repo URL|PATH --branch B --dir D",
		Short: "Sync, and put files back to where they came from, to be left alone there",
		Args:  cobra.MinimumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			o.releasePaths = args
			return o.inSuite(cmd.Context(), env, func(ctx context.Context, s *session) error { return s.sync(ctx, o) })
		},
	}
	o.addFlags(cmd)
	return cmd
}

// quarantined lists what is in quarantine at the branch head, for as long as look takes.
func (s *session) quarantined(ctx context.Context, look func(snapshotID string,
	list *ingestionv1.ListQuarantineResponse) error,
) error {
	return s.atSnapshot(ctx, &gitv1.OpenSnapshotRequest{}, func(snapshot *gitv1.Snapshot) error {
		list, err := ingestionv1.NewIngestionServiceClient(s.s.Conn()).ListQuarantine(ctx, &ingestionv1.ListQuarantineRequest{
			SnapshotId: snapshot.GetSnapshotId(), Tree: snapshot.GetTree(),
		})
		if err != nil {
			return err
		}
		return look(snapshot.GetSnapshotId(), list)
	})
}

func (s *session) listQuarantine(ctx context.Context) error {
	return s.quarantined(ctx, func(_ string, list *ingestionv1.ListQuarantineResponse) error {
		if s.t.json {
			return printJSON(s.env.Stdout, list)
		}
		for _, file := range list.GetFiles() {
			printQuarantined(s.env.Stdout, file)
		}
		printf(s.env, "in quarantine: %d\n", len(list.GetFiles()))
		return nil
	})
}

// printQuarantined prints a file as findings are printed.
func printQuarantined(w io.Writer, file *reportv1.QuarantinedFile) {
	reason := file.GetReason()
	if reason == nil {
		fmt.Fprintf(w, "%s: no log says why\n", file.GetPath())
		return
	}
	changed := ""
	if file.GetChanged() {
		changed = " [changed: the next sync judges it again]"
	}
	fmt.Fprintf(w, "%s%s %s: %s (%s)%s\n", position(file.GetPath(), reason.GetLine(), reason.GetColumn()),
		reason.GetCode(), reason.GetName(),
		reason.GetMessage(), reason.GetRemedy(), changed)
}

func (s *session) showQuarantined(ctx context.Context, path string) error {
	return s.quarantined(ctx, func(snapshotID string, list *ingestionv1.ListQuarantineResponse) error {
		for _, file := range list.GetFiles() {
			if file.GetPath() == path {
				return s.show(ctx, snapshotID, file)
			}
		}
		return errs.New(errs.NotInQuarantine, "There is no file %q in quarantine.", path)
	})
}

func (s *session) show(ctx context.Context, snapshotID string, file *reportv1.QuarantinedFile) error {
	if s.t.json {
		return printJSON(s.env.Stdout, file)
	}
	printQuarantined(s.env.Stdout, file)
	table := tabwriter.NewWriter(s.env.Stdout, 0, 0, 2, ' ', 0)
	fmt.Fprintf(table, "origin\t%s\nblob\t%s\ncommit\t%s\nsince\t%s\n\n", file.GetOrigin(), file.GetOriginBlobId(),
		file.GetOriginCommit(),
		file.GetQuarantinedAt().AsTime().Format("2006-01-02 15:04:05 UTC"))
	if err := table.Flush(); err != nil {
		return fmt.Errorf("print table: %w", err)
	}
	trees := gitv1.NewTreeServiceClient(s.s.Conn())
	return gittree.Read(ctx, trees, snapshotID, []string{file.GetBlobId()}, func(content []byte) error {
		printf(s.env, "%s", content)
		return nil
	})
}
