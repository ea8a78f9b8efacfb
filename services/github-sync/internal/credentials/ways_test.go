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
	"strings"
	"testing"

	"golang.org/x/crypto/ssh"

	"fgdsync.dev/libs/errs"
	"fgdsync.dev/libs/secret"
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
	t.Parallel()
	s, key, app := sealer(t, ""), sshKey(t, ""), rsaKey(t)
	for _, p := range []credentials.Plain{
		{SSHKey: secret.New(key)}, {SSHKey: secret.New(app)}, {App: &credentials.App{
			ID: 7, Installation: 8,
			Key: secret.New(app),
		}},
	} {
		sealed, err := s.Seal(p, here)
		if err != nil {
			t.Fatal(err)
		}
		login, err := s.Open(sealed, here)
		if err != nil || login.None() || !login.Basic.None() || login.SSHKey != p.SSHKey {
			t.Errorf("%v, %v", login, err)
		}
		if a := login.App; (a != nil) != (p.App != nil) || a != nil &&
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
	t.Parallel()
	key, locked, app := sshKey(t, ""), sshKey(t, planted), rsaKey(t)
	for name, test := range map[string]struct {
		plain credentials.Plain
		text  string
	}{
		"no key":       {credentials.Plain{SSHKey: secret.New(planted)}, "can't be read"},
		"half a key":   {credentials.Plain{SSHKey: secret.New(key[:len(key)/2])}, "can't be read"},
		"a passphrase": {credentials.Plain{SSHKey: secret.New(locked)}, "has a passphrase"},
		"two ways":     {credentials.Plain{SSHKey: secret.New(key), Token: secret.New(planted)}, "exactly one way"},
		"key and app": {credentials.Plain{
			SSHKey: secret.New(key),
			App:    &credentials.App{ID: 1, Installation: 1, Key: secret.New(app)},
		}, "exactly one way"},
		"app without id": {
			credentials.Plain{App: &credentials.App{Installation: 1, Key: secret.New(app)}},
			"app_id",
		},
		"app without place": {
			credentials.Plain{App: &credentials.App{ID: 1, Key: secret.New(app)}},
			"installation_id",
		},
		"app without key": {
			credentials.Plain{App: &credentials.App{ID: 1, Installation: 1}},
			"can't be read",
		},
		"app with half": {credentials.Plain{App: &credentials.App{
			ID: 1, Installation: 1,
			Key: secret.New(app[:len(app)/2]),
		}}, "can't be read"},
		"app with EC key": {credentials.Plain{App: &credentials.App{
			ID: 1, Installation: 1,
			Key: secret.New(ecKey(t)),
		}}, "can't be read"},
	} {
		_, err := sealer(t, "").Seal(test.plain, here)
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
