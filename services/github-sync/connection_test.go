package githubsync_test

import (
	"net/http"
	"strings"
	"testing"

	"google.golang.org/protobuf/proto"

	"fgdsync.dev/libs/errs"
	gitv1 "fgdsync.dev/proto/fgd/git/v1"
	"fgdsync.dev/testkit/gitserver"
	"fgdsync.dev/testkit/sshserver"
)

// requireConnection holds what is found out of a location to what it should be. Of problems the codes are compared.
func (b *bench) requireConnection(location *gitv1.Location, want *gitv1.Connection, codes ...errs.Code) {
	b.t.Helper()
	got := b.check(&gitv1.CheckConnectionRequest{Location: location})
	found := b.codes(got.GetProblems())
	wanted := []string{}
	for _, c := range codes {
		wanted = append(wanted, c.ID)
	}
	got.Problems = nil
	if !proto.Equal(got, want) || strings.Join(found, " ") != strings.Join(wanted, " ") {
		b.t.Errorf("found %v with %v, not %v with %v", got, found, want, wanted)
	}
	b.host.RequireSound(b.t, repository)
	if n := b.host.Requests(gitserver.Receive); n != 0 {
		b.t.Errorf("%d pushes", n)
	}
}

func (b *bench) check(request *gitv1.CheckConnectionRequest) *gitv1.Connection {
	b.t.Helper()
	response, err := b.repositories.CheckConnection(b.t.Context(), request)
	if err != nil {
		b.t.Fatal(err)
	}
	return response.GetConnection()
}

// codes returns those of problems, and holds each to being well put.
func (b *bench) codes(problems []*gitv1.ConnectionProblem) []string {
	b.t.Helper()
	found := []string{}
	for _, p := range problems {
		found = append(found, p.GetCode())
		if p.GetName() == "" || p.GetMessage() == "" || p.GetRemedy() == "" ||
			strings.Contains(p.GetMessage()+p.GetRemedy(), password) {
			b.t.Errorf("the problem is not well put: %v", p)
		}
	}
	return found
}

var (
	allWell = &gitv1.Connection{
		Reachable: true, Authenticated: true, CanRead: true, CanPush: true, BranchExists: true,
		DefaultBranch: branch,
	}
	readOnly = &gitv1.Connection{
		Reachable: true, Authenticated: true, CanRead: true, BranchExists: true,
		DefaultBranch: branch,
	}
	noBranch = &gitv1.Connection{Reachable: true, Authenticated: true, CanRead: true, CanPush: true, DefaultBranch: branch}
	refused  = &gitv1.Connection{Reachable: true}
	nothing  = &gitv1.Connection{}
)

// TestCheckConnection: each step that fails is a problem, and what can't be known is not said.
func TestCheckConnection(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.host.Create(t, repository, branch, content)
	location := func(change func(*gitv1.Location)) *gitv1.Location {
		l := b.location("f")
		change(l)
		return l
	}
	b.requireConnection(b.location("f"), allWell)
	b.requireConnection(location(func(l *gitv1.Location) { l.Branch = "other" }), noBranch, errs.BranchNotFound)
	b.requireConnection(location(func(l *gitv1.Location) { l.RepositoryUrl = b.host.URL("other.git") }), refused,
		errs.GitHubNotFound)
	b.requireConnection(location(func(l *gitv1.Location) {
		l.RepositoryUrl, l.Credentials = "http://127.0.0.1:1/x.git", nil
	}), nothing, errs.GitHubConnectionFailed)
	b.requireConnection(location(func(l *gitv1.Location) { l.RepositoryUrl = "http://127.0.0.1:1/x.git" }), nothing,
		errs.CredentialsForAnotherHost)
	b.requireConnection(location(func(l *gitv1.Location) { l.RepositoryUrl = "ext::sh" }), nothing, errs.RemoteRefused)
	b.requireConnection(location(func(l *gitv1.Location) { l.Branch = "a..b" }), nothing, errs.InvalidRequest)
	b.requireConnection(location(func(l *gitv1.Location) { l.Directory = "../x" }), nothing, errs.DirectoryInvalid)
	b.requireConnection(location(func(l *gitv1.Location) { l.Credentials = nil }), refused,
		errs.GitHubAuthenticationFailed)
	b.requireConnection(location(func(l *gitv1.Location) { l.Credentials = reference("env:HOME") }), nothing,
		errs.CredentialsUnreadable)
	b.requireConnection(location(func(l *gitv1.Location) {
		l.Credentials = b.seal(&gitv1.PlainCredentials{Username: user, Password: "wrong"})
	}), refused, errs.GitHubAuthenticationFailed)
	b.host.CreateEmpty(t, "e.git")
	b.requireConnection(location(func(l *gitv1.Location) { l.RepositoryUrl = b.host.URL("e.git") }),
		&gitv1.Connection{
			Reachable: true, Authenticated: true, CanRead: true, CanPush: true,
			Empty: true,
		}, errs.RepositoryEmpty)
	b.host.Break(gitserver.Fault{On: gitserver.Refs, Times: 1, Before: func() {}})
	b.host.Break(gitserver.Fault{On: gitserver.Refs, Times: 1, Status: http.StatusForbidden})
	b.requireConnection(b.location("f"), readOnly, errs.GitHubAuthenticationFailed)
	b.host.Break(gitserver.Fault{On: gitserver.Refs, Times: 1, Status: http.StatusServiceUnavailable, Text: password})
	b.requireConnection(b.location("f"), refused, errs.GitHubConnectionFailed)
	b.host.Break(gitserver.Fault{On: gitserver.Refs, Times: 1, Status: http.StatusTooManyRequests})
	b.requireConnection(b.location("f"), refused, errs.GitHubRateLimited)
	b.requireCommits(1)
}

// TestACheckSaysWhyAHostIsNotReached: it may be away, or be no such host as the URL says, over HTTP and over SSH.
func TestACheckSaysWhyAHostIsNotReached(t *testing.T) {
	t.Parallel()
	b := setupSSH(t)
	for url, want := range map[string]string{
		"http://127.0.0.1:1/x.git":               "The Git host 127.0.0.1:1 can't be reached: it refuses the connection.",
		"https://" + b.host.Address() + "/x.git": "does not speak TLS.",
		"http://nobody-is-here.invalid/x.git":    "name",
		"ssh://git@127.0.0.1:1/" + repository:    "it refuses the connection.",
	} {
		location := b.location("f")
		if location.RepositoryUrl = url; !strings.HasPrefix(url, "ssh") {
			location.Credentials = nil
		} else {
			location.Credentials = b.sealFor(url, b.login)
		}
		err := b.tryOpen(location)
		if e := errs.From(err); !errs.HasCode(err, errs.GitHubConnectionFailed) || !strings.Contains(e.Message, want) ||
			!strings.HasPrefix(e.RemedyText(), "Check ") {
			t.Errorf("%s: %v (%s)", url, err, e.RemedyText())
		}
	}
}

// TestCheckOfADirectory: one that is not there yet is no obstacle, unless no sync would make it.
func TestCheckOfADirectory(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.host.Create(t, repository, branch, content)
	for _, test := range []struct {
		directory          string
		required           bool
		problems, warnings string
		text               string
	}{
		{"f", true, "", "", ""},
		{"", true, "", "", ""},
		{"f/sub", false, "", "", ""},
		{"fabrik", false, "", "FGD_2001", `"fabrik" on the branch main. The first sync creates it.`},
		{"fabrik", true, "FGD_2001", "", `no such directory: "fabrik" on the branch main.`},
		{"f/a.yaml", false, "FGD_2010", "", "is a file"},
	} {
		found := b.check(&gitv1.CheckConnectionRequest{
			Location: b.location(test.directory), DirectoryRequired: test.required,
		})
		problems, warnings := b.codes(found.GetProblems()), b.codes(found.GetWarnings())
		if strings.Join(problems, " ") != test.problems || strings.Join(warnings, " ") != test.warnings ||
			!found.GetCanRead() || !found.GetCanPush() ||
			test.text != "" && !strings.Contains(found.String(), strings.ReplaceAll(test.text, `"`, `\"`)) {
			t.Errorf("%q, required %v: %v", test.directory, test.required, found)
		}
	}
	b.requireCommits(1)
}

// TestCheckConnectionOverSSH does the same over SSH, where a host tells who it is and whom it knows before anything
// else.
func TestCheckConnectionOverSSH(t *testing.T) {
	t.Parallel()
	b := setupSSH(t)
	b.host.Create(t, repository, branch, content)
	location := b.location("f")
	b.requireConnection(location, allWell)
	location.RepositoryUrl = b.ssh.URL("other.git")
	b.requireConnection(location, &gitv1.Connection{Reachable: true, Authenticated: true}, errs.GitHubNotFound)
	_, other := sshserver.NewKey(t)
	location = b.location("f")
	location.Credentials = b.seal(&gitv1.PlainCredentials{SshPrivateKey: other})
	b.requireConnection(location, refused, errs.GitHubAuthenticationFailed)
	location.Credentials = b.seal(&gitv1.PlainCredentials{Token: password})
	b.requireConnection(location, nothing, errs.CredentialsUnsuitable)
	b.ssh.Break(sshserver.Fault{On: sshserver.Refs, Times: 1})
	b.ssh.Break(sshserver.Fault{
		On: sshserver.Refs, Times: 1,
		Says: "ERROR: The key you are authenticating with has been marked as read only.",
	})
	b.requireConnection(b.location("f"), readOnly, errs.GitHubAuthenticationFailed)
	b.ssh.ChangeHostKey(t)
	b.requireConnection(b.location("f"), refused, errs.HostKeyChanged)
	b.believe(t, "")
	b.requireConnection(b.location("f"), refused, errs.HostKeyUnknown)
	b.requireCommits(1)
}

// TestCheckConnectionOfAPath: a repository on this machine can be checked too.
func TestCheckConnectionOfAPath(t *testing.T) {
	t.Parallel()
	b := setupLocal(t)
	b.host.Create(t, repository, branch, content)
	b.requireConnection(&gitv1.Location{RepositoryUrl: b.localURL(), Branch: branch}, allWell)
	b.requireConnection(&gitv1.Location{RepositoryUrl: b.localURL(), Branch: "other"}, noBranch, errs.BranchNotFound)
}
