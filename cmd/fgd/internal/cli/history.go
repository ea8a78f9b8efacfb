package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"
	"google.golang.org/protobuf/types/known/timestamppb"

	bridgev1 "fgdsync.dev/proto/fgd/bridge/v1"
	gitv1 "fgdsync.dev/proto/fgd/git/v1"
)

// timeFormats are what the flags for times take; what has no zone is UTC, and a date alone is its first moment.
var timeFormats = []string{time.RFC3339, time.DateTime, time.DateOnly}

const defaultCommits = 50

type historyOptions struct {
	target
	since, until time.Time
	limit        int32
	pageToken    string
	firstParent  bool
}

func newHistory(env Environment) *cobra.Command {
	o := historyOptions{}
	cmd := &cobra.Command{
		Use:   "history [PATH…] --repo URL|PATH --branch B --dir D",
		Short: "List the commits that changed the directory, newest first",
		Long: `Lists the commits that changed the directory, or files and folders in it, newest first: who made each, when, what it changed,
and which sync it was. They are those of git log for a path.`,
		RunE: func(cmd *cobra.Command, args []string) error {
			return o.inSuite(cmd.Context(), env, func(ctx context.Context, s *session) error { return s.history(ctx, o, args) })
		},
	}
	o.addFlags(cmd)
	flags := cmd.Flags()
	flags.TimeVar(&o.since, "since", time.Time{}, timeFormats, "end at the first commit before this `time`")
	flags.TimeVar(&o.until, "until", time.Time{}, timeFormats, "leave out commits after this `time`")
	flags.Int32Var(&o.limit, "limit", defaultCommits, "at most `so many`")
	flags.StringVar(&o.pageToken, "page-token", "", "go on where another answer ended")
	flags.BoolVar(&o.firstParent, "first-parent", false, "follow only the first parent of a merge")
	return cmd
}

// atSnapshot opens a snapshot of the directory for as long as look takes.
func (s *session) atSnapshot(ctx context.Context, open *gitv1.OpenSnapshotRequest,
	look func(*gitv1.Snapshot) error,
) (err error) {
	if open.Location, _, err = s.location(ctx); err != nil {
		return err
	}
	repositories := gitv1.NewRepositoryServiceClient(s.s.Conn())
	opened, err := repositories.OpenSnapshot(ctx, open)
	if err != nil {
		return err
	}
	defer func() {
		_, closeErr := repositories.CloseSnapshot(context.WithoutCancel(ctx),
			&gitv1.CloseSnapshotRequest{SnapshotId: opened.GetSnapshot().GetSnapshotId()})
		err = errors.Join(err, closeErr)
	}()
	return look(opened.GetSnapshot())
}

func (s *session) history(ctx context.Context, o historyOptions, paths []string) error {
	req := &gitv1.ListCommitsRequest{Paths: paths, Limit: o.limit, PageToken: o.pageToken, FirstParent: o.firstParent}
	if !o.since.IsZero() {
		req.Since = timestamppb.New(o.since)
	}
	if !o.until.IsZero() {
		req.Until = timestamppb.New(o.until)
	}
	return s.atSnapshot(ctx, &gitv1.OpenSnapshotRequest{}, func(snapshot *gitv1.Snapshot) error {
		req.SnapshotId = snapshot.GetSnapshotId()
		found, err := s.commits(ctx, req)
		if err != nil {
			return asUsage(err)
		}
		if s.t.json {
			return printJSON(s.env.Stdout, found)
		}
		for _, commit := range found.GetCommits() {
			printCommit(s.env.Stdout, commit)
		}
		if found.GetNextPageToken() != "" {
			printf(s.env, "more: --page-token %s\n", found.GetNextPageToken())
		}
		if found.GetTruncated() {
			printf(s.env, "There are older commits, which could not be followed.\n")
		}
		return nil
	})
}

// commits puts a whole answer into one message.
func (s *session) commits(ctx context.Context, req *gitv1.ListCommitsRequest) (*gitv1.ListCommitsResponse, error) {
	stream, err := gitv1.NewHistoryServiceClient(s.s.Conn()).ListCommits(ctx, req)
	if err != nil {
		return nil, err
	}
	out := &gitv1.ListCommitsResponse{}
	for {
		part, err := stream.Recv()
		if errors.Is(err, io.EOF) {
			return out, nil
		}
		if err != nil {
			return nil, err
		}
		out.Commits = append(out.Commits, part.GetCommits()...)
		out.NextPageToken, out.Truncated = part.GetNextPageToken(), part.GetTruncated()
	}
}

func printCommit(w io.Writer, c *gitv1.Commit) {
	when := "-"
	if c.GetCommitTime() != nil {
		when = c.GetCommitTime().AsTime().Format("2006-01-02 15:04:05 UTC")
	}
	table := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	row := func(name, format string, args ...any) { fmt.Fprintf(table, name+"\t"+format+"\n", args...) }
	row("commit", "%s", c.GetCommit())
	row("who", "%s <%s>", printable(c.GetAuthor().GetName()), printable(c.GetAuthor().GetEmail()))
	row("when", "%s", when)
	row("what", "%s", printable(c.GetSubject()))
	row("files", "%d created, %d updated, %d removed", c.GetCounts().GetCreated(), c.GetCounts().GetUpdated(),
		c.GetCounts().GetRemoved())
	if c.GetSyncId() != "" {
		row("sync", "%s (%s, for %s)", printable(c.GetSyncId()), printable(c.GetTrigger()), printable(c.GetRequestedBy()))
	}
	_ = table.Flush()
	fmt.Fprintln(w)
}

func newDiff(env Environment) *cobra.Command {
	t := &target{}
	var paths []string
	cmd := &cobra.Command{
		Use:   "diff FROM [TO] --repo URL|PATH --branch B --dir D",
		Short: "Show what differs in the directory between two commits",
		Long:  `Shows what differs in the directory between two commits of the branch; without TO, between one and the branch head.`,
		Args:  cobra.RangeArgs(1, 2), //nolint:mnd // one commit or two
		RunE: func(cmd *cobra.Command, args []string) error {
			req := &gitv1.DiffCommitsRequest{FromCommit: args[0], Paths: paths}
			if len(args) > 1 {
				req.ToCommit = args[1]
			}
			return t.inSuite(cmd.Context(), env, func(ctx context.Context, s *session) error { return s.diff(ctx, req) })
		},
	}
	t.addFlags(cmd)
	cmd.Flags().StringArrayVar(&paths, "path", nil,
		"only this `file` or folder of the directory; may be given several times")
	return cmd
}

func (s *session) diff(ctx context.Context, req *gitv1.DiffCommitsRequest) error {
	return s.atSnapshot(ctx, &gitv1.OpenSnapshotRequest{}, func(snapshot *gitv1.Snapshot) error {
		req.SnapshotId = snapshot.GetSnapshotId()
		out := &bridgev1.DiffDirectoryResponse{FromSha: req.GetFromCommit(), ToSha: req.GetToCommit()}
		if out.GetToSha() == "" {
			out.ToSha = snapshot.GetCommit()
		}
		if err := s.readDiff(ctx, req, out); err != nil {
			return asUsage(err)
		}
		if s.t.json {
			return printJSON(s.env.Stdout, out)
		}
		printf(s.env, "%sfiles: %d created, %d updated, %d removed\n", out.GetDiff(), out.GetFilesCreated(),
			out.GetFilesUpdated(), out.GetFilesRemoved())
		return nil
	})
}

func (s *session) readDiff(ctx context.Context, req *gitv1.DiffCommitsRequest,
	out *bridgev1.DiffDirectoryResponse,
) error {
	stream, err := gitv1.NewHistoryServiceClient(s.s.Conn()).DiffCommits(ctx, req)
	if err != nil {
		return err
	}
	for {
		part, err := stream.Recv()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		if counts := part.GetCounts(); counts != nil {
			out.FilesCreated, out.FilesUpdated, out.FilesRemoved = counts.GetCreated(), counts.GetUpdated(), counts.GetRemoved()
		}
		out.Diff += part.GetDiff()
	}
}
