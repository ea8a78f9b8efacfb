package outbox

import (
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"

	"fgdsync.dev/libs/netboxserver"
)

// wire leads to the NetBox, without a socket. What goes wrong with the next requests can be said.
type wire struct {
	server *netboxserver.Server

	mu     sync.Mutex
	faults []fault         // of the next requests that write
	late   []*http.Request // applied when the next request comes
	writes []string        // what was applied to records
	told   int             // how often the fabric's own record was changed
	idle   []string        // what was applied and changed nothing
	down   bool
	left   int // requests until the bridge dies; 0 for never
	death  func()
	dead   bool
}

// deathIn has the bridge die with a request to come: nothing that it does from then on has an effect.
func (w *wire) deathIn(requests int, death func()) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.left, w.death, w.dead = requests, death, false
}

// request makes a request of somebody else's.
func (w *wire) request(method, path, body string) int {
	r := httptest.NewRequest(method, path, strings.NewReader(body))
	r.Header.Set("Authorization", netboxserver.Token)
	r.Header.Set("Content-Type", "application/json")
	r.URL.RawQuery = "fields=id,fabric,name,namespace,spec,labels,auto_sync"
	answer := httptest.NewRecorder()
	w.server.ServeHTTP(answer, r)
	return answer.Code
}

// fault is what goes wrong with a request.
type fault int

const (
	fine       fault = iota
	lost             // it does not arrive
	unanswered       // it is done, and nobody hears of it
	broken           // it is done, and the answer says that it failed
	doubled          // it is done twice
	delayed          // it is done after who asked has given up
	last             // it is done, and nobody hears of that or of anything after it
)

var errCut = errors.New("the connection was cut")

func (w *wire) RoundTrip(r *http.Request) (*http.Response, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if err := r.Context().Err(); err != nil {
		return nil, err
	}
	if w.left--; w.left == 0 && !w.dead {
		w.dead = true
		w.death()
	}
	if w.down || w.dead {
		return nil, errCut
	}
	body, err := read(r)
	if err != nil {
		return nil, err
	}
	f := fine
	if r.Method != http.MethodGet && r.Method != http.MethodOptions && len(w.faults) > 0 {
		f, w.faults = w.faults[0], w.faults[1:]
	}
	switch f {
	case lost:
		return nil, errCut
	case delayed:
		w.late = append(w.late, again(r, body))
		return nil, errCut
	}
	answer := w.apply(again(r, body))
	if f == doubled {
		w.apply(again(r, body))
	}
	switch f {
	case unanswered:
		return nil, errCut
	case last:
		w.down = true
		return nil, errCut
	case broken:
		return &http.Response{
			StatusCode: http.StatusBadGateway, Request: r, Header: http.Header{"Content-Type": {"text/html"}},
			Body: io.NopCloser(strings.NewReader("<h1>Bad Gateway</h1>")),
		}, nil
	}
	return answer, nil
}

// arrive has late requests arrive.
func (w *wire) arrive() {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, r := range w.late {
		w.apply(r)
	}
	w.late = nil
}

func read(r *http.Request) ([]byte, error) {
	if r.Body == nil {
		return nil, nil
	}
	defer func() { _ = r.Body.Close() }()
	return io.ReadAll(r.Body)
}

func again(r *http.Request, body []byte) *http.Request {
	copied := r.Clone(context.WithoutCancel(r.Context()))
	copied.Body = io.NopCloser(strings.NewReader(string(body)))
	return copied
}

func (w *wire) apply(r *http.Request) *http.Response {
	answer := httptest.NewRecorder()
	before, was := w.server.Changes(), w.said(r)
	w.server.ServeHTTP(answer, r)
	response := answer.Result()
	response.Request = r
	if w.server.Changes() > before {
		if strings.Contains(r.URL.Path, "/fabrics/") {
			w.told++
			return response
		}
		w.writes = append(w.writes, r.Method+" "+r.URL.Path)
		if r.Method == http.MethodPatch && w.said(r) == was {
			w.idle = append(w.idle, r.Method+" "+r.URL.Path+" "+was)
		}
	}
	return response
}

// said is what the record says that a request changes.
func (w *wire) said(r *http.Request) string {
	if r.Method != http.MethodPatch {
		return ""
	}
	ask := httptest.NewRequest(http.MethodGet, r.URL.Path+"?fields=id,spec", nil)
	ask.Header.Set("Authorization", netboxserver.Token)
	answer := httptest.NewRecorder()
	w.server.ServeHTTP(answer, ask)
	return answer.Body.String()
}
