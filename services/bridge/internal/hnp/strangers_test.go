package hnp_test

import (
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"fgdsync.dev/libs/netboxserver"
	"fgdsync.dev/services/bridge/internal/hnp"
)

// TestWhatIsNoList is not taken for one that is empty: a page of maintenance can be JSON.
func TestWhatIsNoList(t *testing.T) {
	t.Parallel()
	for _, body := range []string{
		`{"status":"maintenance"}`, `{"count":0}`, `{"results":[]}`, `{"count":0,"results":null}`, `[]`, `null`, `""`,
	} {
		p := setup(t)
		p.Break(netboxserver.Fault{Method: http.MethodGet, Status: http.StatusOK, Body: body})
		_, listErr := p.List(t.Context(), "Server")
		_, fabricsErr := p.Fabrics(t.Context())
		_, oneErr := p.Get(t.Context(), "Server", 1)
		_, fabricErr := p.Fabric(t.Context(), p.fabric)
		_, _, _, idsErr := p.LogIDs(t.Context(), 0)
		_, _, headErr := p.LogHead(t.Context(), time.Time{})
		_, feedErr := p.Feed(t.Context(), "", 10, 0)
		_, endErr := p.FeedHead(t.Context())
		for i, err := range []error{listErr, fabricsErr, oneErr, fabricErr, idsErr, headErr, feedErr, endErr} {
			if !hnp.Is(err, hnp.Away) {
				t.Errorf("%s, %d: got %v", body, i, err)
			}
		}
	}
}

// TestAnAnswerAboutAnotherRecord is not taken for one about the record that was written or asked for, although it says
// the same.
func TestAnAnswerAboutAnotherRecord(t *testing.T) {
	t.Parallel()
	eachVersion(t, func(p *plugin) {
		a, b := p.put("Server", "a", nil, spec(1)).Record, p.put("Server", "b", nil, spec(2)).Record
		other := func(method string) {
			p.handler = middleware(p.Server, func(w http.ResponseWriter, r *http.Request, _ string) bool {
				if r.Method != method || !strings.HasPrefix(r.URL.Path, "/api/plugins/hedgehog/servers/") {
					return false
				}
				p.handler = p.Server
				p.ServeHTTP(httptest.NewRecorder(), r)
				get := r.Clone(r.Context())
				get.Method, get.URL.Path = http.MethodGet, fmt.Sprintf("/api/plugins/hedgehog/servers/%d/", b.ID)
				p.ServeHTTP(w, get)
				return true
			})
		}
		other(http.MethodGet)
		if got, err := p.Get(p.t.Context(), "Server", a.ID); !hnp.Is(err, hnp.Away) {
			p.t.Errorf("%v, %v", got, err)
		}
		other(http.MethodPatch)
		if changed := p.put("Server", "a", &a, spec(2)); changed.Record.ID != a.ID || changed.Outcome != hnp.Updated {
			p.t.Errorf("%v", changed)
		}
		other(http.MethodPost)
		if made := p.put("Server", "c", nil, spec(2)); made.Record.Identity() != p.identity("c") {
			p.t.Errorf("%v", made)
		}
	})
}

// TestAPermissionForSome: those that may be made are, and each of the others is refused.
func TestAPermissionForSome(t *testing.T) {
	t.Parallel()
	p := setup(t)
	p.handler = middleware(p.Server, func(w http.ResponseWriter, r *http.Request, body string) bool {
		no := r.Method == http.MethodPost && strings.Contains(body, `"r-11"`)
		if no {
			answer(w, http.StatusForbidden, `{"detail":"You do not have permission to perform this action."}`)
		}
		return no
	})
	left, err := p.create(p.drafts(20))
	if err != nil || len(left) != 1 || !hnp.Is(left["r-11"], hnp.Forbidden) || p.there() != 19 {
		t.Errorf("%v, %v; %d there", left, err, p.there())
	}
}

// TestWhatIsBeforeNetBox and refuses requests is told from NetBox, which does not take a token or lacks a permission.
func TestWhatIsBeforeNetBox(t *testing.T) {
	t.Parallel()
	for _, code := range []int{http.StatusForbidden, http.StatusUnauthorized} {
		p := setup(t)
		page := netboxserver.Fault{Status: code, Body: "<h1>No</h1>", Header: map[string]string{"Content-Type": "text/html"}}
		page.Method = http.MethodPost
		p.Break(page)
		_, err := p.Put(t.Context(), "Server", p.identity("a"), nil, spec(1), "")
		if !hnp.Is(err, hnp.Refused) || !strings.Contains(err.Error(), "firewall") {
			t.Errorf("%d: %v", code, err)
		}
		page.Method = ""
		p.Break(page)
		if _, err := p.List(t.Context(), "Server"); !hnp.Is(err, hnp.Unusable) || !strings.Contains(err.Error(), "firewall") {
			t.Errorf("%d: %v", code, err)
		}
	}
}

// TestNetBoxFailsAtEach record, and answers when it is looked at: after a few nothing else is tried.
func TestNetBoxFailsAtEach(t *testing.T) {
	t.Parallel()
	for _, code := range []int{http.StatusInternalServerError, http.StatusBadGateway} {
		p := setup(t)
		p.Break(netboxserver.Fault{Method: http.MethodPost, Status: code})
		made, err := p.Create(t.Context(), "Server", p.drafts(100))
		alone := 0
		for _, one := range made {
			var said *hnp.Error
			if errors.As(one.Err, &said) && said.Answers {
				alone++
			}
		}
		if posts := p.asked("POST"); !hnp.Is(err, hnp.Away) || alone != 5 || posts > 20 {
			t.Errorf("%d: %v, %d alone, %d requests", code, err, alone, posts)
		}
	}
}

// TestATokenThatIsShownAgain by NetBox or something before it is in no text that is kept.
func TestATokenThatIsShownAgain(t *testing.T) {
	t.Parallel()
	_, token, _ := strings.Cut(netboxserver.Token, " ")
	_, half, _ := strings.Cut(token, ".")
	escaped := strings.ReplaceAll(token, "_", `\u005f`)
	header := func(name, value string) map[string]string { return map[string]string{name: value} }
	for name, f := range map[string]netboxserver.Fault{
		"version":      {Status: 200, Body: `{"netbox-version":"` + token + `"}`},
		"old version":  {Status: 200, Body: `{"netbox-version":"4.2-` + escaped + `"}`},
		"content type": {Status: 200, Header: header("Content-Type", "text/"+token)},
		"detail":       {Status: 400, Body: `{"detail":"` + escaped + `"}`},
		"exception":    {Status: 500, Body: `{"exception":"` + escaped + `"}`},
		"field":        {Status: 400, Body: `{"` + escaped + `":["` + escaped + `"]}`},
		"no sentence":  {Status: 400, Body: `{"name":{"a":["` + escaped + `"]}}`},
		"half of it":   {Status: 400, Body: `{"detail":"token ` + half + `"}`},
		"address":      {Status: 302, Header: header("Location", "/login/?t="+strings.ReplaceAll(token, "e", "%65"))},
	} {
		p := setup(t)
		p.Break(f)
		said, err := p.Status(t.Context())
		_, again := p.Generation(t.Context())
		text := fmt.Sprintf("%+v %v %+v %v", said, err, err, again)
		if strings.Contains(text, half) || !strings.Contains(text, "[redacted]") && name != "content type" {
			t.Errorf("%s: %s", name, text)
		}
	}
}

// TestNamesOfRequests are kept when they are some: whoever is in between may put anything there.
func TestNamesOfRequests(t *testing.T) {
	t.Parallel()
	for id, want := range map[string]string{
		"7b1f-4": "7b1f-4", "": "", "\xff\xfe": "", "a\x1b[31m": "", "ü": "", strings.Repeat("x", 101): "",
		strings.Repeat("x", 100): strings.Repeat("x", 100),
	} {
		p := setup(t)
		p.handler = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			p.ServeHTTP(w, r)
			w.(*httptest.ResponseRecorder).Result().Header.Set("X-Request-ID", id)
		})
		if got := p.put("Server", "a", nil, spec(1)).RequestID; got != want {
			t.Errorf("%q is kept as %q", id, got)
		}
	}
}

// TestAListThatIsTooLarge is not kept in memory: it is read up to a bound, of objects and of bytes.
func TestAListThatIsTooLarge(t *testing.T) {
	t.Parallel()
	p := setup(t)
	if left, err := p.create(p.drafts(1001)); len(left) != 0 || err != nil {
		t.Fatal(left, err)
	}
	before := p.asked("GET")
	p.ReadOfList(200_000)
	_, bytesErr := p.List(t.Context(), "Server")
	p.Break(netboxserver.Fault{Status: http.StatusOK, Body: `{"count":2000000000,"results":[{"id":1,"fabric":1}]}`})
	_, listErr := p.List(t.Context(), "Server")
	_, fabricsErr := p.Fabrics(t.Context())
	_, _, _, logErr := p.LogIDs(t.Context(), 0)
	for i, err := range []error{bytesErr, listErr, fabricsErr, logErr} {
		if !hnp.Is(err, hnp.Unusable) {
			t.Errorf("%d: got %v", i, err)
		}
	}
	if asked := p.asked("GET") - before; asked > 5 {
		t.Errorf("%d requests", asked)
	}
}

// TestAChangeLogWithoutOrder is not read for ever.
func TestAChangeLogWithoutOrder(t *testing.T) {
	t.Parallel()
	p := setup(t)
	p.Break(netboxserver.Fault{Status: http.StatusOK, Body: `{"count":100,"results":[{"id":7},{"id":8}]}`})
	if _, _, _, err := p.LogIDs(t.Context(), 0); !hnp.Is(err, hnp.Away) || p.asked("GET") != 2 {
		t.Errorf("%v after %d requests", err, p.asked("GET"))
	}
}

// TestSomebodyElse is not changed in place of whom was asked for.
func TestSomebodyElse(t *testing.T) {
	t.Parallel()
	p := setup(t)
	const admin = `{"id":1,"username":"admin"}`
	p.Break(netboxserver.Fault{
		Method: http.MethodGet, Status: http.StatusOK, Body: `{"count":1,"results":[` + admin + `]}`,
	})
	p.Break(netboxserver.Fault{Method: http.MethodPatch, Status: http.StatusOK, Body: admin})
	if found, err := p.UsersNamed(t.Context(), "fgd-sync"); len(found) > 0 || err != nil {
		t.Errorf("%v, %v", found, err)
	}
	if _, err := p.PutUser(t.Context(), 7, map[string]any{"username": "fgd-sync"}); !hnp.Is(err, hnp.Unclear) {
		t.Errorf("got %v", err)
	}
}
