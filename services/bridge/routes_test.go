package bridge_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/coder/websocket"

	"fgdsync.dev/libs/errs"
)

// publicRoutes are those that nobody shows anything for, and why.
func publicRoutes() map[string]string {
	return map[string]string{
		"GET /healthz":      "what watches the process has no token",
		"GET /readyz":       "what watches the process has no token",
		"GET /docs":         "says what everybody can read in the sources",
		"GET /openapi.json": "says what everybody can read in the sources",
		"GET /api/v1/login": "who signs in has nothing to show yet",
	}
}

// routesBeside are the routes that no RPC is named at, and what each takes.
func routesBeside() map[string]needs {
	return map[string]needs{
		"GET /metrics":                                     {"viewer", "any"},
		"GET /ws/sync-progress/{sync_id}":                  {"viewer", "sync"},
		"GET /ws/plugins/hedgehog/sync-progress/{sync_id}": {"viewer", "sync"},
	}
}

// bodies are those of requests that have no example in the API's description.
func bodies() map[string]string {
	return map[string]string{
		"CancelSyncBody": "{}", "CheckFabricConnectionBody": "{}", "RepairDirectoryBody": "{}", "ResumeFabricBody": "{}",
		"RotateTokenBody": "{}", "RebuildStateRequest": "{}",
		"CreateTokenRequest": `{"name":"x","grants":[{"role":"viewer","all_fabrics":true}]}`,
	}
}

// takeRights are the RPCs whose examples name a host, which takes a right that admins of some fabrics do not have.
func takeRights() []string {
	return []string{"FabricService.CreateFabric", "FabricService.CheckConnection"}
}

// route is a route of the API's description.
type route struct {
	name   string // METHOD path
	method string
	path   string
	body   object // an example; nil for none
	query  string
	needs  needs
	rights bool // its example takes rights
}

// routes are those of the API's description. One that nobody has said of who may use it is an error.
func (f federated) routes() []route {
	f.t.Helper()
	var all []route
	table, open, beside := wants(), publicRoutes(), routesBeside()
	document := f.openAPI()
	document.operations(func(method, path string, operation object) {
		r := route{method: strings.ToUpper(method), path: path}
		r.name = r.method + " " + path
		known := false
		if rpc := rpcOf(operation); rpc != nil {
			r.needs, known = table[nameOf(rpc)]
			r.rights = slices.Contains(takeRights(), nameOf(rpc))
			delete(beside, r.name)
		} else if r.needs, known = beside[r.name]; known {
			delete(beside, r.name)
		}
		if reason, public := open[r.name]; public != (r.needs.scope == "public") && known || reason == "" && public {
			f.t.Errorf("%s: public %t, and it takes %v", r.name, public, r.needs)
		} else if public {
			r.needs, known = needs{"", "public"}, true
		}
		delete(open, r.name)
		if !known {
			f.t.Errorf("nobody has said who may use %s", r.name)
			return
		}
		f.fill(&r, document, operation)
		all = append(all, r)
	})
	for name := range open {
		f.t.Errorf("there is no %s", name)
	}
	for name := range beside {
		f.t.Errorf("there is no %s", name)
	}
	return all
}

// fill gives a route what its requests need.
func (f federated) fill(r *route, document openAPI, operation object) {
	f.t.Helper()
	for name, p := range parameters(operation) {
		switch {
		case p["in"] == "query" && p["required"] == true:
			r.query = "?" + name + "=" + commitA
		case p["in"] == "body":
			definition := strings.TrimPrefix(p["schema"].(object)["$ref"].(string), "#/definitions/")
			if r.body, _ = document.definitions()[definition].(object)["example"].(object); r.body != nil {
				continue
			}
			if err := json.Unmarshal([]byte(bodies()[definition]), &r.body); err != nil {
				f.t.Errorf("there is no example of %s: %v", definition, err)
			}
		}
	}
}

// fabrics are those that requests on a route are about.
func (r route) fabrics() []int {
	switch r.needs.scope {
	case "sync":
		return []int{35, 36, 99}
	case "fabric":
		return []int{35, 36, 99, 0}
	}
	return []int{0}
}

// of returns the path and the body of a request about a fabric.
func (r route) of(fabric int) (target, body string) {
	target = strings.NewReplacer("{fabric_id}", fmt.Sprint(fabric), "{sync_id}", fmt.Sprint("sync-of-", fabric),
		"{path}", "unmanaged/a.yaml", "{token_id}", "000000000000", "{conflict_id}", "c-1").Replace(r.path) + r.query
	if r.body == nil {
		return target, ""
	}
	about := object{}
	for name, value := range r.body {
		if name != "fabric_id" {
			about[name] = value
		} else if fabric != 0 {
			about[name] = fabric
		}
	}
	raw, _ := json.Marshal(about) // was JSON
	return target, string(raw)
}

// source is an address that nothing was shown from yet: much of what is shown is no token.
func (f federated) source() header {
	f.calls++
	return header{"X-Source", fmt.Sprintf("127.1.%d.%d:1", f.calls/250, f.calls%250)}
}

// request makes a request for somebody.
func (f federated) request(c caller, r route, fabric int, headers ...header) answer {
	f.t.Helper()
	target, body := r.of(fabric)
	headers = append(headers, f.source())
	if c.token != "" {
		headers = append(headers, bearer(c.token))
	}
	if !strings.HasPrefix(r.path, "/ws/") {
		return f.call(r.method, target, body, headers...)
	}
	options := &websocket.DialOptions{HTTPHeader: http.Header{}}
	for _, h := range headers {
		options.HTTPHeader.Set(h.name, h.value)
	}
	conn, response, err := websocket.Dial(f.t.Context(), f.server.URL+target, options)
	if err == nil {
		_ = conn.CloseNow()
		return answer{status: response.StatusCode}
	}
	if response == nil {
		f.t.Fatalf("%s: %v", target, err)
	}
	return read(f.t, response)
}

// statuses are those of the codes by which requests are refused.
func statuses() map[errs.Code]int {
	return map[errs.Code]int{
		errs.NotAuthenticated: http.StatusUnauthorized, errs.NotAllowed: http.StatusForbidden,
		errs.FabricNotFound: http.StatusNotFound, errs.SyncNotFound: http.StatusNotFound,
	}
}

// wrong returns what is wrong with an answer that a code was expected in, or none; empty when nothing is.
func (a answer) wrong(code errs.Code, fabric int) string {
	problem, _ := a.body["error"].(object)
	id, _ := problem["code"].(string)
	told := fmt.Sprintf("%d %s", a.status, a.raw)
	switch {
	case code.ID != "" && (a.status != statuses()[code] || id != code.ID):
		return told + ", not " + code.Name
	case code == errs.NotAuthenticated && a.header.Get("WWW-Authenticate") == "":
		return "it does not say how to show who one is"
	case code.ID != "":
		return ""
	case a.status == http.StatusUnauthorized, a.status == http.StatusForbidden, a.status == http.StatusMethodNotAllowed,
		a.status == http.StatusTooManyRequests, id == errs.PathNotFound.ID:
		return told + ", not admitted"
	case (id == errs.FabricNotFound.ID || id == errs.SyncNotFound.ID) && (fabric == 35 || fabric == 36):
		return told + ", but it is there"
	}
	return ""
}

// TestWhoMayUseWhichRoute: every route of the API's description, for everybody, on the own fabric, on another one, on
// one that is not there, and on none. Streams are asked for in each of their forms.
func TestWhoMayUseWhichRoute(t *testing.T) {
	t.Parallel()
	f := setupMatrix(t)
	everybody, routes := f.callers(), f.routes()
	for _, r := range routes {
		forms := [][]header{nil}
		if strings.HasSuffix(r.path, "/events") {
			forms = append(forms, []header{{"Accept", "text/event-stream"}})
		}
		for _, c := range everybody {
			for _, fabric := range r.fabrics() {
				want := c.verdict(r.needs, fabric)
				if r.rights && c.role == "admin" && !c.all && want.ID == "" {
					want = errs.NotAllowed
				}
				for _, form := range forms {
					f.restore()
					if wrong := f.request(c, r, fabric, form...).wrong(want, fabric); wrong != "" {
						t.Errorf("%s by %s on %d %v: %s", r.name, c.name, fabric, form, wrong)
					}
				}
			}
		}
	}
	if len(routes) < 55 {
		t.Errorf("only %d routes", len(routes))
	}
}

// TestWhatIsNotDescribedAsksToo: whoever shows nothing does not learn which paths there are, and a claimed name shows
// nothing. Git hosts are asked for a signature instead.
func TestWhatIsNotDescribedAsksToo(t *testing.T) {
	t.Parallel()
	f := setupMatrix(t)
	for _, path := range []string{
		"/nowhere", "/api/v1", "/api/v2/fabrics", "/debug/pprof", "/docs/x", "/healthz/x", "/webhook",
	} {
		for _, method := range []string{"GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE"} {
			f.problem(method, path, "", http.StatusUnauthorized, errs.NotAuthenticated.ID)
			f.problem(method, path, "", http.StatusUnauthorized, errs.NotAuthenticated.ID, header{"X-Requested-By", "root"})
		}
	}
	for _, r := range f.routes() {
		if r.needs.scope == "public" {
			continue
		}
		target, body := r.of(35)
		f.problem(r.method, target, body, http.StatusUnauthorized, errs.NotAuthenticated.ID, header{"X-Requested-By", "root"})
	}
	h := setupHooked(t)
	for _, path := range []string{hubPush, labPush, teaPush} {
		h.checkProblem(path, h.post(path, "{}"), http.StatusUnauthorized, "FGD_1062")
	}
}

// TestMetricsAreOpen unless it is said that they are not: what reads them has no token by default.
func TestMetricsAreOpen(t *testing.T) {
	t.Parallel()
	g := setupGuarded(t)
	for _, shown := range [][]header{nil, {bearer("x")}} {
		if a := g.call("GET", "/metrics", "", shown...); a.status != http.StatusOK {
			t.Errorf("with %v: %d %s", shown, a.status, a.raw)
		}
	}
}
