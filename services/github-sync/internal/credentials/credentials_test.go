package credentials_test

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"fgdsync.dev/libs/errs"
	"fgdsync.dev/libs/remotehost"
	"fgdsync.dev/libs/secret"
	"fgdsync.dev/services/github-sync/internal/credentials"
)

const planted = "a-secret-nobody-guesses"

// here is what the credentials of these tests are for.
var here = credentials.Target{
	Server: remotehost.Host{Scheme: "https", Name: "git.example.com", Port: "443"}, Fabric: 7,
}

func sealer(t *testing.T, file string) *credentials.Sealer {
	t.Helper()
	keys, err := credentials.NewKeys()
	if file != "" {
		keys, err = credentials.FileKeys(file)
	}
	if err != nil {
		t.Fatal(err)
	}
	return credentials.NewSealer(keys)
}

func TestSealing(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "keys", "key")
	one := sealer(t, file)
	if info, err := os.Stat(file); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("the key file: %v, %v", info, err)
	}
	sealed, err := one.Seal(credentials.Plain{Username: "u", Password: secret.New(planted)}, here)
	if err != nil || strings.Contains(string(sealed), planted) {
		t.Fatalf("%q, %v", sealed, err)
	}
	login, err := sealer(t, file).Open(sealed, here) // another process with the same key
	if err != nil || login.Username != "u" || login.Password.Reveal() != planted {
		t.Errorf("%v, %v", login, err)
	}
	if text := fmt.Sprintf("%v %+v %#v", login, login, login); strings.Contains(text, planted) {
		t.Errorf("printed: %s", text)
	}
	if _, err := sealer(t, "").Open(sealed, here); !errs.HasCode(err, errs.CredentialsUnreadable) {
		t.Errorf("with another key: %v", err)
	}
	for i := range sealed { // every byte is covered
		damaged := append([]byte(nil), sealed...)
		damaged[i] ^= 1
		if login, err := one.Open(damaged, here); err == nil && login.Password.Reveal() != planted {
			t.Fatalf("byte %d: opened to %v", i, login)
		}
	}
	token, err := one.Seal(credentials.Plain{Token: secret.New(planted)}, here)
	if err != nil {
		t.Fatal(err)
	}
	if login, err := one.Open(token, here); err != nil || login.Username == "" || login.Password.Reveal() != planted {
		t.Errorf("token: %v, %v", login, err)
	}
	for _, bad := range []credentials.Plain{
		{},
		{Username: "u"},
		{Password: secret.New("p")},
		{Token: secret.New("t"), Username: "u", Password: secret.New("p")},
		{Token: secret.New("t"), SSHKey: secret.New("k")},
		{Token: secret.New("t"), App: &credentials.App{}},
	} {
		if _, err := one.Seal(bad, here); !errs.HasCode(err, errs.InvalidRequest) {
			t.Errorf("%v: %v", bad, err)
		}
	}
}

func TestBadKeyFiles(t *testing.T) {
	t.Parallel()
	bad := filepath.Join(t.TempDir(), "key")
	if err := os.WriteFile(bad, []byte("AGE-SECRET-KEY-"+planted), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, file := range []string{bad, t.TempDir(), "/proc/nothing/key"} {
		if _, err := credentials.FileKeys(file); !errs.HasCode(err, errs.CredentialsUnreadable) ||
			strings.Contains(err.Error(), planted) {
			t.Errorf("%s: %v", file, err)
		}
	}
}
