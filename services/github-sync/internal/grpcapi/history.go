package grpcapi

import (
	"context"
	"encoding/base64"
	"slices"
	"strings"
	"time"

	"github.com/go-git/go-git/v5/plumbing"
	"google.golang.org/grpc"
	"google.golang.org/protobuf/types/known/timestamppb"

	"fgdsync.dev/libs/errs"
	"fgdsync.dev/libs/layout"
	gitv1 "fgdsync.dev/proto/fgd/git/v1"
	"fgdsync.dev/services/github-sync/internal/object"
	"fgdsync.dev/services/github-sync/internal/snapshot"
)

const (
	defaultCommits = 100
	maxCommits     = 20_000
	commitBatch    = 100
	maxMessage     = 16 << 10
)

// Histories serves HistoryService.
type Histories struct {
	gitv1.UnsafeHistoryServiceServer
	holder *snapshot.Holder
}

var _ gitv1.HistoryServiceServer = (*Histories)(nil)

// NewHistories returns the service over the held snapshots.
func NewHistories(holder *snapshot.Holder) *Histories { return &Histories{holder: holder} }

// ListCommits lists commits.
func (h *Histories) ListCommits(req *gitv1.ListCommitsRequest,
	stream grpc.ServerStreamingServer[gitv1.ListCommitsResponse],
) error {
	limit := int(req.GetLimit())
	switch {
	case limit == 0:
		limit = defaultCommits
	case limit < 0 || limit > maxCommits:
		return errs.New(errs.InvalidRequest, "limit is %d; allowed is 1 to %d.", limit, maxCommits)
	}
	s, err := h.holder.Get(req.GetSnapshotId())
	if err != nil {
		return err
	}
	query, err := queryOf(req)
	if err != nil {
		return err
	}
	from, walk, err := begin(stream.Context(), s, query, req.GetPageToken())
	if err != nil {
		return err
	}
	l := &listing{s: s, req: req, stream: stream, next: &gitv1.ListCommitsResponse{}}
	last, err := l.list(walk, limit)
	if err != nil {
		return err
	}
	if !last.IsZero() && !walk.Done() {
		l.next.NextPageToken = pageToken(from, last)
	}
	l.next.Truncated = walk.Cut
	return stream.Send(l.next)
}

func queryOf(req *gitv1.ListCommitsRequest) (snapshot.Query, error) {
	query := snapshot.Query{Paths: req.GetPaths(), FirstParent: req.GetFirstParent()}
	for name, field := range map[string]struct {
		sent *timestamppb.Timestamp
		to   *time.Time
	}{"since": {req.GetSince(), &query.Since}, "until": {req.GetUntil(), &query.Until}} {
		if field.sent == nil {
			continue
		}
		if !field.sent.IsValid() {
			return query, errs.New(errs.InvalidRequest, "%s is no time.", name)
		}
		*field.to = field.sent.AsTime()
	}
	return query, nil
}

// begin starts a walk at the snapshot's commit, or goes on after the last commit of the page before. That walk is the
// one of the page before, from the same commit, also when the branch has moved since.
func begin(ctx context.Context, s *snapshot.Snapshot, query snapshot.Query, token string) (from plumbing.Hash,
	walk *snapshot.Walk, err error,
) {
	if token == "" {
		walk, err = s.History(s.Commit, query)
		return s.Commit, walk, err
	}
	from, last, err := parsePageToken(token)
	if err != nil {
		return from, nil, err
	}
	if _, err := s.Ancestor(ctx, from); err != nil {
		if errs.HasCode(err, errs.CommitNotFound) {
			err = errs.New(errs.CommitNotFound, "The branch %s was rewritten since the page before.", s.Branch).
				WithRemedy("Begin again, without a page token.")
		}
		return from, nil, err
	}
	if walk, err = s.History(from, query); err != nil {
		return from, nil, err
	}
	for {
		c, err := walk.Next(ctx)
		switch {
		case err != nil:
			return from, nil, err
		case c == nil:
			return from, nil, badPageToken()
		case c.ID == last:
			return from, walk, nil
		}
	}
}

func pageToken(from, last plumbing.Hash) string {
	return base64.RawURLEncoding.EncodeToString(slices.Concat(from[:], last[:]))
}

func parsePageToken(token string) (from, last plumbing.Hash, err error) {
	raw, err := base64.RawURLEncoding.DecodeString(token)
	if err != nil || len(raw) != len(from)+len(last) {
		return from, last, badPageToken()
	}
	copy(from[:], raw)
	copy(last[:], raw[len(from):])
	return from, last, nil
}

func badPageToken() error {
	return errs.New(errs.InvalidRequest, "The page token is none that was given out for this question.").
		WithRemedy("Send the token of the page before, with all else the same, or begin again without one.")
}

// listing is an answer under way.
type listing struct {
	s      *snapshot.Snapshot
	req    *gitv1.ListCommitsRequest
	stream grpc.ServerStreamingServer[gitv1.ListCommitsResponse]
	next   *gitv1.ListCommitsResponse
	size   int // of next: messages in bytes, and changes
}

// list sends the next commits, so many at most, and keeps the last message back. It gives the last commit when there
// may be more.
func (l *listing) list(walk *snapshot.Walk, limit int) (last plumbing.Hash, err error) {
	for range limit {
		c, err := walk.Next(l.stream.Context())
		if err != nil || c == nil {
			return plumbing.ZeroHash, err
		}
		last = c.ID
		pairs, err := l.s.Changes(l.stream.Context(), c, l.req.GetPaths())
		if err != nil {
			return last, err
		}
		commit := toCommit(c)
		commit.Counts = counts(pairs)
		if !l.req.GetWithChanges() {
			pairs = nil
		}
		if err := l.add(commit, pairs); err != nil {
			return last, err
		}
	}
	return last, nil
}

// add puts a commit into the next message, and what is too much for it into those that follow.
func (l *listing) add(commit *gitv1.Commit, pairs []snapshot.Pair) error {
	for {
		n := min(len(pairs), listBatch)
		for _, p := range pairs[:n] {
			commit.Changes = append(commit.Changes, toFileChange(p))
		}
		l.next.Commits = append(l.next.Commits, commit)
		l.size += len(commit.GetMessage()) + n
		if len(l.next.GetCommits()) >= commitBatch || l.size >= readBatch || n == listBatch {
			if err := l.stream.Send(l.next); err != nil {
				return err
			}
			l.next, l.size = &gitv1.ListCommitsResponse{}, 0
		}
		if pairs = pairs[n:]; len(pairs) == 0 {
			return nil
		}
		commit = &gitv1.Commit{Commit: commit.GetCommit()}
	}
}

func toCommit(c *snapshot.Commit) *gitv1.Commit {
	out := &gitv1.Commit{
		Commit: c.ID.String(), Author: toSignature(c.Author), AuthorTime: toTime(c.Author.Time),
		Committer: toSignature(c.Committer), CommitTime: toTime(c.Committer.Time),
		Subject: text(c.Subject()), Message: text(c.Message),
		SyncId: text(c.Trailer(layout.TrailerSync)), Fabric: text(c.Trailer(layout.TrailerFabric)),
		Trigger: text(c.Trailer(layout.TrailerTrigger)), RequestedBy: text(c.Trailer(layout.TrailerRequester)),
	}
	for _, parent := range c.Parents {
		out.Parents = append(out.Parents, parent.String())
	}
	return out
}

func toSignature(s object.Signature) *gitv1.Signature {
	return &gitv1.Signature{Name: text(s.Name), Email: text(s.Email)}
}

// toTime leaves out what no timestamp can say, and the epoch, which stands for a time that was not there.
func toTime(t time.Time) *timestamppb.Timestamp {
	if sent := timestamppb.New(t); t.Unix() != 0 && sent.IsValid() {
		return sent
	}
	return nil
}

// text is what somebody wrote into a commit, cut at a limit. Git holds any bytes, and a message none but UTF-8.
func text(s string) string {
	return strings.ToValidUTF8(s[:min(len(s), maxMessage)], "\uFFFD")
}

// DiffCommits compares the directory at two commits.
func (h *Histories) DiffCommits(req *gitv1.DiffCommitsRequest,
	stream grpc.ServerStreamingServer[gitv1.DiffCommitsResponse],
) error {
	s, err := h.holder.Get(req.GetSnapshotId())
	if err != nil {
		return err
	}
	from, err := rootOf(stream.Context(), s, req.GetFromCommit())
	if err != nil {
		return err
	}
	to := s.Root
	if req.GetToCommit() != "" {
		if to, err = rootOf(stream.Context(), s, req.GetToCommit()); err != nil {
			return err
		}
	}
	pairs, err := s.Between(from, to, req.GetPaths())
	if err != nil {
		return err
	}
	if err := stream.Send(&gitv1.DiffCommitsResponse{Counts: counts(pairs)}); err != nil {
		return err
	}
	return sendDiff(s, pairs, func(piece string) error { return stream.Send(&gitv1.DiffCommitsResponse{Diff: piece}) })
}

// rootOf returns the tree of a commit of the branch.
func rootOf(ctx context.Context, s *snapshot.Snapshot, commit string) (plumbing.Hash, error) {
	id, err := parseID(commit)
	if err != nil {
		return id, err
	}
	info, err := s.Ancestor(ctx, id)
	return info.Tree, err
}

// RestoreTree brings paths back as they were.
func (h *Histories) RestoreTree(ctx context.Context, req *gitv1.RestoreTreeRequest) (*gitv1.RestoreTreeResponse,
	error,
) {
	s, err := h.holder.Get(req.GetSnapshotId())
	if err != nil {
		return nil, err
	}
	id, err := parseID(req.GetCommit())
	if err != nil {
		return nil, err
	}
	tree, err := s.Restore(ctx, id, req.GetPaths())
	if err != nil {
		return nil, err
	}
	return &gitv1.RestoreTreeResponse{Tree: tree.String()}, nil
}
