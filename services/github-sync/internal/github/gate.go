package github

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"time"

	lru "github.com/hashicorp/golang-lru/v2"

	"fgdsync.dev/libs/errs"
)

const (
	// requestTimeout bounds one request, with its answer.
	requestTimeout = 30 * time.Second
	// longestAnswer bounds what is read of an answer.
	longestAnswer = 4 << 20
	// rememberedAnswers is the number of answers of a login that are kept to be confirmed.
	rememberedAnswers = 64
	// longestRemembered is the size of an answer above which it is not kept.
	longestRemembered = 256 << 10
	// secondaryPause is how long to wait when GitHub does not say, as its documentation asks.
	secondaryPause = time.Minute
	headerReset    = "X-RateLimit-Reset"
	headerLeft     = "X-RateLimit-Remaining"
)

// gate is what requests of one login go through. It keeps to the limits that GitHub tells, and asks for what it has
// been answered before only whether it is still so, which does not count against them.
type gate struct {
	options Options
	answers *lru.Cache[string, *answer]

	mu    sync.Mutex
	until time.Time // nothing is asked before
}

// answer is a whole answer that GitHub has given a tag.
type answer struct {
	header http.Header
	body   []byte
}

func newGate(o Options) (*gate, error) {
	answers, err := lru.New[string, *answer](rememberedAnswers)
	if err != nil {
		return nil, fmt.Errorf("make the memory of answers: %w", err)
	}
	return &gate{options: o, answers: answers}, nil
}

// RoundTrip sends a request, or says when to come again.
func (g *gate) RoundTrip(r *http.Request) (*http.Response, error) {
	if wait := g.wait(); wait > 0 {
		if r.Body != nil {
			return nil, errors.Join(limited(r.URL.Host, wait), r.Body.Close())
		}
		return nil, limited(r.URL.Host, wait)
	}
	ctx, cancel := context.WithTimeout(r.Context(), requestTimeout) // the answer is whole when this returns
	defer cancel()
	known := g.known(r)
	r = r.Clone(ctx)
	if known != nil {
		r.Header.Set("If-None-Match", known.header.Get("ETag"))
	}
	response, err := g.options.Transport.RoundTrip(r)
	if err != nil {
		return nil, moved(r, err)
	}
	body, err := readAll(response)
	if err != nil {
		return nil, err
	}
	if response.StatusCode >= http.StatusBadRequest { // it is shown and logged
		body = withoutLogin(body, r.Header.Get("Authorization"))
	}
	if wait := g.observe(response, body); wait > 0 {
		return nil, limited(r.URL.Host, wait)
	}
	if known != nil && response.StatusCode == http.StatusNotModified {
		response.StatusCode, response.Status = http.StatusOK, "200 OK"
		response.Header, body = known.header.Clone(), known.body
	} else if r.Method == http.MethodGet {
		g.remember(r, response, body)
	}
	response.Body, response.ContentLength = io.NopCloser(bytes.NewReader(body)), int64(len(body))
	return response, nil
}

func (g *gate) wait() time.Duration {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.until.Sub(g.options.Now())
}

func limited(host string, wait time.Duration) error {
	return errs.New(errs.GitHubRateLimited, "The API of %s asks to wait.", host).WithRetryAfter(wait)
}

// moved explains a redirect as what it means to GitHub.
func moved(r *http.Request, err error) error {
	if !errs.HasCode(err, errs.GitHubNotFound) {
		return err
	}
	return errs.New(errs.GitHubNotFound, "The API of %s says that the repository has moved.", r.URL.Host).
		WithRemedy("Look the repository up on GitHub, and give its new URL.")
}

func (g *gate) known(r *http.Request) *answer {
	if r.Method != http.MethodGet {
		return nil
	}
	known, _ := g.answers.Get(r.URL.String())
	return known
}

func (g *gate) remember(r *http.Request, response *http.Response, body []byte) {
	if response.StatusCode != http.StatusOK || response.Header.Get("ETag") == "" || len(body) > longestRemembered {
		g.answers.Remove(r.URL.String())
		return
	}
	g.answers.Add(r.URL.String(), &answer{response.Header.Clone(), body})
}

func readAll(response *http.Response) ([]byte, error) {
	body, err := io.ReadAll(io.LimitReader(response.Body, longestAnswer+1))
	err = errors.Join(err, response.Body.Close())
	if err == nil && len(body) > longestAnswer {
		err = errs.New(errs.GitHubConnectionFailed, "The API of %s sends more than an answer can have.",
			response.Request.URL.Host)
	}
	return body, err
}

func withoutLogin(body []byte, authorization string) []byte {
	_, login, _ := strings.Cut(authorization, " ")
	if login == "" {
		return body
	}
	return bytes.ReplaceAll(body, []byte(login), []byte("[redacted]"))
}

// observe takes note of the limits that an answer tells. The time to wait is that of an answer which is nothing but a
// limit.
func (g *gate) observe(response *http.Response, body []byte) (wait time.Duration) {
	now, left := g.options.Now(), response.Header.Get(headerLeft)
	if n, err := strconv.Atoi(left); err == nil {
		g.options.Remaining.WithLabelValues().Set(float64(n))
	}
	refused := response.StatusCode == http.StatusForbidden || response.StatusCode == http.StatusTooManyRequests
	reset, err := strconv.ParseInt(response.Header.Get(headerReset), 10, 64)
	used := left == "0" && err == nil
	switch {
	case refused && response.Header.Get("Retry-After") != "":
		wait = retryAfter(response.Header.Get("Retry-After"), now)
	case used:
		wait = time.Unix(reset, 0).Sub(now)
	case refused && (response.StatusCode == http.StatusTooManyRequests || secondary(body)):
		wait = secondaryPause
	}
	if wait <= 0 && refused && used { // their clock is ahead of ours
		wait = time.Second
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	if until := now.Add(wait); wait > 0 && until.After(g.until) {
		g.until = until
	}
	if !refused {
		return 0
	}
	return wait
}

func retryAfter(text string, now time.Time) time.Duration {
	if seconds, err := strconv.Atoi(text); err == nil && seconds > 0 {
		return time.Duration(seconds) * time.Second
	}
	if at, err := http.ParseTime(text); err == nil && at.After(now) {
		return at.Sub(now)
	}
	return secondaryPause
}

// secondary reports whether an answer is a secondary limit, and no lack of permission: both have the status 403, and
// the headers need not say.
func secondary(body []byte) bool {
	var said struct {
		Message       string `json:"message"`
		Documentation string `json:"documentation_url"`
	}
	if json.Unmarshal(body, &said) != nil {
		return false
	}
	return strings.HasSuffix(said.Documentation, "secondary-rate-limits") ||
		strings.HasSuffix(said.Documentation, "#abuse-rate-limits") ||
		strings.Contains(strings.ToLower(said.Message), "secondary rate limit")
}
