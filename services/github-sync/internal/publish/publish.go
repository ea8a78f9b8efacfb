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
	// Unconfirmed says why the branch could not be read back, although the host reported that it took the push.
	Unconfirmed string
}

// Options are what a publisher works with.
type Options struct {
	Limits  []Limit
	Waiting prometheus.Gauge     // publishers that wait
	Commits prometheus.Histogram // of a push
}

// Publisher publishes. Those who publish to the same branch with the same login share pushes.
type Publisher struct {
	options   Options
	rateLimit *rateLimit

	mu     sync.Mutex // of the queues and of the waiters that wait in them
	queues map[queueKey]*queue
}

// New returns a publisher.
func New(o Options) *Publisher {
	return &Publisher{options: o, rateLimit: newRateLimit(o.Limits), queues: map[queueKey]*queue{}}
}

// waiter is somebody who publishes.
type waiter struct {
	ctx     context.Context
	from    *snapshot.Snapshot
	request Request
	objects []object.Object // of the tree, that the remote does not have
	bytes   int
	most    int // commits of a push that it may be in
	tries   int // that came to nothing
	commit  plumbing.Hash

	once   sync.Once
	done   chan struct{} // closed when there is an outcome
	result Result
	err    error
}

func (m *waiter) tell(result Result, err error) {
	m.once.Do(func() {
		m.result, m.err = result, err
		m.result.Attempts = m.tries + 1
		close(m.done)
	})
}

func tellAll(waiters []*waiter, err error) {
	for _, m := range waiters {
		m.tell(Result{}, err)
	}
}

// Publish waits for the push that is under way, if there is one, and goes out with the next. When the context ends
// before, nothing is published; a push that is under way goes on as long as anybody of those in it wants it.
func (p *Publisher) Publish(ctx context.Context, s *snapshot.Snapshot, request Request) (Result, error) {
	ctx, end := context.WithCancel(ctx)
	defer end() // it does not want it any more
	objects, err := s.WrittenObjects(request.Tree)
	if err != nil {
		return Result{}, err
	}
	m := &waiter{ctx: ctx, from: s, request: request, objects: objects, most: maxCommits, done: make(chan struct{})}
	for _, o := range objects {
		m.bytes += len(o.Deflated)
	}
	q := p.join(m)
	select {
	case <-m.done:
	case <-ctx.Done():
		if p.leave(q, m) {
			return Result{}, cancelled(m)
		}
		<-m.done
	}
	return m.result, m.err
}

func cancelled(m *waiter) error { return fmt.Errorf("wait to push: %w", context.Cause(m.ctx)) }

// serve pushes for a queue until nobody waits in it.
func (p *Publisher) serve(q *queue) {
	for {
		permit, open := p.permit(q)
		if !open {
			return
		}
		group := p.take(q)
		if len(group) == 0 {
			permit.release()
			return
		}
		p.putBack(q, p.attempt(group, permit))
		p.backoff(q)
	}
}

// attempt pushes once for a group, and returns those for whom another attempt can help.
func (p *Publisher) attempt(group []*waiter, permit *permit) (again []*waiter) {
	defer permit.release()
	defer func() {
		if fault := recover(); fault != nil {
			tellAll(group, fmt.Errorf("publish: %v\n%s", fault, debug.Stack()))
			again = nil
		}
	}()
	ctx, end := together(group)
	defer end()
	return p.push(ctx, group, permit)
}

// longestPush bounds a push, whatever those in it are ready to wait.
const longestPush = 5 * time.Minute

// together makes a context that ends with the last of those of a group.
func together(group []*waiter) (context.Context, func()) {
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

// retryable says that another attempt can help; more than one only when it is not said to be the last.
type retryable struct {
	cause error
	last  bool
}

func (r *retryable) Error() string { return r.cause.Error() }

// resolve tells a group whose push came to nothing, and returns those who try again.
func resolve(group []*waiter, err error) (again []*waiter) {
	var moved *retryable
	switch {
	case errors.As(err, &moved):
		for _, m := range group {
			if m.tries++; m.tries < maxAttempts && (m.tries == 1 || !moved.last) {
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
