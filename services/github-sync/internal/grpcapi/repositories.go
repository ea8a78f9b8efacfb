// Package grpcapi is github-sync's face: protobuf in and out.
package grpcapi

import (
	"context"
	"errors"
	"time"

	"github.com/go-git/go-git/v5/plumbing"
	"google.golang.org/protobuf/types/known/timestamppb"

	"fgdsync.dev/libs/errs"
	"fgdsync.dev/libs/failpoint"
	gitv1 "fgdsync.dev/proto/fgd/git/v1"
	"fgdsync.dev/services/github-sync/internal/credentials"
	"fgdsync.dev/services/github-sync/internal/github"
	"fgdsync.dev/services/github-sync/internal/object"
	"fgdsync.dev/services/github-sync/internal/publish"
	"fgdsync.dev/services/github-sync/internal/remote"
	"fgdsync.dev/services/github-sync/internal/signing"
	"fgdsync.dev/services/github-sync/internal/snapshot"
	"fgdsync.dev/services/github-sync/internal/store"
)

// The committer of every commit.
const (
	committerName  = "FGD Sync"
	committerEmail = "fgd-sync@fgd-sync.invalid"
)

// RepositoryDeps is what RepositoryService works with.
type RepositoryDeps struct {
	Remotes *remote.Factory
	GitHub  *github.Client
	Stores  *store.Pool
	Holder  *snapshot.Holder
	Sealer  *credentials.Sealer
	Logins  *credentials.Resolver
	Limits  snapshot.Limits
	Key     *signing.Key // signs commits; may be nil

	Publisher *publish.Publisher
}

// Repositories serves RepositoryService.
type Repositories struct {
	gitv1.UnsafeRepositoryServiceServer
	deps RepositoryDeps
}

var _ gitv1.RepositoryServiceServer = (*Repositories)(nil)

// NewRepositories returns the service.
func NewRepositories(deps RepositoryDeps) *Repositories { return &Repositories{deps: deps} }

// SealCredentials encrypts credentials.
func (r *Repositories) SealCredentials(_ context.Context,
	req *gitv1.SealCredentialsRequest,
) (*gitv1.SealCredentialsResponse, error) {
	sealed, err := r.deps.Sealer.Seal(req.GetCredentials())
	if err != nil {
		return nil, err
	}
	return &gitv1.SealCredentialsResponse{Credentials: sealedCredentials(sealed)}, nil
}

// ResealCredentials encrypts sealed credentials with the key that seals now.
func (r *Repositories) ResealCredentials(_ context.Context,
	req *gitv1.ResealCredentialsRequest,
) (*gitv1.ResealCredentialsResponse, error) {
	stored, isSealed := req.GetCredentials().GetSource().(*gitv1.Credentials_Sealed)
	if !isSealed {
		return &gitv1.ResealCredentialsResponse{Credentials: req.GetCredentials()}, nil
	}
	sealed, err := r.deps.Sealer.Reseal(stored.Sealed)
	if err != nil {
		return nil, err
	}
	return &gitv1.ResealCredentialsResponse{Credentials: sealedCredentials(sealed)}, nil
}

func sealedCredentials(sealed []byte) *gitv1.Credentials {
	return &gitv1.Credentials{Source: &gitv1.Credentials_Sealed{Sealed: sealed}}
}

// CheckLocation judges a location.
func (r *Repositories) CheckLocation(_ context.Context, req *gitv1.CheckLocationRequest) (*gitv1.CheckLocationResponse,
	error,
) {
	location, directory, err := r.parse(req.GetLocation())
	if err != nil {
		return nil, err
	}
	return &gitv1.CheckLocationResponse{RepositoryKey: location.Key, Directory: directory}, nil
}

func (r *Repositories) parse(l *gitv1.Location) (remote.Location, string, error) {
	location, err := r.deps.Remotes.Parse(l.GetRepositoryUrl())
	if err != nil {
		return remote.Location{}, "", err
	}
	if err := remote.CheckBranch(l.GetBranch()); err != nil {
		return remote.Location{}, "", err
	}
	directory, err := remote.Directory(l.GetDirectory())
	return location, directory, err
}

// opened is a location that the policy permits, with what it is signed in with.
type opened struct {
	location  remote.Location
	directory string
	login     credentials.Login
	remote    remote.Remote
}

func (r *Repositories) open(l *gitv1.Location) (o opened, err error) {
	if o.location, o.directory, err = r.parse(l); err != nil {
		return o, err
	}
	if o.login, err = r.deps.Logins.Resolve(l.GetCredentials()); err != nil {
		return o, err
	}
	o.remote, err = r.deps.Remotes.Open(o.location, o.login)
	return o, err
}

// OpenSnapshot holds the head of a branch.
func (r *Repositories) OpenSnapshot(ctx context.Context, req *gitv1.OpenSnapshotRequest) (*gitv1.OpenSnapshotResponse,
	error,
) {
	o, err := r.open(req.GetLocation())
	if err != nil {
		return nil, err
	}
	repo, err := r.deps.Stores.Repo(o.location)
	if err != nil {
		return nil, err
	}
	s, err := snapshot.Open(ctx, o.remote, repo, o.location, req.GetLocation().GetBranch(), o.directory, r.deps.Limits)
	if err != nil {
		return nil, err
	}
	s.Login = o.login
	var published *gitv1.Published
	switch at := req.GetAt().(type) {
	case *gitv1.OpenSnapshotRequest_AtCommit:
		err = returnTo(ctx, s, at.AtCommit)
	case *gitv1.OpenSnapshotRequest_AtTime:
		err = returnBefore(ctx, s, at.AtTime)
	default:
		if req.GetSyncId() != "" {
			s, published, err = r.ofSync(ctx, s, req.GetSyncId())
		}
	}
	if err != nil {
		return nil, err
	}
	origin, err := s.Origin(ctx, req.GetProposals())
	if err != nil {
		return nil, errors.Join(err, s.Close())
	}
	r.deps.Holder.Add(s)
	failpoint.Hit(failpoint.SnapshotOpen)
	return &gitv1.OpenSnapshotResponse{Snapshot: &gitv1.Snapshot{
		SnapshotId: s.ID, Commit: s.Commit.String(), CommitTime: timestamppb.New(s.Time), Tree: s.Tree.String(),
		DirectoryExists: s.Exists,
		Fence:           s.Fence(), Published: published, Origin: &gitv1.Origin{
			Commit:     origin.Commit.String(),
			CommitTime: timestamppb.New(origin.Time),
		},
	}}, nil
}

// returnTo goes back to an earlier commit, or closes the snapshot.
func returnTo(ctx context.Context, s *snapshot.Snapshot, commit string) error {
	id, err := parseID(commit)
	if err == nil {
		err = s.ReturnTo(ctx, id)
	}
	if err != nil {
		return errors.Join(err, s.Close())
	}
	return nil
}

// returnBefore goes back to what the branch was at a time, or closes the snapshot.
func returnBefore(ctx context.Context, s *snapshot.Snapshot, when *timestamppb.Timestamp) error {
	err := when.CheckValid()
	if err != nil {
		err = errs.New(errs.InvalidRequest, "at_time is no time.")
	} else {
		err = s.ReturnBefore(ctx, when.AsTime())
	}
	if err != nil {
		return errors.Join(err, s.Close())
	}
	return nil
}

// ofSync returns what a sync has published in place of the head, if it has.
func (r *Repositories) ofSync(ctx context.Context, head *snapshot.Snapshot, syncID string) (*snapshot.Snapshot,
	*gitv1.Published, error,
) {
	at, before, err := head.OfSync(ctx, syncID)
	if err != nil {
		return nil, nil, errors.Join(err, head.Close())
	}
	if at == nil {
		return head, nil, nil
	}
	pairs, err := at.CompareSince(before)
	if err = errors.Join(err, before.Close(), head.Close()); err != nil {
		return nil, nil, errors.Join(err, at.Close())
	}
	return at, &gitv1.Published{CommitUrl: r.commitURL(at.Location, at.Commit), Counts: counts(pairs)}, nil
}

func (r *Repositories) commitURL(location remote.Location, commit plumbing.Hash) string {
	if page := r.deps.GitHub.CommitURL(location, commit); page != "" {
		return page
	}
	return publish.CommitURL(location.Key, commit)
}

// CloseSnapshot lets go of a snapshot.
func (r *Repositories) CloseSnapshot(_ context.Context, req *gitv1.CloseSnapshotRequest) (*gitv1.CloseSnapshotResponse,
	error,
) {
	if err := r.deps.Holder.Close(req.GetSnapshotId()); err != nil {
		return nil, err
	}
	return &gitv1.CloseSnapshotResponse{}, nil
}

// Publish publishes a tree.
func (r *Repositories) Publish(ctx context.Context, req *gitv1.PublishRequest) (*gitv1.PublishResponse, error) {
	s, err := r.deps.Holder.Get(req.GetSnapshotId())
	if err != nil {
		return nil, err
	}
	if s.Past {
		return nil, errs.New(errs.SnapshotReadOnly, "The snapshot holds the branch as it was at %s.", s.Commit)
	}
	tree, err := parseID(req.GetTree())
	if err != nil {
		return nil, err
	}
	if req.GetTime().GetSeconds() <= 0 || !req.GetTime().IsValid() || req.GetAuthor().GetName() == "" ||
		req.GetMessage() == "" {
		return nil, errs.New(errs.InvalidRequest, "A message, an author and a time are needed to publish.")
	}
	when := req.GetTime().AsTime().Truncate(time.Second)
	pairs, err := s.Compare(s.Tree, tree)
	if err != nil {
		return nil, err
	}
	request := publish.Request{
		Tree: tree, Message: req.GetMessage(), Key: r.deps.Key,
		Author:    object.Signature{Name: req.GetAuthor().GetName(), Email: req.GetAuthor().GetEmail(), Time: when},
		Committer: object.Signature{Name: committerName, Email: committerEmail, Time: when},
	}
	var result publish.Result
	var pull *gitv1.PullRequest
	if req.GetProposal() != nil {
		result, pull, err = r.propose(ctx, s, request, req.GetProposal())
	} else {
		result, err = r.deps.Publisher.Publish(ctx, s, request)
	}
	if err != nil {
		return nil, err
	}
	response := &gitv1.PublishResponse{
		Commit: result.Commit.String(), Committed: result.Committed, Attempts: int32(result.Attempts),
		Counts:      &gitv1.ChangeCounts{},
		PullRequest: pull,
	}
	if result.Committed {
		response.CommitUrl, response.Counts = r.commitURL(s.Location, result.Commit), counts(pairs)
	}
	return response, nil
}

func parseID(text string) (plumbing.Hash, error) {
	if !plumbing.IsHash(text) {
		return plumbing.ZeroHash, errs.New(errs.InvalidRequest, "%q is no object id.", text)
	}
	return plumbing.NewHash(text), nil
}

func counts(pairs []snapshot.Pair) *gitv1.ChangeCounts {
	c := &gitv1.ChangeCounts{}
	for _, p := range pairs {
		switch {
		case p.Old.Hash.IsZero():
			c.Created++
		case p.New.Hash.IsZero():
			c.Removed++
		default:
			c.Updated++
		}
	}
	return c
}
