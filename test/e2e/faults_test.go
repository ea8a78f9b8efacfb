package e2e

import (
	"net/http"
	"strings"
	"syscall"
	"testing"

	"fgdsync.dev/test/fabric"
	"fgdsync.dev/test/system"
	"fgdsync.dev/testkit/gitserver"
)

// TestRedisAwayAtStart: the services start without Redis, say so, and take work once it is there. Then the first token
// is made too.
func TestRedisAwayAtStart(t *testing.T) {
	t.Parallel()
	h := newHost(t, fabric.PreInit(directory))
	redis := system.Redis(t)
	redis.Kill()
	s := programs.FiveUnready(t, redis.URL(), nil)
	s.Await("the services to reach each other, and to say what is missing", func() bool {
		code, body := s.Try(http.MethodGet, "/readyz", nil)
		if code == http.StatusOK {
			t.Fatalf("ready without Redis: %s", body)
		}
		return code == http.StatusServiceUnavailable && strings.Contains(string(body), `"code":"FGD_5003"`)
	})
	if code, body := s.Try(http.MethodPost, "/api/v1/fabrics", h.fabric()); code != http.StatusUnauthorized {
		t.Errorf("without a token, and without Redis: %d %s", code, body)
	}
	redis.Start()
	s.AwaitReady()
	h.requireMainJob(s)
}

// TestRedisDiesDuringSync: Redis is killed while a sync pushes, and comes back. The sync ends once, with one commit.
func TestRedisDiesDuringSync(t *testing.T) {
	t.Parallel()
	divided(t, redisDiesDuringSync)
}

func redisDiesDuringSync(t *testing.T, how division) {
	t.Helper()
	h := newHost(t, fabric.PreInit(directory))
	redis := system.Redis(t)
	s := how(programs, t, redis.URL(), nil)
	held := h.hold(gitserver.Receive)
	var registered system.Accepted
	s.Call(http.MethodPost, "/api/v1/fabrics", h.fabric(), &registered)
	<-held.began
	redis.Kill()
	held.release()
	redis.Start()
	s.AwaitReady()
	s.Await("the sync to end", func() bool {
		code, body := s.Try(http.MethodGet, "/api/v1/syncs/"+registered.SyncID, nil)
		return code == http.StatusOK && strings.Contains(string(body), `"completed"`)
	})
	h.requireIngested(s.Ended(registered.SyncID))
}

// TestOrchestratorDiesDuringSync: it is killed while a sync pushes, and started again. The sync is taken up and ends
// once.
func TestOrchestratorDiesDuringSync(t *testing.T) {
	t.Parallel()
	divided(t, orchestratorDiesDuringSync)
}

func orchestratorDiesDuringSync(t *testing.T, how division) {
	t.Helper()
	h := newHost(t, fabric.PreInit(directory))
	redis := system.Redis(t)
	s := how(programs, t, redis.URL(), []string{shortLease})
	held := h.hold(gitserver.Receive)
	var registered system.Accepted
	s.Call(http.MethodPost, "/api/v1/fabrics", h.fabric(), &registered)
	<-held.began
	s.Processes["orchestrator"].Kill()
	held.release()
	s.Restart("orchestrator")
	s.AwaitReady()
	h.requireIngested(s.Ended(registered.SyncID))
}

// TestEverythingDiesDuringSync (W2): all services and Redis are killed while a sync pushes, and started again.
func TestEverythingDiesDuringSync(t *testing.T) {
	t.Parallel()
	divided(t, everythingDiesDuringSync)
}

func everythingDiesDuringSync(t *testing.T, how division) {
	t.Helper()
	h := newHost(t, fabric.PreInit(directory))
	redis := system.Redis(t)
	s := how(programs, t, redis.URL(), []string{shortLease})
	held := h.hold(gitserver.Receive)
	var registered system.Accepted
	s.Call(http.MethodPost, "/api/v1/fabrics", h.fabric(), &registered)
	<-held.began
	redis.Kill()
	for _, p := range s.Processes {
		p.Kill()
	}
	held.release()
	redis.Start()
	for name := range s.Processes {
		s.Restart(name)
	}
	s.AwaitReady()
	h.requireIngested(s.Ended(registered.SyncID))
}

// TestOneOfTwoDies: one replica of each service is killed while a sync pushes, whichever had a part in it, and does not
// come back. The others end the sync.
func TestOneOfTwoDies(t *testing.T) {
	t.Parallel()
	for i := range 2 {
		t.Run(system.Replica("replica", i), func(t *testing.T) {
			h := newHost(t, fabric.PreInit(directory))
			s := programs.Ten(t, system.Redis(t).URL(), []string{shortLease})
			held := h.hold(gitserver.Receive)
			var registered system.Accepted
			s.Call(http.MethodPost, "/api/v1/fabrics", h.fabric(), &registered)
			<-held.began
			for _, name := range []string{"orchestrator", "github-sync", "ingestion", "directory"} {
				s.Processes[system.Replica(name, i)].Kill()
			}
			held.release()
			h.requireIngested(s.Ended(registered.SyncID))
		})
	}
}

// TestInterruptedSync: fgd sync ends at once when it is told to, and nothing is half done.
func TestInterruptedSync(t *testing.T) {
	t.Parallel()
	h := newHost(t, fabric.PreInit(directory))
	held := h.hold(gitserver.Fetch)
	p := programs.StartExpecting(t, 130, credentials(), "fgd", "sync", "--repo", h.url(), "--branch", branch, "--dir",
		directory, "--allow-http", "--allow-network=127.0.0.0/8")
	<-held.began
	p.Signal(syscall.SIGINT)
	p.Wait()
	if !strings.Contains(p.Output(), "fgd: interrupted") {
		t.Errorf("output:\n%s", p.Output())
	}
	held.release()
	h.requireCommits(1)
}

// held is a kind of request that waits.
type held struct {
	began   chan struct{}
	release func()
}

// hold lets the next request of a kind wait.
func (h *host) hold(kind gitserver.Request) held {
	gate, began := make(chan struct{}), make(chan struct{}, 1)
	h.Break(gitserver.Fault{On: kind, Times: 1, Hold: gate, Held: began})
	return held{began, func() { close(gate) }}
}
