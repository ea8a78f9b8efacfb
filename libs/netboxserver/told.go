package netboxserver

import (
	"cmp"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"
)

const feedPath = "/api/plugins/fgd-sync/"

// NoFeed says whether the plugin netbox-fgd-sync is missing.
func (s *Server) NoFeed(missing bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.history.noFeed = missing
}

// Deny says whether the token may not read the change log, and not the feed.
func (s *Server) Deny(log, feed bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.history.logDenied, s.history.feedDenied = log, feed
}

// ForgetFeed takes away what the feed has by now, as happens to what is old.
func (s *Server) ForgetFeed() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if n := len(s.settled()); n > 0 {
		last := s.history.fed[n-1]
		s.history.forgotten, s.history.fed = &last, s.history.fed[n:]
	}
}

// LogRequests returns how often the change log was read.
func (s *Server) LogRequests() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.history.logRequests
}

// Settled reports whether no transaction holds back what others have done.
func (s *Server) Settled() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.settled()) == len(s.history.fed)
}

// told answers a request about changes.
func (s *Server) told(r *http.Request) answer {
	user, known := s.holder(r.Header.Get("Authorization"))
	if !known {
		return refusal(r.Header.Get("Authorization"))
	}
	if a, refused := s.forbidden(user, r); refused {
		return a
	}
	denied := detail(http.StatusForbidden, "You do not have permission to perform this action.")
	switch path, isFeed := strings.CutPrefix(r.URL.Path, feedPath); {
	case isFeed && s.history.noFeed:
		return answer{code: http.StatusNotFound, body: "<h1>Page Not Found</h1>"}
	case isFeed && s.history.feedDenied, !isFeed && s.history.logDenied:
		return denied
	case path == "changes/":
		return s.feed(r)
	case path == "probe/":
		return answer{code: http.StatusOK, body: map[string]any{
			"versions": map[string]any{"netbox": Version, "netbox_fgd_sync": "0.1.0"}, "cursor": s.feedHead(),
			"clock": timeOf(s.now()), "retention_days": 90, "kinds": []any{},
		}}
	case r.URL.Path == "/api/core/object-changes/":
		s.history.logRequests++
		return s.log(r.URL.Query())
	}
	return answer{code: http.StatusNotFound, body: "<h1>Page Not Found</h1>"}
}

// log answers with a page of the change log.
func (s *Server) log(query url.Values) answer {
	from, _ := strconv.Atoi(query.Get("id__gte")) // 0 when there is none
	since, _ := time.Parse(time.RFC3339Nano, query.Get("time_after"))
	until, always := time.Parse(time.RFC3339Nano, query.Get("time_before"))
	types := query["changed_object_type"]
	var found []row
	for _, one := range s.history.logged {
		if one.number >= from && !one.at.Before(since) && (always != nil || !one.at.After(until)) &&
			(len(types) == 0 || slices.Contains(types, typeOf(one.Kind))) &&
			(len(query["id"]) == 0 || slices.Contains(query["id"], strconv.Itoa(one.number))) {
			found = append(found, one)
		}
	}
	order := func(a, b row) int { return cmp.Compare(a.number, b.number) }
	if query.Get("ordering") != "id" { // by time, the newest first, as far as ids tell it
		order = func(a, b row) int { return cmp.Compare(b.number, a.number) }
	}
	slices.SortFunc(found, order)
	limit, offset := pageOf(query)
	results := []any{}
	for _, one := range found[min(offset, len(found)):min(offset+limit, len(found))] {
		results = append(results, shown(one.logged(), query.Get("fields")))
	}
	var next any
	if offset+limit < len(found) {
		next = s.URL + "/api/core/object-changes/?offset=" + strconv.Itoa(offset+limit)
	}
	return answer{code: http.StatusOK, body: map[string]any{
		"count": len(found), "next": next, "previous": nil, "results": results,
	}}
}

func typeOf(kind string) string { return "netbox_hedgehog." + strings.ToLower(kind) }

func (r row) logged() map[string]any {
	action := strings.TrimSuffix(r.Action, "d") // create, update or delete
	before, after := any(nil), any(nil)
	if r.Before != nil {
		before = r.Before
	}
	if r.After != nil {
		after = r.After
	}
	return map[string]any{
		"id": r.number, "time": timeOf(r.at), "user_name": r.User, "request_id": r.RequestID,
		"action":              map[string]any{"value": action, "label": r.Action},
		"changed_object_type": typeOf(r.Kind), "changed_object_id": r.Record, "message": r.Message,
		"prechange_data": before, "postchange_data": after,
	}
}

// settled are the rows of the feed before which no transaction is open.
func (s *Server) settled() []row {
	oldest := s.history.last + 1
	for number := range s.history.open {
		oldest = min(oldest, number)
	}
	for i, one := range s.history.fed {
		if one.transaction >= oldest {
			return s.history.fed[:i]
		}
	}
	return s.history.fed
}

func (r row) place() string { return fmt.Sprintf("%d.%d", r.transaction, r.number) }

func (s *Server) feedHead() string {
	settled := s.settled()
	if len(settled) > 0 {
		return settled[len(settled)-1].place()
	}
	if s.history.forgotten != nil {
		return s.history.forgotten.place()
	}
	return "0.0"
}

// feed answers with what comes after a place, and waits for it.
func (s *Server) feed(r *http.Request) answer {
	query := r.URL.Query()
	var transaction, number int
	if _, err := fmt.Sscanf(cmp.Or(query.Get("after"), "0.0"), "%d.%d", &transaction, &number); err != nil {
		return answer{code: http.StatusBadRequest, body: map[string]any{"after": []string{"This is no cursor."}}}
	}
	wait, _ := strconv.Atoi(query.Get("wait")) // 0 when there is none
	ends := time.After(time.Duration(wait) * time.Second)
	for {
		page, gone := s.feedPage(transaction, number, query.Get("limit"))
		if wait == 0 || gone || len(page.body.(map[string]any)["results"].([]any)) > 0 {
			return page
		}
		if s.history.news == nil {
			s.history.news = make(chan struct{})
		}
		news := s.history.news
		s.mu.Unlock()
		select {
		case <-news:
		case <-ends:
			wait = 0
		case <-r.Context().Done():
			wait = 0
		}
		s.mu.Lock()
	}
}

func (s *Server) feedPage(transaction, number int, limited string) (a answer, gone bool) {
	before := func(t, n int) bool { return t < transaction || t == transaction && n <= number }
	if f := s.history.forgotten; f != nil && !before(f.transaction, f.number) {
		return answer{code: http.StatusGone, body: map[string]any{
			"detail": "What comes after this cursor is not all there.", "cursor": s.feedHead(),
		}}, true
	}
	limit, err := strconv.Atoi(limited)
	if err != nil {
		limit = 100
	}
	results, cursor := []any{}, fmt.Sprintf("%d.%d", transaction, number)
	for _, one := range s.settled() {
		if before(one.transaction, one.number) {
			continue
		}
		if len(results) == limit {
			break
		}
		results, cursor = append(results, one.fed()), one.place()
	}
	return answer{code: http.StatusOK, body: map[string]any{
		"results": results, "cursor": cursor, "blocked_since": s.blocked(),
	}}, false
}

// blocked is since when a transaction is open that holds something back.
func (s *Server) blocked() any {
	if len(s.settled()) == len(s.history.fed) {
		return nil
	}
	oldest := s.now()
	for _, t := range s.history.open {
		if t.began.Before(oldest) {
			oldest = t.began
		}
	}
	return timeOf(oldest)
}

func (r row) fed() map[string]any {
	record := r.After
	if record == nil {
		record = r.Before
	}
	content := map[string]any{}
	for _, field := range []string{"spec", "labels", "annotations", "auto_sync"} {
		content[field] = record[field]
	}
	var user, request, branch any
	if r.User != "" {
		user = map[string]any{"name": r.User, "email": r.User + "@example.com"}
	}
	if r.RequestID != "" {
		request = r.RequestID
	}
	if r.Branch != "" {
		branch = r.Branch
	}
	return map[string]any{
		"cursor": r.place(), "id": r.number, "time": timeOf(r.at), "action": r.Action, "object_type": typeOf(r.Kind),
		"object_id": r.Record, "fabric": r.Fabric, "kind": r.Kind, "namespace": r.Namespace, "name": r.Name,
		"content": content, "user": user, "request_id": request, "branch": branch,
		"superseded": false,
	}
}
