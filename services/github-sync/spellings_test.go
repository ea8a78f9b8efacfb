package githubsync_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"fgdsync.dev/libs/errs"
	gitv1 "fgdsync.dev/proto/fgd/git/v1"
	githubsync "fgdsync.dev/services/github-sync"
)

// withKnownHosts permits SSH, to no host.
func withKnownHosts(t *testing.T) func(*githubsync.Config) {
	t.Helper()
	known := filepath.Join(t.TempDir(), "known_hosts")
	if err := os.WriteFile(known, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	return func(cfg *githubsync.Config) { cfg.SSHKnownHostsFile = known }
}

func (b *bench) key(url string) string {
	b.t.Helper()
	response, err := b.repositories.CheckLocation(b.t.Context(),
		&gitv1.CheckLocationRequest{Location: &gitv1.Location{RepositoryUrl: url, Branch: branch}})
	if err != nil {
		b.t.Errorf("%s: %v", url, err)
	}
	return response.GetRepositoryKey()
}

// TestSpellings: all spellings of one repository have one key, over HTTPS and over SSH; what may be another one has
// another.
func TestSpellings(t *testing.T) {
	t.Parallel()
	b := setup(t, withKnownHosts(t))
	keys := map[string]string{}
	for name, urls := range map[string][]string{
		"one": {
			"https://Example.com/a/b.git", "https://example.com:443/a/b.git", "https://example.com/a/b",
			"https://example.com/a/b/",
			"https://example.com/a//b.git", "https://example.com./a/b", "http://example.com/a/b",
			"ssh://git@example.com/a/b.git",
			"ssh://git@example.com:22/a/b.git", "ssh://example.com/a/b", "SSH://git@EXAMPLE.com/a/b/",
			"ssh://me@example.com/a/b",
			"git@example.com:a/b.git", "example.com:a/b.git", "git@Example.com:/a/b", "me@example.com:/a/b",
		},
		"the home of another user": {"me@example.com:a/b.git", "me@example.com:a/b"},
		"another port":             {"ssh://git@example.com:2222/a/b.git"},
		"443 is not SSH's port":    {"ssh://git@example.com:443/a/b.git"},
		"22 is not that of HTTPS":  {"https://example.com:22/a/b.git"},
		"another port of HTTPS":    {"https://example.com:8443/a/b.git"},
		"another host":             {"ssh://git@ssh.example.com/a/b.git"},
		"another case of the path": {"git@example.com:A/b.git"},
		"this machine": {
			"http://localhost:3000/a/b.git", "http://127.0.0.1:3000/a/b", "http://127.1:3000/a/b", "http://[::1]:3000/a/b",
			"https://[::ffff:127.0.0.1]:3000/a/b", "http://LOCALHOST.:3000/a/b",
		},
		"IPv6": {
			"ssh://git@[2001:db8::1]:22/a/b", "git@[2001:DB8::1]:a/b.git",
			"https://[2001:db8::1]/a/b",
		},
		"a home": {
			"ssh://git@example.com/~me/a/b", "git@example.com:~me/a/b.git",
			"you@example.com:~me/a/b",
		},
	} {
		for _, url := range urls {
			key := b.key(url)
			if first := b.key(urls[0]); key != first {
				t.Errorf("%s has the key %s, and %s has %s", url, key, urls[0], first)
			}
			if other, taken := keys[key]; taken && other != name {
				t.Errorf("%s and %s have one key, %s", name, other, key)
			}
			keys[key] = name
		}
	}
}

// TestX6OddURLs: what could become an option, a command or another line is no URL, also where SSH and private addresses
// are permitted.
func TestX6OddURLs(t *testing.T) {
	t.Parallel()
	b := setup(t, withKnownHosts(t))
	for _, url := range []string{
		"ssh://-oProxyCommand=id/x.git", "ssh://git@-oProxyCommand=id/x.git", "ssh://-oProxyCommand=id@example.com/x.git",
		"-oProxyCommand=id:x.git",
		"git@-oProxyCommand=id:x.git", "-x@example.com:x.git", "ssh://git@example.com/-x", "git@example.com:-x",
		"ssh://git@example.com/%0ax",
		"ssh://git@example.com/a%00b", "git@example.com:x\ny", "ssh://git:" + password + "@example.com/x.git",
		"ssh://git@example.com:0/x.git",
		"ssh://git@example.com:65536/x.git", "ssh://git@example.com:x/x.git", "ssh://git@example.com/", "git@example.com:",
		"git@example.com:.",
		"git@example.com:../x.git", "ssh://git@example.com/../..", "ssh:///x.git", "ssh://git@/x.git", "git@:x.git",
		"@example.com:x.git@y",
		"ext::sh", "fd::17", "a b@example.com:x.git", "ssh://g$(id)@example.com/x.git", "ssh://git@exa$mple.com/x.git",
		"ssh://git@example.com/x.git?a=b",
		"ssh://git@example.com/x.git#f", "git+ssh://git@example.com/x.git", "x.git", "/srv/x.git", "git://example.com/x.git",
	} {
		err := b.tryOpen(&gitv1.Location{RepositoryUrl: url, Branch: branch})
		if !errs.HasCode(err, errs.RemoteRefused) || strings.Contains(err.Error(), password) {
			t.Errorf("%q: %v", url, err)
		}
	}
}

// TestANameBeforeTheHost: Azure DevOps and Bitbucket show such URLs. Whoever asks is told what to write in its place,
// and the name, which may be a token, is not repeated.
func TestANameBeforeTheHost(t *testing.T) {
	t.Parallel()
	b := setup(t)
	const at = "dev.azure.example/org/p/_git/r"
	const url, instead = "HTTPS://" + password + "@" + at + "/", "https://" + at + ","
	location := &gitv1.Location{RepositoryUrl: url, Branch: branch}
	_, registered := b.repositories.CheckLocation(t.Context(), &gitv1.CheckLocationRequest{Location: location})
	_, sealed := b.repositories.SealCredentials(t.Context(), &gitv1.SealCredentialsRequest{
		Credentials: b.login, RepositoryUrl: url,
	})
	checked, err := b.repositories.CheckConnection(t.Context(), &gitv1.CheckConnectionRequest{Location: location})
	if err != nil || len(checked.GetConnection().GetProblems()) != 1 {
		t.Fatalf("a check: %v, %v", checked, err)
	}
	problem := checked.GetConnection().GetProblems()[0]
	for who, err := range map[string]error{
		"a registration": registered, "credentials": sealed, "a sync": b.tryOpen(location),
		"a check": errs.New(errs.RemoteRefused, "%s", problem.GetMessage()).WithRemedy("%s", problem.GetRemedy()),
	} {
		b.requireCode(err, errs.RemoteRefused)
		e := errs.From(err)
		if !strings.Contains(e.Message, "name of an account") || !strings.Contains(e.RemedyText(), instead) ||
			!strings.Contains(e.RemedyText(), "username") || strings.Contains(e.RemedyText(), password) {
			t.Errorf("%s: %s %s", who, e.Message, e.RemedyText())
		}
	}
	withPassword := &gitv1.Location{RepositoryUrl: "https://u:" + password + "@example.com/r", Branch: branch}
	if err := b.tryOpen(withPassword); !strings.Contains(err.Error(), "holds credentials") {
		t.Errorf("a password: %v", err)
	}
}

// TestLongLocationsAreRefused: where a fabric lives is repeated in its records and events, which have a limit.
func TestLongLocationsAreRefused(t *testing.T) {
	t.Parallel()
	b := setup(t)
	const url = "https://example.com/o/r"
	long, scheme := strings.Repeat("/part", 1000), strings.Repeat("x", 5000)
	for name, c := range map[string]struct {
		location *gitv1.Location
		code     errs.Code
	}{
		"url":       {&gitv1.Location{RepositoryUrl: url + long, Branch: branch}, errs.RemoteRefused},
		"scheme":    {&gitv1.Location{RepositoryUrl: scheme + "://a/b", Branch: branch}, errs.RemoteRefused},
		"branch":    {&gitv1.Location{RepositoryUrl: url, Branch: "b" + long}, errs.InvalidRequest},
		"directory": {&gitv1.Location{RepositoryUrl: url, Branch: branch, Directory: "d" + long}, errs.DirectoryInvalid},
	} {
		_, err := b.repositories.CheckLocation(t.Context(), &gitv1.CheckLocationRequest{Location: c.location})
		if !errs.HasCode(err, c.code) || len(err.Error()) > 200 {
			t.Errorf("%s: %.300v", name, err)
		}
	}
}

// TestSSHToAPrivateAddress: the address is judged when it is connected to, as for HTTPS.
func TestSSHToAPrivateAddress(t *testing.T) {
	t.Parallel()
	b := setupSSH(t)
	b.host.Create(t, repository, branch, content)
	strict := replica(t, b.host, func(cfg *githubsync.Config) {
		cfg.AllowedPrivateNetworks, cfg.SSHKnownHostsFile = nil, b.known
	})
	for _, url := range []string{b.ssh.URL(repository), strings.Replace(b.ssh.URL(repository), "127.0.0.1", "localhost",
		1)} {
		location := &gitv1.Location{RepositoryUrl: url, Branch: branch, Credentials: strict.sealFor(url, b.login)}
		strict.requireCode(strict.tryOpen(location), errs.RemoteRefused)
	}
	if n := b.ssh.Requests("connect"); n != 0 {
		t.Errorf("%d connections were made", n)
	}
}
