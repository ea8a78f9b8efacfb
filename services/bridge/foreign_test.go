package bridge_test

import (
	"net/http"
	"strings"
	"testing"

	"fgdsync.dev/libs/errs"
)

// TestARefusalTellsNothingOfForeignFabrics: a name or a directory that is taken is refused, and only who may see whose
// it is hears that.
func TestARefusalTellsNothingOfForeignFabrics(t *testing.T) {
	t.Parallel()
	g := setupGuarded(t)
	foreign, both := g.grant("admin", "36", "name_hosts"), g.grant("admin", "35,36", "name_hosts")
	const fabric = `{"fabric_id":36,"name":"fabric-2","repository_url":"https://git.example/r.git","gitops_directory":"gitops/f2"}`
	taken := errs.New(errs.DirectoryOverlap, `The directory "gitops/f2" overlaps with "gitops" of fabric 35.`).
		WithMeta(errs.OtherFabricKey, "35")
	g.backend.fail(taken)
	created := map[string]answer{}
	for name, token := range map[string]string{"foreign": foreign, "both": both} {
		created[name] = g.call("POST", "/api/v1/fabrics", fabric, bearer(token))
	}
	g.backend.fail(nil)
	g.ok("POST", "/api/v1/fabrics", fabric, bearer(both))
	g.backend.mu.Lock()
	g.backend.updateFailure = taken
	g.backend.mu.Unlock()
	updated := g.call("PATCH", "/api/v1/fabrics/36", `{"gitops_directory":"gitops/f3"}`, bearer(foreign))
	for what, a := range map[string]answer{"a registration": created["foreign"], "a change": updated} {
		g.checkProblem(what, a, http.StatusConflict, errs.DirectoryOverlap.ID)
		if strings.Contains(a.raw, "fabric 35") || strings.Contains(a.raw, errs.OtherFabricKey) {
			t.Errorf("%s tells of a foreign fabric: %s", what, a.raw)
		}
	}
	if !strings.Contains(created["both"].raw, "fabric 35") {
		t.Errorf("who may see it hears %s", created["both"].raw)
	}
}
