package publish

import (
	"math/rand/v2"
	"slices"
	"strings"
	"time"

	"fgdsync.dev/libs/errs"
	"fgdsync.dev/services/github-sync/internal/credentials"
	"fgdsync.dev/services/github-sync/internal/remote"
)

const (
	// maxCommits bounds what a push brings; who comes after goes out with the next.
	maxCommits = 100
	// maxBytes bounds the new objects of a push with more than one commit.
	maxBytes = 64 << 20

	maxAttempts = 6
	firstPause  = 50 * time.Millisecond
)

// queueKey is what waiters have in common who may share a push.
type queueKey struct {
	repository, branch string
	login              credentials.Fingerprint
}

// queue is where they wait. Its fields are the publisher's lock's.
type queue struct {
	key      queueKey
	location remote.Location
	waiting  []*waiter
	pushing  bool
	until    time.Time     // before which there will be no push, if that is known
	emptied  chan struct{} // closed when all have left before there was a push
}

// join lets a waiter wait. The first one starts the pushes.
func (p *Publisher) join(m *waiter) *queue {
	p.mu.Lock()
	defer p.mu.Unlock()
	at := queueKey{m.from.Location.Key, m.from.Branch, m.from.Remote.Login()}
	q := p.queues[at]
	if q == nil {
		q = &queue{key: at, location: m.from.Location, emptied: make(chan struct{})}
		p.queues[at] = q
		defer func() { go p.serve(q) }()
	}
	if !p.refused(m, q.until) {
		q.waiting = append(q.waiting, m)
		p.options.Waiting.Inc()
	}
	return q
}

// refused reports whether a waiter would wait too long, which it is told.
func (p *Publisher) refused(m *waiter, until time.Time) bool {
	deadline, bounded := m.ctx.Deadline()
	if !bounded || !deadline.Before(until) {
		return false
	}
	m.tell(Result{}, errs.New(errs.GitHubRateLimited,
		"As many pushes as push_limits allows went to the repository within a minute.").
		WithRetryAfter(time.Until(until)))
	return true
}

// leave takes out a waiter that still waits.
func (p *Publisher) leave(q *queue, m *waiter) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	at := slices.Index(q.waiting, m)
	if at < 0 {
		return false
	}
	q.waiting = slices.Delete(q.waiting, at, at+1)
	p.options.Waiting.Dec()
	p.closeEmpty(q)
	return true
}

// closeEmpty ends a queue in which nobody waits; whoever comes begins a new one.
func (p *Publisher) closeEmpty(q *queue) {
	if len(q.waiting) == 0 && !q.pushing && p.queues[q.key] == q {
		delete(p.queues, q.key)
		close(q.emptied)
	}
}

// permit waits for the permit of a push; there is none when nobody waits for it any more.
func (p *Publisher) permit(q *queue) (*permit, bool) {
	for {
		permit, at, changed := p.rateLimit.acquire(q.location)
		p.expect(q, at)
		if permit != nil {
			return permit, true
		}
		if !q.wait(at, changed) {
			return nil, false
		}
	}
}

// wait waits until a time, if it is known, or until something is closed. It reports whether anybody still waits in the
// queue.
func (q *queue) wait(until time.Time, changed <-chan struct{}) bool {
	var due <-chan time.Time
	if !until.IsZero() {
		timer := time.NewTimer(time.Until(until))
		defer timer.Stop()
		due = timer.C
	}
	select {
	case <-due:
	case <-changed:
	case <-q.emptied:
		return false
	}
	return true
}

// expect says before when there will be no push. Those who can't wait for so long are told at once.
func (p *Publisher) expect(q *queue, at time.Time) {
	p.mu.Lock()
	defer p.mu.Unlock()
	q.until = at
	before := len(q.waiting)
	q.waiting = slices.DeleteFunc(q.waiting, func(m *waiter) bool { return p.refused(m, at) })
	p.options.Waiting.Sub(float64(before - len(q.waiting)))
	p.closeEmpty(q)
}

// take takes those out of the queue who go out together: in the order in which they came, one for a directory.
func (p *Publisher) take(q *queue) []*waiter {
	p.mu.Lock()
	defer p.mu.Unlock()
	var group, rest []*waiter
	most, bytes := maxCommits, 0
	for i, m := range q.waiting {
		if slices.ContainsFunc(group, m.overlaps) { // what becomes of it depends on what becomes of the other
			rest = append(rest, m)
			continue
		}
		most, bytes = min(most, m.most), bytes+m.bytes
		if len(group) > 0 && (len(group) >= most || bytes > maxBytes) {
			rest = append(rest, q.waiting[i:]...)
			break
		}
		group = append(group, m)
	}
	q.waiting, q.pushing = rest, len(group) > 0
	p.options.Waiting.Sub(float64(len(group)))
	p.closeEmpty(q)
	return group
}

// overlaps reports whether the directory of one is that of another, or inside it.
func (m *waiter) overlaps(other *waiter) bool {
	return within(m.from.Directory, other.from.Directory) || within(other.from.Directory, m.from.Directory)
}

func within(directory, other string) bool {
	return other == "" || directory == other || strings.HasPrefix(directory, other+"/")
}

// putBack lets waiters wait again, ahead of those who came later, and ends the queue when nobody waits.
func (p *Publisher) putBack(q *queue, waiters []*waiter) {
	p.mu.Lock()
	defer p.mu.Unlock()
	waiters = slices.DeleteFunc(waiters, func(m *waiter) bool {
		over := m.ctx.Err() != nil
		if over {
			m.tell(Result{}, cancelled(m))
		}
		return over
	})
	q.waiting, q.pushing = append(waiters, q.waiting...), false
	p.options.Waiting.Add(float64(len(waiters)))
	p.closeEmpty(q)
}

// backoff waits before another attempt, longer each time.
func (p *Publisher) backoff(q *queue) {
	p.mu.Lock()
	tries := 0
	if len(q.waiting) > 0 {
		tries = q.waiting[0].tries
	}
	p.mu.Unlock()
	if tries == 0 {
		return
	}
	longest := firstPause << (tries + 1)
	q.wait(time.Now().Add(longest/2+rand.N(longest/2)), nil)
}
