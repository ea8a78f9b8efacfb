package grpcapi

import (
	"context"
	"regexp"

	"fgdsync.dev/libs/errs"
	bridgev1 "fgdsync.dev/proto/fgd/bridge/v1"
	fabricv1 "fgdsync.dev/proto/fgd/fabric/v1"
	gitv1 "fgdsync.dev/proto/fgd/git/v1"
)

var referenceForm = regexp.MustCompile(`^(env|file):[A-Za-z0-9_][A-Za-z0-9_.-]*$`)

// takeCredentials puts credentials into a definition, sealed or as a reference. Absent ones keep those that it has.
func (s *Server) takeCredentials(ctx context.Context, fabric *fabricv1.Fabric, given *bridgev1.Credentials) error {
	if given == nil {
		return s.resealCredentials(ctx, fabric)
	}
	if err := checkCredentials(given); err != nil {
		return err
	}
	if ref := given.GetRef(); ref != "" {
		fabric.Location.Credentials = &gitv1.Credentials{Source: &gitv1.Credentials_Reference{Reference: ref}}
		return nil
	}
	sealed, err := s.repositories.SealCredentials(ctx, &gitv1.SealCredentialsRequest{Credentials: plain(given)})
	if err != nil {
		return err
	}
	fabric.Location.Credentials = sealed.GetCredentials()
	return nil
}

// resealCredentials has stored credentials sealed with the key that seals now. Those that no key opens stay, since a
// fabric has to be changeable without them.
func (s *Server) resealCredentials(ctx context.Context, fabric *fabricv1.Fabric) error {
	if len(fabric.GetLocation().GetCredentials().GetSealed()) == 0 {
		return nil
	}
	resealed, err := s.repositories.ResealCredentials(ctx,
		&gitv1.ResealCredentialsRequest{Credentials: fabric.GetLocation().GetCredentials()})
	if errs.HasCode(err, errs.CredentialsUnreadable) {
		return nil
	}
	if err != nil {
		return err
	}
	fabric.Location.Credentials = resealed.GetCredentials()
	return nil
}

func plain(c *bridgev1.Credentials) *gitv1.PlainCredentials {
	p := &gitv1.PlainCredentials{
		Token: c.GetToken(), Username: c.GetUsername(), Password: c.GetPassword(), SshPrivateKey: c.GetSshPrivateKey(),
	}
	if app := c.GetGithubApp(); app != nil {
		p.GithubApp = &gitv1.GitHubApp{
			AppId: app.GetAppId(), InstallationId: app.GetInstallationId(),
			PrivateKey: app.GetPrivateKey(),
		}
	}
	return p
}

// checkCredentials wants exactly one way. Its errors name fields and never values; github-sync looks into the keys.
func checkCredentials(c *bridgev1.Credentials) error {
	basic, app := c.GetUsername() != "" || c.GetPassword() != "", c.GetGithubApp()
	ways := 0
	for _, given := range []bool{c.GetToken() != "", basic, c.GetSshPrivateKey() != "", app != nil, c.GetRef() != ""} {
		if given {
			ways++
		}
	}
	switch {
	case ways != 1:
		return invalid("credentials",
			"Credentials are given in exactly one way: token, username with password, ssh_private_key, github_app, or ref.")
	case basic && (c.GetUsername() == "" || c.GetPassword() == ""):
		return invalid("credentials", "username and password are given together.")
	case app != nil && (app.GetAppId() <= 0 || app.GetInstallationId() <= 0 || app.GetPrivateKey() == ""):
		return invalid("credentials.github_app",
			"github_app takes app_id and installation_id, both 1 or more, and private_key.")
	case c.GetRef() != "" && !referenceForm.MatchString(c.GetRef()):
		return invalid("credentials.ref", "ref is env:NAME or file:NAME, with a name of letters, digits, _, - and dots.")
	}
	return nil
}
