package gitserver

import (
	"bytes"
	"cmp"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
)

// Request is a kind of request of the protocol.
type Request string

// The requests of the smart protocol.
const (
	Refs    Request = "info/refs"        // what a client begins with, for a fetch and for a push
	Fetch   Request = "git-upload-pack"  // sends objects to the client
	Receive Request = "git-receive-pack" // takes a push
)

func kindOf(path string) Request {
	for _, kind := range []Request{Refs, Fetch, Receive} {
		if strings.HasSuffix(path, "/"+string(kind)) {
			return kind
		}
	}
	return ""
}

// Fault is a way to misbehave. Fields left at zero change nothing.
type Fault struct {
	On         Request // which requests; all when empty
	Times      int     // how many of them; all that follow when 0
	Status     int     // answers with this status, and Text, without doing anything
	Late       bool    // with Status: does its work first
	Text       string
	Type       string        // with Status: the type of the text, plain if it is not said
	Unless     string        // leaves requests alone whose body has this
	RetryAfter string        // with Status: the header of this name
	Redirect   string        // answers with a redirect to this address
	Empty      bool          // answers 200 without a body, without doing anything
	Truncate   int           // does its work, and cuts the connection after so many bytes of the answer
	Lose       bool          // does its work, and cuts the connection before the answer
	Damage     bool          // does its work, and changes a byte in the middle of the pack that it answers with
	Pack       []byte        // answers a fetch as it would, with this in the place of the pack
	Hold       chan struct{} // waits until it is closed, or until the client goes away, before it does its work
	Held       chan struct{} // told, without blocking, each time a request begins to wait
	After      int           // with Hold or Drip: does its work, and lets so many bytes of the answer through first
	Drip       chan struct{} // with After: lets one more byte through each time that something comes
	Before     func()        // called before the work is done

	used int
}

// Break makes the server misbehave from now on. The first fault that fits a request is taken.
func (s *Server) Break(f Fault) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.faults = append(s.faults, &f)
}

// Mend ends all faults.
func (s *Server) Mend() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.faults = nil
}

// Requests is how many requests of a kind came.
func (s *Server) Requests(kind Request) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.requests[kind]
}

func (s *Server) next(kind Request, body []byte) Fault {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.requests[kind]++
	for _, f := range s.faults {
		if (f.On == "" || f.On == kind) && (f.Times == 0 || f.used < f.Times) &&
			(f.Unless == "" || !bytes.Contains(body, []byte(f.Unless))) {
			f.used++
			return *f
		}
	}
	return Fault{}
}

func (s *Server) faulty(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			return // the client went away
		}
		r.Body = io.NopCloser(bytes.NewReader(body))
		f := s.next(kindOf(r.URL.Path), body)
		switch {
		case f.Redirect != "":
			http.Redirect(w, r, f.Redirect+r.URL.RequestURI(), http.StatusFound) //nolint:gosec // to where the test says
			return
		case f.Status != 0:
			if f.Late {
				next.ServeHTTP(httptest.NewRecorder(), r)
			}
			if f.RetryAfter != "" {
				w.Header().Set("Retry-After", f.RetryAfter)
			}
			w.Header().Set("Content-Type", cmp.Or(f.Type, "text/plain; charset=utf-8"))
			w.WriteHeader(f.Status)
			_, _ = io.WriteString(w, f.Text)
			return
		case f.Empty:
			w.WriteHeader(http.StatusOK)
			return
		}
		if f.After == 0 {
			f.wait(r)
		}
		if f.Before != nil {
			f.Before()
		}
		switch {
		case f.After > 0:
			f.stall(w, r, next)
		case f.Lose || f.Truncate > 0:
			f.cut(w, r, next)
		case f.Damage:
			damage(w, r, next)
		case f.Pack != nil:
			f.replace(w, r, next)
		default:
			next.ServeHTTP(w, r)
		}
	})
}

func (f Fault) wait(r *http.Request) {
	if f.Hold == nil {
		return
	}
	f.tell()
	select {
	case <-f.Hold:
	case <-r.Context().Done():
	}
}

// cut lets the work be done, and the client see only the beginning of the answer or nothing.
func (f Fault) cut(w http.ResponseWriter, r *http.Request, next http.Handler) {
	whole := httptest.NewRecorder()
	next.ServeHTTP(whole, r)
	if !f.Lose {
		for key, values := range whole.Header() {
			w.Header()[key] = values
		}
		w.WriteHeader(whole.Code)
		_, _ = w.Write(whole.Body.Bytes()[:min(f.Truncate, whole.Body.Len())])
		_ = http.NewResponseController(w).Flush()
	}
	panic(http.ErrAbortHandler)
}

// damage lets the client see the whole answer, with a byte changed in the middle of the pack if it has one.
func damage(w http.ResponseWriter, r *http.Request, next http.Handler) {
	whole := httptest.NewRecorder()
	next.ServeHTTP(whole, r)
	for key, values := range whole.Header() {
		w.Header()[key] = values
	}
	w.WriteHeader(whole.Code)
	answer := whole.Body.Bytes()
	if begin := bytes.Index(answer, []byte("PACK")); begin >= 0 {
		answer[(begin+len(answer))/2] ^= 0xff
	}
	_, _ = w.Write(answer)
}

// stall lets the client see the beginning of the answer, and no more of it or very little until it goes away.
func (f Fault) stall(w http.ResponseWriter, r *http.Request, next http.Handler) {
	whole := httptest.NewRecorder()
	next.ServeHTTP(whole, r)
	for key, values := range whole.Header() {
		w.Header()[key] = values
	}
	w.WriteHeader(whole.Code)
	answer := whole.Body.Bytes()
	for sent, through := 0, min(f.After, whole.Body.Len()); ; through = 1 {
		_, _ = w.Write(answer[sent:][:through])
		_ = http.NewResponseController(w).Flush()
		if sent += through; sent == len(answer) {
			return
		}
		f.tell()
		select {
		case <-f.Drip:
		case <-f.Hold:
			_, _ = w.Write(answer[sent:])
			return
		case <-r.Context().Done():
			return
		}
	}
}

func (f Fault) tell() {
	select {
	case f.Held <- struct{}{}:
	default:
	}
}
