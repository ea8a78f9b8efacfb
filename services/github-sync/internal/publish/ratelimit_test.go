package publish

import (
	"math/rand/v2"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"fgdsync.dev/services/github-sync/internal/remote"
)

// TestNoMinuteHasMorePushes (G28): whatever pushes take and whoever wants to push, a host sees no more of them within
// any minute than it wants.
func TestNoMinuteHasMorePushes(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		const limit, pushers, each = 6, 5, 20
		g := newRateLimit([]Limit{{"github.com", limit}})
		var mu sync.Mutex
		var arrived []time.Time
		var all sync.WaitGroup
		for pusher := range pushers {
			dice := rand.New(rand.NewPCG(uint64(pusher), 28))
			all.Go(func() {
				for range each {
					p := enter(g)
					if dice.IntN(4) > 0 {
						p.use()
						time.Sleep(time.Duration(dice.IntN(5000)) * time.Millisecond)
						mu.Lock()
						arrived = append(arrived, time.Now())
						mu.Unlock()
						time.Sleep(time.Duration(dice.IntN(5000)) * time.Millisecond)
					}
					p.release()
				}
			})
		}
		began := time.Now()
		all.Wait()
		slices.SortFunc(arrived, time.Time.Compare)
		for i := limit; i < len(arrived); i++ {
			if within := arrived[i].Sub(arrived[i-limit]); within < time.Minute {
				t.Errorf("%d pushes within %s", limit+1, within)
			}
		}
		if took, most := time.Since(began), time.Duration(len(arrived)/limit+1)*(time.Minute+10*time.Second); took > most {
			t.Errorf("%d pushes took %s, more than %s", len(arrived), took, most)
		}
	})
}

// enter waits for a permit as a queue does in which somebody always waits.
func enter(g *rateLimit) *permit {
	q := &queue{emptied: make(chan struct{})}
	for {
		p, at, changed := g.acquire(remote.Location{Host: "github.com", Key: "https://github.com/a/b"})
		if p != nil {
			return p
		}
		q.wait(at, changed)
	}
}

// TestRepositoriesHaveWindowsOfTheirOwn: and those that have rested are forgotten.
func TestRepositoriesHaveWindowsOfTheirOwn(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		g := newRateLimit([]Limit{{"github.com", 1}})
		for _, key := range []string{"a", "b"} {
			p, _, _ := g.acquire(remote.Location{Host: "github.com", Key: key})
			p.use()
			p.release()
			if p, at, _ := g.acquire(remote.Location{Host: "github.com", Key: key}); p != nil || time.Until(at) != time.Minute {
				t.Errorf("%s: %v at %s", key, p, at)
			}
		}
		time.Sleep(time.Minute)
		if p, _, _ := g.acquire(remote.Location{Host: "github.com", Key: "c"}); p == nil || len(g.windows) != 1 {
			t.Errorf("%v, %d windows", p, len(g.windows))
		}
		if p, _, _ := g.acquire(remote.Location{Host: "elsewhere", Key: "c"}); p == nil || p.rateLimit != nil {
			t.Error("a host without a limit has one")
		}
	})
}

func TestParseLimit(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]Limit{"GitHub.com=6": {"github.com", 6}, "127.0.0.1:80=1": {"127.0.0.1:80", 1}} {
		if got, ok := ParseLimit(text); !ok || got != want {
			t.Errorf("%s: %v", text, got)
		}
	}
	for _, text := range []string{"", "github.com", "github.com=", "github.com=0", "=6", "github.com=six"} {
		if got, ok := ParseLimit(text); ok {
			t.Errorf("%q: %v", text, got)
		}
	}
}
