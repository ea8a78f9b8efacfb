package issuer_test

import (
	"crypto/rsa"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"strings"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"

	"fgdsync.dev/libs/errs"
	"fgdsync.dev/services/bridge/internal/issuer"
	"fgdsync.dev/testkit/oidcserver"
)

// unsigned returns a JWT of a header and claims, with a text in the place of the signature.
func unsigned(t testing.TB, header string, claims map[string]any, signature string) string {
	t.Helper()
	payload, err := json.Marshal(claims)
	if err != nil {
		t.Fatal(err)
	}
	encode := base64.RawURLEncoding.EncodeToString
	return encode([]byte(header)) + "." + encode(payload) + "." + encode([]byte(signature))
}

// TestForgedJWTs prove nothing, whatever they say.
func TestForgedJWTs(t *testing.T) {
	t.Parallel()
	b := setup(t)
	own := oidcserver.NewRSA(t, "key-1")
	b.server.Rotate(own)
	mallory := oidcserver.NewRSA(t, "key-1")
	claims := func() map[string]any { return b.server.Claims("root") }
	good := b.server.AccessToken(t, "root")
	if _, err := b.Identify(good); err != nil {
		t.Fatal(err)
	}
	parts := strings.Split(good, ".")
	other := strings.Split(b.server.AccessToken(t, "alice", "net-ops"), ".")
	forged := map[string]string{
		"signature taken off":  parts[0] + "." + parts[1] + ".",
		"claims of another":    parts[0] + "." + other[1] + "." + parts[2],
		"a foreign key":        oidcserver.SignWith(t, mallory, claims(), nil),
		"a key that it brings": oidcserver.SignWith(t, mallory, claims(), map[string]any{"jwk": public(mallory)}),
		"a place of keys":      oidcserver.SignWith(t, mallory, claims(), map[string]any{"jku": "http://127.0.0.1:1/"}),
		"a part that must be":  b.server.Sign(t, claims(), map[string]any{"crit": []string{"x"}, "x": 1}),
		"1 MB":                 parts[0] + "." + strings.Repeat("A", 1<<20) + "." + parts[2],
		"1 MB, signed":         signed(t, b, "padding", strings.Repeat("x", 1<<20)),
		"an algorithm too many": oidcserver.SignWith(t,
			oidcserver.Key{ID: "key-1", Algorithm: jose.RS384, Private: own.Private}, claims(), nil),
	}
	for name, text := range forged {
		b.refused(t, name, text, errs.NotAuthenticated)
	}
}

// TestAJWTWithoutASignature proves nothing, however it says that it has none, or what stands in its place.
func TestAJWTWithoutASignature(t *testing.T) {
	t.Parallel()
	b := setup(t)
	good := strings.Split(b.server.AccessToken(t, "root"), ".")
	for _, alg := range []string{`"alg":"none",`, `"alg":"None",`, `"alg":"NONE",`, `"alg":"",`, `"alg":null,`, ""} {
		for _, signature := range []string{"", "x"} {
			text := unsigned(t, "{"+alg+`"typ":"at+jwt","kid":"key-1"}`, b.server.Claims("root"), signature)
			b.refused(t, alg+" with "+signature, text, errs.NotAuthenticated)
			parts := strings.Split(text, ".")
			b.refused(t, alg+" with that of another", parts[0]+"."+parts[1]+"."+good[2], errs.NotAuthenticated)
		}
	}
}

// TestAPublicKeyIsNoSecret: who takes it as one that is shared signs nothing with it.
func TestAPublicKeyIsNoSecret(t *testing.T) {
	t.Parallel()
	b := setup(t)
	own := oidcserver.NewRSA(t, "key-1")
	b.server.Rotate(own)
	if _, err := b.Identify(b.server.AccessToken(t, "root")); err != nil {
		t.Fatal(err)
	}
	for name, key := range publicForms(t, own) {
		for _, algorithm := range []jose.SignatureAlgorithm{jose.HS256, jose.HS384, jose.HS512} {
			hmac := oidcserver.Key{ID: "key-1", Algorithm: algorithm, Private: key}
			text := oidcserver.SignWith(t, hmac, b.server.Claims("root"), nil)
			b.refused(t, string(algorithm)+" with the public key as "+name, text, errs.NotAuthenticated)
		}
	}
}

func public(key oidcserver.Key) jose.JSONWebKey {
	return jose.JSONWebKey{Key: key.Public, KeyID: key.ID}
}

// publicForms are the bytes that a public key is known by.
func publicForms(t *testing.T, key oidcserver.Key) map[string][]byte {
	t.Helper()
	der, err := x509.MarshalPKIXPublicKey(key.Public)
	if err != nil {
		t.Fatal(err)
	}
	return map[string][]byte{
		"DER": der, "PEM": pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: der}),
		"modulus": key.Public.(*rsa.PublicKey).N.Bytes(),
	}
}

func signed(t testing.TB, b *bundle, claim string, value any) string {
	t.Helper()
	claims := b.server.Claims("root")
	if claims[claim] = value; value == nil {
		delete(claims, claim)
	}
	return b.server.Sign(t, claims, nil)
}

// TestOthersJWTs are signed by the issuer itself, and are not for the suite, not now, or no proof.
func TestOthersJWTs(t *testing.T) {
	t.Parallel()
	b := setup(t)
	typed := func(typ any, claim string, value any) string {
		claims := b.server.Claims("root")
		claims[claim] = value
		return b.server.Sign(t, claims, map[string]any{"typ": typ})
	}
	for name, text := range map[string]string{
		"wrong issuer":             signed(t, b, "iss", "https://other.example.com"),
		"the issuer with a slash":  signed(t, b, "iss", b.server.URL()+"/"),
		"no issuer":                signed(t, b, "iss", nil),
		"wrong audience":           signed(t, b, "aud", "another-api"),
		"an audience like it":      signed(t, b, "aud", []string{oidcserver.Audience + "2", "fgd"}),
		"no audience":              signed(t, b, "aud", nil),
		"expired":                  signed(t, b, "exp", time.Now().Add(-time.Hour).Unix()),
		"no end":                   signed(t, b, "exp", nil),
		"nbf in the future":        signed(t, b, "nbf", time.Now().Add(time.Hour).Unix()),
		"no subject":               signed(t, b, "sub", nil),
		"a subject of two lines":   signed(t, b, "sub", "root\nadmin"),
		"a long subject":           signed(t, b, "sub", strings.Repeat("x", 256)),
		"an ID token":              typed("JWT", "aud", oidcserver.ClientID),
		"an ID token with a nonce": typed("JWT", "nonce", "n"),
		"an ID token for both":     typed(nil, "at_hash", "x"),
		"an ID token of Keycloak":  typed("JWT", "typ", "ID"),
		"an event":                 typed("secevent+jwt", "x", 1),
		"a logout":                 typed("logout+jwt", "x", 1),
		"a type that is no text":   typed(7, "x", 1),
	} {
		b.refused(t, name, text, errs.NotAuthenticated)
	}
	for name, text := range map[string]string{
		"without a type": typed(nil, "x", 1), "JWT": typed("JWT", "x", 1),
		"at+jwt with a nonce": typed("AT+JWT", "nonce", "n"),
		"application/at+jwt":  typed("application/at+jwt", "x", 1),
		"several audiences":   signed(t, b, "aud", []string{"x", oidcserver.Audience}),
		"without a kid":       b.server.Sign(t, b.server.Claims("root"), map[string]any{"kid": nil}),
	} {
		if _, err := b.Identify(text); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// TestOnlyListedAlgorithms: a key of the issuer proves nothing in a way that the configuration does not have.
func TestOnlyListedAlgorithms(t *testing.T) {
	t.Parallel()
	b := setup(t, func(c *issuer.Config) { c.Algorithms = []string{"ES256"} })
	b.refused(t, "RS256", b.server.AccessToken(t, "root"), errs.NotAuthenticated)
	b.server.Rotate(oidcserver.NewECDSA(t, "key-1"))
	b.Refresh()
	if _, err := b.Identify(b.server.AccessToken(t, "root")); err != nil {
		t.Error(err)
	}
}

// FuzzIdentify: whatever is shown, nobody is somebody else than those whom the issuer has signed for.
func FuzzIdentify(f *testing.F) {
	b := setup(f)
	alice := b.server.AccessToken(f, "alice", "net-ops")
	f.Add(alice)
	f.Add(b.server.Sign(f, b.server.Claims("root"), map[string]any{"kid": "key-2"}))
	f.Add(unsigned(f, `{"alg":"none"}`, b.server.Claims("root"), ""))
	f.Add(unsigned(f, `{"alg":"RS256","crit":["b64"],"b64":false}`, b.server.Claims("root"), "x"))
	f.Add("..")
	f.Fuzz(func(t *testing.T, text string) {
		person, err := b.Identify(text)
		if err == nil && person.Subject != b.server.URL()+" alice" {
			t.Errorf("%q is %+v", text, person)
		}
		if err != nil && strings.ContainsAny(errs.From(err).Message, "\n\x1b") {
			t.Errorf("%q: %q", text, errs.From(err).Message)
		}
	})
}
