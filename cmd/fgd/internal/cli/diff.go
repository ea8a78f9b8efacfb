package cli

import (
	"context"
	"regexp"

	"github.com/spf13/cobra"

	"fgdsync.dev/cmd/fgd/internal/exit"
	"fgdsync.dev/cmd/fgd/internal/local"
	"fgdsync.dev/cmd/fgd/internal/render"
	"fgdsync.dev/libs/errs"
	gitv1 "fgdsync.dev/proto/fgd/git/v1"
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
	t, request := newTarget(env), &gitv1.DiffCommitsRequest{}
	cmd := &cobra.Command{
		Use:   "diff FROM [TO] --repo URL|PATH --branch B --dir D",
		Short: "Show what differs in the directory between two commits",
		Long: `Shows what differs in the directory between two commits of the branch; without TO, between one and the branch
head. A commit is named by its id, the first digits of it, or HEAD~N.`,
		Args: arguments(1, 2, "commit"), //nolint:mnd // one commit or two
		RunE: func(cmd *cobra.Command, args []string) error {
			for i, commit := range args {
				if err := checkCommit([]string{"FROM", "TO"}[i], commit); err != nil {
					return err
				}
			}
			request.FromCommit = args[0]
			if len(args) > 1 {
				request.ToCommit = args[1]
			}
			return t.run(cmd.Context(), func(ctx context.Context, s *local.Session) error { return t.diff(ctx, s, request) })
		},
	}
	t.addFlags(cmd)
	t.addStatFlag(cmd)
	cmd.Flags().StringArrayVar(&request.Paths, "path", nil,
		"only this `file` or folder of the directory; may be given several times")
	return cmd
}

func (t *target) diff(ctx context.Context, s *local.Session, request *gitv1.DiffCommitsRequest) error {
	found, err := s.Diff(ctx, request)
	if err != nil {
		return err
	}
	return t.print(found, func() { render.Diff(t.env.results(), found, t.stat) })
}
