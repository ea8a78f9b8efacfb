// Package publish makes trees the directories of fabrics on the remote: one commit each, pushed if the branch is still
// where it was, and read back. Who waits while a push to the branch is under way goes out with the next one, in the
// order in which they came. It never forces, never retries blind, and says that it succeeded only when the remote shows
// the commit.
package publish

import (
	"context"
	"errors"
	"fmt"
	"runtime/debug"
	"strings"
	"sync"
	"time"

	"github.com/go-git/go-git/v5/plumbing"
	"github.com/prometheus/client_golang/prometheus"

	"fgdsync.dev/libs/errs"
	"fgdsync.dev/services/github-sync/internal/object"
	"fgdsync.dev/services/github-sync/internal/signing"
	"fgdsync.dev/services/github-sync/internal/snapshot"
)

// Request is what shall be published.
type Request struct {
	Tree    plumbing.Hash
	Message string
	Author  object.Signature
	// Committer is the system; both times are the request's, so that the commit is the same however often it is made.
	Committer object.Signature
	Key       *signing.Key // signs the commit; may be nil
}

// Result is what was published.
type Result struct {
	Commit    plumbing.Hash
	Committed bool
	Attempts  int
}

// Options are what a publisher works with.
type Options struct {
	Limits  []Limit
	Waiting prometheus.Gauge     // publishers that wait
	Commits prometheus.Histogram // of a push
}

// Publisher publishes. Those who publish to the same branch with the same login share pushes.
type Publisher struct {
	options Options
	guard   *guard

	mu     sync.Mutex // of the queues and of the members that wait in them
	queues map[line]*queue
}

// New returns a publisher.
func New(o Options) *Publisher {
	return &Publisher{options: o, guard: newGuard(o.Limits), queues: map[line]*queue{}}
}

// member is somebody who publishes.
type member struct {
	ctx     context.Context
	from    *snapshot.Snapshot
	request Request
	objects []object.Object // of the tree, that the remote does not have
	bytes   int
	most    int // commits of a push that it may be in
	tries   int // that came to nothing
	commit  plumbing.Hash

	once   sync.Once
	told   chan struct{} // closed when there is an outcome
	result Result
	err    error
}

func (m *member) tell(result Result, err error) {
	m.once.Do(func() {
		m.result, m.err = result, err
		m.result.Attempts = m.tries + 1
		close(m.told)
	})
}

func tellAll(members []*member, err error) {
	for _, m := range members {
		m.tell(Result{}, err)
	}
}

// Publish waits for the push that is under way, if there is one, and goes out with the next. When the context ends
// before, nothing is published; a push that is under way goes on as long as anybody of those in it wants it.
func (p *Publisher) Publish(ctx context.Context, s *snapshot.Snapshot, request Request) (Result, error) {
	ctx, end := context.WithCancel(ctx)
	defer end() // it does not want it any more
	objects, err := s.New(request.Tree)
	if err != nil {
		return Result{}, err
	}
	m := &member{ctx: ctx, from: s, request: request, objects: objects, most: maxCommits, told: make(chan struct{})}
	for _, o := range objects {
		m.bytes += len(o.Deflated)
	}
	q := p.join(m)
	select {
	case <-m.told:
	case <-ctx.Done():
		if p.leave(q, m) {
			return Result{}, gone(m)
		}
		<-m.told
	}
	return m.result, m.err
}

func gone(m *member) error { return fmt.Errorf("wait to push: %w", context.Cause(m.ctx)) }

// serve pushes for a queue until nobody waits in it.
func (p *Publisher) serve(q *queue) {
	for {
		place, open := p.place(q)
		if !open {
			return
		}
		group := p.take(q)
		if len(group) == 0 {
			place.giveBack()
			return
		}
		p.putBack(q, p.attempt(group, place))
		p.rest(q)
	}
}

// attempt pushes once for a group, and gives those for whom another attempt can help.
func (p *Publisher) attempt(group []*member, place *place) (again []*member) {
	defer place.giveBack()
	defer func() {
		if fault := recover(); fault != nil {
			tellAll(group, fmt.Errorf("publish: %v\n%s", fault, debug.Stack()))
			again = nil
		}
	}()
	ctx, end := together(group)
	defer end()
	return p.push(ctx, group, place)
}

// longestPush bounds a push, whatever those in it are ready to wait.
const longestPush = 5 * time.Minute

// together makes a context that ends with the last of those of a group.
func together(group []*member) (context.Context, func()) {
	ctx, end := context.WithCancelCause(context.WithoutCancel(group[0].ctx))
	late := time.AfterFunc(longestPush, func() {
		end(errs.New(errs.GitHubConnectionFailed, "A push took longer than %s.", longestPush))
	})
	left := make(chan struct{}, len(group))
	stops := make([]func() bool, 0, len(group))
	for _, m := range group {
		stops = append(stops, context.AfterFunc(m.ctx, func() {
			if left <- struct{}{}; len(left) == len(group) {
				end(context.Cause(m.ctx))
			}
		}))
	}
	return ctx, func() {
		late.Stop()
		for _, stop := range stops {
			stop()
		}
		end(nil)
	}
}

// raced says that another attempt can help.
type raced struct{ cause error }

func (r *raced) Error() string { return r.cause.Error() }

// settle tells a group whose push came to nothing, and gives those who try again.
func settle(group []*member, err error) (again []*member) {
	var moved *raced
	switch {
	case errors.As(err, &moved):
		for _, m := range group {
			if m.tries++; m.tries < maxAttempts {
				again = append(again, m)
				continue
			}
			m.tries--
			m.tell(Result{}, moved.cause)
		}
	case errs.HasCode(err, errs.PushRejected) && len(group) > 1: // it may be meant for one of them
		for _, m := range group {
			m.most = (len(group) + 1) / 2
		}
		again = group
	default:
		tellAll(group, err)
	}
	return again
}

// CommitURL returns the page of a commit on hosts that are known to have one. A repository is known by its key.
func CommitURL(key string, commit plumbing.Hash) string {
	switch {
	case strings.HasPrefix(key, "github.com/"):
		return "https://" + key + "/commit/" + commit.String()
	case strings.HasPrefix(key, "gitlab.com/"):
		return "https://" + key + "/-/commit/" + commit.String()
	}
	return ""
}
