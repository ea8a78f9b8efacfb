package apiv1

import (
	"cmp"
	"strings"

	"google.golang.org/protobuf/proto"

	bridgev1 "fgdsync.dev/proto/fgd/bridge/v1"
	fabricv1 "fgdsync.dev/proto/fgd/fabric/v1"
	gitv1 "fgdsync.dev/proto/fgd/git/v1"
)

// LocationOf returns the location that a request wants tried out, without credentials.
func LocationOf(req *bridgev1.CheckConnectionRequest) *gitv1.Location {
	return &gitv1.Location{
		RepositoryUrl: strings.TrimSpace(req.GetRepositoryUrl()), Branch: cmp.Or(req.GetBranch(), DefaultBranch),
		Directory: req.GetGitopsDirectory(),
	}
}

// LocationOfFabric returns where a fabric lives, with its number.
func LocationOfFabric(f *fabricv1.Fabric) *gitv1.Location {
	location := proto.CloneOf(f.GetLocation())
	location.FabricId = f.GetFabricId()
	return location
}

// ConnectionOf returns what is to be tried out of a fabric.
func ConnectionOf(f *fabricv1.Fabric) *gitv1.CheckConnectionRequest {
	options := f.GetOptions()
	return &gitv1.CheckConnectionRequest{
		Location: LocationOfFabric(f), CommitCommitter: options.GetCommitCommitter(),
		DirectoryRequired: options != nil && options.AutoInitialize != nil && !options.GetAutoInitialize(),
	}
}

// PlainCredentials returns what a caller gave, for github-sync to seal.
func PlainCredentials(c *bridgev1.Credentials) *gitv1.PlainCredentials {
	p := &gitv1.PlainCredentials{
		Token: c.GetToken(), Username: c.GetUsername(), Password: c.GetPassword(), SshPrivateKey: c.GetSshPrivateKey(),
	}
	if app := c.GetGithubApp(); app != nil {
		p.GithubApp = &gitv1.GitHubApp{
			AppId: int64(app.GetAppId()), InstallationId: int64(app.GetInstallationId()), PrivateKey: app.GetPrivateKey(),
		}
	}
	return p
}

// ConnectionToAPI shows how a repository can be reached.
func ConnectionToAPI(c *gitv1.Connection) *bridgev1.Connection {
	return &bridgev1.Connection{
		Reachable: c.GetReachable(), Authenticated: c.GetAuthenticated(), CanRead: c.GetCanRead(), CanPush: c.GetCanPush(),
		BranchExists: c.GetBranchExists(), DefaultBranch: c.GetDefaultBranch(), Empty: c.GetEmpty(),
		BranchProtected: c.BranchProtected,
		Problems:        each(c.GetProblems(), connectionProblemToAPI),
		Warnings:        each(c.GetWarnings(), connectionProblemToAPI),
	}
}

func connectionProblemToAPI(p *gitv1.ConnectionProblem) *bridgev1.ConnectionProblem {
	return &bridgev1.ConnectionProblem{
		Code: p.GetCode(), Name: p.GetName(), Message: p.GetMessage(), Remedy: p.GetRemedy(),
	}
}
