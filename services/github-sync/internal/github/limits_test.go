package github_test

import (
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"testing"
	"time"

	"fgdsync.dev/libs/errs"
)

const (
	secondaryBody = `{"documentation_url":"https://docs.github.com/free-pro-team@latest/rest/overview/rate-limits-for-the-rest-api#about-secondary-rate-limits",` +
		`"message":"You have exceeded a secondary rate limit. Please wait a few minutes before you try again."}`
	primaryBody = `{"message":"API rate limit exceeded for installation ID 8.","documentation_url":"https://docs.github.com/rest/using-the-rest-api/rate-limits-for-the-rest-api","status":"403"}`
	deniedBody  = `{"message":"Resource not accessible by integration","documentation_url":"https://docs.github.com/rest/pulls/pulls#create-a-pull-request","status":"403"}`
)

// TestLimits: a limit is told from a lack of permission, with the time to wait; meanwhile nothing is asked with this
// login, and others go on.
func TestLimits(t *testing.T) {
	t.Parallel()
	reset := func(in time.Duration) map[string]string {
		return map[string]string{
			"X-RateLimit-Remaining": "0",
			"X-RateLimit-Reset":     strconv.FormatInt(time.Now().Add(in).Unix(), 10),
		}
	}
	for name, test := range map[string]struct {
		status        int
		headers       map[string]string
		body          string
		atLeast, most time.Duration // 0: it is no limit
	}{
		"primary 403":            {403, reset(20 * time.Minute), primaryBody, 19 * time.Minute, 20 * time.Minute},
		"primary 429":            {429, reset(20 * time.Minute), primaryBody, 19 * time.Minute, 20 * time.Minute},
		"primary, reset is past": {403, reset(-time.Minute), primaryBody, time.Second, time.Second},
		"secondary 403, seconds": {
			403,
			map[string]string{"Retry-After": "90", "X-RateLimit-Remaining": "4000"},
			secondaryBody, 80 * time.Second, 90 * time.Second,
		},
		"secondary 429, seconds": {
			429,
			map[string]string{"Retry-After": "90"},
			secondaryBody, 80 * time.Second,
			90 * time.Second,
		},
		"secondary, no body": {403, map[string]string{"Retry-After": "90"}, "", 80 * time.Second, 90 * time.Second},
		"secondary 403, silent": {
			403,
			map[string]string{"X-RateLimit-Remaining": "4000"},
			secondaryBody, 59 * time.Second,
			time.Minute,
		},
		"secondary 429, silent": {429, nil, "", 59 * time.Second, time.Minute},
		"secondary, odd":        {429, map[string]string{"Retry-After": "soon"}, "", 59 * time.Second, time.Minute},
		"secondary, zero":       {429, map[string]string{"Retry-After": "0"}, "", 59 * time.Second, time.Minute},
		"no permission":         {403, map[string]string{"X-RateLimit-Remaining": "4000"}, deniedBody, 0, 0},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := setup(t)
			b.failing(test.status, test.headers, test.body)
			err := b.ask(b.token)
			b.hub.Fault(nil)
			if test.most == 0 {
				b.requireCode(err, errs.GitHubAuthenticationFailed)
				if err := b.ask(b.token); err != nil {
					t.Errorf("afterwards: %v", err)
				}
				return
			}
			b.requireCode(err, errs.GitHubRateLimited)
			if e := errs.From(err); e.Code.Kind != errs.Limited || e.RetryAfter < test.atLeast || e.RetryAfter > test.most {
				t.Errorf("wait %s: %v", e.RetryAfter, e)
			}
			asked, _ := b.hub.Asked()
			again := b.ask(b.token)
			b.requireCode(again, errs.GitHubRateLimited)
			if now, _ := b.hub.Asked(); now != asked || errs.From(again).RetryAfter <= 0 {
				t.Errorf("%d requests although the limit is known; wait %s", now-asked, errs.From(again).RetryAfter)
			}
			if err := b.ask(b.appLogin()); err != nil {
				t.Errorf("another login: %v", err)
			}
			b.clock.move(test.most)
			if err := b.ask(b.token); err != nil {
				t.Errorf("afterwards: %v", err)
			}
		})
	}
}

// TestLastRequest: when an answer says that it was the last one, the next one is not tried.
func TestLastRequest(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.failing(http.StatusOK, map[string]string{
		"X-RateLimit-Remaining": "0", "X-RateLimit-Reset": strconv.FormatInt(time.Now().Add(5*time.Minute).Unix(), 10),
	}, `{"name":"fabrics","default_branch":"main"}`)
	if err := b.ask(b.token); err != nil {
		t.Fatal(err)
	}
	b.requireCode(b.ask(b.token), errs.GitHubRateLimited)
	if asked, _ := b.hub.Asked(); asked != 1 || !strings.Contains(b.gathered(), "fgd_github_rate_limit_remaining 0\n") {
		t.Errorf("%d requests\n%s", asked, b.gathered())
	}
}

// TestUnchangedAnswersAreNotSentAgain: what has been answered is asked for with its tag; a change is seen at once, and
// no login is told what another one was.
func TestUnchangedAnswersAreNotSentAgain(t *testing.T) {
	t.Parallel()
	b := setup(t)
	protected := func() bool {
		p, err := b.client.BranchProtected(t.Context(), b.location, b.token, "main")
		if err != nil {
			t.Fatal(err)
		}
		return p
	}
	for range 5 {
		if !protected() {
			t.Error("the branch is not protected")
		}
	}
	if asked, full := b.hub.Asked(); asked != 5 || full != 1 {
		t.Errorf("%d requests, %d whole answers", asked, full)
	}
	b.hub.SetBranch("main", branchAt("c"))
	if protected() {
		t.Error("the change was not seen")
	}
	if _, full := b.hub.Asked(); full != 2 {
		t.Errorf("%d whole answers", full)
	}
	if _, err := b.client.BranchProtected(t.Context(), b.location, tokenLogin("ghp_another"), "main"); !errs.HasCode(err,
		errs.GitHubAuthenticationFailed) {
		t.Errorf("a login that may not was told: %v", err)
	}
	text := b.gathered()
	for code, n := range map[int]int{200: 2, 304: 4, 401: 1} {
		if line := fmt.Sprintf("fgd_github_requests_total{code=\"%d\",operation=\"api branch\"} %d\n", code,
			n); !strings.Contains(text, line) {
			t.Errorf("no %q in\n%s", line, text)
		}
	}
	if strings.Contains(text, planted) {
		t.Error("the metrics have a secret")
	}
}
