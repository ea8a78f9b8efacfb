package cli

import (
	"context"
	"time"

	"github.com/spf13/cobra"
	"google.golang.org/protobuf/types/known/timestamppb"

	"fgdsync.dev/cmd/fgd/internal/exit"
	"fgdsync.dev/cmd/fgd/internal/local"
	"fgdsync.dev/cmd/fgd/internal/render"
	"fgdsync.dev/libs/errs"
	gitv1 "fgdsync.dev/proto/fgd/git/v1"
)

// timeFormats are what the flags for times take; what has no zone is UTC, and a date alone is its first moment.
func timeFormats() []string { return []string{time.RFC3339, time.DateTime, time.DateOnly} }

const (
	defaultCommits = 50
	mostCommits    = 20_000
)

func newHistory(env Environment) *cobra.Command {
	t, request := newTarget(env), &gitv1.ListCommitsRequest{}
	var since, until time.Time
	cmd := &cobra.Command{
		Use:   "history [PATH…] --repo URL|PATH --branch B --dir D",
		Short: "List the commits that changed the directory, newest first",
		Long: `Lists the commits that changed the directory, or files and folders in it, newest first: who made each, when, what it
changed, and which sync it was. They are those of git log for a path.`,
		RunE: func(cmd *cobra.Command, args []string) error {
			if request.GetLimit() < 1 || request.GetLimit() > mostCommits {
				return exit.Misuse(errs.New(errs.InvalidRequest, "--limit is %d; allowed is 1 to %d.", request.GetLimit(),
					mostCommits))
			}
			request.Paths, request.Since, request.Until = args, timestamp(since), timestamp(until)
			return t.run(cmd.Context(), func(ctx context.Context, s *local.Session) error { return t.history(ctx, s, request) })
		},
	}
	t.addFlags(cmd)
	flags := cmd.Flags()
	flags.TimeVar(&since, "since", time.Time{}, timeFormats(), "end at the first commit before this `time`")
	flags.TimeVar(&until, "until", time.Time{}, timeFormats(), "leave out commits after this `time`")
	flags.Int32Var(&request.Limit, "limit", defaultCommits, "at most this `number` of commits")
	flags.StringVar(&request.PageToken, "page-token", "", "go on where another answer ended")
	flags.BoolVar(&request.FirstParent, "first-parent", false, "follow only the first parent of a merge")
	return cmd
}

// timestamp returns a time as the contracts have it, or nothing when there is none.
func timestamp(at time.Time) *timestamppb.Timestamp {
	if at.IsZero() {
		return nil
	}
	return timestamppb.New(at)
}

func (t *target) history(ctx context.Context, s *local.Session, request *gitv1.ListCommitsRequest) error {
	list, err := s.Commits(ctx, request)
	if err != nil {
		return err
	}
	unbounded := request.GetSince() == nil && request.GetUntil() == nil && request.GetPageToken() == ""
	if len(list.GetCommits()) == 0 && len(request.GetPaths()) > 0 && unbounded && !list.GetTruncated() {
		return local.NoSuchPath(request.GetPaths()...)
	}
	return t.print(render.NewCommits(list), func() { render.Commits(t.env.results(), list) })
}
