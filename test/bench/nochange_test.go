package bench

import (
	"fmt"
	"net/http"
	"testing"
	"time"

	"fgdsync.dev/test/fabric"
	"fgdsync.dev/test/system"
)

// BenchmarkNoChange is a sync of 10,000 documents that are all managed already: again and again, by a service that was
// just started, and with one file that is new. Its floor is a fabric of 47 resources in the same run.
func BenchmarkNoChange(b *testing.B) {
	const documents = 10_000
	built, host := programs(b), server(b)
	redis := system.Redis(b)
	data := b.TempDir()
	s := built.Up(b, nil, "--redis", redis.URL(), "--data", data)
	small, large := "small.git", "large.git"
	host.Create(b, small, branch, fabric.PreInit(directory))
	host.Create(b, large, branch, fabric.Files(directory+"/raw", fabric.Documents(documents), 50))
	for _, repository := range []string{small, large} {
		var registered system.Accepted
		s.Call(http.MethodPost, "/api/v1/fabrics", registration(repository, host.URL(repository)), &registered)
		s.Ended(registered.SyncID)
	}
	trigger := func(s *system.System, fabricID int) system.Status {
		var triggered system.Accepted
		s.Call(http.MethodPost, fmt.Sprintf("/api/v1/fabrics/%d/syncs", fabricID), map[string]any{}, &triggered)
		status := s.Ended(triggered.SyncID)
		if status.State != "completed" {
			b.Fatalf("status: %+v", status)
		}
		return status
	}
	var floors, wholes, stages, restarted, onePlus []time.Duration
	for i := 0; b.Loop(); i++ {
		trigger(s, 2) // the first one after a change finds out that there is nothing to do
		for range 10 {
			status := trigger(s, 2)
			wholes, stages = append(wholes, took(status)), append(stages, contentStages(status))
			floors = append(floors, took(trigger(s, 1)))
		}
		s.Processes["fgd"].Stop()
		s = built.Up(b, nil, "--redis", redis.URL(), "--data", data)
		restarted = append(restarted, contentStages(trigger(s, 2)))
		host.Commit(b, large, branch, map[string]string{directory +
			"/raw/one.yaml": fabric.VPC(fmt.Sprintf("more-%d", i), i)})
		onePlus = append(onePlus, took(trigger(s, 2)))
	}
	report(b, "floor", floors)
	report(b, "no-change", wholes)
	report(b, "two-stages", stages)
	report(b, "two-stages-restarted", restarted)
	report(b, "one-file-more", onePlus)
}

// contentStages is the time that the directory's structure and the ingestion took.
func contentStages(s system.Status) time.Duration {
	var began, ended time.Time
	for _, t := range s.Transitions {
		switch t.To {
		case "validating":
			began = t.Time
		case "syncing":
			ended = t.Time
		}
	}
	return ended.Sub(began)
}
