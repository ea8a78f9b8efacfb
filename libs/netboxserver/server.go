// Package netboxserver is a NetBox with the Hedgehog NetBox Plugin, as their REST APIs look from outside. It keeps
// records in memory, and can be told to fail. What it answers is held against the real NetBox by test/netbox.
package netboxserver

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net/http"
	"strings"
	"sync"
	"time"
)

// Token is what a request has to show as Authorization.
const Token = "Bearer nbt_emulated0000.emulatedemulatedemulatedemulatedemulated" //nolint:gosec // opens nothing

// Server is one of them.
type Server struct {
	URL string // where it is served; ends without a slash

	generation generation
	version    string

	mu       sync.Mutex
	now      func() time.Time
	kinds    map[string]*kind // by endpoint
	faults   []Fault
	last     int // number of a record
	changes  int // of records, as the change log counts them
	requests int
	history  history

	tables  []*table
	secrets map[string]map[string]any // tokens by what their holders show
	idle    bool                      // no worker runs
	ahead   time.Duration             // of its clock
}

// New returns one of a version, 4.3 or newer; "4.5" is the newest of these that is known. It is served by whoever made
// it, who says at which URL.
func New(version string) (*Server, error) {
	s := &Server{now: time.Now, kinds: endpoints(), tables: tables(), secrets: map[string]map[string]any{}}
	var err error
	s.generation, s.version, err = generationOf(version)
	return s, err
}

// Changes returns how many changes of records there were: what a change log has, and webhooks are sent for.
func (s *Server) Changes() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.changes
}

// Requests returns how many requests there were.
func (s *Server) Requests() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.requests
}

// answer is what a request gets.
type answer struct {
	code int
	body any // nil for none
	etag string
}

func failed(exception string) answer {
	return answer{code: http.StatusInternalServerError, body: map[string]any{"exception": exception}}
}

func detail(code int, format string, args ...any) answer {
	return answer{code: code, body: map[string]any{"detail": fmt.Sprintf(format, args...)}}
}

// call is a request.
type call struct {
	*http.Request
	kind *kind
	id   string // empty at a list
	body any
}

// ServeHTTP answers a request.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.requests++
	fault := s.fault(r)
	if fault != nil && !fault.Done {
		fault.show(w)
		return
	}
	if !strings.HasSuffix(r.URL.Path, "/") {
		http.Redirect(w, r, r.URL.Path+"/?"+r.URL.RawQuery, http.StatusMovedPermanently) //nolint:gosec // as NetBox does
		return
	}
	a := s.recorded(r)
	if fault != nil {
		fault.show(w)
		return
	}
	w.Header().Set("Date", s.now().Add(s.ahead).UTC().Format(http.TimeFormat))
	w.Header().Set("X-Request-ID", fmt.Sprintf("emulated-%d", s.requests))
	if a.etag != "" && s.generation.conditional() {
		w.Header().Set("ETag", a.etag)
	}
	if a.body == nil {
		w.WriteHeader(a.code)
		return
	}
	if page, is := a.body.(string); is {
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		w.WriteHeader(a.code)
		_, _ = io.WriteString(w, page)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(a.code)
	encoder := json.NewEncoder(w)
	encoder.SetEscapeHTML(false)
	_ = encoder.Encode(a.body) // who asked has gone
}

func (s *Server) answer(r *http.Request) answer {
	user, known := s.holder(r.Header.Get("Authorization"))
	if !known {
		return refusal(r.Header.Get("Authorization"))
	}
	if a, refused := s.forbidden(user, r); refused {
		return a
	}
	return s.writable(user, r, s.permitted(user, r))
}

// permitted answers a request that somebody may make.
func (s *Server) permitted(who any, r *http.Request) answer {
	if a, is := s.administered(r); is {
		return a
	}
	switch r.URL.Path {
	case "/api/status/":
		return answer{code: http.StatusOK, body: map[string]any{
			"netbox-version": s.version, "plugins": map[string]any{"netbox_hedgehog": "0.2.0"},
			"rq-workers-running": s.workers(),
		}}
	case "/api/authentication-check/":
		if s.generation.selfCheck() {
			return answer{code: http.StatusOK, body: s.user(who)}
		}
	}
	path, ours := strings.CutPrefix(r.URL.Path, "/api/plugins/hedgehog/")
	endpoint, id, _ := strings.Cut(strings.TrimSuffix(path, "/"), "/")
	kind := s.kinds[endpoint]
	switch {
	case ours && (path == "sync/" || path == "status/"):
		return failed("AssertionError") // NetBox asks of which model they are
	case r.URL.Path == "/api/core/object-changes/": // nobody has changed anything
		return answer{code: http.StatusOK, body: map[string]any{
			"count": 0, "next": nil, "previous": nil, "results": []any{},
		}}
	case !ours || kind == nil:
		return answer{code: http.StatusNotFound, body: "<h1>Page Not Found</h1>"}
	}
	c := call{Request: r, kind: kind, id: id}
	if a, refused := c.read(); refused {
		return a
	}
	if id == "" {
		return s.many(c)
	}
	return s.one(c)
}

// user is whose token it is: nil is the administrator.
func (s *Server) user(who any) map[string]any {
	shown := map[string]any{
		"id": 1, "url": s.URL + "/api/users/users/1/", "display_url": s.URL + "/users/users/1/", "display": "admin",
		"username": "admin", "first_name": "", "last_name": "", "email": "admin@example.com", "is_active": true,
		"date_joined": timeOf(s.now()), "last_login": nil, "groups": []any{}, "permissions": []any{},
	}
	if who != nil {
		shown["id"], shown["permissions"] = who, s.permissionsOf(who)
	}
	return shown
}

// refusal returns what somebody is told who shows no token that is known.
func refusal(shown string) answer {
	kind, token, _ := strings.Cut(shown, " ")
	switch {
	case kind == "Bearer" && strings.HasPrefix(token, "nbt_"):
		return detail(http.StatusForbidden, "Invalid v2 token")
	case token != "":
		return detail(http.StatusForbidden, "Invalid v1 token")
	}
	return detail(http.StatusForbidden, "Authentication credentials were not provided.")
}

// read reads the body of a request that has one.
func (c *call) read() (answer, bool) {
	raw, err := io.ReadAll(c.Body)
	if err != nil || len(raw) == 0 {
		return answer{}, false
	}
	if media := c.Header.Get("Content-Type"); media != "application/json" {
		return detail(http.StatusUnsupportedMediaType, "Unsupported media type %q in request.", media), true
	}
	decoder := json.NewDecoder(bytes.NewReader(raw))
	decoder.UseNumber()
	if err := decoder.Decode(&c.body); err != nil {
		return detail(http.StatusBadRequest, "JSON parse error - %s", err), true
	}
	return answer{}, false
}

func (s *Server) workers() int {
	if s.idle {
		return 0
	}
	return 1
}

// Neglect stops the workers, and sets the clock ahead.
func (s *Server) Neglect(ahead time.Duration) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.idle, s.ahead = true, ahead
}

// AddFabric adds a fabric, and returns its number.
func (s *Server) AddFabric(name string) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	fabrics := s.kinds["fabrics"]
	record := s.fresh(fabrics)
	record["name"], record["last_updated"] = name, timeOf(s.now())
	fabrics.add(record)
	return s.last
}

// Plant has a record hold values that were written by somebody else, whatever they are, at a later time.
func (s *Server) Plant(endpoint string, id int, values map[string]any) {
	s.mu.Lock()
	defer s.mu.Unlock()
	k := s.kinds[endpoint]
	record := maps.Clone(k.records[k.find(id)])
	record["last_updated"] = timeOf(s.now())
	maps.Copy(record, values)
	k.change(k.find(id), record)
	s.changes++
}

// Remove has a record be deleted by somebody else; a fabric with all that is in it (Q8).
func (s *Server) Remove(endpoint string, id int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.drop(s.kinds[endpoint], "id", map[any]bool{id: true})
}

// Has reports whether there is a record with a number.
func (s *Server) Has(endpoint string, id int) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.kinds[endpoint].find(id) >= 0
}
