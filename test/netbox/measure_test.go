package netbox

import (
	"flag"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"fgdsync.dev/test/fabric"
	"fgdsync.dev/test/system"
	"fgdsync.dev/testkit/gitserver"
)

// measured has the tests run that say how long something takes, and nothing about right and wrong.
var measured = flag.Bool("measure", false, "measure delivery to a NetBox; best with -run Measure")

// span is a request's time.
type span struct {
	begun, ended time.Time
	method       string
}

// spans are those of requests that were under way.
type spans struct {
	mu  sync.Mutex
	all []span
}

// through notes how long requests take that a handler answers.
func (s *spans) through(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		begun := time.Now()
		next.ServeHTTP(w, r)
		s.mu.Lock()
		defer s.mu.Unlock()
		s.all = append(s.all, span{begun, time.Now(), r.Method})
	})
}

// since returns how many requests there were since a time that write and that read, how long at least one of them was
// under way, and the sum of all.
func (s *spans) since(begun time.Time) (writes, reads int, busy, sum time.Duration) {
	s.mu.Lock()
	all := slices.Clone(s.all)
	s.mu.Unlock()
	slices.SortFunc(all, func(a, b span) int { return a.begun.Compare(b.begun) })
	until := begun
	for _, one := range all {
		if one.begun.Before(begun) {
			continue
		}
		if one.method == http.MethodGet || one.method == http.MethodOptions {
			reads++
		} else {
			writes++
		}
		sum += one.ended.Sub(one.begun)
		if from := later(one.begun, until); one.ended.After(from) {
			busy += one.ended.Sub(from)
			until = one.ended
		}
	}
	return writes, reads, busy, sum
}

func later(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}

// TestMeasureDelivery says how long it takes until records are proven after a sync has ended, and how much of that
// NetBox takes: for the first delivery of 47 and of 1,000 records, and for a commit that changes all of them.
func TestMeasureDelivery(t *testing.T) {
	if !*measured {
		t.Skip("it measures, with -measure")
	}
	for _, records := range []int{47, 1000} {
		t.Run(fmt.Sprint(records), func(t *testing.T) { measure(t, records) })
	}
}

func measure(t *testing.T, records int) {
	t.Helper()
	binaries, err := programs()
	if err != nil {
		t.Fatal(err)
	}
	n := start(t)
	w, took := wayTo(t, n.URL), &spans{}
	w.server.Config.Handler = took.through(w.server.Config.Handler)
	s := &shown{netbox: n, way: w, git: gitserver.Start(t, gitserver.Options{}), number: n.fabric("measured")}
	s.git.Create(t, repository, "main", fabric.Files(directory+"/raw", fabric.Documents(records), 50))
	s.System = binaries.Up(t, []string{
		tokenName + "=" + n.Token, tokenName + "_HOSTS=" + w.address(), "HEDGEHOG_FGD_ALLOW_HTTP=true",
		"HEDGEHOG_FGD_ALLOWED_PRIVATE_NETWORKS=127.0.0.0/8",
	})
	var accepted system.Accepted
	s.Call(http.MethodPost, "/api/v1/fabrics", map[string]any{
		"fabric_id": 1, "name": "measured", "repository_url": s.git.URL(repository), "branch": "main",
		"gitops_directory": directory, "sync_interval_seconds": 0,
		"netbox": map[string]any{"url": "http://" + w.address(), "fabric": s.number, "token_ref": "env:" + tokenName},
	}, &accepted)
	s.delivered(took, "first delivery", records, s.Ended(accepted.SyncID))
	changed := map[string]string{}
	for path, content := range s.git.Files(t, repository, "main") {
		if strings.HasPrefix(path, directory+"/managed/") && strings.Contains(content, "\nmetadata:\n") {
			changed[path] = strings.Replace(content, "\nmetadata:\n", "\nmetadata:\n  labels:\n    measured: again\n", 1)
		}
	}
	s.git.Commit(t, repository, "main", changed)
	var started system.Accepted
	s.Call(http.MethodPost, fabricPath+"/syncs", map[string]any{}, &started)
	s.delivered(took, fmt.Sprintf("change of %d", len(changed)), records, s.Ended(started.SyncID))
}

// delivered waits for all records to be proven, and says how long that took since the sync ended.
func (s *shown) delivered(took *spans, what string, records int, status system.Status) {
	s.t().Helper()
	if status.State != "completed" {
		s.t().Fatalf("%+v", status)
	}
	s.proven(records)
	all := time.Since(status.CompletedAt)
	writes, reads, busy, sum := took.since(status.CompletedAt)
	s.t().Logf("%s: %d records proven %.1f s after the sync; NetBox was asked %d times to write and %d times to read, "+
		"for %.1f s (%.0f %%), %.1f s in sum",
		what, records, all.Seconds(), writes, reads, busy.Seconds(), 100*busy.Seconds()/all.Seconds(), sum.Seconds())
}
