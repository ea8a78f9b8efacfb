package netboxserver

import (
	"io"
	"net/http"
)

// Fault is what goes wrong with a request.
type Fault struct {
	Method string // of the requests; empty for all
	Path   string // the same
	Skip   int    // how many of them go well before
	Times  int    // how many of them; 0 for all from now on
	Done   bool   // it is done, and only its answer goes wrong

	Status int               // of the answer; 0 cuts the connection
	Header map[string]string // of the answer
	Body   string            // of the answer
	Cut    bool              // the answer ends in the middle
}

// Break has requests go wrong.
func (s *Server) Break(f Fault) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.faults = append(s.faults, f)
}

// Mend has all requests go well again.
func (s *Server) Mend() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.faults = nil
}

// fault returns the fault that a request has, and nil when it has none.
func (s *Server) fault(r *http.Request) *Fault {
	for i, f := range s.faults {
		if f.Method != "" && f.Method != r.Method || f.Path != "" && f.Path != r.URL.Path {
			continue
		}
		if f.Skip > 0 {
			s.faults[i].Skip--
			continue
		}
		if f.Times == 1 {
			s.faults = append(s.faults[:i:i], s.faults[i+1:]...)
		} else if f.Times > 1 {
			s.faults[i].Times--
		}
		return &f
	}
	return nil
}

// show answers with it.
func (f *Fault) show(w http.ResponseWriter) {
	if f.Status == 0 {
		panic(http.ErrAbortHandler)
	}
	w.Header().Set("Content-Type", "application/json")
	for name, value := range f.Header {
		w.Header().Set(name, value)
	}
	if f.Cut {
		w.Header().Set("Content-Length", "1000")
	}
	w.WriteHeader(f.Status)
	_, _ = io.WriteString(w, f.Body)
	if f.Cut {
		panic(http.ErrAbortHandler)
	}
}
