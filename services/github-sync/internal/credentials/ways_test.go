package credentials_test

import (
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/crypto/ssh"

	"fgdsync.dev/libs/errs"
	gitv1 "fgdsync.dev/proto/fgd/git/v1"
	"fgdsync.dev/services/github-sync/internal/credentials"
)

// rsaKey is a private key as GitHub makes it for an App.
func rsaKey(t *testing.T) string {
	t.Helper()
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	return string(pem.EncodeToMemory(&pem.Block{Type: "RSA PRIVATE KEY", Bytes: x509.MarshalPKCS1PrivateKey(key)}))
}

// sshKey is a private key as ssh-keygen writes it.
func sshKey(t *testing.T, passphrase string) string {
	t.Helper()
	_, key, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	block, err := ssh.MarshalPrivateKey(key, "")
	if passphrase != "" {
		block, err = ssh.MarshalPrivateKeyWithPassphrase(key, "", []byte(passphrase))
	}
	if err != nil {
		t.Fatal(err)
	}
	return string(pem.EncodeToMemory(block))
}

func ecKey(t *testing.T) string {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	raw, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	return string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: raw}))
}

// inside is a piece of a PEM file that tells it from others.
func inside(key string) string { return strings.Split(key, "\n")[1] }

// TestKeysAreSealed: a deploy key and a GitHub App come back whole, and nothing prints them.
func TestKeysAreSealed(t *testing.T) {
	s, key, app := sealer(t, ""), sshKey(t, ""), rsaKey(t)
	for _, p := range []*gitv1.PlainCredentials{
		{SshPrivateKey: key}, {SshPrivateKey: app}, {GithubApp: &gitv1.GitHubApp{
			AppId: 7, InstallationId: 8,
			PrivateKey: app,
		}},
	} {
		sealed, err := s.Seal(p)
		if err != nil {
			t.Fatal(err)
		}
		login, err := s.Open(sealed)
		if err != nil || login.None() || !login.Basic.None() || login.SSHKey.Reveal() != p.GetSshPrivateKey() {
			t.Errorf("%v, %v", login, err)
		}
		if a := login.App; (a != nil) != (p.GetGithubApp() != nil) || a != nil &&
			(a.ID != 7 || a.Installation != 8 || a.Key.Reveal() != app) {
			t.Errorf("app: %v", a)
		}
		text := fmt.Sprintf("%v %+v %#v %+v", login, login, login, login.App) + string(sealed)
		if strings.Contains(text, inside(key)) || strings.Contains(text, inside(app)) {
			t.Errorf("printed: %s", text)
		}
	}
}

// TestBadKeysAreRefused: keys that would fail with the first sync are not stored, and what is said of them quotes
// nothing.
func TestBadKeysAreRefused(t *testing.T) {
	key, locked, app := sshKey(t, ""), sshKey(t, planted), rsaKey(t)
	for name, test := range map[string]struct {
		plain *gitv1.PlainCredentials
		text  string
	}{
		"no key":       {&gitv1.PlainCredentials{SshPrivateKey: planted}, "can't be read"},
		"half a key":   {&gitv1.PlainCredentials{SshPrivateKey: key[:len(key)/2]}, "can't be read"},
		"a passphrase": {&gitv1.PlainCredentials{SshPrivateKey: locked}, "has a passphrase"},
		"two ways":     {&gitv1.PlainCredentials{SshPrivateKey: key, Token: planted}, "exactly one way"},
		"key and app": {&gitv1.PlainCredentials{
			SshPrivateKey: key,
			GithubApp:     &gitv1.GitHubApp{AppId: 1, InstallationId: 1, PrivateKey: app},
		}, "exactly one way"},
		"app without id": {
			&gitv1.PlainCredentials{GithubApp: &gitv1.GitHubApp{InstallationId: 1, PrivateKey: app}},
			"app_id",
		},
		"app without place": {
			&gitv1.PlainCredentials{GithubApp: &gitv1.GitHubApp{AppId: 1, PrivateKey: app}},
			"installation_id",
		},
		"app without key": {
			&gitv1.PlainCredentials{GithubApp: &gitv1.GitHubApp{AppId: 1, InstallationId: 1}},
			"can't be read",
		},
		"app with half": {&gitv1.PlainCredentials{GithubApp: &gitv1.GitHubApp{
			AppId: 1, InstallationId: 1,
			PrivateKey: app[:len(app)/2],
		}}, "can't be read"},
		"app with EC key": {&gitv1.PlainCredentials{GithubApp: &gitv1.GitHubApp{
			AppId: 1, InstallationId: 1,
			PrivateKey: ecKey(t),
		}}, "can't be read"},
	} {
		_, err := sealer(t, "").Seal(test.plain)
		if !errs.HasCode(err, errs.InvalidRequest) || !strings.Contains(err.Error(), test.text) {
			t.Errorf("%s: %v", name, err)
		}
		for _, secret := range []string{planted, inside(key), inside(locked), inside(app)} {
			if err != nil && strings.Contains(err.Error(), secret) {
				t.Errorf("%s: the error quotes a secret", name)
			}
		}
	}
}

func yamlApp(key string) string {
	return "app_id: 7\ninstallation_id: 8\nprivate_key: |\n  " + strings.ReplaceAll(strings.TrimSpace(key), "\n", "\n  ") +
		"\n"
}

func TestReferences(t *testing.T) {
	folder, key, app := t.TempDir(), sshKey(t, ""), rsaKey(t)
	for name, content := range map[string]string{
		"token": planted + "\n", "pair": "u:" + planted, "empty": " \n", "ssh": key, "app": yamlApp(app),
		"locked":         sshKey(t, planted),
		"half app":       "app_id: 7\nprivate_key: " + planted,
		"unindented app": "app_id: 7\ninstallation_id: 8\nprivate_key: |\n" + app, "lines": "u:\n" + planted,
	} {
		if err := os.WriteFile(filepath.Join(folder, name), []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	environment := map[string]string{"HEDGEHOG_FGD_GIT_FABRIC_1": "u:" + planted, "HEDGEHOG_FGD_REDIS_URL": "redis://:" +
		planted + "@host", "HEDGEHOG_FGD_CREDENTIALS_KEY": planted, "HOME": "/root"}
	lookup := func(name string) (string, bool) { value, set := environment[name]; return value, set }
	resolver := credentials.NewResolver(sealer(t, ""), folder, lookup)
	resolve := func(reference string) (credentials.Login, error) {
		return resolver.Resolve(&gitv1.Credentials{Source: &gitv1.Credentials_Reference{Reference: reference}})
	}
	for reference, user := range map[string]string{
		"env:HEDGEHOG_FGD_GIT_FABRIC_1": "u", "file:pair": "u",
		"file:token": "x-access-token",
	} {
		login, err := resolve(reference)
		if err != nil || login.Password.Reveal() != planted || login.Username != user {
			t.Errorf("%s: %v, %v", reference, login, err)
		}
	}
	if login, err := resolve("file:ssh"); err != nil || login.SSHKey.Reveal() != key || !login.Basic.None() {
		t.Errorf("a private key: %v, %v", login, err)
	}
	if login, err := resolve("file:app"); err != nil || login.App == nil || login.App.Installation != 8 ||
		strings.TrimSpace(login.App.Key.Reveal()) != strings.TrimSpace(app) || !login.Basic.None() {
		t.Errorf("an app: %v, %v", login, err)
	}
	for _, reference := range []string{
		"env:HOME", "env:HEDGEHOG_FGD_REDIS_URL", "env:HEDGEHOG_FGD_CREDENTIALS_KEY", "env:HEDGEHOG_FGD_GIT_OTHER", "env:",
		"file:", "file:.", "file:..", "file:../key",
		"file:/etc/passwd", `file:a\b`, "file:missing", "file:empty", "file:locked", "file:half app", "file:unindented app",
		"file:lines", "vault:x", "", "token",
	} {
		login, err := resolve(reference)
		if !errs.HasCode(err, errs.CredentialsUnreadable) || strings.Contains(err.Error(), planted) ||
			strings.Contains(err.Error(), inside(app)) {
			t.Errorf("%q: %v, %v", reference, login, err)
		}
	}
	if login, err := resolver.Resolve(nil); err != nil || !login.None() {
		t.Errorf("none: %v, %v", login, err)
	}
}
