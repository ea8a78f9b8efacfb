package sshserver

import (
	"errors"
	"io"
	"net"
	"strings"
	"sync"

	"golang.org/x/crypto/ssh"
)

// Request is a part of what clients ask for.
type Request string

// The parts that can go wrong.
const (
	Connect Request = "connect" // the beginning of a connection
	Refs    Request = "refs"    // what every service begins with
	Fetch   Request = "fetch"   // the answer of git-upload-pack
	Receive Request = "receive" // the answer of git-receive-pack, once it has done its work
)

// Fault is a way to misbehave. Fields left at zero change nothing.
type Fault struct {
	On    Request
	Times int    // how many of them; all that follow when 0
	Says  string // for Refs and Fetch: ends with status 1 and this text
	// leaves requests alone that have this
	Unless string
	After  int           // bytes that are let through before what follows
	Cut    bool          // cuts the connection
	Hold   chan struct{} // says nothing until it is closed
	Drip   chan struct{} // lets one byte through each time that something comes, and all once it is closed
	Held   chan struct{} // told, without blocking, that nothing more is said
	Do     func()        // called before the answer is given

	used int
}

// Break makes the server misbehave from now on. The first fault that fits is taken.
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

func (s *Server) next(kind Request, said string) Fault {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.requests[kind]++
	for _, f := range s.faults {
		if f.On == kind && (f.Times == 0 || f.used < f.Times) && (f.Unless == "" || !strings.Contains(said, f.Unless)) {
			f.used++
			return *f
		}
	}
	return Fault{}
}

func (f *Fault) tell() {
	select {
	case f.Held <- struct{}{}:
	default:
	}
}

// silent is a host that takes a connection and says nothing, until the client goes away.
func (f *Fault) silent(raw net.Conn) {
	f.tell()
	gone := make(chan struct{})
	go func() {
		_, _ = io.Copy(io.Discard, raw)
		close(gone)
	}()
	select {
	case <-gone:
	case <-f.Hold:
		_ = raw.Close()
		<-gone
	}
}

// input hears what a client asks for.
type input struct {
	io.Reader
	mu   sync.Mutex
	said strings.Builder
}

func (i *input) Read(p []byte) (int, error) {
	n, err := i.Reader.Read(p)
	i.mu.Lock()
	defer i.mu.Unlock()
	i.said.Write(p[:n])
	return n, err
}

// heard is what the client has said.
func (i *input) heard() string {
	i.mu.Lock()
	defer i.mu.Unlock()
	return i.said.String()
}

// output is what a service says: first the refs, and what follows upon a request is the answer.
type output struct {
	server  *Server
	channel ssh.Channel
	raw     net.Conn
	in      *input
	answer  Request
	fault   Fault
	sent    int
	begun   bool // with the answer
}

var errCut = errors.New("cut")

func (o *output) Write(p []byte) (int, error) {
	if said := o.in.heard(); said != "" && !o.begun {
		o.begun, o.sent, o.fault = true, 0, o.server.next(o.answer, said)
		if o.fault.Do != nil {
			o.fault.Do()
		}
		if o.fault.Says != "" {
			_, _ = io.WriteString(o.channel.Stderr(), o.fault.Says+"\n")
			return 0, errCut
		}
	}
	through := min(len(p), max(o.fault.After-o.sent, 0))
	n, err := o.channel.Write(p[:through])
	o.sent += n
	if err != nil || n == len(p) {
		return n, err
	}
	switch {
	case o.fault.Cut:
		_ = o.raw.Close()
		return n, errCut
	case o.fault.Drip != nil:
		return o.drip(p, n)
	case o.fault.Hold != nil:
		o.fault.tell()
		<-o.fault.Hold
	}
	rest, err := o.channel.Write(p[n:])
	return n + rest, err
}

func (o *output) drip(p []byte, n int) (int, error) {
	for n < len(p) {
		o.fault.tell()
		if _, more := <-o.fault.Drip; !more {
			rest, err := o.channel.Write(p[n:])
			return n + rest, err
		}
		if _, err := o.channel.Write(p[n : n+1]); err != nil {
			return n, err
		}
		n++
	}
	return n, nil
}
