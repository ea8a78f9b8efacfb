package bridge_test

import (
	"net/http"
	"net/url"
	"strings"
	"testing"
)

// TestARepositoryIsConnected: the form says what is wrong and keeps what was typed, but for the token; what is right
// becomes a fabric.
func TestARepositoryIsConnected(t *testing.T) {
	t.Parallel()
	v, _ := visiting(t)
	v.signIn(v.bootstrap)
	typed := func(more url.Values) url.Values {
		all := url.Values{
			"name": {"pod-7"}, "repository_url": {"https://git.example/pods.git"}, "branch": {"main"},
			"gitops_directory": {"pods/7"}, "fabric_id": {"47"}, "token": {"tell-nobody-this"},
		}
		for name, values := range more {
			all[name] = values
		}
		return all
	}
	for name, c := range map[string]struct {
		more   url.Values
		status int
		says   string
	}{
		"a look":    {url.Values{"action": {"check"}}, http.StatusOK, "The host answers"},
		"no number": {url.Values{"action": {"register"}, "fabric_id": {"x"}}, http.StatusBadRequest, "no number"},
		"nought":    {url.Values{"action": {"register"}, "fabric_id": {"0"}}, http.StatusBadRequest, "no number"},
		"without the token": {
			url.Values{"action": {"register"}, "token": {""}, "with_token": {"1"}}, http.StatusBadRequest, "Type it again",
		},
		"two ways":       {url.Values{"action": {"register"}, "credentials_ref": {"file:git"}}, 400, "Give one of the two"},
		"a wrong number": {url.Values{"action": {"register"}, "fabric_id": {"-3"}}, http.StatusBadRequest, "fabric_id"},
	} {
		a := v.post("/fabrics/new", typed(c.more))
		if a.status != c.status || !strings.Contains(a.raw, c.says) || !strings.Contains(a.raw, `value="pod-7"`) {
			t.Errorf("%s: %d %s", name, a.status, a.raw)
		}
		if strings.Contains(a.raw, "tell-nobody-this") {
			t.Errorf("%s: the token is shown again", name)
		}
	}
	if a := v.post("/fabrics/new", typed(url.Values{"action": {"register"}, "held": {"on"}})); a.status != 303 ||
		a.header.Get("Location") != "/fabrics/47" {
		t.Fatalf("%d %v %s", a.status, a.header, a.raw)
	}
	fabric := v.ok("GET", "/api/v1/fabrics/47", "", bearer(v.bootstrap))
	if fabric["name"] != "pod-7" || fabric["credentials_configured"] != true {
		t.Errorf("%v", fabric)
	}
	viewer, _ := visiting(t)
	viewer.register(35)
	viewer.signIn(viewer.grant("admin", "35"))
	if page := viewer.page("/"); strings.Contains(page, "/fabrics/new") {
		t.Error("who may not connect one is offered it")
	}
	if a := viewer.post("/fabrics/new", typed(url.Values{"action": {"register"}, "fabric_id": {""}})); a.status != 403 {
		t.Errorf("%d %s", a.status, a.raw)
	}
}
