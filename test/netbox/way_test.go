package netbox

import (
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"strings"
	"sync"
	"testing"
)

// way leads to a NetBox, or to the system, and can be told to answer in its place.
type way struct {
	server *httptest.Server

	mu     sync.Mutex
	target *url.URL // nobody answers while it is nil
	code   int      // in place of NetBox's answer; 0 for none
	body   string
	behind int          // once what NetBox was asked to write is done; 0 for none
	last   string       // nobody answers any more, once something was written at a path with this in it; empty for none
	cut    bool         // nobody answers
	hangs  bool         // what is asked gets no answer
	files  http.Handler // of what is below /static/; nil for NetBox's
}

func wayTo(t *testing.T, address string) *way {
	t.Helper()
	w := newWay(t)
	w.lead(t, address)
	return w
}

// newWay returns one that leads nowhere yet.
func newWay(t *testing.T) *way {
	t.Helper()
	w := &way{}
	proxy := &httputil.ReverseProxy{Rewrite: func(r *httputil.ProxyRequest) {
		w.mu.Lock()
		defer w.mu.Unlock()
		r.SetURL(w.target)
		r.Out.Host = r.In.Host
	}}
	proxy.ErrorHandler = func(http.ResponseWriter, *http.Request, error) { panic(http.ErrAbortHandler) }
	proxy.ModifyResponse = func(r *http.Response) error {
		w.mu.Lock()
		defer w.mu.Unlock()
		writes := r.Request.Method != http.MethodGet && r.Request.Method != http.MethodOptions
		if w.cut = w.cut || w.last != "" && writes && strings.Contains(r.Request.URL.Path, w.last); w.cut {
			return errors.New("the answer is lost")
		}
		if w.behind == 0 || !writes {
			return nil
		}
		r.StatusCode, r.Status = w.behind, http.StatusText(w.behind)
		return nil
	}
	w.server = httptest.NewServer(http.HandlerFunc(func(out http.ResponseWriter, in *http.Request) {
		w.mu.Lock()
		code, body, files, cut, hangs := w.code, w.body, w.files, w.cut || w.target == nil, w.hangs
		w.mu.Unlock()
		if hangs {
			<-in.Context().Done()
		}
		if cut || hangs {
			panic(http.ErrAbortHandler)
		}
		if files != nil && strings.HasPrefix(in.URL.Path, "/static/") {
			files.ServeHTTP(out, in)
			return
		}
		if code == 0 {
			proxy.ServeHTTP(out, in)
			return
		}
		out.Header().Set("Content-Type", "text/html; charset=utf-8")
		out.WriteHeader(code)
		_, _ = io.WriteString(out, body)
	}))
	t.Cleanup(w.server.Close)
	return w
}

// lead has it lead to an address.
func (w *way) lead(t *testing.T, address string) {
	t.Helper()
	target, err := url.Parse(address)
	if err != nil {
		t.Fatal(err)
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	w.target = target
}

// hang has nobody answer, and nobody hang up either; or has answers come again.
func (w *way) hang(hangs bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.hangs = hangs
}

// address is where it begins: a host and a port.
func (w *way) address() string { return w.server.Listener.Addr().String() }

// answer has it answer in the place of NetBox; with the code 0 not any more.
func (w *way) answer(code int, body string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.code, w.body = code, body
}

// after has what is written done, and answered with a status of a failure; with 0 not any more.
func (w *way) after(code int) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.behind = code
}

// lose has the next answer to what is written at a path with a word in it be lost, and all after it; with none not any
// more.
func (w *way) lose(word string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.last, w.cut = word, false
}

// isCut reports whether an answer was lost.
func (w *way) isCut() bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.cut
}

// static has it serve what is below /static/.
func (w *way) static(files http.Handler) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.files = files
}
