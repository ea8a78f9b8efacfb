package cli

import (
	"context"
	"errors"
	"strings"
	"time"
	"unicode"

	"github.com/spf13/cobra"
	"google.golang.org/protobuf/types/known/timestamppb"

	gitv1 "fgdsync.dev/proto/fgd/git/v1"
)

func newRestore(env Environment) *cobra.Command {
	o := syncOptions{}
	var asOf time.Time
	cmd := &cobra.Command{
		Use:   "restore --commit X | --as-of TIME [PATH…] --repo URL|PATH --branch B --dir D",
		Short: "Sync, and make files and folders what they were",
		Long: `Makes managed/, or the files and folders that are named, what they were at an earlier commit of the branch, or at a time, and
syncs: what comes back is validated like anything else, and published as one new commit. History is never rewritten.

A path that was not there then is taken away. .hnp/ can't be restored: its logs only grow.`,
		RunE: func(cmd *cobra.Command, args []string) error {
			if (o.restoreCommit == "") == asOf.IsZero() {
				return usage{errors.New("say --commit or --as-of, and not both")}
			}
			o.restorePaths = args
			return o.inSuite(cmd.Context(), env, func(ctx context.Context, s *session) error { return s.restore(ctx, o, asOf) })
		},
	}
	o.addFlags(cmd)
	flags := cmd.Flags()
	flags.StringVar(&o.restoreCommit, "commit", "", "as of this `commit` of the branch, with all its 40 digits")
	flags.TimeVar(&asOf, "as-of", time.Time{}, timeFormats, "as of this `time`")
	flags.BoolVar(&o.dryRun, "dry-run", false, "print the diff and commit nothing")
	flags.BoolVar(&o.force, "force", false, "go on although many resources would be removed (FGD_3005)")
	return cmd
}

func (s *session) restore(ctx context.Context, o syncOptions, asOf time.Time) error {
	if o.restoreCommit == "" {
		open := &gitv1.OpenSnapshotRequest{At: &gitv1.OpenSnapshotRequest_AtTime{AtTime: timestamppb.New(asOf)}}
		err := s.atSnapshot(ctx, open, func(then *gitv1.Snapshot) error {
			o.restoreCommit = then.GetCommit()
			return nil
		})
		if err != nil {
			return err
		}
	}
	return asUsage(s.sync(ctx, o))
}

// printable keeps what others wrote into a commit from moving the cursor of a terminal.
func printable(text string) string {
	return strings.Map(func(r rune) rune {
		if !unicode.IsPrint(r) {
			return ' '
		}
		return r
	}, text)
}
