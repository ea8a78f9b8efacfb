package signing_test

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"fgdsync.dev/libs/errs"
	"fgdsync.dev/services/github-sync/internal/signing"
	"fgdsync.dev/testkit/gitserver"
)

const repository, branch = "r.git", "main"

var when = time.Date(2026, 3, 4, 5, 6, 7, 0, time.UTC)

// run runs a program of the test and gives what it printed.
func run(t *testing.T, env []string, name string, args ...string) string {
	t.Helper()
	command := exec.CommandContext(t.Context(), name, args...)
	command.Env = append(os.Environ(), env...)
	out, err := command.CombinedOutput()
	if err != nil {
		t.Fatalf("%s %v: %v\n%s", name, args, err, out)
	}
	return string(out)
}

// signed signs a commit of a repository twice, and gives the id of what Git stores of it.
func signed(t *testing.T, host *gitserver.Server, key string) string {
	t.Helper()
	k, err := signing.Load(key)
	if err != nil {
		t.Fatal(err)
	}
	tree := strings.TrimSpace(host.Git(t, repository, "rev-parse", branch+"^{tree}"))
	commit := []byte("tree " + tree + "\nparent " + host.Head(t, repository, branch) +
		"\nauthor A <a@example.com> 1767323045 +0000\ncommitter C <c@example.com> 1767323045 +0000\n\nA " +
		"message\n\nFgd-Sync-Id: 1\n")
	one, err := k.Sign(commit, when)
	if err != nil {
		t.Fatal(err)
	}
	if two, err := k.Sign(commit, when); err != nil || !bytes.Equal(one, two) {
		t.Errorf("a commit signed twice differs: %v", err)
	}
	id := host.Object(t, repository, "commit", bytes.NewReader(one))
	host.Git(t, repository, "update-ref", "refs/heads/"+branch, id)
	host.RequireSound(t, repository)
	if message := host.Git(t, repository, "log", "-1", "--format=%B", id); !strings.HasPrefix(message,
		"A message\n\nFgd-Sync-Id: 1\n") {
		t.Errorf("the message is %q", message)
	}
	return id
}

func newHost(t *testing.T) *gitserver.Server {
	t.Helper()
	host := gitserver.Start(t, gitserver.Options{})
	host.Create(t, repository, branch, map[string]string{"a": "a\n"})
	return host
}

// TestGitVerifiesAnSSHSignature: git itself takes the signature for that of the key, and not once the commit is
// changed.
func TestGitVerifiesAnSSHSignature(t *testing.T) {
	t.Parallel()
	host := newHost(t)
	for _, kind := range []string{"ed25519", "rsa"} {
		key := filepath.Join(t.TempDir(), "key")
		run(t, nil, "ssh-keygen", "-q", "-t", kind, "-N", "", "-C", "", "-f", key)
		public, err := os.ReadFile(key + ".pub")
		if err != nil {
			t.Fatal(err)
		}
		allowed := filepath.Join(t.TempDir(), "allowed")
		if err := os.WriteFile(allowed, []byte("c@example.com "+string(public)), 0o600); err != nil {
			t.Fatal(err)
		}
		id := signed(t, host, key)
		host.Git(t, repository, "-c", "gpg.format=ssh", "-c", "gpg.ssh.allowedSignersFile="+allowed, "verify-commit", id)
	}
}

// TestGitVerifiesAnOpenPGPSignature: the same with gpg.
func TestGitVerifiesAnOpenPGPSignature(t *testing.T) {
	t.Parallel()
	host := newHost(t)
	home, err := os.MkdirTemp("", "gpg") // sockets have short paths
	if err != nil {
		t.Fatal(err)
	}
	env := []string{"GNUPGHOME=" + home}
	t.Cleanup(func() {
		_ = exec.Command("gpgconf", "--homedir", home, "--kill", "all").Run()
		_ = os.RemoveAll(home)
	})
	run(t, env, "gpg", "--batch", "--passphrase", "", "--quick-generate-key", "C <c@example.com>", "ed25519", "sign",
		"never")
	key := filepath.Join(t.TempDir(), "key.asc")
	run(t, env, "gpg", "--batch", "--armor", "--output", key, "--export-secret-keys")
	id := signed(t, host, key)
	command := exec.CommandContext(t.Context(), "git", "verify-commit", id)
	command.Dir, command.Env = host.Path(repository), append(os.Environ(), env...)
	if out, err := command.CombinedOutput(); err != nil || !strings.Contains(string(out), "Good signature") {
		t.Errorf("%v\n%s", err, out)
	}
}

// TestKeysThatCannotSign: what is no key, is missing or locked stops the start, and nothing of it is quoted.
func TestKeysThatCannotSign(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	locked := filepath.Join(dir, "locked")
	run(t, nil, "ssh-keygen", "-q", "-t", "ed25519", "-N", "a-passphrase", "-f", locked)
	other := filepath.Join(dir, "other")
	if err := os.WriteFile(other, []byte("something-private"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, file := range []string{locked, locked + ".pub", other, dir, filepath.Join(dir, "missing")} {
		_, err := signing.Load(file)
		if !errs.HasCode(err, errs.ConfigurationInvalid) || strings.Contains(err.Error(), "something-private") ||
			errs.From(err).RemedyText() == "" {
			t.Errorf("%s: %v", file, err)
		}
	}
}

// TestWithoutAKey: commits stay as they are.
func TestWithoutAKey(t *testing.T) {
	t.Parallel()
	var none *signing.Key
	if out, err := none.Sign([]byte("commit"), when); err != nil || string(out) != "commit" {
		t.Errorf("%q, %v", out, err)
	}
}
