package credentials_test

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"filippo.io/age"

	"fgdsync.dev/libs/errs"
	"fgdsync.dev/libs/secret"
	"fgdsync.dev/services/github-sync/internal/credentials"
)

func lines(t *testing.T, file string) []string {
	t.Helper()
	raw, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	return strings.Split(strings.TrimSpace(string(raw)), "\n")
}

// TestRotation: a running sealer seals with a new key at once, opens what the old one sealed, and does without the old
// one once everything is sealed anew.
func TestRotation(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "key")
	s := sealer(t, file)
	old, err := s.Seal(credentials.Plain{Token: secret.New(planted)}, here)
	if err != nil {
		t.Fatal(err)
	}
	before := lines(t, file)
	if err := os.WriteFile(file, []byte("# made by hand\n\n"+before[0]+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := credentials.RotateKey(file); err != nil {
		t.Fatal(err)
	}
	after := lines(t, file)
	if info, err := os.Stat(file); err != nil || info.Mode().Perm() != 0o600 || len(after) != 4 || after[3] != before[0] ||
		after[0] == before[0] {
		t.Errorf("%v, %v: %d lines", info, err, len(after))
	}
	fresh, err := s.Seal(credentials.Plain{Token: secret.New(planted)}, here)
	if err != nil {
		t.Fatal(err)
	}
	resealed, err := s.Reseal(old, here)
	if err != nil {
		t.Fatal(err)
	}
	requireOpens(t, s, old, fresh, resealed)
	if err := os.WriteFile(file, []byte(after[0]), 0o600); err != nil {
		t.Fatal(err)
	}
	requireOpens(t, s, fresh, resealed)
	if _, err := s.Open(old, here); !errs.HasCode(err, errs.CredentialsUnreadable) {
		t.Errorf("sealed with a key that is gone: %v", err)
	}
	if _, err := s.Reseal(old, here); !errs.HasCode(err, errs.CredentialsUnreadable) {
		t.Errorf("sealed anew without the key: %v", err)
	}
	if left, err := os.ReadDir(filepath.Dir(file)); err != nil || len(left) != 1 {
		t.Errorf("left behind: %v, %v", left, err)
	}
}

func requireOpens(t *testing.T, s *credentials.Sealer, all ...[]byte) {
	t.Helper()
	for i, sealed := range all {
		if login, err := s.Open(sealed, here); err != nil || login.Password.Reveal() != planted {
			t.Errorf("%d: %v, %v", i, login, err)
		}
	}
}

// TestKeyFileGoesAway: what is wrong with the file is said as such, and nothing of it.
func TestKeyFileGoesAway(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "key")
	s := sealer(t, file)
	sealed, err := s.Seal(credentials.Plain{Token: secret.New(planted)}, here)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(file, []byte("AGE-SECRET-KEY-"+planted), 0o600); err != nil {
		t.Fatal(err)
	}
	_, openErr := s.Open(sealed, here)
	_, sealErr := s.Seal(credentials.Plain{Token: secret.New(planted)}, here)
	for _, err := range []error{openErr, sealErr, credentials.RotateKey(file)} {
		if !errs.HasCode(err, errs.CredentialsUnreadable) || !strings.Contains(err.Error(), file) ||
			strings.Contains(err.Error(), planted) {
			t.Errorf("broken: %v", err)
		}
	}
	if err := os.Remove(file); err != nil {
		t.Fatal(err)
	}
	if err := credentials.RotateKey(file); !errs.HasCode(err, errs.CredentialsUnreadable) {
		t.Errorf("rotated a missing file: %v", err)
	}
	if _, err := s.Open(sealed, here); !errs.HasCode(err, errs.CredentialsUnreadable) || !errors.Is(err, os.ErrNotExist) {
		t.Errorf("missing: %v", err)
	}
}

// TestGivenKeys: keys can come as a text.
func TestGivenKeys(t *testing.T) {
	t.Parallel()
	one, err := age.GenerateX25519Identity()
	if err != nil {
		t.Fatal(err)
	}
	keys, err := credentials.ParseKeys(secret.New("# key\n" + one.String() + "\n"))
	if err != nil {
		t.Fatal(err)
	}
	s := credentials.NewSealer(keys)
	sealed, err := s.Seal(credentials.Plain{Token: secret.New(planted)}, here)
	if err != nil {
		t.Fatal(err)
	}
	requireOpens(t, s, sealed)
	for _, bad := range []string{"", "# nothing", planted, one.String() + "\n" + planted} {
		if _, err := credentials.ParseKeys(secret.New(bad)); !errs.HasCode(err, errs.CredentialsUnreadable) ||
			strings.Contains(err.Error(), planted) || strings.Contains(err.Error(), one.String()) {
			t.Errorf("%v", err)
		}
	}
}
