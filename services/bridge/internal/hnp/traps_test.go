package hnp_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"regexp"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"fgdsync.dev/libs/netboxserver"
	"fgdsync.dev/libs/secret"
	"fgdsync.dev/services/bridge/internal/hnp"
)

// TestTokens are shown as NetBox takes them, with and without the word before them.
func TestTokens(t *testing.T) {
	t.Parallel()
	v1 := strings.Repeat("0123456789", 4)
	for given, want := range map[string]string{
		"nbt_abc.def": "Bearer nbt_abc.def", "Bearer nbt_abc.def": "Bearer nbt_abc.def",
		" nbt_abc.def\n": "Bearer nbt_abc.def", "bearer  nbt_abc.def": "Bearer nbt_abc.def",
		v1: "Token " + v1, "Token " + v1: "Token " + v1,
		"": "", "Basic abc": "", "nbt_a\x00b": "", "nbt_a.b\nX: y": "",
	} {
		shown, language := "", "en"
		transport := roundTripper(func(r *http.Request) (*http.Response, error) {
			shown, language = r.Header.Get("Authorization"), r.Header.Get("Accept-Language")
			return nil, io.EOF
		})
		c, err := hnp.New("http://netbox", secret.New(given), transport)
		if err == nil {
			_, _ = c.Status(t.Context())
		}
		told := err != nil && given != "" && strings.Contains(err.Error(), given)
		if language != "en" { // by its words it is known what a refusal means
			t.Errorf("asked in %q", language)
		}
		if shown != want || (err == nil) != (want != "") || told {
			t.Errorf("%q is shown as %q, %v", given, shown, err)
		}
	}
}

type roundTripper func(*http.Request) (*http.Response, error)

// RoundTrip calls it.
func (f roundTripper) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

// TestATokenThatIsNotTaken is told from one that may not do something, in the words of each NetBox or in others.
func TestATokenThatIsNotTaken(t *testing.T) {
	t.Parallel()
	eachVersion(t, func(p *plugin) {
		for _, token := range []string{"nbt_wrong.token", strings.Repeat("0", 40)} {
			c := client(p.t, p.URL, token, p.wire)
			_, err := c.List(p.t.Context(), "VPC")
			made, allErr := c.Create(p.t.Context(), "VPC", p.drafts(1))
			if !hnp.Is(err, hnp.Denied) || !hnp.Is(allErr, hnp.Denied) || !hnp.Is(made[0].Err, hnp.Denied) {
				p.t.Errorf("%s: %v; %v, %v", token, err, made, allErr)
			}
		}
		p.Break(netboxserver.Fault{Status: http.StatusForbidden, Body: `{"detail":"Ce jeton a expiré."}`})
		if _, err := p.List(p.t.Context(), "VPC"); !hnp.Is(err, hnp.Denied) {
			p.t.Errorf("got %v", err)
		}
	})
}

// TestOnePermissionThatIsMissing stops one kind and no other.
func TestOnePermissionThatIsMissing(t *testing.T) {
	t.Parallel()
	p := setup(t)
	p.handler = middleware(p.Server, func(w http.ResponseWriter, r *http.Request, _ string) bool {
		if strings.HasPrefix(r.URL.Path, path("VPC")) && r.Method == http.MethodOptions && p.asked("POST") > 0 {
			answer(w, http.StatusOK, `{"name":"VPC List"}`)
			return true
		}
		if strings.HasPrefix(r.URL.Path, path("VPC")) && r.Method == http.MethodPost {
			answer(w, http.StatusForbidden, `{"detail":"Keine Berechtigung."}`)
			return true
		}
		return false
	})
	made, err := p.Create(t.Context(), "VPC", p.drafts(1))
	if left, other := p.create(p.drafts(1)); !hnp.Is(err, hnp.Forbidden) || !hnp.Is(made[0].Err, hnp.Forbidden) ||
		len(left) != 0 || other != nil {
		t.Errorf("%v, %v; %v, %v", made, err, left, other)
	}
}

// TestNoSecretIsRead: what a fabric keeps for itself is not asked for, and what is there is in no request and answer.
func TestNoSecretIsRead(t *testing.T) {
	t.Parallel()
	p := setup(t)
	p.Plant("fabrics", int(p.fabric), map[string]any{"kubernetes_token": "planted", "kubernetes_ca_cert": "planted"})
	made := p.put("VPC", "v", nil, spec(1))
	p.Plant("vpcs", int(made.Record.ID), map[string]any{"kubernetes_uid": "planted", "sync_error": "planted"})
	now, getErr := p.Get(t.Context(), "VPC", made.Record.ID)
	p.put("VPC", "v", now, spec(2))
	_, listErr := p.List(t.Context(), "VPC")
	_, fabricsErr := p.Fabrics(t.Context())
	p.state(hnp.FabricState{SyncStatus: hnp.InSync})
	if getErr != nil || listErr != nil || fabricsErr != nil {
		t.Error(getErr, listErr, fabricsErr)
	}
	for _, no := range []string{"planted", "kubernetes_token", "kubernetes_ca", "git_token", "argocd"} {
		if strings.Contains(p.all.String(), no) {
			t.Errorf("%s was asked for, or answered", no)
		}
	}
}

// TestTheTokenIsNotTold in errors, whatever the other side says.
func TestTheTokenIsNotTold(t *testing.T) {
	t.Parallel()
	p := setup(t)
	_, token, _ := strings.Cut(netboxserver.Token, " ")
	p.Break(netboxserver.Fault{Status: http.StatusBadRequest, Body: fmt.Sprintf(
		`{"detail":"no %s","exception":"%[1]s","name":["%[1]s"],"errors":[{"index":0,"errors":{"a":["%[1]s"]}}]}`, token)})
	_, err := p.List(t.Context(), "VPC")
	raw, marshalErr := json.Marshal(err)
	if err == nil || marshalErr != nil || strings.Contains(fmt.Sprintf("%v %+v %s", err, err, raw), token) {
		t.Errorf("%v, %s", err, raw)
	}
}

// TestAnAnswerThatNeverEnds is given up after half a minute, or when whoever asks does.
func TestAnAnswerThatNeverEnds(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		c := client(t, "http://netbox", "t", hnp.Timed(roundTripper(func(r *http.Request) (*http.Response, error) {
			return &http.Response{
				StatusCode: http.StatusOK, Header: http.Header{"Content-Type": {"application/json"}}, Request: r,
				Body: io.NopCloser(endless{r.Context()}),
			}, nil
		})))
		begin := time.Now()
		_, err := c.List(t.Context(), "VPC")
		if waited := time.Since(begin); !hnp.Is(err, hnp.Away) || waited != 30*time.Second {
			t.Errorf("%v after %s", err, waited)
		}
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		begin = time.Now()
		_, err = c.Get(ctx, "VPC", 1)
		if waited := time.Since(begin); !hnp.Is(err, hnp.Away) || waited != time.Second {
			t.Errorf("%v after %s", err, waited)
		}
	})
}

// endless is a body of which nothing comes.
type endless struct{ context.Context }

func (e endless) Read([]byte) (int, error) {
	<-e.Done()
	return 0, e.Err()
}

// TestAnAnswerWithoutEnd is not kept in memory: it is read up to a bound.
func TestAnAnswerWithoutEnd(t *testing.T) {
	t.Parallel()
	c := client(t, "http://netbox", "t", roundTripper(func(r *http.Request) (*http.Response, error) {
		return &http.Response{
			StatusCode: http.StatusOK, Header: http.Header{"Content-Type": {"application/json"}}, Request: r,
			Body: io.NopCloser(nothing{}),
		}, nil
	}))
	if _, err := c.List(t.Context(), "VPC"); err == nil || !strings.Contains(err.Error(), "more than is read") {
		t.Errorf("got %v", err)
	}
}

// nothing is a body without an end.
type nothing struct{}

func (nothing) Read(p []byte) (int, error) {
	clear(p)
	return len(p), nil
}

// TestAListOfManyPages is whole, also when records go while it is read.
func TestAListOfManyPages(t *testing.T) {
	t.Parallel()
	p := setup(t)
	if left, err := p.create(p.drafts(2100)); len(left) != 0 || err != nil {
		t.Fatal(left, err)
	}
	before := p.asked("GET " + "/api/plugins/hedgehog/servers/")
	all, err := p.List(t.Context(), "Server")
	if pages := p.asked("GET /api/plugins/hedgehog/servers/") - before; err != nil || len(all) != 2100 || pages != 3 {
		t.Fatalf("%d, %v, %d pages", len(all), err, pages)
	}
	removed := false
	p.handler = middleware(p.Server, func(_ http.ResponseWriter, r *http.Request, _ string) bool {
		if r.Method == http.MethodGet && r.URL.Query().Get("offset") == "999" && !removed {
			removed = true
			p.Remove("servers", int(all[0].ID))
			p.put("Server", "another", nil, spec(0)) // there are as many as before
		}
		return false
	})
	left, err := p.List(t.Context(), "Server")
	if err != nil || len(left) != 2100 || left[0].ID != all[1].ID || left[2098].ID != all[2099].ID {
		t.Errorf("%d, %v", len(left), err)
	}
}

// TestTimesOfAnotherZone: NetBox writes times in its own zone, and compares versions in UTC.
func TestTimesOfAnotherZone(t *testing.T) {
	t.Parallel()
	p := setup(t)
	updated := regexp.MustCompile(`"last_updated":"([^"]*)"`)
	p.handler = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		recorder := httptest.NewRecorder()
		p.ServeHTTP(recorder, r)
		maps.Copy(w.Header(), recorder.Header())
		w.WriteHeader(recorder.Code)
		_, _ = io.WriteString(w, updated.ReplaceAllStringFunc(recorder.Body.String(), func(field string) string {
			at, err := time.Parse(time.RFC3339Nano, updated.FindStringSubmatch(field)[1])
			if err != nil {
				t.Error(err)
			}
			return `"last_updated":"` + at.In(time.FixedZone("", 19800)).Format("2006-01-02T15:04:05.000000-07:00") + `"`
		}))
	})
	seen := p.put("VPC", "v", nil, spec(1)).Record
	for _, at := range []string{"2026-01-02T03:04:05.100000Z", "2026-01-02T03:04:05.000000Z", "2026-01-02T03:04:05Z"} {
		p.Plant("vpcs", int(seen.ID), map[string]any{"last_updated": at})
		now, err := p.Get(t.Context(), "VPC", seen.ID)
		if err != nil || !strings.HasSuffix(now.LastUpdated, "Z") {
			t.Fatal(now, err)
		}
		p.put("VPC", "v", now, spec(at))
	}
}

// TestWhenToComeAgain is what NetBox says, in seconds or as a date, within an hour.
func TestWhenToComeAgain(t *testing.T) {
	t.Parallel()
	for header, want := range map[string]time.Duration{
		"": 0, "7": 7 * time.Second, "-1": 0, "soon": 0, "9223372036854775807": time.Hour,
		"Wed, 21 Oct 2015 07:28:00 GMT": 0, "Fri, 31 Dec 2900 23:59:59 GMT": time.Hour,
	} {
		p := setup(t)
		p.Break(netboxserver.Fault{
			Status: http.StatusServiceUnavailable, Header: map[string]string{"Retry-After": header},
		})
		_, err := p.List(t.Context(), "VPC")
		var said *hnp.Error
		if !errors.As(err, &said) || said.Reason != hnp.Away || said.After != want {
			t.Errorf("%q: %v after %v", header, err, said)
		}
	}
}
