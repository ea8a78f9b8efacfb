package githubsync_test

import (
	"maps"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/prometheus/client_golang/prometheus/testutil"
	"github.com/prometheus/common/expfmt"

	"fgdsync.dev/libs/errs"
	gitv1 "fgdsync.dev/proto/fgd/git/v1"
	githubsync "fgdsync.dev/services/github-sync"
	"fgdsync.dev/testkit/sshserver"
)

// sshBench is the service in front of a host that is spoken to over SSH.
type sshBench struct {
	*bench
	ssh   *sshserver.Server
	known string // the file of known hosts
}

func setupSSH(t *testing.T, configure ...func(*githubsync.Config)) *sshBench {
	t.Helper()
	host := newHost(t)
	server := sshserver.Start(t, host.Folder)
	s := &sshBench{ssh: server, known: filepath.Join(t.TempDir(), "known_hosts")}
	s.believe(t, server.KnownHosts())
	s.bench = replica(t, host, append(configure, func(cfg *githubsync.Config) { cfg.SSHKnownHostsFile = s.known })...)
	s.url, s.login = server.URL, &gitv1.PlainCredentials{SshPrivateKey: server.Key()}
	return s
}

// believe writes the file of known hosts.
func (s *sshBench) believe(t testing.TB, content string) {
	t.Helper()
	if err := os.WriteFile(s.known, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
}

// TestSSHPublish: what is published over SSH is there, a second fetch brings what is new, and nothing is left behind.
func TestSSHPublish(t *testing.T) {
	t.Parallel()
	b := setupSSH(t)
	b.host.Create(t, repository, branch, content)
	s := b.open("f")
	if got := b.files(s, s.GetTree()); !maps.Equal(got, map[string]string{"a.yaml": "a: 1\n", "sub/b.yaml": "b: 1\n"}) {
		t.Errorf("the snapshot has %q", got)
	}
	response, err := b.publish(s, b.mustWrite(s, map[string]string{"a.yaml": "a: 2\n", "sub/b.yaml": ""}))
	if err != nil || response.GetAttempts() != 1 || response.GetCommit() != b.host.Head(t, repository, branch) {
		t.Fatalf("%v, %v", response, err)
	}
	b.host.Commit(t, repository, branch, map[string]string{"f/new.yaml": "n: 1\n"})
	again := b.open("f")
	if got := b.files(again, again.GetTree()); !maps.Equal(got,
		map[string]string{"a.yaml": "a: 2\n", "new.yaml": "n: 1\n"}) {
		t.Errorf("the next snapshot has %q", got)
	}
	if n := b.ssh.Requests(sshserver.Fetch); n != 2 {
		t.Errorf("%d fetches for two heads that were not known", n)
	}
	b.requireCommits(3)
}

// TestG1BranchMovesOverSSH: the branch moves after the push has begun. The commit is put on top of the new head.
func TestG1BranchMovesOverSSH(t *testing.T) {
	t.Parallel()
	b := setupSSH(t)
	b.host.Create(t, repository, branch, content)
	s := b.open("f")
	tree := b.mustWrite(s, map[string]string{"a.yaml": "a: 2\n"})
	b.host.Hook(t, repository, "pre-receive", "rm hooks/pre-receive\n"+
		"unset GIT_QUARANTINE_PATH GIT_OBJECT_DIRECTORY GIT_ALTERNATE_OBJECT_DIRECTORIES\n"+
		"tree=$(git rev-parse main^{tree})\nexport GIT_AUTHOR_NAME=x GIT_AUTHOR_EMAIL=x GIT_COMMITTER_NAME=x "+
		"GIT_COMMITTER_EMAIL=x\n"+
		"git update-ref refs/heads/main $(git commit-tree -m theirs -p main $tree)\n")
	response, err := b.publish(s, tree)
	if err != nil || response.GetAttempts() != 2 {
		t.Errorf("%v, %v", response, err)
	}
	b.requireCommits(3)
}

// TestG3LostAnswerOverSSH: the push is carried out and its answer does not come, or not all of it.
func TestG3LostAnswerOverSSH(t *testing.T) {
	t.Parallel()
	for name, after := range map[string]int{"lost": 0, "truncated": 5} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := setupSSH(t)
			b.host.Create(t, repository, branch, content)
			s := b.open("f")
			tree := b.mustWrite(s, map[string]string{"a.yaml": "a: 2\n"})
			b.ssh.Break(sshserver.Fault{On: sshserver.Receive, Times: 1, Cut: true, After: after})
			response, err := b.publish(s, tree)
			if err != nil || !response.GetCommitted() || response.GetAttempts() != 1 ||
				response.GetCommit() != b.host.Head(t, repository, branch) {
				t.Errorf("%v, %v", response, err)
			}
			b.requireCommits(2)
		})
	}
}

// TestG6HookDeclinesOverSSH: that is final, and nothing has changed.
func TestG6HookDeclinesOverSSH(t *testing.T) {
	t.Parallel()
	b := setupSSH(t)
	b.host.Create(t, repository, branch, content)
	b.host.Hook(t, repository, "pre-receive", "echo no >&2\nexit 1\n")
	s := b.open("f")
	_, err := b.publish(s, b.mustWrite(s, map[string]string{"a.yaml": "a: 2\n"}))
	b.requireCode(err, errs.PushRejected)
	b.requireCommits(1)
}

// TestG9ASilentSSHHostHoldsNobody: a host that says nothing, or nothing more, holds nobody longer than he wants to
// wait, be it before the handshake, after the key was taken, in the middle of a pack, or before the answer to a push.
func TestG9ASilentSSHHostHoldsNobody(t *testing.T) {
	t.Parallel()
	for name, fault := range map[string]sshserver.Fault{
		"connect": {On: sshserver.Connect}, "signed in": {On: sshserver.Refs}, "in the refs": {On: sshserver.Refs, After: 30},
		"in a pack": {On: sshserver.Fetch, After: 300_000}, "in a push": {On: sshserver.Receive},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := setupSSH(t, onePlace)
			b.host.Create(t, repository, branch, map[string]string{"f/a.yaml": "a: 1\n", "f/noise": noise()})
			fault.Hold, fault.Held = make(chan struct{}), make(chan struct{}, 1)
			b.ssh.Break(fault)
			defer close(fault.Hold)
			b.givenUp(fault.Held, b.ssh.Mend)
		})
	}
}

// TestG10ASlowSSHHostHoldsNobody: a byte now and then is no reason to wait on.
func TestG10ASlowSSHHostHoldsNobody(t *testing.T) {
	t.Parallel()
	b := setupSSH(t, onePlace)
	b.host.Create(t, repository, branch, map[string]string{"f/a.yaml": "a: 1\n", "f/noise": noise()})
	drip, dripped := slowly()
	defer close(drip)
	b.ssh.Break(sshserver.Fault{On: sshserver.Fetch, After: 10_000, Drip: drip})
	b.givenUp(dripped, b.ssh.Mend)
}

// TestG11ResetInAPackOverSSH: a connection that is cut in the middle of a pack, or of the refs, is an error that may
// pass.
func TestG11ResetInAPackOverSSH(t *testing.T) {
	t.Parallel()
	for name, fault := range map[string]sshserver.Fault{
		"refs":            {On: sshserver.Refs, After: 50, Times: 1, Cut: true},
		"pack":            {On: sshserver.Fetch, After: 300_000, Times: 1, Cut: true},
		"before the pack": {On: sshserver.Fetch, Times: 1, Cut: true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := setupSSH(t)
			b.host.Create(t, repository, branch, map[string]string{"f/a.yaml": "a: 1\n", "f/noise": noise()})
			b.ssh.Break(fault)
			err := b.tryOpen(b.location("f"))
			b.requireCode(err, errs.GitHubConnectionFailed)
			if errs.KindOf(err) != errs.Unavailable {
				t.Errorf("%v would not be tried again", err)
			}
			if err := b.tryOpen(b.location("f")); err != nil {
				t.Errorf("afterwards: %v", err)
			}
			b.requireCommits(1)
		})
	}
}

// TestG29AChangedHostKeyFailsClosed: nobody signs in to a host whose key is not the known one, and the error has the
// fingerprint.
func TestG29AChangedHostKeyFailsClosed(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		known func(b *sshBench) string
		code  errs.Code
	}{
		"changed": {code: errs.HostKeyChanged, known: func(b *sshBench) string { return b.ssh.KnownHosts() }},
		"another kind": {code: errs.HostKeyChanged, known: func(b *sshBench) string {
			address, _, _ := strings.Cut(b.ssh.KnownHosts(), " ")
			return address + " " + ecdsaKey + "\n"
		}},
		"revoked": {code: errs.HostKeyChanged, known: func(*sshBench) string { return "" }},
		"unknown": {code: errs.HostKeyUnknown, known: func(*sshBench) string { return "" }},
		"of another host": {
			code:  errs.HostKeyUnknown,
			known: func(b *sshBench) string { return strings.Replace(b.ssh.KnownHosts(), "127.0.0.1", "127.0.0.2", 1) },
		},
		"of another port": {
			code:  errs.HostKeyUnknown,
			known: func(b *sshBench) string { return strings.Replace(b.ssh.KnownHosts(), "]:", "]:1", 1) },
		},
		"no file any more": {code: errs.ConfigurationInvalid},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := setupSSH(t)
			b.host.Create(t, repository, branch, content)
			b.break29(name, test.known)
			err := b.tryOpen(b.location("f"))
			b.requireCode(err, test.code)
			if test.known != nil && (!strings.Contains(errs.From(err).Message, b.ssh.Fingerprint()) ||
				!strings.Contains(errs.From(err).RemedyText(), b.ssh.Fingerprint())) {
				t.Errorf("the fingerprint is not in %v: %s", err, errs.From(err).RemedyText())
			}
			if n := b.ssh.Requests(sshserver.Refs); n != 0 {
				t.Errorf("%d requests were made", n)
			}
			b.believe(t, b.ssh.KnownHosts())
			if err := b.tryOpen(b.location("f")); err != nil {
				t.Errorf("with the key known: %v", err)
			}
		})
	}
}

const ecdsaKey = "ecdsa-sha2-nistp256 " +
	"AAAAE2VjZHNhLXNoYTItbmlzdHAyNTYAAAAIbmlzdHAyNTYAAABBBEmKSENjQEezOmxkZMy7opKgwFB9nkt5YRrYMjNuG5N87uRgg6CLrbo5wAdT/y6v0mKV0U2w0WZ2YB/++Tpockg="

// break29 makes the known hosts wrong.
func (s *sshBench) break29(name string, known func(*sshBench) string) {
	s.t.Helper()
	if known == nil {
		if err := os.Remove(s.known); err != nil {
			s.t.Fatal(err)
		}
		return
	}
	s.believe(s.t, known(s))
	switch name {
	case "changed":
		s.ssh.ChangeHostKey(s.t)
	case "revoked":
		s.believe(s.t, s.ssh.KnownHosts()+"@revoked * "+strings.SplitN(s.ssh.KnownHosts(), " ", 2)[1])
	}
}

// TestSSHSignIn: logins that can't sign in have their codes, and nothing of a key is shown.
func TestSSHSignIn(t *testing.T) {
	t.Parallel()
	b := setupSSH(t)
	b.host.Create(t, repository, branch, content)
	_, other := sshserver.NewKey(t)
	for name, test := range map[string]struct {
		login *gitv1.PlainCredentials
		url   string
		code  errs.Code
	}{
		"another key": {login: &gitv1.PlainCredentials{SshPrivateKey: other}, code: errs.GitHubAuthenticationFailed},
		"a token":     {login: &gitv1.PlainCredentials{Token: password}, code: errs.CredentialsUnsuitable},
		"a password": {
			login: &gitv1.PlainCredentials{Username: user, Password: password},
			code:  errs.CredentialsUnsuitable,
		},
		"nothing":          {code: errs.CredentialsUnsuitable},
		"a key over https": {login: b.login, url: b.host.URL(repository), code: errs.CredentialsUnsuitable},
	} {
		location := &gitv1.Location{RepositoryUrl: b.ssh.URL(repository), Branch: branch, Directory: "f"}
		if test.url != "" {
			location.RepositoryUrl = test.url
		}
		if test.login != nil {
			location.Credentials = b.sealFor(location.GetRepositoryUrl(), test.login)
		}
		err := b.tryOpen(location)
		b.requireCode(err, test.code)
		if text := err.Error() + b.log.String(); strings.Contains(text, "a-secret") ||
			strings.Contains(text, "BEGIN OPENSSH") {
			t.Errorf("%s: a key was shown: %s", name, text)
		}
	}
}

// TestSSHAnswersAreBounded: a host that sends more than is allowed is not read on.
func TestSSHAnswersAreBounded(t *testing.T) {
	t.Parallel()
	b := setupSSH(t, func(cfg *githubsync.Config) { cfg.MaxFileBytes, cfg.MaxPackBytes = 1000, 100_000 })
	b.host.Create(t, repository, branch, map[string]string{"f/a.yaml": "a: 1\n", "f/noise": noise()})
	b.requireCode(b.tryOpen(b.location("f")), errs.RepositoryUnsupported)
	b.requireCommits(1)
}

// TestSSHRequestsAreCounted: by operation and outcome, as those over HTTP; a host that can't be reached opens its
// breaker.
func TestSSHRequestsAreCounted(t *testing.T) {
	t.Parallel()
	b := setupSSH(t, func(cfg *githubsync.Config) { cfg.BreakerFailures = 3 })
	b.host.Create(t, repository, branch, content)
	s := b.open("f")
	if _, err := b.publish(s, b.mustWrite(s, map[string]string{"a.yaml": "a: 2\n"})); err != nil {
		t.Fatal(err)
	}
	b.ssh.Break(sshserver.Fault{On: sshserver.Refs, Cut: true})
	for range 3 {
		b.requireCode(b.tryOpen(b.location("f")), errs.GitHubConnectionFailed)
	}
	before := b.ssh.Requests(sshserver.Connect)
	if err := b.tryOpen(b.location("f")); errs.From(err).RetryAfter <= 0 || b.ssh.Requests(sshserver.Connect) != before {
		t.Errorf("a host that failed three times is asked again: %v", err)
	}
	text, err := testutil.GatherAndFormat(b.metrics, expfmt.TypeTextPlain, "fgd_github_requests_total",
		"fgd_circuit_state")
	if err != nil {
		t.Fatal(err)
	}
	for _, line := range []string{
		`{code="ok",operation="refs git-upload-pack"} 2`, `{code="ok",operation="git-upload-pack"} 1`,
		`{code="ok",operation="refs git-receive-pack"} 1`,
		`{code="ok",operation="git-receive-pack"} 1`, `{code="error",operation="refs git-upload-pack"} 4`, `{target="` +
			b.ssh.Address() + `"} 2`,
	} {
		if !strings.Contains(string(text), line) {
			t.Errorf("%s is not in\n%s", line, text)
		}
	}
}

// TestSSHRefusals: what a host says is sorted, and shown without secrets.
func TestSSHRefusals(t *testing.T) {
	t.Parallel()
	b := setupSSH(t)
	b.host.Create(t, repository, branch, content)
	missing := b.location("f")
	missing.RepositoryUrl = b.ssh.URL("other.git")
	b.requireCode(b.tryOpen(missing), errs.GitHubNotFound)
	b.host.CreateEmpty(t, "e.git")
	missing.RepositoryUrl = b.ssh.URL("e.git")
	b.requireCode(b.tryOpen(missing), errs.RepositoryEmpty)
	for says, code := range map[string]errs.Code{
		"ERROR: Repository not found.":                                                  errs.GitHubNotFound,
		"ERROR: Permission to a/b.git denied to deploy key":                             errs.GitHubAuthenticationFailed,
		"ERROR: The key you are authenticating with has been marked as read only.":      errs.GitHubAuthenticationFailed,
		"fatal: https://u:" + password + "@mirror\x1b[31m " + strings.Repeat("x", 5000): errs.GitHubConnectionFailed,
	} {
		b.ssh.Break(sshserver.Fault{On: sshserver.Refs, Times: 1, Says: says})
		err := b.tryOpen(b.location("f"))
		b.requireCode(err, code)
		if strings.Contains(err.Error(), "\x1b") || len(errs.From(err).Message) > 2500 {
			t.Errorf("%q", err)
		}
	}
	if err := b.tryOpen(b.location("f")); err != nil {
		t.Error(err)
	}
	b.requireCommits(1)
}
