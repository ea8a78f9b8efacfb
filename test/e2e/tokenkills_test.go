//go:build kills

package e2e

import (
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"fgdsync.dev/libs/failpoint"
	"fgdsync.dev/test/fabric"
	"fgdsync.dev/test/system"
)

// keyLines is how many lines a whole file of keys has: what it is, and one key.
const keyLines = 2

// TestTheFirstTokenIsKilled: the process is killed at each write that leads to the first token. After the next start
// there is one, its file has it whole, and the audit has a line of it.
func TestTheFirstTokenIsKilled(t *testing.T) {
	t.Parallel()
	for _, point := range failpoint.OfIdentity() {
		t.Run(string(point), func(t *testing.T) {
			t.Parallel()
			binaries, err := crashing()
			if err != nil {
				t.Fatal(err)
			}
			p := &mortal{t: t, redis: system.Redis(t)}
			p.System = binaries.FiveUnready(t, p.redis.URL(), []string{"FGD_FAILPOINT=kill:" + string(point)})
			p.Await("a process to die", p.revive)
			p.Await("the first token", func() bool {
				p.revive()
				code, _ := p.Try(http.MethodGet, "/api/v1/caller", nil)
				return code == http.StatusOK
			})
			p.keysWhole()
			p.allWritten(p.tokens())
			if left, err := filepath.Glob(filepath.Join(p.Data, ".bootstrap-*")); err != nil || len(left) > 0 {
				t.Errorf("left behind: %v, %v", left, err)
			}
			if n := len(p.tokens()); n != 1 {
				t.Errorf("%d tokens", n)
			}
		})
	}
}

// TestTokensAreKilled: the process is killed at each write of the store of tokens and of the audit, while tokens are
// made, replaced and revoked. What was answered counts afterwards, and nothing has happened that the audit does not
// have.
func TestTokensAreKilled(t *testing.T) {
	t.Parallel()
	for _, point := range []failpoint.Point{
		failpoint.TokenBefore, failpoint.TokenStored, failpoint.TokenKept, failpoint.AuditBefore, failpoint.AuditWritten,
		failpoint.AuditStored, failpoint.AuditIntent, failpoint.AuditEffect, failpoint.AuditOutcome,
	} {
		for _, act := range []string{"create", "rotate", "revoke"} {
			t.Run(string(point)+"/"+act, func(t *testing.T) {
				t.Parallel()
				p := admit(t, system.Binaries.One, "")
				kept, changed := p.grant(), p.grant()
				rearm(p.System, "FGD_FAILPOINT=kill:"+string(point))
				answered := p.change(act, changed)
				p.Await("the process to die", p.revive)
				p.AwaitReady()
				p.tokensStand(kept, changed, act, answered)
			})
		}
	}
}

// grant makes a token and gives what its holder shows.
func (p *mortal) grant() string {
	p.t.Helper()
	var made struct{ Text string }
	p.Call(http.MethodPost, "/api/v1/tokens", wish(), &made)
	return made.Text
}

func wish() map[string]any {
	return map[string]any{"name": "alice", "grants": []any{map[string]any{"role": "viewer", "all_fabrics": true}}}
}

func idOf(token string) string { return strings.Split(token, "_")[1] }

// change makes, replaces or revokes a token, and gives the new one when that was answered, or that it was.
func (p *mortal) change(act, token string) string {
	p.t.Helper()
	var code int
	var raw []byte
	switch act {
	case "create":
		code, raw = p.Try(http.MethodPost, "/api/v1/tokens", wish())
	case "rotate":
		code, raw = p.Try(http.MethodPost, "/api/v1/tokens/"+idOf(token)+":rotate", map[string]any{})
	default:
		if code, _ = p.Try(http.MethodDelete, "/api/v1/tokens/"+idOf(token), nil); code == http.StatusOK {
			return "revoked"
		}
	}
	if code != http.StatusOK {
		return ""
	}
	var made struct{ Text string }
	if err := json.Unmarshal(raw, &made); err != nil {
		p.t.Fatal(err)
	}
	return made.Text
}

// tokensStand holds what was answered, and that nothing else was changed.
func (p *mortal) tokensStand(kept, changed, act, answered string) {
	p.t.Helper()
	is := func(token string) int { return p.TryAs(token, http.MethodGet, "/api/v1/caller") }
	if code := is(kept); code != http.StatusOK {
		p.t.Errorf("a token that nobody has touched: %d", code)
	}
	switch {
	case answered == "revoked":
		if code := is(changed); code != http.StatusUnauthorized {
			p.t.Errorf("a revoked token: %d", code)
		}
	case answered != "":
		if code := is(answered); code != http.StatusOK {
			p.t.Errorf("a token that was given out: %d", code)
		}
		if code := is(changed); act == "rotate" && code != http.StatusUnauthorized {
			p.t.Errorf("a token that was replaced: %d", code)
		}
	case act == "rotate" || act == "revoke": // done or not, it can be done again
		if p.change(act, changed) == "" {
			p.t.Errorf("%s can't be done again", act)
		}
	}
	p.keysWhole()
	p.allWritten(p.tokens())
	p.audited()
}

// stored is a token as the API tells of it.
type stored struct {
	TokenID string `json:"token_id"`
	State   string
}

func (p *mortal) tokens() []stored {
	p.t.Helper()
	var list struct{ Tokens []stored }
	p.Call(http.MethodGet, "/api/v1/tokens", nil, &list)
	return list.Tokens
}

// allWritten holds that every change of a token was in the audit before it was made.
func (p *mortal) allWritten(tokens []stored) {
	p.t.Helper()
	code, raw := p.Try(http.MethodGet, "/api/v1/audit?limit=1000", nil)
	if code != http.StatusOK {
		p.t.Fatalf("%d %s", code, raw)
	}
	var document struct {
		Lines []map[string]any `json:"lines"`
	}
	if err := json.Unmarshal(raw, &document); err != nil {
		p.t.Fatal(err)
	}
	made, revoked := 0, map[string]bool{}
	for _, line := range document.Lines {
		action := fmt.Sprint(line["action"])
		switch {
		case line["stage"] != "requested":
		case strings.HasSuffix(action, "/CreateToken"):
			made++
		case strings.HasSuffix(action, "/RevokeToken"):
			revoked[fmt.Sprint(line)] = true
		}
	}
	if made < len(tokens) {
		p.t.Errorf("%d tokens, and %d lines of those that are made", len(tokens), made)
	}
	for _, token := range tokens {
		has := false
		for line := range revoked {
			has = has || strings.Contains(line, token.TokenID)
		}
		if token.State == "revoked" && !has {
			p.t.Errorf("%s is revoked, and no line says so", token.TokenID)
		}
	}
}

// keysWhole holds that no file of keys is torn, nor a copy left behind that is.
func (p *mortal) keysWhole() {
	p.t.Helper()
	for _, name := range []string{"peppers", "token.peppers"} {
		raw, err := os.ReadFile(filepath.Join(p.Data, name))
		if os.IsNotExist(err) {
			continue
		}
		if err != nil || strings.Count(string(raw), "\n") != keyLines {
			p.t.Errorf("%s: %v, %d bytes", name, err, len(raw))
		}
	}
}

// TestAPanicTellsNothing: a call that panics is answered and gets a line with its stack, a panic elsewhere ends the
// process with the stacks of all. Neither tells a secret.
func TestAPanicTellsNothing(t *testing.T) {
	t.Parallel()
	binaries, err := crashing()
	if err != nil {
		t.Fatal(err)
	}
	for _, point := range []failpoint.Point{failpoint.AuditEffect, failpoint.RegisterStored, failpoint.LockHeld} {
		t.Run(string(point), func(t *testing.T) {
			t.Parallel()
			h, redis := newHost(t, fabric.PreInit(directory)), system.Redis(t)
			s := binaries.One(t, redis.URL(), []string{"GOTRACEBACK=all"})
			token := s.Token()
			rearm(s, "FGD_FAILPOINT=panic:"+string(point))
			_, answer := s.Try(http.MethodPost, "/api/v1/fabrics", h.fabric())
			s.Await("a panic", func() bool { return strings.Contains(s.Output(), "at "+string(point)) })
			s.Processes["fgd"].Crash(syscall.SIGQUIT) // the stacks of all, where the panic did not end it
			found := places{"answer": string(answer) + ".", "output": s.Output()}
			found.requireNoSecret(t, token[17:], redis.URL())
		})
	}
}
