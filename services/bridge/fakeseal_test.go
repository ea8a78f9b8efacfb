package bridge_test

import (
	"cmp"
	"context"
	"fmt"
	"net/url"
	"strings"

	"fgdsync.dev/libs/errs"
	gitv1 "fgdsync.dev/proto/fgd/git/v1"
)

// anotherHost is what github-sync refuses credentials with that were given for another host or fabric.
func anotherHost() error {
	code := errs.Code{
		ID: "FGD_4027", Kind: errs.Invalid, Name: "CREDENTIALS_FOR_ANOTHER_HOST",
		Remedy: "Give the credentials for the new host too.",
	}
	return errs.New(code, "The stored credentials were given for another host or fabric.").
		WithMeta(errs.FieldKey, "credentials")
}

// sealFor is a seal of the fake: it says what it was given for, as that of github-sync does.
func sealFor(host string, fabricID int32) []byte {
	return fmt.Appendf(nil, "sealed for %s %d", host, fabricID)
}

func hostOf(repositoryURL string) string {
	u, err := url.Parse(repositoryURL)
	if err != nil || u.Host == "" {
		return "nowhere"
	}
	return u.Scheme + "://" + strings.ToLower(u.Host)
}

// opens reports whether a seal may be used for a repository of a fabric.
func opens(seal []byte, repositoryURL string, fabricID int32) bool {
	return string(seal) == string(sealFor(hostOf(repositoryURL), fabricID))
}

// bind does what the orchestrator does with credentials before it stores them: those that were sealed before the fabric
// had a number are bound to it, and those for another host or fabric are refused.
func (b *backend) bind(location *gitv1.Location) error {
	seal := location.GetCredentials().GetSealed()
	switch {
	case len(seal) == 0, b.keyLost, opens(seal, location.GetRepositoryUrl(), location.GetFabricId()):
		return nil
	case opens(seal, location.GetRepositoryUrl(), 0):
		location.Credentials = sealed(location.GetRepositoryUrl(), location.GetFabricId())
		return nil
	}
	return anotherHost()
}

func sealed(repositoryURL string, fabricID int32) *gitv1.Credentials {
	return &gitv1.Credentials{Source: &gitv1.Credentials_Sealed{Sealed: sealFor(hostOf(repositoryURL), fabricID)}}
}

func (b *backend) SealCredentials(
	ctx context.Context, req *gitv1.SealCredentialsRequest,
) (*gitv1.SealCredentialsResponse, error) {
	leave, err := b.enter(ctx)
	defer leave()
	switch {
	case err != nil:
		return nil, err
	case b.onSeal != nil:
		return nil, b.onSeal
	}
	b.sealed = append(b.sealed, req.GetCredentials())
	return &gitv1.SealCredentialsResponse{Credentials: sealed(req.GetRepositoryUrl(), req.GetFabricId())}, nil
}

func (b *backend) ResealCredentials(
	ctx context.Context, req *gitv1.ResealCredentialsRequest,
) (*gitv1.ResealCredentialsResponse, error) {
	leave, err := b.enter(ctx)
	defer leave()
	switch {
	case err != nil:
		return nil, err
	case b.keyLost:
		return nil, errs.New(errs.CredentialsUnreadable, "The stored credentials were sealed with another key.")
	case !opens(req.GetCredentials().GetSealed(), req.GetRepositoryUrl(), req.GetFabricId()):
		return nil, anotherHost()
	}
	b.resealed++
	return &gitv1.ResealCredentialsResponse{Credentials: req.GetCredentials()}, nil
}

func (b *backend) CheckCredentials(
	ctx context.Context, req *gitv1.CheckCredentialsRequest,
) (*gitv1.CheckCredentialsResponse, error) {
	leave, err := b.enter(ctx)
	defer leave()
	answer := &gitv1.CheckCredentialsResponse{}
	for _, l := range req.GetLocations() {
		seal := l.GetCredentials().GetSealed()
		answer.Readable = append(answer.Readable,
			len(seal) == 0 || !b.keyLost && opens(seal, l.GetRepositoryUrl(), l.GetFabricId()))
	}
	return answer, cmp.Or(err, b.onReadable)
}

func (b *backend) CheckConnection(
	ctx context.Context, req *gitv1.CheckConnectionRequest,
) (*gitv1.CheckConnectionResponse, error) {
	leave, err := b.enter(ctx)
	defer leave()
	location := req.GetLocation()
	b.checked = append(b.checked, location)
	b.lastCheck = req
	seal := location.GetCredentials().GetSealed()
	if len(seal) > 0 && !opens(seal, location.GetRepositoryUrl(), location.GetFabricId()) {
		return nil, anotherHost()
	}
	return &gitv1.CheckConnectionResponse{Connection: &gitv1.Connection{
		Reachable: true, CanRead: true, DefaultBranch: "trunk",
		Problems: []*gitv1.ConnectionProblem{{
			Code: "FGD_4006", Name: "BRANCH_NOT_FOUND", Message: "No such branch.", Remedy: "Make it.",
		}},
		Warnings: []*gitv1.ConnectionProblem{{
			Code: "FGD_2001", Name: "DIRECTORY_NOT_FOUND", Message: "No such directory.", Remedy: "Look.",
		}},
	}}, err
}
