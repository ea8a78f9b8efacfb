// Package soak lets people work on a hundred fabrics while everything that the system stands on fails, one thing after
// the other. Afterwards an audit joins every accepted sync to its end, every commit to a sync, and every document that
// somebody wrote to its place.
package soak

import (
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"math/rand/v2"
	"net/http"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"fgdsync.dev/test/fabric"
	"fgdsync.dev/test/system"
	"fgdsync.dev/testkit/gitserver"
)

// length is how long the faults go on.
var length = flag.Duration("length", 0, "how long things fail; 0 leaves the soak out")

const (
	repositories = 10
	perFolder    = 10 // fabrics of one repository
	people       = 20 // who have as many syncs open at the same time
	branch       = "main"
	username     = "robot"
	password     = "soak"
	// recoveryLimit is the longest time from the end of a fault to the end of the last sync that was accepted before.
	recoveryLimit = 30 * time.Second
	pollPeriod    = 50 * time.Millisecond
)

// soak is a system under work.
type soak struct {
	*system.System
	t     *testing.T
	git   *gitserver.Server
	redis *system.RedisServer
	store *redis.Client
	plots []*plot

	// open is held by whoever asks the system for something. Who empties Redis closes it for a moment.
	open    sync.RWMutex
	emptied atomic.Int32 // how often somebody did

	mu       sync.Mutex
	accepted map[string]time.Time     // when somebody was told of a sync first
	seen     map[string]system.Status // what the system said last of every sync
	unwanted map[string]bool          // those that somebody cancelled
	refusals map[refusal]bool         // those that had to fail
}

// plot is a fabric, and what people want of it. One person at a time works on it.
type plot struct {
	sync.Mutex
	number     int
	repository string
	directory  string
	commits    int               // of people
	wanted     map[string]string // documents by name
	unwanted   map[string]bool   // names of documents that were deleted
	broken     map[string]string // texts that nobody can ingest, by path in raw/ or where else they came from
	kept       map[string]string // files that stay where they are, by name
}

func TestSoak(t *testing.T) {
	if *length == 0 {
		t.Skip("make soak runs it")
	}
	s := start(t)
	s.register()
	working, finish := context.WithCancel(t.Context())
	var all sync.WaitGroup
	for range people {
		all.Go(func() { s.work(working) })
	}
	s.misbehave()
	finish()
	all.Wait()
	s.lastSyncs()
	s.audit()
}

func start(t *testing.T) *soak {
	t.Helper()
	programs, err := system.Build(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	s := &soak{
		t: t, git: gitserver.Start(t, gitserver.Options{User: username, Password: password}), redis: system.Redis(t),
		accepted: map[string]time.Time{}, seen: map[string]system.Status{}, unwanted: map[string]bool{},
		refusals: map[refusal]bool{},
	}
	s.store = s.redis.Client()
	s.System = programs.Ten(t, s.redis.URL(), []string{
		"HEDGEHOG_FGD_LOCK_LEASE=10s", "HEDGEHOG_FGD_BREAKER_PAUSE=5s",
		"HEDGEHOG_FGD_SYNC_ATTEMPTS=8", "HEDGEHOG_FGD_RETRY_INITIAL=500ms", "HEDGEHOG_FGD_RETRY_MAX=10s",
	})
	for i := range repositories {
		name := fmt.Sprintf("fabrics-%d.git", i)
		s.git.Create(t, name, branch, map[string]string{"README.md": "# Fabrics\n"})
		s.git.Git(t, name, "config", "gc.auto", "0") // it would go on in the background
		for j := range perFolder {
			number := i*perFolder + j + 1
			s.plots = append(s.plots, &plot{
				number: number, repository: name, directory: fmt.Sprintf("sites/fabric-%d", number),
				wanted: map[string]string{}, unwanted: map[string]bool{}, broken: map[string]string{},
				kept: map[string]string{},
			})
		}
	}
	return s
}

func (s *soak) register() {
	var all sync.WaitGroup
	for _, p := range s.plots {
		all.Go(func() {
			s.change(p)
			var registered system.Accepted
			s.Call(http.MethodPost, "/api/v1/fabrics", map[string]any{
				"fabric_id": p.number, "name": fmt.Sprintf("fabric-%d", p.number), "repository_url": s.git.URL(p.repository),
				"branch":           branch,
				"gitops_directory": p.directory, "credentials": map[string]any{"username": username, "password": password},
			}, &registered)
			s.remember(registered.SyncID)
			s.await(registered.SyncID)
		})
	}
	all.Wait()
}

// work is what one person does: change a fabric, ask for a sync, sometimes for another one at once, and see how they
// end.
func (s *soak) work(ctx context.Context) {
	for ctx.Err() == nil {
		p := s.plots[rand.IntN(len(s.plots))]
		if !p.TryLock() {
			continue
		}
		if rand.IntN(4) == 0 {
			all := mishaps()
			all[rand.IntN(len(all))](s, p)
			p.Unlock()
			continue
		}
		var started []string
		for range 1 + rand.IntN(2) {
			s.change(p)
			started = append(started, s.trigger(p))
		}
		if rand.IntN(50) == 0 {
			s.cancel(started[0])
		}
		for _, id := range started {
			s.await(id)
		}
		p.Unlock()
	}
}

// change commits what a person wants next: a new resource, one that is changed, one that is gone, or a text that is
// none.
func (s *soak) change(p *plot) {
	s.t.Helper()
	number := p.commits
	files := map[string]string{}
	names := make([]string, 0, len(p.wanted))
	for name := range p.wanted {
		names = append(names, name)
	}
	slices.Sort(names)
	switch dice := rand.IntN(20); {
	case dice == 0:
		path := fmt.Sprintf("raw/broken-%d.yaml", number)
		p.broken[path] = fmt.Sprintf("kind: Nothing # %d of %d\n", number, p.number)
		files[path] = p.broken[path]
	case dice == 1 && len(names) > 0:
		name := names[rand.IntN(len(names))]
		delete(p.wanted, name)
		p.unwanted[name] = true
		files["raw/"+name+".yaml"] = gitserver.Removed
		files["managed/vpcs/"+name+".yaml"] = gitserver.Removed
	case dice < 5 && len(names) > 0:
		name := names[rand.IntN(len(names))]
		p.wanted[name] = fabric.VPC(name, number)
		files["raw/"+name+".yaml"] = p.wanted[name]
	default:
		name := fmt.Sprintf("vpc-%d", number)
		p.wanted[name] = fabric.VPC(name, number)
		files["raw/"+name+".yaml"] = p.wanted[name]
	}
	s.commit(p, files)
}

// ask makes a call while nobody empties Redis.
func (s *soak) ask(method, path string, body any) (int, []byte) {
	s.open.RLock()
	defer s.open.RUnlock()
	return s.Try(method, path, body)
}

// trigger asks for a sync until somebody says that it was accepted. A request without an answer is repeated as it was.
func (s *soak) trigger(p *plot) string {
	s.t.Helper()
	request := map[string]any{"request_id": fmt.Sprintf("%d-%d-%d", p.number, p.commits, rand.Uint64())}
	for {
		code, body := s.ask(http.MethodPost, fmt.Sprintf("/api/v1/fabrics/%d/syncs", p.number), request)
		switch {
		case code == http.StatusOK:
			id := system.Read[system.Accepted](s.t, string(body)).SyncID
			s.remember(id)
			return id
		case code != 0 && code != http.StatusTooManyRequests && code < http.StatusInternalServerError:
			s.t.Fatalf("trigger: %d %s", code, body)
		}
		s.pause()
	}
}

func (s *soak) cancel(id string) {
	if code, _ := s.ask(http.MethodPost, "/api/v1/syncs/"+id+":cancel", map[string]any{}); code == http.StatusOK ||
		code == 0 {
		s.mu.Lock()
		defer s.mu.Unlock()
		s.unwanted[id] = true
	}
}

func (s *soak) remember(id string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if _, known := s.accepted[id]; !known {
		s.accepted[id] = time.Now()
	}
}

// await waits until a sync has ended.
func (s *soak) await(id string) {
	s.t.Helper()
	for deadline := time.Now().Add(5 * time.Minute); ; {
		s.mu.Lock()
		ended := terminal(s.seen[id])
		s.mu.Unlock()
		if ended {
			return
		}
		if code, body := s.ask(http.MethodGet, "/api/v1/syncs/"+id, nil); code == http.StatusOK {
			s.saw(system.Read[system.Status](s.t, string(body)))
		}
		if time.Now().After(deadline) {
			s.t.Fatalf("sync %s has no end: %+v", id, s.seen[id])
		}
		s.pause()
	}
}

func (s *soak) pause() { <-time.After(pollPeriod) }

// saw keeps what the system said. What it has said of the end holds for ever.
func (s *soak) saw(status system.Status) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if before := s.seen[status.SyncID]; terminal(before) {
		if before.State != status.State {
			s.t.Errorf("sync %s was %s and is %s", status.SyncID, before.State, status.State)
		}
		return
	}
	s.seen[status.SyncID] = status
}

func terminal(status system.Status) bool {
	return slices.Contains([]string{"completed", "failed", "cancelled"}, status.State)
}

// waiting are the syncs that were accepted before a moment and have not been seen to end.
func (s *soak) waiting(before time.Time) []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	var out []string
	for id, at := range s.accepted {
		if at.Before(before) && !terminal(s.seen[id]) {
			out = append(out, id)
		}
	}
	slices.Sort(out)
	return out
}

// survey reads all syncs of all fabrics.
func (s *soak) survey() {
	s.t.Helper()
	for _, p := range s.plots {
		var history struct {
			Syncs []json.RawMessage `json:"syncs"`
			Total int               `json:"total"`
		}
		s.Await("the history", func() bool {
			code, body := s.Try(http.MethodGet, fmt.Sprintf("/api/v1/fabrics/%d/syncs?limit=500", p.number), nil)
			if code == http.StatusOK {
				history.Syncs = nil
				if err := json.Unmarshal(body, &history); err != nil {
					s.t.Fatal(err)
				}
			}
			return code == http.StatusOK
		})
		if history.Total > len(history.Syncs) {
			s.t.Fatalf("fabric %d has %d syncs, which is more than fit into a list", p.number, history.Total)
		}
		for _, raw := range history.Syncs {
			s.saw(s.whole(system.Read[system.Status](s.t, string(raw))))
		}
	}
}

// whole is the status of a sync that a list had: those have no errors.
func (s *soak) whole(listed system.Status) system.Status {
	s.t.Helper()
	if listed.State != "failed" {
		return listed
	}
	s.Await("the status of a sync", func() bool {
		code, body := s.Try(http.MethodGet, "/api/v1/syncs/"+listed.SyncID, nil)
		if code == http.StatusOK {
			listed = system.Read[system.Status](s.t, string(body))
		}
		return code == http.StatusOK
	})
	return listed
}

// lastSyncs sync every fabric once more, when nothing fails any more.
func (s *soak) lastSyncs() {
	var all sync.WaitGroup
	queue := make(chan *plot)
	for range people {
		all.Go(func() {
			for p := range queue {
				s.await(s.trigger(p))
			}
		})
	}
	for _, p := range s.plots {
		queue <- p
	}
	close(queue)
	all.Wait()
}

// short is the id of a sync as messages have it.
func short(ids []string) string { return strings.Join(ids[:min(len(ids), 5)], " ") }
