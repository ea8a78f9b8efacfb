package githubsync_test

import (
	"errors"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus/testutil"

	"fgdsync.dev/libs/errs"
	githubsync "fgdsync.dev/services/github-sync"
	"fgdsync.dev/testkit/gitserver"
)

// waiting is how many requests wait for a place.
func (b *bench) waiting() int {
	b.t.Helper()
	return b.gauge("fgd_git_requests_waiting")
}

func (b *bench) gauge(name string) (n int) {
	b.t.Helper()
	families, err := b.metrics.Gather()
	if err != nil {
		b.t.Fatal(err)
	}
	for _, family := range families {
		if family.GetName() == name {
			n = int(family.GetMetric()[0].GetGauge().GetValue())
		}
	}
	return n
}

// TestRequestsToAHostAreLimited: of many requests at once two go to a repository and three to its host. The others
// wait, and all of them get their answer. One that is given up leaves its place.
func TestRequestsToAHostAreLimited(t *testing.T) {
	t.Parallel()
	b := setup(t, func(c *githubsync.Config) { c.HostConcurrency, c.RepositoryConcurrency = 3, 2 })
	b.host.Create(t, repository, branch, map[string]string{"f/a.yaml": "a\n"})
	b.host.Create(t, "other.git", branch, map[string]string{"f/a.yaml": "a\n"})
	hold, held := make(chan struct{}), make(chan struct{}, 10)
	b.host.Break(gitserver.Fault{On: gitserver.Refs, Hold: hold, Held: held})
	here, there := b.location("f"), b.location("f")
	there.RepositoryUrl = b.host.URL("other.git")
	answers := make(chan error, 8)
	for range 4 {
		go func() { answers <- b.tryOpen(here) }()
	}
	<-held
	<-held
	b.until(func() bool { return b.waiting() == 2 })
	for range 4 {
		go func() { answers <- b.tryOpen(there) }()
	}
	<-held
	b.until(func() bool { return b.waiting() == 5 })
	if n := b.host.Requests(gitserver.Refs); n != 3 {
		t.Errorf("%d requests at once, not 3", n)
	}
	close(hold)
	var failed error
	for range 8 {
		failed = errors.Join(failed, <-answers)
	}
	if failed != nil || b.waiting() != 0 {
		t.Errorf("%v; %d still wait", failed, b.waiting())
	}
	if n, err := testutil.GatherAndCount(b.metrics, "fgd_git_requests_waiting"); n != 1 || err != nil {
		t.Errorf("%d series, %v", n, err)
	}
}

// onePlace lets one request be on its way.
func onePlace(c *githubsync.Config) { c.HostConcurrency, c.RepositoryConcurrency = 1, 1 }

// TestOnePlaceIsEnough: a publish has one request on its way at a time, and each gives its place back, also those whose
// answer is a refusal.
func TestOnePlaceIsEnough(t *testing.T) {
	t.Parallel()
	for name, setup := range map[string]func(*testing.T) *bench{
		"HTTP": func(t *testing.T) *bench { return setup(t, onePlace) },
		"SSH":  func(t *testing.T) *bench { return setupSSH(t, onePlace).bench },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := setup(t)
			b.host.Create(t, repository, branch, content)
			b.host.Hook(t, repository, "pre-receive", "exit 1\n")
			s := b.open("f")
			tree := b.mustWrite(s, map[string]string{"a.yaml": "a: 2\n"})
			_, err := b.publish(s, tree)
			b.requireCode(err, errs.PushRejected)
			b.host.Hook(t, repository, "pre-receive", "exit 0\n")
			if _, err := b.publish(s, tree); err != nil {
				t.Error(err)
			}
			b.requireCommits(2)
		})
	}
}

// until waits for something that a metric shows.
func (b *bench) until(is func() bool) {
	b.t.Helper()
	ticker := time.NewTicker(5 * time.Millisecond)
	defer ticker.Stop()
	for !is() {
		select {
		case <-b.t.Context().Done():
			b.t.Fatal("it never came to that")
		case <-ticker.C:
		}
	}
}
