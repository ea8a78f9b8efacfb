package credentials_test

import (
	"maps"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"fgdsync.dev/libs/errs"
	"fgdsync.dev/libs/remotehost"
	"fgdsync.dev/services/github-sync/internal/credentials"
)

func yamlApp(key string) string {
	return "app_id: 7\ninstallation_id: 8\nprivate_key: |\n  " + strings.ReplaceAll(strings.TrimSpace(key), "\n", "\n  ") +
		"\n"
}

// secrets is where references lead: variables, and files in a folder.
type secrets struct {
	t           *testing.T
	folder      string
	environment map[string]string
	resolver    *credentials.Resolver
}

func newSecrets(t *testing.T, files, environment map[string]string) *secrets {
	t.Helper()
	s := &secrets{t: t, folder: t.TempDir(), environment: maps.Clone(environment)}
	for name, content := range files {
		s.write(name, content)
	}
	s.resolver = credentials.NewResolver(sealer(t, ""), s.folder, func(name string) (string, bool) {
		value, set := s.environment[name]
		return value, set
	})
	return s
}

func (s *secrets) write(name, content string) {
	s.t.Helper()
	if err := os.WriteFile(filepath.Join(s.folder, name), []byte(content), 0o600); err != nil {
		s.t.Fatal(err)
	}
}

// resolve looks a reference up, and holds the two questions about it to one answer about the host.
func (s *secrets) resolve(reference string, target credentials.Target) (credentials.Login, error) {
	s.t.Helper()
	source := &credentials.Source{Reference: reference}
	login, err := s.resolver.Resolve(source, target)
	admitted := s.resolver.Admits(source, target)
	if errs.HasCode(err, errs.CredentialsForAnotherHost) != errs.HasCode(admitted, errs.CredentialsForAnotherHost) {
		s.t.Errorf("%s: resolved with %v, and judged with %v", reference, err, admitted)
	}
	for _, e := range []error{err, admitted} {
		if e != nil && strings.Contains(e.Error()+errs.From(e).RemedyText(), planted) {
			s.t.Errorf("%s: the error quotes a secret: %v", reference, e)
		}
	}
	return login, err
}

// TestReferences: what a reference leads to is read in each of its forms, and nothing else can be referred to.
func TestReferences(t *testing.T) {
	t.Parallel()
	key, app := sshKey(t, ""), rsaKey(t)
	files := map[string]string{
		"token": planted + "\n", "pair": "u:" + planted, "empty": " \n", "ssh": key, "app": yamlApp(app),
		"locked":         sshKey(t, planted),
		"half app":       "app_id: 7\nprivate_key: " + planted,
		"unindented app": "app_id: 7\ninstallation_id: 8\nprivate_key: |\n" + app, "lines": "u:\n" + planted,
	}
	for name := range maps.Clone(files) {
		files[name+".hosts"] = "git.example.com\n"
	}
	files["missing.hosts"] = "git.example.com"
	s := newSecrets(t, files, map[string]string{
		"HEDGEHOG_FGD_GIT_FABRIC_1": "u:" + planted, "HEDGEHOG_FGD_GIT_FABRIC_1_HOSTS": "git.example.com",
		"HEDGEHOG_FGD_GIT_OTHER_HOSTS": "git.example.com", "HEDGEHOG_FGD_REDIS_URL": "redis://:" + planted + "@host",
		"HEDGEHOG_FGD_CREDENTIALS_KEY": planted, "HOME": "/root", "HOME_HOSTS": "git.example.com",
		"HEDGEHOG_FGD_REDIS_URL_HOSTS": "git.example.com",
	})
	for reference, user := range map[string]string{
		"env:HEDGEHOG_FGD_GIT_FABRIC_1": "u", "file:pair": "u", "file:token": "x-access-token",
	} {
		login, err := s.resolve(reference, here)
		if err != nil || login.Password.Reveal() != planted || login.Username != user || login.Server != here.Server {
			t.Errorf("%s: %v, %v", reference, login, err)
		}
	}
	if login, err := s.resolve("file:ssh", here); err != nil || login.SSHKey.Reveal() != key || !login.Basic.None() {
		t.Errorf("a private key: %v, %v", login, err)
	}
	if login, err := s.resolve("file:app", here); err != nil || login.App == nil || login.App.Installation != 8 ||
		strings.TrimSpace(login.App.Key.Reveal()) != strings.TrimSpace(app) || !login.Basic.None() {
		t.Errorf("an app: %v, %v", login, err)
	}
	for _, reference := range []string{
		"env:HOME", "env:HEDGEHOG_FGD_REDIS_URL", "env:HEDGEHOG_FGD_CREDENTIALS_KEY", "env:HEDGEHOG_FGD_GIT_OTHER", "env:",
		"file:", "file:.", "file:..", "file:../key", "file:/etc/passwd", `file:a\b`, "file:missing", "file:empty",
		"file:locked", "file:half app", "file:unindented app", "file:lines", "vault:x", "", "token",
	} {
		if login, err := s.resolve(reference, here); !errs.HasCode(err, errs.CredentialsUnreadable) {
			t.Errorf("%q: %v, %v", reference, login, err)
		}
	}
	if login, err := s.resolver.Resolve(nil, here); err != nil || !login.None() {
		t.Errorf("none: %v, %v", login, err)
	}
}

// TestReferencesHaveTheirHosts: a reference leads to nothing unless the host is in the list beside the secret.
func TestReferencesHaveTheirHosts(t *testing.T) {
	t.Parallel()
	at := func(scheme, name, port string) credentials.Target {
		server, ok := remotehost.New(scheme, name, port)
		if !ok {
			t.Fatalf("%s://%s:%s is none", scheme, name, port)
		}
		return credentials.Target{Server: server, Fabric: 7}
	}
	allowed := []credentials.Target{
		at("https", "git.example.com", ""), at("https", "GIT.example.com.", "443"), at("ssh", "git.example.com", "22"),
		at("https", "b\u00fccher.example", ""), at("https", "2001:db8::1", "3000"), at("ssh", "other.example.com", "2222"),
	}
	refused := []credentials.Target{
		{},
		at("https", "git.example.com", "8443"), at("ssh", "git.example.com", "2222"),
		at("https", "example.com", ""), at("https", "git.example.com.evil.example", ""), at("ssh", "other.example.com", ""),
		at("https", "2001:db8::1", ""), at("https", "commented.example.com", ""),
	}
	const list = "# where it may go\nGit.Example.com., xn--bcher-kva.example\r\n" +
		"[2001:DB8:0::1]:3000 other.example.com:2222 # commented.example.com\n"
	s := newSecrets(t, map[string]string{"token": planted, "token.hosts": list},
		map[string]string{"HEDGEHOG_FGD_GIT_X": planted, "HEDGEHOG_FGD_GIT_X_HOSTS": list})
	references := []string{"env:HEDGEHOG_FGD_GIT_X", "file:token"}
	for _, reference := range references {
		for _, target := range allowed {
			if login, err := s.resolve(reference, target); err != nil || login.Password.Reveal() != planted {
				t.Errorf("%s for %v: %v, %v", reference, target, login, err)
			}
		}
		for _, target := range refused {
			if _, err := s.resolve(reference, target); !errs.HasCode(err, errs.CredentialsForAnotherHost) {
				t.Errorf("%s for %v: %v", reference, target, err)
			}
		}
	}
	for _, list := range []string{
		"", " \n", "# git.example.com", "https://git.example.com", "git.example.com/a", "*", "*.example.com",
		"git.example.com:", "git.example.com:0443", "git.example.com:x", "u@git.example.com", planted + ":" + planted,
		"git.example.com -x",
	} {
		s.write("token.hosts", list)
		s.environment["HEDGEHOG_FGD_GIT_X_HOSTS"] = list
		for _, reference := range references {
			if _, err := s.resolve(reference, here); !errs.HasCode(err, errs.CredentialsForAnotherHost) {
				t.Errorf("%s with the list %q: %v", reference, list, err)
			}
		}
	}
}

// TestAReferenceWithoutAList: it may be used for no host, and the error says what to set, be the secret there or not.
func TestAReferenceWithoutAList(t *testing.T) {
	t.Parallel()
	s := newSecrets(t, map[string]string{"token": planted}, map[string]string{"HEDGEHOG_FGD_GIT_X": planted})
	for reference, list := range map[string]string{
		"env:HEDGEHOG_FGD_GIT_X": "HEDGEHOG_FGD_GIT_X_HOSTS", "env:HEDGEHOG_FGD_GIT_Y": "HEDGEHOG_FGD_GIT_Y_HOSTS",
		"file:token": "token.hosts", "file:other": "other.hosts",
	} {
		_, err := s.resolve(reference, here)
		e := errs.From(err)
		if e.Code.ID != errs.CredentialsForAnotherHost.ID || e.Meta[errs.FieldKey] != "credentials" {
			t.Errorf("%s: %v with %v", reference, err, e.Meta)
		}
		if !strings.Contains(e.RemedyText(), list) || !strings.Contains(e.RemedyText(), "git.example.com") {
			t.Errorf("%s: the remedy is %q", reference, e.RemedyText())
		}
	}
}
