package treeapi

import (
	"cmp"
	"context"
	"strconv"
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
	commitBatch    = 100
	maxMessage     = 16 << 10
)

// Histories serves HistoryService.
type Histories struct {
	gitv1.UnsafeHistoryServiceServer
	registry *snapshot.Registry
}

var _ gitv1.HistoryServiceServer = (*Histories)(nil)

// NewHistories returns the service over the held snapshots.
func NewHistories(registry *snapshot.Registry) *Histories { return &Histories{registry: registry} }

// ListCommits lists commits.
func (h *Histories) ListCommits(req *gitv1.ListCommitsRequest,
	stream grpc.ServerStreamingServer[gitv1.ListCommitsResponse],
) error {
	s, err := h.registry.Get(req.GetSnapshotId())
	if err != nil {
		return err
	}
	query, err := fromQuery(req)
	if err != nil {
		return err
	}
	from := s.Commit
	if req.GetFromCommit() != "" {
		from = plumbing.NewHash(req.GetFromCommit())
	}
	page, err := s.Page(stream.Context(), from, query, req.GetPageToken())
	if err != nil {
		return err
	}
	l := &listing{s: s, req: req, stream: stream, next: &gitv1.ListCommitsResponse{}}
	last, err := l.list(page.Walk, int(cmp.Or(req.GetLimit(), defaultCommits)))
	if err != nil {
		return err
	}
	if !last.IsZero() && !page.Done() {
		l.next.NextPageToken = page.Token(last)
	}
	l.next.Truncated = page.Cut
	return stream.Send(l.next)
}

func fromQuery(req *gitv1.ListCommitsRequest) (snapshot.Query, error) {
	query := snapshot.Query{Paths: req.GetPaths(), FirstParent: req.GetFirstParent()}
	for name, field := range map[string]struct {
		sent *timestamppb.Timestamp
		to   *time.Time
	}{"since": {req.GetSince(), &query.Since}, "until": {req.GetUntil(), &query.Until}} {
		if field.sent == nil {
			continue
		}
		if !field.sent.IsValid() {
			return query, errs.Field(name, "%s is no time.", name)
		}
		*field.to = field.sent.AsTime()
	}
	return query, nil
}

// listing is an answer under way.
type listing struct {
	s      *snapshot.Snapshot
	req    *gitv1.ListCommitsRequest
	stream grpc.ServerStreamingServer[gitv1.ListCommitsResponse]
	next   *gitv1.ListCommitsResponse
	size   int // of next: messages in bytes, and changes
}

// list sends the next commits, so many at most, and keeps the last message back. It returns the last commit when there
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
		commit.Counts = ToCounts(pairs)
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
		RequestedVia: text(c.Trailer(layout.TrailerVia)), EditedBy: text(c.Trailer(layout.TrailerEditor)),
	}
	for _, parent := range c.Parents {
		out.Parents = append(out.Parents, parent.String())
	}
	out.Origin = gitv1.ChangeOrigin_CHANGE_ORIGIN_GIT
	if out.GetSyncId() != "" { // what NetBox has to do with a commit, only a sync may say
		addOrigin(out, c.CommitInfo)
	}
	return out
}

// maxChangeIDs is how many numbers of changes in NetBox a sync writes into a commit at most.
const maxChangeIDs = 1000

// addOrigin says where the change of a sync's commit was made, as its trailers have it.
func addOrigin(out *gitv1.Commit, c object.CommitInfo) {
	out.NetboxRequestId = text(c.Trailer(layout.TrailerNetBoxRequest))
	for value := range c.Trailers(layout.TrailerNetBoxChange) {
		if id, err := strconv.ParseInt(value, 10, 64); err == nil && len(out.GetNetboxChangeIds()) < maxChangeIDs {
			out.NetboxChangeIds = append(out.NetboxChangeIds, id)
		}
	}
	switch {
	case out.GetNetboxRequestId() != "" || len(out.GetNetboxChangeIds()) > 0:
		out.Origin = gitv1.ChangeOrigin_CHANGE_ORIGIN_NETBOX
	case c.Trailer(layout.TrailerAction) != "":
		out.Origin = gitv1.ChangeOrigin_CHANGE_ORIGIN_API
	}
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
	s, err := h.registry.Get(req.GetSnapshotId())
	if err != nil {
		return err
	}
	from, old, err := rootOf(stream.Context(), s, "from_commit", req.GetFromCommit())
	if err != nil {
		return err
	}
	to, next := s.Commit, s.Root
	if req.GetToCommit() != "" {
		if to, next, err = rootOf(stream.Context(), s, "to_commit", req.GetToCommit()); err != nil {
			return err
		}
	}
	pairs, err := s.Between(old, next, req.GetPaths())
	if err != nil {
		return err
	}
	first := &gitv1.DiffCommitsResponse{Counts: ToCounts(pairs), FromCommit: from.String(), ToCommit: to.String()}
	if err := stream.Send(first); err != nil {
		return err
	}
	err = sendChanges(pairs, func(changes []*gitv1.FileChange) error {
		return stream.Send(&gitv1.DiffCommitsResponse{Changes: changes})
	})
	if err != nil {
		return err
	}
	return sendDiff(s, pairs, func(piece string) error { return stream.Send(&gitv1.DiffCommitsResponse{Diff: piece}) })
}

// rootOf returns a commit of the branch whose name came in a field, and its tree.
func rootOf(ctx context.Context, s *snapshot.Snapshot, field, name string) (id, root plumbing.Hash, err error) {
	if id, err = s.Named(ctx, field, name); err != nil {
		return id, root, err
	}
	info, err := s.Ancestor(ctx, id)
	return id, info.Tree, err
}

// RestoreTree brings paths back as they were.
func (h *Histories) RestoreTree(ctx context.Context, req *gitv1.RestoreTreeRequest) (*gitv1.RestoreTreeResponse,
	error,
) {
	s, err := h.registry.Get(req.GetSnapshotId())
	if err != nil {
		return nil, err
	}
	id, err := s.Named(ctx, "commit", req.GetCommit())
	if err != nil {
		return nil, err
	}
	tree, err := s.Restore(ctx, id, req.GetPaths())
	if err != nil {
		return nil, err
	}
	return &gitv1.RestoreTreeResponse{Tree: tree.String()}, nil
}

// FindLastSync finds what the last sync of the directory left.
func (h *Histories) FindLastSync(ctx context.Context, req *gitv1.FindLastSyncRequest) (*gitv1.FindLastSyncResponse,
	error,
) {
	s, err := h.registry.Get(req.GetSnapshotId())
	if err != nil {
		return nil, err
	}
	last, err := s.FindLastSync(ctx)
	if err != nil || last.Commit.IsZero() {
		return &gitv1.FindLastSyncResponse{Truncated: last.Cut}, err
	}
	return &gitv1.FindLastSyncResponse{
		Commit: last.Commit.String(), CommitTime: timestamppb.New(last.Time), Tree: last.Tree.String(),
	}, nil
}
