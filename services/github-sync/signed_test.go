package githubsync_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	githubsync "fgdsync.dev/services/github-sync"
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
