package e2e

import (
	"net/http"
	"strings"
	"testing"

	"fgdsync.dev/test/system"
)

// TestRevokedWithoutRedis: each orchestrator is told of some revocations, and keeps them in its ledger alone. All
// bridges hear of all of them.
func TestRevokedWithoutRedis(t *testing.T) {
	t.Parallel()
	redis := system.Redis(t)
	s := programs.Ten(t, redis.URL(), nil)
	var made []string
	for range 8 { // so many that no orchestrator is told of none
		var answer struct{ Text string }
		s.Call(http.MethodPost, "/api/v1/tokens", map[string]any{
			"name": "alice", "grants": []any{map[string]any{"role": "viewer", "all_fabrics": true}},
		}, &answer)
		made = append(made, answer.Text)
	}
	taken := func() (n int) {
		for _, token := range made {
			for range 2 { // by each bridge
				if s.TryAs(token, http.MethodGet, "/api/v1/caller") == http.StatusOK {
					n++
				}
			}
		}
		return n
	}
	s.Await("the tokens to be known", func() bool { return taken() == 2*len(made) })
	redis.Kill()
	for _, token := range made {
		id := strings.Split(token, "_")[1]
		s.Await("a revocation to be taken", func() bool {
			code, _ := s.Try(http.MethodDelete, "/api/v1/tokens/"+id, nil)
			return code == http.StatusOK
		})
	}
	s.Await("the revocations to be known", func() bool { return taken() == 0 })
}
