package githubsync_test

import (
	"cmp"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	gitv1 "fgdsync.dev/proto/fgd/git/v1"
	githubsync "fgdsync.dev/services/github-sync"
	"fgdsync.dev/testkit/sshserver"
)

// TestCommitsAreSigned: with a key every commit that is published has a signature that git takes for that of the key.
func TestCommitsAreSigned(t *testing.T) {
	t.Parallel()
	key := filepath.Join(t.TempDir(), "key")
	if out, err := exec.CommandContext(t.Context(), "ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", "", "-f", key).
		CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	public, err := os.ReadFile(key + ".pub")
	if err != nil {
		t.Fatal(err)
	}
	allowed := filepath.Join(t.TempDir(), "allowed")
	if err := os.WriteFile(allowed, []byte("* "+string(public)), 0o600); err != nil {
		t.Fatal(err)
	}
	b := setup(t, func(c *githubsync.Config) { c.SigningKeyFile = key })
	b.host.Create(t, repository, branch, content)
	for _, what := range []string{"one", "two"} {
		if err := b.sync(what); err != nil {
			t.Fatal(err)
		}
		b.host.Git(t, repository, "-c", "gpg.format=ssh", "-c", "gpg.ssh.allowedSignersFile="+allowed, "verify-commit",
			branch)
	}
	b.requireCommits(3)
}

// TestACheckWarnsOfACommitterWhoIsNobody: hosts can't verify his signatures. Without a key nobody minds.
func TestACheckWarnsOfACommitterWhoIsNobody(t *testing.T) {
	t.Parallel()
	host, key := newHost(t), filepath.Join(t.TempDir(), "key")
	host.Create(t, repository, branch, content)
	_, private := sshserver.NewKey(t)
	if err := os.WriteFile(key, []byte(private), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, test := range []struct{ key, configured, ofTheFabric, want string }{
		{key, "", "", "FGD_4031"},
		{key, "", "Bot <bot@example.com>", ""},
		{key, "Bot <bot@example.com>", "", ""},
		{key, "Bot <bot@example.com>", "Nobody <fgd@host.INVALID>", "FGD_4031"},
		{"", "", "", ""},
	} {
		b := replica(t, host, func(c *githubsync.Config) {
			c.SigningKeyFile, c.CommitCommitter = test.key, cmp.Or(test.configured, c.CommitCommitter)
		})
		found := b.check(&gitv1.CheckConnectionRequest{
			Location: b.location("f"), CommitCommitter: test.ofTheFabric,
		})
		got := strings.Join(b.codes(found.GetWarnings()), " ")
		if got != test.want || len(found.GetProblems()) > 0 {
			t.Errorf("%+v: %v", test, found)
		}
		if logged := strings.Contains(b.log.String(), "nobody's"); logged != (test.key != "" && test.configured == "") {
			t.Errorf("%+v: the log says so: %v", test, logged)
		}
	}
}
