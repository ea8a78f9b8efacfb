package bench

import (
	"bufio"
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"sync"
	"testing"
	"time"

	"fgdsync.dev/test/fabric"
	"fgdsync.dev/test/system"
	"fgdsync.dev/testkit/gitserver"
)

// BenchmarkListeners has 5,000 listen to a sync whose Git host is silent, and syncs another fabric meanwhile; its floor
// is the same without listeners. Then the silent sync is cancelled, and each listener has to hear of it.
func BenchmarkListeners(b *testing.B) {
	const listeners, rounds = 5000, 20
	s := programs(b).Up(b, nil)
	host, silent := server(b), server(b)
	host.Create(b, "busy.git", branch, map[string]string{"README.md": ""})
	var registered system.Accepted
	s.Call(http.MethodPost, "/api/v1/fabrics", registration("busy.git", host.URL("busy.git")), &registered)
	s.Ended(registered.SyncID)
	files := 0
	syncs := func() (durations []time.Duration) {
		for range rounds {
			files++
			host.Commit(b, "busy.git", branch, map[string]string{
				directory + "/raw/new.yaml": fabric.VPC(fmt.Sprint("vpc-", files), files),
			})
			var triggered system.Accepted
			s.Call(http.MethodPost, fmt.Sprintf("/api/v1/fabrics/%d/syncs", registered.Fabric.FabricID), map[string]any{},
				&triggered)
			status := s.Ended(triggered.SyncID)
			if status.State != "completed" {
				b.Fatalf("status: %+v", status)
			}
			durations = append(durations, took(status))
		}
		return durations
	}
	var alone, listenedTo []time.Duration
	for i := 0; b.Loop(); i++ {
		alone = append(alone, syncs()...)
		hold := make(chan struct{})
		silent.Break(gitserver.Fault{Hold: hold})
		var hanging system.Accepted
		s.Call(http.MethodPost, "/api/v1/fabrics", registration(fmt.Sprint("silent-", i), silent.URL("silent.git")), &hanging)
		crowd := gather(b, s, hanging.SyncID, listeners)
		listenedTo = append(listenedTo, syncs()...)
		s.Call(http.MethodPost, "/api/v1/syncs/"+hanging.SyncID+":cancel", map[string]any{}, &struct{}{})
		crowd.requireTold("sync.cancelled")
		close(hold)
		silent.Mend()
		s.Call(http.MethodDelete, fmt.Sprintf("/api/v1/fabrics/%d", hanging.Fabric.FabricID), nil, &struct{}{})
	}
	report(b, "sync", listenedTo)
	report(b, "alone", alone)
	b.ReportMetric(float64(s.Processes["fgd"].Memory())/(1<<20), "resident-MiB")
}

// crowd are those who listen to one sync.
type crowd struct {
	b     *testing.B
	work  sync.WaitGroup
	ended []string // the last that each was told
	last  []error
}

// gather has many listen to a sync, and returns when each has its first message.
func gather(b *testing.B, s *system.System, syncID string, listeners int) *crowd {
	b.Helper()
	c := &crowd{b: b, ended: make([]string, listeners), last: make([]error, listeners)}
	var first sync.WaitGroup
	first.Add(listeners)
	transport := system.Showing(s.Token(), &http.Transport{DisableKeepAlives: true})
	for i := range listeners {
		c.work.Go(func() {
			heard := sync.OnceFunc(first.Done)
			defer heard()
			c.ended[i], c.last[i] = listen(b, transport, s.Base+"/api/v1/syncs/"+syncID+"/events", heard)
		})
	}
	first.Wait()
	return c
}

// listen reads messages to their end, and returns the type of the last one.
func listen(b *testing.B, transport http.RoundTripper, url string, heard func()) (last string, err error) {
	request, err := http.NewRequestWithContext(b.Context(), http.MethodGet, url, nil)
	if err != nil {
		return "", err
	}
	response, err := transport.RoundTrip(request)
	if err != nil {
		return "", err
	}
	defer func() { _ = response.Body.Close() }()
	lines := bufio.NewScanner(response.Body)
	for lines.Scan() {
		var message struct{ Type string }
		if err := json.Unmarshal(lines.Bytes(), &message); err != nil {
			return last, err
		}
		if last = message.Type; last == "" {
			return last, fmt.Errorf("told of %s", lines.Bytes())
		}
		heard()
	}
	return last, lines.Err()
}

// requireTold waits until nobody listens any more, and fails the benchmark unless each was told of the same end.
func (c *crowd) requireTold(want string) {
	c.b.Helper()
	c.work.Wait()
	others := slices.IndexFunc(c.ended, func(last string) bool { return last != want })
	if others >= 0 {
		c.b.Fatalf("listener %d was told of %q at last, and then %v", others, c.ended[others], c.last[others])
	}
}
