package grpcapi

import (
	"context"

	"fgdsync.dev/libs/secret"
	gitv1 "fgdsync.dev/proto/fgd/git/v1"
	"fgdsync.dev/services/github-sync/internal/credentials"
	"fgdsync.dev/services/github-sync/internal/remote"
)

// target is what credentials have to be for that are used at a location.
func target(location remote.Location, fabric int32) credentials.Target {
	return credentials.Target{Server: location.Server, Fabric: fabric}
}

// CheckCredentials says whether credentials can be read, and used for their locations.
func (r *Repositories) CheckCredentials(_ context.Context,
	req *gitv1.CheckCredentialsRequest,
) (*gitv1.CheckCredentialsResponse, error) {
	out := &gitv1.CheckCredentialsResponse{}
	for _, l := range req.GetLocations() {
		out.Readable = append(out.Readable, r.readable(l))
	}
	return out, nil
}

func (r *Repositories) readable(l *gitv1.Location) bool {
	location, err := r.deps.Remotes.Parse(l.GetRepositoryUrl())
	if err != nil {
		return false
	}
	_, err = r.deps.Logins.Resolve(fromCredentials(l.GetCredentials()), target(location, l.GetFabricId()))
	return err == nil
}

// fromCredentials returns nil when there are none.
func fromCredentials(c *gitv1.Credentials) *credentials.Source {
	switch source := c.GetSource().(type) {
	case *gitv1.Credentials_Sealed:
		if source.Sealed == nil {
			return &credentials.Source{Sealed: []byte{}} // which can't be opened
		}
		return &credentials.Source{Sealed: source.Sealed}
	case *gitv1.Credentials_Reference:
		return &credentials.Source{Reference: source.Reference}
	}
	return nil
}

func toCredentials(sealed []byte) *gitv1.Credentials {
	return &gitv1.Credentials{Source: &gitv1.Credentials_Sealed{Sealed: sealed}}
}

func fromPlain(p *gitv1.PlainCredentials) credentials.Plain {
	plain := credentials.Plain{
		Token: secret.New(p.GetToken()), Username: p.GetUsername(), Password: secret.New(p.GetPassword()),
		SSHKey: secret.New(p.GetSshPrivateKey()),
	}
	if app := p.GetGithubApp(); app != nil {
		plain.App = &credentials.App{
			ID: app.GetAppId(), Installation: app.GetInstallationId(), Key: secret.New(app.GetPrivateKey()),
		}
	}
	return plain
}
