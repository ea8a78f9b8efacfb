package github_test

import (
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"fgdsync.dev/libs/errs"
	"fgdsync.dev/services/github-sync/internal/credentials"
)

func (b *bench) mint() credentials.Basic {
	b.t.Helper()
	token, err := b.client.Token(b.t.Context(), "git.example.com", b.app())
	if err != nil {
		b.t.Fatal(err)
	}
	return token
}

// TestTokenIsMadeOnce: many who ask at once get one token, which is good for ten minutes at least, and a new one in
// time.
func TestTokenIsMadeOnce(t *testing.T) {
	t.Parallel()
	b := setup(t)
	var all sync.WaitGroup
	for range 20 {
		all.Go(func() { b.mint() })
	}
	all.Wait()
	first := b.mint()
	if first.Username != "x-access-token" || !b.hub.Accepts(first.Username, first.Password.Reveal()) ||
		b.hub.Minted() != 1 {
		t.Errorf("%d tokens", b.hub.Minted())
	}
	b.clock.move(49 * time.Minute)
	if b.mint() != first {
		t.Error("a token was not used again that is good for eleven minutes")
	}
	b.clock.move(2 * time.Minute)
	b.hub.Lifetime(2 * time.Hour)
	second := b.mint()
	if second == first || b.hub.Minted() != 2 {
		t.Error("a token was handed out that is good for nine minutes")
	}
	b.client.Refused(t.Context(), "git.example.com", b.app(), first)
	if b.mint() != second {
		t.Error("a token was thrown away for an older one's sake")
	}
	b.client.Refused(t.Context(), "git.example.com", b.app(), second)
	if b.mint() == second || b.hub.Minted() != 3 {
		t.Error("a refused token was handed out again")
	}
}

// TestAppIsRefused: what is wrong with an App has its code, and an answer without a token is none.
func TestAppIsRefused(t *testing.T) {
	t.Parallel()
	b := setup(t)
	for name, change := range map[string]func(*credentials.App){
		"another app":          func(a *credentials.App) { a.ID = 9 },
		"another installation": func(a *credentials.App) { a.Installation = 9 },
	} {
		app := b.app()
		change(app)
		_, err := b.client.Token(t.Context(), "git.example.com", app)
		b.requireCode(err, errs.GitHubAuthenticationFailed)
		if !strings.Contains(errs.From(err).RemedyText(), "installation_id") {
			t.Errorf("%s: %s", name, errs.From(err).RemedyText())
		}
	}
	_, err := b.client.Token(t.Context(), "gitlab.com", b.app())
	b.requireCode(err, errs.GitHubRequired)
	for _, body := range []string{
		"{}", "[]", `{"token":"ghs_x"`, `{"token":"ghs_x"}`,
		`{"expires_at":"2030-01-01T00:00:00Z"}`, "",
	} {
		b.failing(http.StatusCreated, nil, body)
		_, err := b.client.Token(t.Context(), "git.example.com", b.app())
		b.requireCode(err, errs.GitHubConnectionFailed)
	}
	b.hub.Fault(nil)
	b.mint()
}

// TestWithdrawnTokenIsReplaced: a token that GitHub takes back before its time is replaced within the request, also one
// that writes; an App that is refused for good is not asked for ever.
func TestWithdrawnTokenIsReplaced(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.hub.SetBranch("fgd", branchAt("b"))
	if err := b.ask(b.appLogin()); err != nil {
		t.Fatal(err)
	}
	b.hub.Withdraw()
	if _, err := b.client.CreatePullRequest(t.Context(), b.location, b.appLogin(), proposal); err != nil {
		t.Fatal(err)
	}
	if b.hub.Minted() != 2 {
		t.Errorf("%d tokens", b.hub.Minted())
	}
	before, _ := b.hub.Asked()
	b.hub.Fault(func(w http.ResponseWriter, r *http.Request) bool {
		if r.Method == http.MethodPost {
			return false
		}
		w.WriteHeader(http.StatusUnauthorized)
		return true
	})
	b.requireCode(b.ask(b.appLogin()), errs.GitHubAuthenticationFailed)
	if after, _ := b.hub.Asked(); after-before != 3 { // the question, a new token, the question again
		t.Errorf("%d requests", after-before)
	}
}
