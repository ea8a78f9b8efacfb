package soak

import (
	"fmt"
	"math/rand/v2"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"time"

	"fgdsync.dev/test/system"
	"fgdsync.dev/testkit/gitserver"
)

// fault is something that fails for a while, and is well again afterwards.
type fault struct {
	name string
	fail func(*soak)
}

func faults() []fault {
	return []fault{
		{"a replica is killed", func(s *soak) { s.kill(s.any()) }},
		{"both replicas of a service are killed", func(s *soak) {
			name := s.service()
			s.kill(name, system.Replica(name, 1))
		}},
		{"all services are killed", func(s *soak) { s.kill(s.all()...) }},
		{"a replica is stopped", (*soak).stop},
		{"Redis is killed", (*soak).killRedis},
		{"Redis is stopped", (*soak).stopRedis},
		{"Git fails", func(s *soak) { s.breakGit(gitserver.Fault{Status: http.StatusServiceUnavailable}) }},
		{"Git's answers to pushes are lost", func(s *soak) {
			s.breakGit(gitserver.Fault{
				On:   gitserver.Receive,
				Lose: true,
			})
		}},
		{"Git's answers are cut", func(s *soak) { s.breakGit(gitserver.Fault{Truncate: 40}) }},
		{"Git refuses pushes that have landed", func(s *soak) {
			s.breakGit(gitserver.Fault{On: gitserver.Receive, Status: http.StatusBadGateway, Late: true})
		}},
		{"Git's packs are damaged", func(s *soak) {
			s.breakGit(gitserver.Fault{On: gitserver.Fetch, Damage: true})
		}},
		{"Redis refuses to be written to", (*soak).fillRedis},
		{"a ledger is taken away", (*soak).takeLedger},
		{"ledgers can't be written", (*soak).lockLedgers},
		{"clients ask and don't read", (*soak).askAndNotRead},
		{"Git is silent", func(s *soak) {
			hold := make(chan struct{})
			s.breakGit(gitserver.Fault{Hold: hold})
			close(hold)
		}},
	}
}

// misbehave lets one thing fail after the other, and looks after each how long it takes until all is well again. Every
// fault comes once before one comes again; Redis is emptied in the middle.
func (s *soak) misbehave() {
	s.t.Helper()
	began, emptied := time.Now(), false
	var rest []fault
	for time.Since(began) < *length {
		if time.Since(began) > *length/2 && !emptied {
			emptied = true
			s.recovered(fault{"Redis is emptied", (*soak).empty})
			continue
		}
		if len(rest) == 0 {
			rest = faults()
		}
		i := rand.IntN(len(rest))
		s.recovered(rest[i])
		rest = slices.Delete(rest, i, i+1)
	}
}

// recovered lets something fail while people work, and waits until every sync that was accepted by then has ended.
func (s *soak) recovered(f fault) {
	s.t.Helper()
	for len(s.waiting(time.Now())) < people/2 {
		s.pause()
	}
	f.fail(s)
	ended := time.Now()
	open := s.waiting(ended)
	for len(s.waiting(ended)) > 0 {
		if time.Since(ended) > 10*recoveryLimit {
			s.t.Fatalf("%s: %s have not ended", f.name, short(s.waiting(ended)))
		}
		s.pause()
	}
	took := time.Since(ended)
	s.t.Logf("%-40s %3d open, recovered in %5.1f s", f.name, len(open), took.Seconds())
	if took > recoveryLimit {
		s.t.Errorf("%s: recovered in %s, not in %s", f.name, took, recoveryLimit)
	}
}

func (s *soak) service() string { return system.Services()[rand.IntN(len(system.Services()))] }

func (s *soak) any() string { return system.Replica(s.service(), rand.IntN(2)) }

func (s *soak) all() []string {
	var names []string
	for _, name := range system.Services() {
		names = append(names, name, system.Replica(name, 1))
	}
	return names
}

// fewSeconds is how long something fails.
func fewSeconds() <-chan time.Time { return time.After(time.Second + rand.N(2*time.Second)) }

func (s *soak) kill(names ...string) {
	for _, name := range names {
		s.Processes[name].Kill()
	}
	<-fewSeconds()
	for _, name := range names {
		s.Restart(name)
	}
}

// stop stops a replica for longer than its leases last.
func (s *soak) stop() {
	process := s.Processes[s.any()]
	process.Signal(syscall.SIGSTOP)
	<-time.After(12 * time.Second)
	process.Signal(syscall.SIGCONT)
}

func (s *soak) killRedis() {
	s.redis.Kill()
	<-fewSeconds()
	s.redis.Start()
}

func (s *soak) stopRedis() {
	s.redis.Signal(syscall.SIGSTOP)
	<-fewSeconds()
	s.redis.Signal(syscall.SIGCONT)
}

// fillRedis lets it have no room for anything more.
func (s *soak) fillRedis() {
	s.t.Helper()
	s.limitRedis("1")
	<-fewSeconds()
	s.limitRedis("0")
}

func (s *soak) limitRedis(bytes string) {
	s.t.Helper()
	if err := s.store.ConfigSet(s.t.Context(), "maxmemory", bytes).Err(); err != nil {
		s.t.Fatal(err)
	}
}

// takeLedger removes a file that an orchestrator goes on writing to.
func (s *soak) takeLedger() {
	s.t.Helper()
	if err := os.Remove(filepath.Join(s.Data, fmt.Sprint("ledger-", rand.IntN(2), ".db"))); err != nil {
		s.t.Fatal(err)
	}
	<-fewSeconds()
}

// lockLedgers lets no orchestrator write to a file.
func (s *soak) lockLedgers() {
	s.t.Helper()
	s.limitFiles("0")
	<-fewSeconds()
	s.limitFiles("unlimited")
}

func (s *soak) limitFiles(bytes string) {
	s.t.Helper()
	for i := range 2 {
		process := s.Processes[system.Replica("orchestrator", i)]
		out, err := exec.CommandContext(s.t.Context(), "prlimit", "--pid", process.ID(), "--fsize="+bytes+":").
			CombinedOutput()
		if err != nil {
			s.t.Fatalf("limit the files of an orchestrator: %v: %s", err, out)
		}
	}
}

// askAndNotRead keeps connections of another address than that of people, who ask for files and for progress and read
// nothing of what is answered.
func (s *soak) askAndNotRead() {
	s.t.Helper()
	from := net.Dialer{LocalAddr: &net.TCPAddr{IP: net.IPv4(127, 0, 0, 2)}}
	for range 200 {
		path := fmt.Sprintf("/api/v1/fabrics/%d/files?include_content=true", 1+rand.IntN(len(s.plots)))
		if open := s.waiting(time.Now()); len(open) > 0 && rand.IntN(2) == 0 {
			path = "/api/v1/syncs/" + open[0] + "/events"
		}
		conn, err := from.DialContext(s.t.Context(), "tcp", strings.TrimPrefix(s.Base, "http://"))
		if err != nil {
			s.t.Errorf("connect: %v", err)
			continue
		}
		defer func() { _ = conn.Close() }()
		if _, err := fmt.Fprintf(conn, "GET %s HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer %s\r\n\r\n", path,
			s.Token()); err != nil {
			s.t.Errorf("ask: %v", err)
		}
	}
	<-fewSeconds()
}

func (s *soak) breakGit(f gitserver.Fault) {
	s.git.Break(f)
	<-fewSeconds()
	s.git.Mend()
}

// empty takes everything from Redis while no sync can end unseen: Git answers nobody, and nobody asks for anything.
func (s *soak) empty() {
	s.t.Helper()
	s.open.Lock()
	defer s.open.Unlock()
	hold := make(chan struct{})
	s.git.Break(gitserver.Fault{Hold: hold})
	for calm := 0; calm < 3; calm++ {
		before := s.unended()
		s.survey()
		if !slices.Equal(before, s.unended()) {
			calm = 0
		}
		<-fewSeconds()
	}
	if err := s.store.FlushAll(s.t.Context()).Err(); err != nil {
		s.t.Fatal(err)
	}
	s.emptied.Add(1)
	s.git.Mend()
	close(hold)
}

// unended are the syncs that were seen and had no end.
func (s *soak) unended() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	var out []string
	for id, status := range s.seen {
		if !terminal(status) {
			out = append(out, id)
		}
	}
	slices.Sort(out)
	return out
}
