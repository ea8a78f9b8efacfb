package credentials_test

import (
	"bytes"
	"strings"
	"testing"

	"filippo.io/age"
	"google.golang.org/protobuf/proto"
	"pgregory.net/rapid"

	"fgdsync.dev/libs/errs"
	"fgdsync.dev/libs/remotehost"
	"fgdsync.dev/libs/secret"
	gitv1 "fgdsync.dev/proto/fgd/git/v1"
	"fgdsync.dev/services/github-sync/internal/credentials"
)

// spelling is one way to write a server.
type spelling struct{ scheme, name, port string }

// spellings draws ways to write one of few servers, so that many pairs are of one.
func spellings(t *rapid.T, label string) (spelling, remotehost.Host) {
	s := spelling{
		scheme: rapid.SampledFrom([]string{"https", "HTTPS", "http", "ssh"}).Draw(t, label+" scheme"),
		name: rapid.SampledFrom([]string{
			"git.example.com", "GIT.example.com", "git.example.com.", "example.com", "git.example.co",
			"b\u00fccher.example", "xn--bcher-kva.example", "B\u00dcCHER.example", "2001:db8::1", "2001:DB8:0:0::1",
			"192.0.2.1", "192.0.2.10", "localhost", "127.0.0.1", "::1",
		}).Draw(t, label+" name"),
		port: rapid.SampledFrom([]string{"", "443", "80", "22", "8443"}).Draw(t, label+" port"),
	}
	server, ok := remotehost.New(s.scheme, s.name, s.port)
	if !ok {
		t.Fatalf("%v is no server", s)
	}
	return s, server
}

// same says by hand which spellings are of one server.
func same(a, b spelling) bool {
	plain := func(s spelling) spelling {
		s.scheme = strings.ToLower(s.scheme)
		switch s.name = strings.TrimSuffix(strings.ToLower(s.name), "."); s.name {
		case "b\u00fccher.example":
			s.name = "xn--bcher-kva.example"
		case "2001:db8:0:0::1":
			s.name = "2001:db8::1"
		}
		if s.port == map[string]string{"https": "443", "http": "80", "ssh": "22"}[s.scheme] {
			s.port = ""
		}
		return s
	}
	return plain(a) == plain(b)
}

// TestSealsOpenForTheirTargetAlone: a seal opens if and only if the server and the fabric are those that it was made
// for; and so it is after it was sealed anew, which binds it to a fabric once.
func TestSealsOpenForTheirTargetAlone(t *testing.T) {
	t.Parallel()
	s := sealer(t, "")
	rapid.Check(t, func(t *rapid.T) {
		givenFor, server := spellings(t, "sealed for")
		usedFor, other := spellings(t, "used for")
		fabrics := rapid.SampledFrom([]int32{0, 1, 2, 3, -1})
		sealedFor := credentials.Target{Server: server, Fabric: fabrics.Draw(t, "sealed for fabric")}
		target := credentials.Target{Server: other, Fabric: fabrics.Draw(t, "used for fabric")}
		sealed, err := s.Seal(credentials.Plain{Token: secret.New(planted)}, sealedFor)
		if err != nil {
			t.Fatal(err)
		}
		atHome := same(givenFor, usedFor)
		requireOpen(t, s, sealed, target, atHome && sealedFor.Fabric == target.Fabric)
		resealed, err := s.Reseal(sealed, target)
		bound := atHome && (sealedFor.Fabric == target.Fabric || sealedFor.Fabric == 0)
		if bound != (err == nil) || err != nil && !errs.HasCode(err, errs.CredentialsForAnotherHost) {
			t.Fatalf("sealed anew with %v, should be possible: %v", err, bound)
		}
		if bound {
			third := credentials.Target{Server: other, Fabric: fabrics.Draw(t, "used for fabric, later")}
			requireOpen(t, s, resealed, third, third.Fabric == target.Fabric)
		}
	})
}

func requireOpen(t *rapid.T, s *credentials.Sealer, sealed []byte, target credentials.Target, want bool) {
	login, err := s.Open(sealed, target)
	if want != (err == nil) || err != nil && !errs.HasCode(err, errs.CredentialsForAnotherHost) {
		t.Fatalf("opened with %v, should open: %v", err, want)
	}
	if want && (login.Password.Reveal() != planted || login.Server != target.Server ||
		login.MayEnter(target.Server) != nil) {
		t.Fatalf("opened to %v for %v", login, login.Server)
	}
	if admitted := s.Admits(sealed, target) == nil; admitted != want {
		t.Fatalf("admitted %v, should be %v", admitted, want)
	}
	if !want && (!login.None() || strings.Contains(err.Error(), planted)) {
		t.Fatalf("%v gives %v away", err, login)
	}
}

// TestALoginEntersItsServerAlone: whatever else goes wrong, a login is not shown to another server.
func TestALoginEntersItsServerAlone(t *testing.T) {
	t.Parallel()
	basic := credentials.Token(secret.New(planted))
	for name, login := range map[string]credentials.Login{
		"of nowhere": {Basic: basic}, "of another": {
			Basic:  basic,
			Server: remotehost.Host{Scheme: "https", Name: "a", Port: "443"},
		},
		"a key": {SSHKey: secret.New(planted)}, "an app": {App: &credentials.App{}},
	} {
		for _, server := range []remotehost.Host{{}, here.Server} {
			if err := login.MayEnter(server); !errs.HasCode(err, errs.CredentialsForAnotherHost) {
				t.Errorf("%s, %v: %v", name, server, err)
			}
		}
	}
	if err := (credentials.Login{}).MayEnter(here.Server); err != nil {
		t.Errorf("no credentials: %v", err)
	}
}

// TestSealsWithoutAHost: what says nothing of the host that it is for is not opened, and the remedy is to give it
// again. Credentials for no server can't be sealed.
func TestSealsWithoutAHost(t *testing.T) {
	t.Parallel()
	identity, err := age.GenerateX25519Identity()
	if err != nil {
		t.Fatal(err)
	}
	keys, err := credentials.ParseKeys(secret.New(identity.String()))
	if err != nil {
		t.Fatal(err)
	}
	s := credentials.NewSealer(keys)
	plain, err := proto.Marshal(&gitv1.PlainCredentials{Token: planted})
	if err != nil {
		t.Fatal(err)
	}
	for name, content := range map[string][]byte{
		"as it was before": plain, "empty": {}, "nothing": []byte("{}"), "no JSON": []byte(planted),
		"another form": []byte(`{"version":2,"scheme":"https","host":"git.example.com","port":"443","fabric":7,"token":"t"}`),
	} {
		sealed := encrypt(t, identity.Recipient(), content)
		_, openErr := s.Open(sealed, here)
		_, resealErr := s.Reseal(sealed, here)
		for _, err := range []error{openErr, resealErr} {
			if !errs.HasCode(err, errs.CredentialsUnreadable) || strings.Contains(err.Error(), planted) ||
				!strings.Contains(errs.From(err).RemedyText(), "again") {
				t.Errorf("%s: %v", name, err)
			}
		}
		if err := s.Admits(sealed, here); err != nil {
			t.Errorf("%s: a location with it can't be judged: %v", name, err)
		}
	}
	_, err = s.Seal(credentials.Plain{Token: secret.New(planted)}, credentials.Target{Fabric: 7})
	if !errs.HasCode(err, errs.CredentialsForAnotherHost) {
		t.Errorf("sealed for no server: %v", err)
	}
}

func encrypt(t *testing.T, to age.Recipient, content []byte) []byte {
	t.Helper()
	var sealed bytes.Buffer
	w, err := age.Encrypt(&sealed, to)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := w.Write(content); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return sealed.Bytes()
}

// FuzzOpen: sealed bytes come from Redis. Whatever they are, they open to what was sealed or not at all, and nothing is
// said of what is in them. The content of a seal is whatever somebody with the key may have put into it.
func FuzzOpen(f *testing.F) {
	identity, err := age.GenerateX25519Identity()
	if err != nil {
		f.Fatal(err)
	}
	keys, err := credentials.ParseKeys(secret.New(identity.String()))
	if err != nil {
		f.Fatal(err)
	}
	s := credentials.NewSealer(keys)
	sealed, err := s.Seal(credentials.Plain{Token: secret.New(planted)}, here)
	if err != nil {
		f.Fatal(err)
	}
	f.Add(sealed, false)
	f.Add([]byte("age-encryption.org/v1\n-> X25519 "), false)
	f.Add([]byte{}, false)
	f.Add([]byte(`{"version":1,"scheme":"https","host":"git.example.com","port":"443","fabric":7,"token":"t"}`), true)
	f.Add([]byte(`{"version":1,"scheme":"https","host":"git.example.com","port":"443","fabric":7,"app":{"id":1}}`), true)
	f.Add([]byte(`{"version":1,"fabric":7,"token":"t"}`), true)
	f.Fuzz(func(t *testing.T, content []byte, inside bool) {
		if inside {
			content = encrypt(t, identity.Recipient(), content)
		}
		login, err := s.Open(content, here)
		if err == nil && (login.None() || login.Server != here.Server) {
			t.Fatalf("opened to %v for %v", login, login.Server)
		}
		if err != nil && (!login.None() || !errs.HasCode(err, errs.CredentialsUnreadable) &&
			!errs.HasCode(err, errs.CredentialsForAnotherHost)) {
			t.Fatalf("%v, %v", login, err)
		}
		elsewhere := credentials.Target{
			Server: remotehost.Host{Scheme: "https", Name: "evil.example", Port: "443"}, Fabric: 7,
		}
		if login, err := s.Open(content, elsewhere); !inside && (err == nil || !login.None()) {
			t.Fatalf("opened for another host: %v, %v", login, err)
		}
	})
}
