package grpcapi

import (
	"context"
	"regexp"

	bridgev1 "fgdsync.dev/proto/fgd/bridge/v1"
	fabricv1 "fgdsync.dev/proto/fgd/fabric/v1"
	gitv1 "fgdsync.dev/proto/fgd/git/v1"
)

var referenceForm = regexp.MustCompile(`^(env|file):[A-Za-z0-9_][A-Za-z0-9_.-]*$`)

// takeCredentials puts credentials into a definition, sealed or as a reference. Absent ones change nothing.
func (s *Server) takeCredentials(ctx context.Context, fabric *fabricv1.Fabric, given *bridgev1.Credentials) error {
	if given == nil {
		return nil
	}
	if err := checkCredentials(given); err != nil {
		return err
	}
	if ref := given.GetRef(); ref != "" {
		fabric.Location.Credentials = &gitv1.Credentials{Source: &gitv1.Credentials_Reference{Reference: ref}}
		return nil
	}
	sealed, err := s.repositories.SealCredentials(ctx, &gitv1.SealCredentialsRequest{Credentials: &gitv1.PlainCredentials{
		Token: given.GetToken(), Username: given.GetUsername(), Password: given.GetPassword(), SshPrivateKey: given.GetSshPrivateKey(),
		GithubApp: appToGit(given.GetGithubApp()),
	}})
	if err != nil {
		return err
	}
	fabric.Location.Credentials = sealed.GetCredentials()
	return nil
}

func appToGit(a *bridgev1.GitHubApp) *gitv1.GitHubApp {
	if a == nil {
		return nil
	}
	return &gitv1.GitHubApp{AppId: a.GetAppId(), InstallationId: a.GetInstallationId(), PrivateKey: a.GetPrivateKey()}
}

// checkCredentials wants exactly one way. Its errors name fields and never values.
func checkCredentials(c *bridgev1.Credentials) error {
	basic := c.GetUsername() != "" || c.GetPassword() != ""
	ways := 0
	for _, given := range []bool{c.GetToken() != "", basic, c.GetRef() != "", c.GetSshPrivateKey() != "", c.GetGithubApp() != nil} {
		if given {
			ways++
		}
	}
	switch {
	case ways != 1:
		return invalid("credentials", "Credentials are given in exactly one way: token, username with password, ssh_private_key, github_app, or ref.")
	case basic && (c.GetUsername() == "" || c.GetPassword() == ""):
		return invalid("credentials", "username and password are given together.")
	case c.GetGithubApp() != nil && (c.GetGithubApp().GetAppId() < 1 || c.GetGithubApp().GetInstallationId() < 1 || c.GetGithubApp().GetPrivateKey() == ""):
		return invalid("credentials.github_app", "A github_app has an app_id, an installation_id and a private_key.")
	case c.GetRef() != "" && !referenceForm.MatchString(c.GetRef()):
		return invalid("credentials.ref", "ref is env:NAME or file:NAME, with a name of letters, digits, _, - and dots.")
	}
	return nil
}
