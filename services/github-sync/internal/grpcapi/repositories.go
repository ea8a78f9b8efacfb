// Package grpcapi is github-sync's face: protobuf in and out. It serves RepositoryService; treeapi serves what works on
// an open snapshot.
package grpcapi

import (
	"context"
	"errors"
	"time"

	"fgdsync.dev/libs/errs"
	gitv1 "fgdsync.dev/proto/fgd/git/v1"
	"fgdsync.dev/services/github-sync/internal/credentials"
	"fgdsync.dev/services/github-sync/internal/github"
	"fgdsync.dev/services/github-sync/internal/publish"
	"fgdsync.dev/services/github-sync/internal/remote"
	"fgdsync.dev/services/github-sync/internal/signing"
	"fgdsync.dev/services/github-sync/internal/snapshot"
	"fgdsync.dev/services/github-sync/internal/store"
)

// RepositoryDeps is what RepositoryService works with.
type RepositoryDeps struct {
	Remotes   *remote.Factory
	GitHub    *github.Client
	Stores    *store.Pool
	Snapshots *snapshot.Registry
	Sealer    *credentials.Sealer
	Logins    *credentials.Resolver
	Limits    snapshot.Limits
	Key       *signing.Key // signs commits; may be nil
	Publisher *publish.Publisher
	Now       func() time.Time
	Identity  publish.Identity
}

// Repositories serves RepositoryService.
type Repositories struct {
	gitv1.UnsafeRepositoryServiceServer
	deps RepositoryDeps
}

var _ gitv1.RepositoryServiceServer = (*Repositories)(nil)

// NewRepositories returns the service.
func NewRepositories(deps RepositoryDeps) *Repositories { return &Repositories{deps: deps} }

// SealCredentials encrypts credentials, for the server of a repository alone. A repository on this machine takes none,
// and gets none.
func (r *Repositories) SealCredentials(_ context.Context,
	req *gitv1.SealCredentialsRequest,
) (*gitv1.SealCredentialsResponse, error) {
	location, err := r.deps.Remotes.Parse(req.GetRepositoryUrl())
	if err != nil {
		return nil, inField("repository_url", err)
	}
	if location.Local() {
		return &gitv1.SealCredentialsResponse{}, nil
	}
	sealed, err := r.deps.Sealer.Seal(fromPlain(req.GetCredentials()), target(location, req.GetFabricId()))
	if err != nil {
		return nil, err
	}
	return &gitv1.SealCredentialsResponse{Credentials: toCredentials(sealed)}, nil
}

// ResealCredentials encrypts sealed credentials with the key that seals now. What they are for stays.
func (r *Repositories) ResealCredentials(_ context.Context,
	req *gitv1.ResealCredentialsRequest,
) (*gitv1.ResealCredentialsResponse, error) {
	location, err := r.deps.Remotes.Parse(req.GetRepositoryUrl())
	if err != nil {
		return nil, inField("repository_url", err)
	}
	source, target := fromCredentials(req.GetCredentials()), target(location, req.GetFabricId())
	switch {
	case source == nil || location.Local():
		return &gitv1.ResealCredentialsResponse{}, nil
	case source.Sealed == nil: // a reference stays as it is
		if err := r.deps.Logins.Admits(source, target); err != nil {
			return nil, err
		}
		return &gitv1.ResealCredentialsResponse{Credentials: req.GetCredentials()}, nil
	}
	sealed, err := r.deps.Sealer.Reseal(source.Sealed, target)
	if err != nil {
		return nil, err
	}
	return &gitv1.ResealCredentialsResponse{Credentials: toCredentials(sealed)}, nil
}

// CheckLocation judges a location, and whether its credentials are for it.
func (r *Repositories) CheckLocation(_ context.Context, req *gitv1.CheckLocationRequest) (*gitv1.CheckLocationResponse,
	error,
) {
	l := req.GetLocation()
	p, err := r.parse(l)
	if err != nil {
		return nil, err
	}
	if err := r.deps.Logins.Admits(fromCredentials(l.GetCredentials()), target(p.location, l.GetFabricId())); err != nil {
		return nil, inField(credentials.Field, err)
	}
	if req.GetPullRequests() {
		if err := r.deps.GitHub.HasPullRequests(p.location); err != nil {
			return nil, inField("pull_requests", err)
		}
	}
	return &gitv1.CheckLocationResponse{RepositoryKey: p.location.Key, Directory: p.directory, Branch: p.branch}, nil
}

// parsed is a location that the policy permits, each part in its one spelling.
type parsed struct {
	location          remote.Location
	branch, directory string
}

func (r *Repositories) parse(l *gitv1.Location) (p parsed, err error) {
	if p.location, err = r.deps.Remotes.Parse(l.GetRepositoryUrl()); err != nil {
		return p, inField("location.repository_url", err)
	}
	if p.branch, err = remote.Branch(l.GetBranch()); err != nil {
		return p, inField("location.branch", err)
	}
	p.directory, err = remote.Directory(l.GetDirectory())
	return p, inField("location.directory", err)
}

// opened is a location with what it is signed in with.
type opened struct {
	parsed
	login  credentials.Login
	remote remote.Remote
}

// open is the one way from a location to what speaks to it: credentials that are for something else go no further.
func (r *Repositories) open(l *gitv1.Location) (o opened, err error) {
	if o.parsed, err = r.parse(l); err != nil {
		return o, err
	}
	source := fromCredentials(l.GetCredentials())
	if o.login, err = r.deps.Logins.Resolve(source, target(o.location, l.GetFabricId())); err != nil {
		return o, err
	}
	o.remote, err = r.deps.Remotes.Open(o.location, o.login)
	return o, err
}

// inField names the field of the request that an error is about, unless the error does.
func inField(name string, err error) error {
	var e *errs.Error
	if !errors.As(err, &e) || e.Meta[errs.FieldKey] != "" {
		return err
	}
	return e.WithMeta(errs.FieldKey, name)
}
