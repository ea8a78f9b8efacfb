package netboxserver

import (
	"bytes"
	"cmp"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net/http"
	"reflect"
	"slices"
	"strings"
	"time"
)

// Entry is a change of a record, as somebody makes it.
type Entry struct {
	Kind      string // such as VPC, or HedgehogFabric
	Record    int
	Fabric    int
	Namespace string
	Name      string
	Action    string         // created, updated or deleted
	Before    map[string]any // the record before, and after; nil where there is none
	After     map[string]any
	User      string
	RequestID string // empty where no request did it, which the change log does not have
	Message   string
	Branch    string // empty for the main data
}

// history is what NetBox tells of changes: its change log, the feed of the plugin netbox-fgd-sync, and webhooks.
type history struct {
	entries     int // numbers of the change log, also of those that never take effect
	rows        int // the same of the feed
	last        int // transaction
	open        map[int]*Transaction
	logged      []row
	fed         []row // in the order of their transactions
	news        chan struct{}
	noFeed      bool
	logDenied   bool
	feedDenied  bool
	forgotten   *row
	hooks       []*Webhooks
	user        string // who does what is done; empty for the administrator
	logRequests int
}

// row is a change in the change log or in the feed.
type row struct {
	number, transaction int
	at                  time.Time
	Entry
}

// Transaction is one of the database: what is done in it is seen when it is committed.
type Transaction struct {
	s       *Server
	number  int
	began   time.Time
	logged  []row
	fed     []row
	entries []Entry
}

// Begin begins a transaction, as a long request or a script has one.
func (s *Server) Begin() *Transaction {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.begin()
}

func (s *Server) begin() *Transaction {
	s.history.last++
	t := &Transaction{s: s, number: s.history.last, began: s.now()}
	if s.history.open == nil {
		s.history.open = map[int]*Transaction{}
	}
	s.history.open[t.number] = t
	return t
}

// Change makes a change in it: it takes its numbers now.
func (t *Transaction) Change(e Entry) {
	t.s.mu.Lock()
	defer t.s.mu.Unlock()
	t.change(e)
}

func (t *Transaction) change(e Entry) {
	h := &t.s.history
	if e.RequestID != "" && e.Branch == "" {
		h.entries++
		t.logged = append(t.logged, row{h.entries, t.number, t.s.now(), e})
	}
	h.rows++
	t.fed = append(t.fed, row{h.rows, t.number, t.s.now(), e})
	t.entries = append(t.entries, e)
}

// Commit lets what was done in it be seen.
func (t *Transaction) Commit() {
	t.s.mu.Lock()
	defer t.s.mu.Unlock()
	t.commit()
}

func (t *Transaction) commit() {
	h := &t.s.history
	delete(h.open, t.number)
	h.logged = append(h.logged, t.logged...)
	at := len(h.fed)
	for at > 0 && h.fed[at-1].transaction > t.number {
		at--
	}
	h.fed = slices.Insert(h.fed, at, t.fed...)
	t.s.tellNews()
	for _, hooks := range h.hooks {
		for _, e := range t.entries {
			hooks.add(t.s.hookBody(e))
		}
	}
}

// Abort has nothing of it be done. Its numbers are not given again.
func (t *Transaction) Abort() {
	t.s.mu.Lock()
	defer t.s.mu.Unlock()
	delete(t.s.history.open, t.number)
	t.s.tellNews()
}

// tellNews wakes those who wait for changes.
func (s *Server) tellNews() {
	if s.history.news != nil {
		close(s.history.news)
		s.history.news = nil
	}
}

// Act has what is done from now on be done by a user; empty for the administrator.
func (s *Server) Act(user string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.history.user = user
}

// SetClock has the server take the time from a function.
func (s *Server) SetClock(now func() time.Time) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.now = now
}

// recorded answers a request, and writes down what it has changed.
func (s *Server) recorded(r *http.Request) answer {
	if strings.HasPrefix(r.URL.Path, "/api/core/object-changes/") || strings.HasPrefix(r.URL.Path, feedPath) {
		return s.told(r)
	}
	endpoint, _, _ := strings.Cut(strings.TrimPrefix(r.URL.Path, "/api/plugins/hedgehog/"), "/")
	changed := s.kinds[endpoint]
	if r.Method == http.MethodGet || changed == nil {
		return s.answer(r)
	}
	kinds := []*kind{changed}
	if changed.fabric {
		kinds = nil
		for _, k := range s.kinds {
			kinds = append(kinds, k)
		}
	}
	body, _ := io.ReadAll(r.Body) // what is cut off is judged by whoever reads it next
	r.Body = io.NopCloser(bytes.NewReader(body))
	before := map[*kind][]map[string]any{}
	for _, k := range kinds {
		before[k] = slices.Clone(k.records)
	}
	a := s.answer(r)
	t, said := s.begin(), messages(body)
	for _, k := range kinds {
		s.compare(t, k, before[k], said)
	}
	t.commit()
	return a
}

// compare makes entries of how the records of a kind, which are in order, differ from what they were.
func (s *Server) compare(t *Transaction, k *kind, before []map[string]any, said func(map[string]any) string) {
	old, now := 0, 0
	for old < len(before) || now < len(k.records) {
		switch c := compareNumbers(before[old:], k.records[now:]); {
		case c < 0:
			t.change(s.entry(k, "deleted", before[old], nil, said))
			old++
		case c > 0:
			t.change(s.entry(k, "created", nil, k.records[now], said))
			now++
		default:
			// Whoever changes a record puts another map in its place.
			same := reflect.ValueOf(before[old]).Pointer() == reflect.ValueOf(k.records[now]).Pointer()
			if !same && !alike(before[old], k.records[now]) {
				t.change(s.entry(k, "updated", before[old], k.records[now], said))
			}
			old, now = old+1, now+1
		}
	}
}

// compareNumbers compares the numbers of the first of some records. What is not there comes last.
func compareNumbers(a, b []map[string]any) int {
	switch {
	case len(a) == 0:
		return 1
	case len(b) == 0:
		return -1
	}
	return cmp.Compare(a[0]["id"].(int), b[0]["id"].(int))
}

// alike reports whether two states of a record differ at most in when they were saved.
func alike(a, b map[string]any) bool {
	a, b = maps.Clone(a), maps.Clone(b)
	delete(a, "last_updated")
	delete(b, "last_updated")
	return reflect.DeepEqual(a, b)
}

func (s *Server) entry(k *kind, action string, old, now map[string]any, said func(map[string]any) string) Entry {
	record := now
	if now == nil {
		record = old
	}
	e := Entry{
		Kind: k.model, Action: action, Before: old, After: now, User: cmp.Or(s.history.user, "admin"), Message: said(record),
		RequestID: fmt.Sprintf("emulated-%d", s.requests),
	}
	e.Record, _ = record["id"].(int)
	e.Fabric, _ = record["fabric"].(int)
	e.Namespace, _ = record["namespace"].(string)
	e.Name, _ = record["name"].(string)
	return e
}

// messages returns what a body says for the change log about a record.
func messages(body []byte) func(record map[string]any) string {
	type item struct {
		ID      json.Number `json:"id"`
		Name    any         `json:"name"`
		Message string      `json:"changelog_message"`
	}
	var one item
	var many []item
	_ = json.Unmarshal(body, &one) // one of them is none
	_ = json.Unmarshal(body, &many)
	return func(record map[string]any) string {
		for _, i := range many {
			if i.ID.String() == fmt.Sprint(record["id"]) || i.ID == "" && i.Name == record["name"] {
				return i.Message
			}
		}
		return one.Message
	}
}
