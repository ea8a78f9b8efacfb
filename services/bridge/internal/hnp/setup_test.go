package hnp_test

import (
	"bytes"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"

	"fgdsync.dev/libs/netboxserver"
	"fgdsync.dev/libs/secret"
	"fgdsync.dev/services/bridge/internal/hnp"
	"fgdsync.dev/testkit/netboxtest"
)

// plugin is a client of a NetBox in which there is a fabric.
type plugin struct {
	*netboxserver.Server
	*hnp.Client
	*wire
	t      *testing.T
	fabric int64
}

func setup(t *testing.T) *plugin {
	t.Helper()
	return setupVersion(t, netboxserver.Version)
}

func setupVersion(t *testing.T, version string) *plugin {
	t.Helper()
	s := netboxtest.StartVersion(t, version)
	w := &wire{handler: s}
	return &plugin{s, client(t, s.URL, netboxserver.Token, w), w, t, int64(s.AddFabric("fabric-1"))}
}

// eachVersion runs a test on every generation of NetBox that is emulated.
func eachVersion(t *testing.T, test func(p *plugin)) {
	t.Helper()
	for _, version := range netboxserver.Versions() {
		t.Run(version, func(t *testing.T) {
			t.Parallel()
			test(setupVersion(t, version))
		})
	}
}

func client(t *testing.T, address, token string, transport http.RoundTripper) *hnp.Client {
	t.Helper()
	c, err := hnp.New(address, secret.New(token), transport)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// wire leads to a server in the same process, and keeps what goes over it.
type wire struct {
	handler http.Handler

	mu    sync.Mutex
	lines []string // methods and paths
	all   bytes.Buffer
}

// RoundTrip makes a request.
func (w *wire) RoundTrip(r *http.Request) (response *http.Response, err error) {
	body, _ := io.ReadAll(r.Body) // it is in memory
	r = r.Clone(r.Context())
	r.Body = io.NopCloser(bytes.NewReader(body))
	w.keep(r, body)
	recorder := httptest.NewRecorder()
	defer func() {
		switch fault := recover(); {
		case fault == nil:
		case recorder.Body.Len() > 0: // the answer ends in the middle
			response = recorder.Result()
			response.Body = io.NopCloser(io.MultiReader(response.Body, broken{}))
		default:
			err = errors.New("connection reset")
		}
	}()
	w.handler.ServeHTTP(recorder, r)
	w.keep(nil, recorder.Body.Bytes())
	response = recorder.Result()
	response.Request = r
	return response, nil
}

func (w *wire) keep(r *http.Request, body []byte) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if r != nil {
		w.lines = append(w.lines, r.Method+" "+r.URL.Path)
		w.all.WriteString(r.URL.String())
	}
	w.all.Write(body)
}

// asked returns how many requests began with something.
func (w *wire) asked(prefix string) int {
	w.mu.Lock()
	defer w.mu.Unlock()
	number := 0
	for _, line := range w.lines {
		if strings.HasPrefix(line, prefix) {
			number++
		}
	}
	return number
}

type broken struct{}

func (broken) Read([]byte) (int, error) { return 0, io.ErrUnexpectedEOF }

func (p *plugin) identity(name string) hnp.Identity {
	return hnp.Identity{Fabric: p.fabric, Namespace: "default", Name: name}
}

func spec(value any) hnp.Content { return hnp.Content{Spec: map[string]any{"a": value}} }

// put has a record hold a content, and returns the record.
func (p *plugin) put(kind, name string, seen *hnp.Record, content hnp.Content) hnp.Effect {
	p.t.Helper()
	effect, err := p.Put(p.t.Context(), kind, p.identity(name), seen, content, "0123abcd somebody: why")
	if err != nil {
		p.t.Fatal(err)
	}
	return effect
}

// pageless reports whether the plugin has no page for a kind (Q2).
func pageless(kind string) bool {
	return strings.HasPrefix(kind, "External") || kind == "VPCAttachment" || kind == "VPCPeering"
}

// middleware has somebody see requests before a server does, and answer them.
func middleware(s http.Handler, before func(w http.ResponseWriter, r *http.Request, body string) bool) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body) // it is in memory
		r.Body = io.NopCloser(bytes.NewReader(body))
		if !before(w, r, string(body)) {
			s.ServeHTTP(w, r)
		}
	})
}

func answer(w http.ResponseWriter, code int, body string) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(code)
	_, _ = io.WriteString(w, body)
}

// illAnswers are those from which nobody knows what came of a request.
func illAnswers() map[string]netboxserver.Fault {
	html := map[string]string{"Content-Type": "text/html"}
	return map[string]netboxserver.Fault{
		"an error of the server": {Status: http.StatusInternalServerError, Body: `{"exception":"X"}`},
		"a page":                 {Status: http.StatusOK, Header: html, Body: "<h1>"},
		"a page of an error":     {Status: http.StatusBadGateway, Header: html},
		"a page of the server":   {Status: http.StatusInternalServerError, Header: html, Body: "<h1>Server Error"},
		"a cut answer":           {Status: http.StatusOK, Body: `{"id": 1, "na`, Cut: true},
		"half an answer":         {Status: http.StatusOK, Body: `{"id": 1, "na`},
		"no answer":              {},
	}
}
