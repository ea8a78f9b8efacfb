package webhook

import (
	_ "embed"
	"net/http"
	"strings"
	"testing"
	"time"

	"fgdsync.dev/libs/secret"
)

// FuzzHubPush: whatever GitHub or Gitea has signed, reading it ends without a panic, and who pushed fits into a line.
func FuzzHubPush(f *testing.F) {
	f.Add([]byte(`{"ref":"refs/heads/main","after":"1","commits":[{"added":["a/b"]}],"repository":{"clone_url":"https://h/r"}}`))
	f.Add([]byte(`{"ref":"refs/heads/main","commits":[null],"repository":null,"pusher":{"name":"a\r\nb"}}`))
	f.Fuzz(func(t *testing.T, body []byte) {
		readsWell(t, GitHub, body)
		readsWell(t, Gitea, body)
	})
}

// FuzzLabPush is the same for what GitLab writes.
func FuzzLabPush(f *testing.F) {
	f.Add([]byte(`{"ref":"refs/heads/main","after":"1","total_commits_count":2,"commits":[{"added":["a/b"]}],` +
		`"project":{"git_http_url":"https://h/r"},"user_username":"x"}`))
	f.Add([]byte(`{"ref":"refs/tags/v1","after":"1","project":{"web_url":"x"},"commits":[{"removed":null}]}`))
	f.Fuzz(func(t *testing.T, body []byte) { readsWell(t, GitLab, body) })
}

func readsWell(t *testing.T, host Host, body []byte) {
	t.Helper()
	p, err := readPush(host, body)
	if err != nil {
		return
	}
	if p.by == "" || strings.ContainsAny(p.by, "\r\n\x00") || len([]rune(p.by)) > longestName {
		t.Errorf("by %q", p.by)
	}
	if len(p.urls) == 0 || !p.touches("") {
		t.Errorf("%+v", p)
	}
	p.touches("a")
}

// FuzzProven: nobody proves anything without the secret, whatever the headers are.
func FuzzProven(f *testing.F) {
	f.Add("sha256=00", "v1,AAAA", "1", "1764374400", []byte("{}"))
	f.Add("", "v1,", "", "-1", []byte(nil))
	secrets := []shared{{text: secret.New("0123456789abcdef"), signing: []byte("0123456789abcdef")}}
	now := time.Unix(1764374400, 0)
	f.Fuzz(func(t *testing.T, signature, standard, id, at string, body []byte) {
		for _, host := range Hosts() {
			h := http.Header{hubSignature: {signature}, giteaSignature: {signature}}
			if host == GitLab {
				h = http.Header{standardSignature: {standard}, standardID: {id}, standardTime: {at}, gitlabToken: {signature}}
			}
			if (Delivery{Host: host, Header: h, Body: body}).proven(secrets, now) {
				t.Errorf("%s: %v", host, h)
			}
		}
	})
}

// source is what the compiler was given.
//
//go:embed verify.go
var source string

// TestSecretsAreComparedInConstantTime: a time can't be measured here, so that the source is looked at: secrets and
// signatures are compared by hmac.Equal and in no other way.
func TestSecretsAreComparedInConstantTime(t *testing.T) {
	t.Parallel()
	if n := strings.Count(source, "hmac.Equal("); n != 3 {
		t.Errorf("hmac.Equal is called %d times, not once for each of the three forms", n)
	}
	for _, other := range []string{"bytes.Equal", "string(sum)", "== s.text", "Reveal() =="} {
		if strings.Contains(source, other) {
			t.Errorf("something is compared by %s", other)
		}
	}
}
