package bridge_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"sync/atomic"
	"testing"

	"fgdsync.dev/services/bridge"
)

// linker is somebody who would link fabric 35.
type linker struct {
	name, token string
	rights      []string // that they have beside an admin's role on the fabric
	status      int      // of what they may not do
}

func (l linker) has(right string) bool {
	for _, one := range l.rights {
		if one == "all" || one == right {
			return true
		}
	}
	return false
}

// setupLinking is a bridge with fabric 35, and with a NetBox of the installation.
func setupLinking(t *testing.T, change ...func(*bridge.Config)) *guarded {
	t.Helper()
	g := setupGuarded(t, change...)
	g.ok("PATCH", "/api/v1/netbox", `{"url":"https://netbox.example.com","token_ref":"file:netbox"}`, bearer(g.bootstrap))
	g.ok("POST", "/api/v1/fabrics", `{"fabric_id":35,"name":"f","repository_url":"https://git.example/r.git",
		"gitops_directory":"d"}`, bearer(g.bootstrap))
	return g
}

// linkers are all who differ in what they may do.
func (g *guarded) linkers() []linker {
	g.t.Helper()
	const forbidden = http.StatusForbidden
	all := []linker{
		{"a viewer", g.grant("viewer", ""), nil, forbidden},
		{"an operator", g.grant("operator", ""), nil, forbidden},
		{"an admin of another fabric", g.grant("admin", "36", "name_hosts", "name_references", "force"), nil, 404},
		{"an admin of all", g.grant("admin", ""), []string{"all"}, forbidden},
	}
	for _, rights := range [][]string{
		nil, {"name_hosts"}, {"name_references"}, {"force"}, {"name_hosts", "name_references"},
	} {
		token := g.grant("admin", "35", rights...)
		all = append(all, linker{
			fmt.Sprint("an admin of it with ", rights), token, append(rights, "admin"), forbidden,
		})
	}
	return all
}

// TestWhoMayLinkAFabric: an admin of it, to the NetBox of the installation; who names another one, a reference or a
// record needs the right to, and so does who lets Git win. What is refused changes nothing.
func TestWhoMayLinkAFabric(t *testing.T) {
	t.Parallel()
	g := setupLinking(t)
	everybody := g.linkers()
	for _, c := range []struct {
		body  string
		needs []string
	}{
		{`{"netbox":{}}`, []string{"admin"}},
		{`{"netbox":{"url":"https://netbox.example.com"}}`, []string{"name_hosts"}},
		{`{"netbox":{"token_ref":"file:other"}}`, []string{"name_references"}},
		{`{"netbox":{"fabric":7}}`, []string{"name_references"}},
		{`{"netbox":{"conflict_winner":"git_wins"}}`, []string{"force"}},
		{`{"netbox":{"direction":"git_to_netbox"}}`, []string{"force"}},
		{`{"netbox":{"conflict_policies":{"policies":[{"path":".","winner":"hnp_wins"}]}}}`, []string{"force"}},
		{
			`{"netbox":{"url":"https://b.example.com","token_ref":"file:other","fabric":7}}`,
			[]string{"name_hosts", "name_references"},
		},
	} {
		for _, who := range everybody {
			may := true
			for _, right := range c.needs {
				may = may && who.has(right)
			}
			a := g.call("PATCH", "/api/v1/fabrics/35", c.body, bearer(who.token))
			want := map[bool]int{true: http.StatusOK, false: who.status}[may]
			if linked := g.link() != nil; a.status != want || linked != may {
				t.Errorf("%s by %s: %d, linked %v: %s", c.body, who.name, a.status, linked, a.raw)
			}
			g.ok("PATCH", "/api/v1/fabrics/35", `{"remove_netbox":true}`, bearer(g.bootstrap))
		}
	}
}

// TestWhoMayTakeALinkAway: an admin of the fabric.
func TestWhoMayTakeALinkAway(t *testing.T) {
	t.Parallel()
	g := setupLinking(t)
	for _, who := range g.linkers() {
		g.ok("PATCH", "/api/v1/fabrics/35", `{"netbox":{}}`, bearer(g.bootstrap))
		a := g.call("PATCH", "/api/v1/fabrics/35", `{"remove_netbox":true}`, bearer(who.token))
		want := map[bool]int{true: http.StatusOK, false: who.status}[who.has("admin")]
		if a.status != want || (g.link() == nil) != who.has("admin") {
			t.Errorf("by %s: %d %s", who.name, a.status, a.raw)
		}
	}
}

// TestAReferenceGoesToItsHostsAlone: who may name hosts and references links a fabric to a NetBox that the reference is
// not for. Nothing is asked there, and people see why.
func TestAReferenceGoesToItsHostsAlone(t *testing.T) {
	t.Parallel()
	var asked atomic.Int32
	elsewhere := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { asked.Add(1) }))
	t.Cleanup(elsewhere.Close)
	folder := t.TempDir()
	for name, content := range map[string]string{"netbox": "nbt_abcdefghijkl.x", "netbox.hosts": "netbox.example.com"} {
		if err := os.WriteFile(filepath.Join(folder, name), []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	g := setupLinking(t, func(c *bridge.Config) {
		c.NetBox.CredentialsDir, c.NetBox.AllowHTTP = folder, true
		c.NetBox.AllowedPrivateNetworks = []string{"127.0.0.0/8"}
	})
	token := g.grant("admin", "35", "name_hosts", "name_references")
	g.ok("PATCH", "/api/v1/fabrics/35", fmt.Sprintf(`{"netbox":{"url":%q,"token_ref":"file:netbox"}}`, elsewhere.URL),
		bearer(token))
	connection := g.ok("GET", "/api/v1/netbox", "", bearer(g.bootstrap))["connections"].([]any)[0].(map[string]any)
	if connection["state"] != "denied" || connection["reason"] == nil || asked.Load() != 0 {
		t.Errorf("%v, and %d requests", connection, asked.Load())
	}
	g.problem("POST", "/api/v1/netbox:check", fmt.Sprintf(`{"url":%q,"token_ref":"file:netbox"}`, elsewhere.URL),
		http.StatusBadRequest, "FGD_4027", bearer(g.bootstrap))
	if asked.Load() != 0 {
		t.Errorf("%d requests", asked.Load())
	}
}
