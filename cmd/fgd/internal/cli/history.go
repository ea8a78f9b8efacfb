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
	bridgev1 "fgdsync.dev/proto/fgd/bridge/v1"
)

// timeFormats are what the flags for times take; what has no zone is UTC, and a date alone is its first moment.
func timeFormats() []string { return []string{time.RFC3339, time.DateTime, time.DateOnly} }

const (
	defaultCommits = 50
	mostCommits    = 20_000
)

func newHistory(env Environment) *cobra.Command {
	t, request := newTarget(env), &bridgev1.ListCommitsRequest{}
	var since, until time.Time
	cmd := &cobra.Command{
		Use:   "history (FABRIC | --repo URL|PATH --branch B --dir D) [PATH…]",
		Short: "List the commits that changed the directory, newest first",
		Long: `Lists the commits that changed the directory, or files and folders in it, newest first: who made each, when, what it
changed, and which sync it was. They are those of git log for a path.`,
		RunE: func(cmd *cobra.Command, args []string) error {
			if request.GetLimit() < 1 || request.GetLimit() > mostCommits {
				return exit.Misuse(errs.New(errs.InvalidRequest, "--limit is %d; allowed is 1 to %d.", request.GetLimit(),
					mostCommits))
			}
			request.Path, request.Since, request.Until = t.words(args), timestamp(since), timestamp(until)
			return t.run(cmd.Context(), func(ctx context.Context, d directory) error { return t.history(ctx, d, request) })
		},
	}
	t.addFlags(cmd)
	flags := cmd.Flags()
	flags.BoolVar(&t.FirstParent, "first-parent", false, "follow only the first parent of a merge")
	t.eitherWay(cmd, 0, noLimit, "PATH")
	flags.TimeVar(&since, "since", time.Time{}, timeFormats(), "end at the first commit before this `time`")
	flags.TimeVar(&until, "until", time.Time{}, timeFormats(), "leave out commits after this `time`")
	flags.Int32Var(&request.Limit, "limit", defaultCommits, "at most this `number` of commits")
	flags.StringVar(&request.PageToken, "page-token", "", "go on where another answer ended")
	return cmd
}

// timestamp returns a time as the contracts have it, or nothing when there is none.
func timestamp(at time.Time) *timestamppb.Timestamp {
	if at.IsZero() {
		return nil
	}
	return timestamppb.New(at)
}

func (t *target) history(ctx context.Context, d directory, request *bridgev1.ListCommitsRequest) error {
	list, err := d.Commits(ctx, request)
	if err != nil {
		return err
	}
	unbounded := request.GetSince() == nil && request.GetUntil() == nil && request.GetPageToken() == ""
	if len(list.GetCommits()) == 0 && len(request.GetPath()) > 0 && unbounded && !list.GetTruncated() {
		return local.NoSuchPath(request.GetPath()...)
	}
	if err := t.print(list, func() {
		t.env.paged(ctx, func(s *render.Screen) { render.Commits(s, list) })
	}); err != nil {
		return err
	}
	render.More(t.env.errors(), list.GetNextPageToken(), list.GetTruncated())
	return nil
}
