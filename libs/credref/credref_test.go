package credref_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"fgdsync.dev/libs/credref"
	"fgdsync.dev/libs/errs"
	"fgdsync.dev/libs/remotehost"
)

const planted = "planted-secret-91"

// TestASecretGoesToItsHostsOnly: a reference is read for a server of its list, and for no other.
func TestASecretGoesToItsHostsOnly(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	for name, content := range map[string]string{
		"a": planted, "a.hosts": "netbox.example.com", "b": planted, "c.hosts": "?",
	} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	environment := map[string]string{
		"X_A": planted, "X_A_HOSTS": "netbox.example.com:8443", "HOME": planted, "HOME_HOSTS": "netbox.example.com",
	}
	finder := &credref.Finder{
		Prefix: "X_", Dir: dir, Service: "the bridge", Host: "NetBox host", Field: "token_ref",
		LookupEnv: func(name string) (string, bool) { value, set := environment[name]; return value, set },
	}
	for _, c := range []struct {
		reference, port string
		code            errs.Code
	}{
		{"file:a", "", errs.Code{}},
		{"env:X_A", "8443", errs.Code{}},
		{"file:a", "8443", errs.CredentialsForAnotherHost},
		{"env:X_A", "", errs.CredentialsForAnotherHost},
		{"file:b", "", errs.CredentialsForAnotherHost},
		{"file:c", "", errs.CredentialsForAnotherHost},
		{"file:../a", "", errs.CredentialsUnreadable},
		{"env:HOME", "", errs.CredentialsUnreadable},
		{"a", "", errs.CredentialsUnreadable},
	} {
		server, _ := remotehost.New("https", "netbox.example.com", c.port)
		found, err := finder.Find(c.reference)
		if err == nil {
			err = found.Admit(server)
		}
		if c.code.ID == "" {
			if text, readErr := found.Read(); err != nil || readErr != nil || text != planted {
				t.Errorf("%s: %v, %v", c.reference, err, readErr)
			}
			continue
		}
		e := errs.From(err)
		if e.Code.ID != c.code.ID || strings.Contains(e.Error()+e.RemedyText(), planted) {
			t.Errorf("%s to port %q: %v", c.reference, c.port, err)
		}
	}
	finder.Dir = ""
	if _, err := finder.Find("file:a"); !errs.HasCode(err, errs.CredentialsUnreadable) {
		t.Errorf("a file without a folder: %v", err)
	}
}
