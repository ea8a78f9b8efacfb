package bridge_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"google.golang.org/protobuf/types/known/timestamppb"

	"fgdsync.dev/libs/errs"
	accessv1 "fgdsync.dev/proto/fgd/access/v1"
	fabricv1 "fgdsync.dev/proto/fgd/fabric/v1"
	gitv1 "fgdsync.dev/proto/fgd/git/v1"
	syncv1 "fgdsync.dev/proto/fgd/sync/v1"
	"fgdsync.dev/services/bridge"
	"fgdsync.dev/services/bridge/internal/token"
	"fgdsync.dev/testkit/oidcserver"
)

// caller is somebody who tries everything.
type caller struct {
	name  string
	token string
	role  string    // empty: none
	all   bool      // of all fabrics, not of 35 alone
	code  errs.Code // of who has no role
}

var ranks = map[string]int{"viewer": 1, "operator": 2, "admin": 3}

// verdict returns the code that a call has to end with; empty when it is admitted.
func (c caller) verdict(n needs, fabric int) errs.Code {
	enough := ranks[c.role] >= ranks[n.role]
	switch {
	case n.scope == "public":
		return errs.Code{}
	case c.role == "":
		return c.code
	case n.scope == "sync" && fabric == 99 && !enough: // whose it is can't be found out
		return errs.SyncNotFound
	case c.all && enough, n.scope == "any" && enough:
		return errs.Code{}
	case c.all, n.scope == "any", n.scope == "all", n.scope == "fabric" && fabric == 0:
		return errs.NotAllowed
	case fabric != 35 && n.scope == "sync":
		return errs.SyncNotFound
	case fabric != 35:
		return errs.FabricNotFound
	case enough:
		return errs.Code{}
	}
	return errs.NotAllowed
}

// setupMatrix starts a bridge that everybody can call as often as they like, from any address that X-Source names, with
// fabrics 35 and 36 and a sync of each.
func setupMatrix(t *testing.T) federated {
	t.Helper()
	f := federated{issuer: oidcserver.Start(t)}
	f.guarded = setupGuarded(t, f.trusts, func(c *bridge.Config) {
		c.CallerRequestsPerSecond, c.CallerTriggersPerMinute = 1_000_000, 1_000_000
		c.OpenMetrics = false
		for role := range ranks {
			c.OIDC.Grants = append(c.OIDC.Grants,
				map[string]any{"group": role, "role": role, "all_fabrics": true},
				map[string]any{"group": role + " of one", "role": role, "fabric_ids": []any{35}})
		}
	})
	handler := f.server.Config.Handler
	f.server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if source := r.Header.Get("X-Source"); source != "" {
			r.RemoteAddr = source
		}
		handler.ServeHTTP(w, r)
	}))
	t.Cleanup(f.server.Close)
	f.backend.onDirectory = func(id string) { f.backend.end(id, syncv1.State_STATE_COMPLETED, "sync.completed", nil) }
	f.restore()
	return f
}

// restore brings back what calls of others have changed: fabrics 35 and 36, and a sync of each that has ended.
func (f federated) restore() {
	f.withSyncs(35, 36)
	f.backend.mu.Lock()
	defer f.backend.mu.Unlock()
	clear(f.backend.active)
	f.backend.wake() // what is known of tokens is confirmed, however long the test takes
	for _, id := range []int32{35, 36} {
		f.backend.fabrics[id] = &fabricv1.Fabric{FabricId: id, Name: "fabric", Location: &gitv1.Location{
			RepositoryUrl: "https://git.example/r.git", Branch: "main", Directory: "gitops/f1",
		}, RepositoryKey: fmt.Sprint("git.example/", id), CreatedAt: timestamppb.Now(), UpdatedAt: timestamppb.Now()}
	}
}

// callers are those who show nothing that is valid, and those of each role, with a token and with a JWT.
func (f federated) callers() []caller {
	f.t.Helper()
	all := append(f.withoutToken(), f.withoutJWT()...)
	for role := range ranks {
		for name, fabrics := range map[string]string{role: "", role + " of one": "35"} {
			all = append(all,
				caller{name: name, token: f.grant(role, fabrics), role: role, all: fabrics == ""},
				caller{name: name + " by JWT", token: f.issuer.AccessToken(f.t, "alice", name), role: role, all: fabrics == ""})
		}
	}
	for i := range all {
		c := &all[i]
		if c.role == "" && c.code.ID == "" {
			c.code = errs.NotAuthenticated
		}
		f.until(c.name, func() bool { // what was made and changed is known
			err := f.invokeAs(*c, "AccessService", "GetCaller", 0)
			return c.role != "" && err == nil || c.role == "" && errs.HasCode(err, c.code)
		})
	}
	return all
}

// withoutToken are those who show no token that is taken.
func (f federated) withoutToken() []caller {
	good, replaced := f.grant("admin", ""), f.grant("admin", "")
	expired, revoked, elsewhere := f.grant("admin", ""), f.grant("admin", ""), f.grant("admin", "")
	f.change(expired, func(t *accessv1.Token) { t.ExpiresAt = timestamppb.New(time.Now().Add(-time.Second)) })
	f.change(elsewhere, func(t *accessv1.Token) { t.Networks = []string{"192.0.2.0/24"} })
	f.ok("DELETE", "/api/v1/tokens/"+idOf(revoked), "", bearer(f.bootstrap))
	f.ok("POST", "/api/v1/tokens/"+idOf(replaced)+":rotate", "{}", bearer(f.bootstrap)) // has another secret now
	unknown, err := token.Generate()
	if err != nil {
		f.t.Fatal(err)
	}
	return []caller{
		{name: "nobody"},
		{name: "no token", token: "x"},
		{name: "mistyped", token: good[:20] + flipped(good[20:21]) + good[21:]},
		{name: "cut off", token: good[:len(good)-1]},
		{name: "another secret", token: replaced},
		{name: "unknown", token: unknown.Text().Reveal()},
		{name: "expired", token: expired},
		{name: "revoked", token: revoked},
		{name: "from elsewhere", token: elsewhere},
	}
}

func flipped(digit string) string {
	if digit == "A" {
		return "B"
	}
	return "A"
}

// withoutJWT are those who show no JWT that is taken, and one whose groups may nothing.
func (f federated) withoutJWT() []caller {
	claim := func(name string, value any) string {
		claims := f.issuer.Claims("root", "admins")
		claims[name] = value
		return f.issuer.Sign(f.t, claims, nil)
	}
	good := strings.Split(f.issuer.AccessToken(f.t, "root", "admins"), ".")
	mallory := oidcserver.NewRSA(f.t, "key-1")
	return []caller{
		{name: "JWT of a foreign key", token: oidcserver.SignWith(f.t, mallory, f.issuer.Claims("root", "admins"), nil)},
		{name: "JWT without a signature", token: "eyJhbGciOiJub25lIn0." + good[1] + "."},
		{name: "JWT that has expired", token: claim("exp", time.Now().Add(-time.Hour).Unix())},
		{name: "JWT before its time", token: claim("nbf", time.Now().Add(time.Hour).Unix())},
		{name: "JWT for another audience", token: claim("aud", "other")},
		{name: "JWT of another issuer", token: claim("iss", "https://other.example.com")},
		{name: "JWT of who may nothing", token: f.issuer.AccessToken(f.t, "bob", "staff"), code: errs.NotAllowed},
	}
}
