package cli

import (
	"context"
	"regexp"

	"github.com/spf13/cobra"

	"fgdsync.dev/cmd/fgd/internal/exit"
	"fgdsync.dev/cmd/fgd/internal/render"
	"fgdsync.dev/libs/errs"
	bridgev1 "fgdsync.dev/proto/fgd/bridge/v1"
)

var commitName = regexp.MustCompile(`^(HEAD|@|[0-9a-f]{4,40})([~^][0-9]{0,5})*$`)

// checkCommit refuses what can't name a commit, by the name that the command line has for it.
func checkCommit(name, text string) error {
	if commitName.MatchString(text) {
		return nil
	}
	return exit.Misuse(errs.New(errs.InvalidRequest, "%s is %q, which is no name of a commit.", name, text).
		WithRemedy("Give the id of a commit of the branch, its first digits, or HEAD~N; fgd history lists them."))
}

func newDiff(env Environment) *cobra.Command {
	t, request, differs := newTarget(env), &bridgev1.DiffDirectoryRequest{}, false
	cmd := &cobra.Command{
		Use:   "diff (FABRIC | --repo URL|PATH --branch B --dir D) FROM [TO]",
		Short: "Show what differs in the directory between two commits",
		Long: `Shows what differs in the directory between two commits of the branch; without TO, between one and the branch
head. A commit is named by its id, the first digits of it, or HEAD~N.`,
		RunE: func(cmd *cobra.Command, args []string) error {
			commits := t.words(args)
			for i, commit := range commits {
				if err := checkCommit([]string{"FROM", "TO"}[i], commit); err != nil {
					return err
				}
			}
			request.From = commits[0]
			if len(commits) > 1 {
				request.To = commits[1]
			}
			return t.run(cmd.Context(), func(ctx context.Context, d directory) error { return t.diff(ctx, d, request, differs) })
		},
	}
	t.addFlags(cmd)
	t.eitherWay(cmd, 1, 2, "commit") //nolint:mnd // one commit or two
	t.addStatFlag(cmd)
	cmd.Flags().StringArrayVar(&request.Path, "path", nil,
		"only this `file` or folder of the directory; may be given several times")
	cmd.Flags().BoolVar(&differs, "exit-code", false, "end with 3 when something differs")
	return cmd
}

func (t *target) diff(ctx context.Context, d directory, request *bridgev1.DiffDirectoryRequest, tell bool) error {
	found, err := d.Diff(ctx, request)
	if err != nil {
		return err
	}
	err = t.print(found, func() {
		t.env.paged(ctx, func(s *render.Screen) { render.Diff(s, found, t.stat) })
	})
	if err == nil && tell && found.GetFilesCreated()+found.GetFilesUpdated()+found.GetFilesRemoved() > 0 {
		return exit.Code(exit.Findings)
	}
	return err
}
