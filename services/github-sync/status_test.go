package githubsync_test

import (
	"fmt"
	"net/http"
	"testing"
	"time"

	"fgdsync.dev/libs/errs"
	githubsync "fgdsync.dev/services/github-sync"
	"fgdsync.dev/testkit/gitserver"
)

// TestG7EveryStatusHasItsMeaning: whatever request of a sync a status answers, with and without a time to wait, the
// error has its code and kind, and the time. Afterwards all is well again, with one commit.
func TestG7EveryStatusHasItsMeaning(t *testing.T) {
	t.Parallel()
	type meaning struct {
		code errs.Code
		kind errs.Kind
	}
	refused, missing := meaning{errs.GitHubAuthenticationFailed, errs.Precondition}, meaning{
		errs.GitHubNotFound,
		errs.Precondition,
	}
	limited, away := meaning{errs.GitHubRateLimited, errs.Limited}, meaning{errs.GitHubConnectionFailed, errs.Unavailable}
	for status, want := range map[int]meaning{
		http.StatusUnauthorized: refused, http.StatusForbidden: refused, http.StatusNotFound: missing,
		http.StatusTooManyRequests:     limited,
		http.StatusInternalServerError: away, http.StatusBadGateway: away, http.StatusServiceUnavailable: away,
	} {
		t.Run(fmt.Sprint(status), func(t *testing.T) {
			t.Parallel()
			b := setup(t, func(c *githubsync.Config) { c.BreakerFailures = 100 })
			b.host.Create(t, repository, branch, content)
			commits := 1
			date := time.Now().Add(time.Hour).UTC().Format(http.TimeFormat)
			for on, afters := range map[gitserver.Request][]string{
				gitserver.Refs: {"", "17"}, gitserver.Fetch: {""},
				gitserver.Receive: {"", date},
			} {
				for _, after := range afters {
					want := want
					if status == http.StatusForbidden && after != "" {
						want = meaning{errs.GitHubRateLimited, errs.Limited} // that is how GitHub says it (secondary rate limits)
					}
					// there is something to fetch
					b.host.Commit(t, repository, branch, map[string]string{"other/file": fmt.Sprint(on, after)})
					commits++
					b.host.Break(gitserver.Fault{On: on, Status: status, RetryAfter: after})
					err := b.sync(fmt.Sprint(on, after))
					e := errs.From(err)
					b.requireCode(err, want.code)
					if e.Code.Kind != want.kind || want.kind == errs.Limited && !waits(e.RetryAfter, after) {
						t.Errorf("%s, %q: kind %v, not %v; to wait %s", on, after, e.Code.Kind, want.kind, e.RetryAfter)
					}
					b.host.Mend()
					if n := b.host.Commits(t, repository, branch); n != commits {
						t.Errorf("%s, %q: %d commits, not %d", on, after, n, commits)
					}
					if err := b.sync(fmt.Sprint(on, after)); err != nil {
						t.Errorf("%s, %q: afterwards: %v", on, after, err)
					}
					commits++
				}
			}
			b.requireCommits(commits)
		})
	}
}

// waits reports whether a wait is what the header asked for: seconds, a date an hour away, or a minute when it says
// nothing.
func waits(wait time.Duration, after string) bool {
	switch after {
	case "":
		return wait == time.Minute
	case "17":
		return wait == 17*time.Second
	}
	return wait > 50*time.Minute && wait <= time.Hour
}

// sync opens a snapshot, writes a file into it and publishes it.
func (b *bench) sync(what string) error {
	b.t.Helper()
	location := b.location("f")
	opened, err := b.tryHold(location)
	if err != nil {
		return err
	}
	return b.publishIn(b.t.Context(), opened, b.mustWrite(opened, map[string]string{"new.yaml": what}))
}

// TestG14TheDefaultBranchChanges: a fabric names its branch, and goes on with it whatever the repository shows to
// others.
func TestG14TheDefaultBranchChanges(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.host.Create(t, repository, branch, content)
	b.host.Git(t, repository, "branch", "other", branch)
	b.host.Git(t, repository, "symbolic-ref", "HEAD", "refs/heads/other")
	if err := b.sync("n: 1\n"); err != nil {
		t.Fatal(err)
	}
	b.requireCommits(2)
	if n := b.host.Commits(t, repository, "other"); n != 1 {
		t.Errorf("the other branch has %d commits", n)
	}
}
