package hnp_test

import (
	"context"
	"net/http"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"fgdsync.dev/libs/netboxserver"
	"fgdsync.dev/services/bridge/internal/hnp"
)

// TestGenerations: what a NetBox can do is known by its version, and newer ones are as the newest.
func TestGenerations(t *testing.T) {
	t.Parallel()
	for version, want := range map[string]hnp.Generation{
		"4.3.0":       {Eager: true},
		"4.4.7":       {Eager: true, Messages: true},
		"4.5.1":       {Eager: true, Messages: true, SelfCheck: true},
		"4.5.2":       {Messages: true, SelfCheck: true},
		"4.6.0":       {Messages: true, SelfCheck: true, Conditional: true},
		"4.7.0-beta1": {Messages: true, SelfCheck: true, Conditional: true, Named: true},
		"5.1":         {Messages: true, SelfCheck: true, Conditional: true, Named: true},
	} {
		t.Run(version, func(t *testing.T) {
			t.Parallel()
			p := setup(t)
			p.handler = middleware(p.Server, says(version, `"netbox_hedgehog":"0.2.0"`))
			want.Version, want.Plugin, want.May = version, "0.2.0", true
			if got, err := p.Generation(t.Context()); err != nil || got != want {
				t.Errorf("got %+v, %v", got, err)
			}
		})
	}
}

// says has a NetBox say of itself that it is of a version, and has plugins.
func says(version, plugins string) func(http.ResponseWriter, *http.Request, string) bool {
	return func(w http.ResponseWriter, r *http.Request, _ string) bool {
		if r.URL.Path != "/api/status/" {
			return false
		}
		answer(w, http.StatusOK, `{"netbox-version":"`+version+`","plugins":{`+plugins+`},"rq-workers-running":0}`)
		return true
	}
}

// TestWhatIsNoNetBoxWithThePlugin is said to be none, and nothing is written there.
func TestWhatIsNoNetBoxWithThePlugin(t *testing.T) {
	t.Parallel()
	hedgehog := `"netbox_hedgehog":"0.2.0"`
	other := func(code int, body string) func(http.ResponseWriter, *http.Request, string) bool {
		return func(w http.ResponseWriter, _ *http.Request, _ string) bool {
			answer(w, code, body)
			return true
		}
	}
	for want, before := range map[string]func(http.ResponseWriter, *http.Request, string) bool{
		"NetBox 4.2.9 is too old":          says("4.2.9", hedgehog),
		"NetBox 3.7.8 is too old":          says("3.7.8", hedgehog),
		"can't be read":                    says("newest", hedgehog),
		"no Hedgehog NetBox Plugin":        says("4.7.3", `"other":"1.0"`),
		"what answers is no NetBox":        other(http.StatusNotFound, `{"detail":"Not found."}`),
		"there is no such path":            other(http.StatusNotFound, `<h1>Not found`),
		"can't be read: \"\"":              other(http.StatusOK, `{"status":"ok"}`),
		"the address of NetBox is another": other(http.StatusFound, ``),
	} {
		p := setup(t)
		p.handler = middleware(p.Server, before)
		_, err := p.Put(t.Context(), "VPC", p.identity("v"), nil, spec(1), "")
		if !hnp.Is(err, hnp.Unusable) || !strings.Contains(err.Error(), want) || p.asked("POST") != 0 {
			t.Errorf("%s: %v", want, err)
		}
	}
}

// TestAPluginWithGit is known by its fields, and a token that may not add by there being none.
func TestAPluginWithGit(t *testing.T) {
	t.Parallel()
	for body, want := range map[string]hnp.Generation{
		`{"actions":{"POST":{"spec":{},"git_file_path":{}}}}`: {GitOps: true, May: true},
		`{"name":"VPC List"}`: {},
	} {
		p := setup(t)
		p.handler = middleware(p.Server, func(w http.ResponseWriter, r *http.Request, _ string) bool {
			if r.Method == http.MethodOptions {
				answer(w, http.StatusOK, body)
			}
			return r.Method == http.MethodOptions
		})
		got, err := p.Generation(t.Context())
		if err != nil || got.GitOps != want.GitOps || got.May != want.May {
			t.Errorf("got %+v, %v", got, err)
		}
	}
}

// TestTheGenerationIsAskedFor once in ten minutes, however many want to know. What was not found out is asked again.
func TestTheGenerationIsAskedFor(t *testing.T) {
	t.Parallel()
	p := setup(t)
	synctest.Test(t, func(t *testing.T) {
		p.Client = client(t, p.URL, netboxserver.Token, p.wire)
		p.Break(netboxserver.Fault{Status: http.StatusServiceUnavailable, Times: 1})
		if _, err := p.Generation(t.Context()); !hnp.Is(err, hnp.Away) {
			t.Errorf("got %v", err)
		}
		var many sync.WaitGroup
		for range 10 {
			many.Go(func() {
				if _, err := p.Generation(t.Context()); err != nil {
					t.Error(err)
				}
			})
		}
		many.Wait()
		if p.asked("GET /api/status/") != 2 {
			t.Errorf("asked %d times", p.asked("GET /api/status/"))
		}
		time.Sleep(9 * time.Minute)
		_, early := p.Generation(t.Context())
		before := p.asked("GET /api/status/")
		time.Sleep(2 * time.Minute)
		_, late := p.Generation(t.Context())
		if early != nil || late != nil || before != 2 || p.asked("GET /api/status/") != 3 {
			t.Errorf("%v, %v, %d, then %d", early, late, before, p.asked("GET /api/status/"))
		}
	})
}

// TestWhoWaitsForTheGeneration may give up.
func TestWhoWaitsForTheGeneration(t *testing.T) {
	t.Parallel()
	p := setup(t)
	synctest.Test(t, func(t *testing.T) {
		p.Client = client(t, p.URL, netboxserver.Token, p.wire)
		release := make(chan struct{})
		p.handler = middleware(p.Server, func(http.ResponseWriter, *http.Request, string) bool {
			<-release
			return false
		})
		go func() { _, _ = p.Generation(t.Context()) }()
		synctest.Wait()
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if _, err := p.Generation(ctx); !hnp.Is(err, hnp.Away) {
			t.Errorf("got %v", err)
		}
		close(release)
	})
}

// TestStatus is what NetBox says: without a worker no webhook leaves it.
func TestStatus(t *testing.T) {
	t.Parallel()
	eachVersion(t, func(p *plugin) {
		got, err := p.Status(p.t.Context())
		if err != nil || got.Workers != 1 || got.Plugins["netbox_hedgehog"] == "" || !strings.HasPrefix(got.Version, "4.") {
			p.t.Errorf("got %+v, %v", got, err)
		}
	})
}
