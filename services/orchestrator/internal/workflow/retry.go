package workflow

import (
	"context"
	"errors"
	"math/rand/v2"
	"time"

	"fgdsync.dev/libs/errs"
)

// class is what an error means for the sync that met it. An outcome that is not known, as after a lost answer to a
// push, is no class here: github-sync looks at the branch before it answers.
type class string

const (
	classConflict class = "conflict" // somebody else was faster: start over from the new head
	// what github-sync held is gone or damaged: start over with what it fetches anew
	classCache     class = "corrupt_cache"
	classTransient class = "transient" // something is away, or not known: try again
	classOutage    class = "outage"    // a service of ours is away, which says nothing of the sync: wait for it
	classThrottled class = "throttled" // the other side has said "later"
	classAuth      class = "auth"      // a person has to give access
	classPermanent class = "permanent" // a person has to change something
	classCancelled class = "cancelled" // a person wanted it
	classHandover  class = "handover"  // another worker has it, or will have it
	classBug       class = "bug"       // the same input would bring it about again
)

// classify returns the one class of an error. What has no face is not known, and tried again within the bounds of
// transient errors.
func classify(err error) class {
	var e *errs.Error
	switch {
	case !errors.As(err, &e):
		return classTransient
	case errs.HasCode(err, errs.LockLost):
		return classHandover
	case errs.HasCode(err, errs.SnapshotNotFound), errs.HasCode(err, errs.StorageFailed):
		return classCache
	case errs.HasCode(err, errs.ServiceUnavailable):
		return classOutage
	}
	switch e.Code.Kind {
	case errs.Conflict:
		return classConflict
	case errs.Unavailable, errs.Deadline:
		return classTransient
	case errs.Limited:
		return classThrottled
	case errs.Unauthenticated, errs.PermissionDenied:
		return classAuth
	case errs.Cancelled:
		return classCancelled
	case errs.Internal:
		return classBug
	}
	return classPermanent
}

const (
	// restartAttempts bounds how often a sync starts over because of others, which costs nobody anything but time.
	restartAttempts = 6
	restartPause    = 200 * time.Millisecond
	// outagePause bounds the pause in which a service may have come back, and nobody has noticed.
	outagePause = 10 * time.Second
)

// budget is what a sync may spend on further attempts: a number of each kind, and the time it has. An outage has no
// number, for however long it takes, the sync can be done after it.
type budget struct {
	cfg       Config
	transient int
	restarts  int
	outages   int
}

// another reports whether another attempt is to follow an error, and after which pause. Without one the error is final:
// also when the pause that the other side asks for is longer than the time that is left.
func (b *budget) another(ctx context.Context, err error) (pause time.Duration, follows bool) {
	switch classify(err) {
	case classConflict, classCache:
		b.restarts++
		pause, follows = jittered(restartPause*time.Duration(b.restarts)), b.restarts < restartAttempts
	case classTransient, classThrottled:
		b.transient++
		pause, follows = b.spread(b.transient), b.transient < b.cfg.Attempts
		pause = max(pause, errs.From(err).RetryAfter)
	case classOutage:
		b.outages++
		pause, follows = jittered(min(b.grown(b.outages), outagePause)), true
	}
	if deadline, limited := ctx.Deadline(); limited && time.Until(deadline) <= pause {
		return 0, false
	}
	return pause, follows
}

// grown doubles with each attempt up to its bound.
func (b *budget) grown(times int) time.Duration {
	pause := b.cfg.RetryInitial
	for range times - 1 {
		if pause >= b.cfg.RetryMax/2 {
			return b.cfg.RetryMax
		}
		pause *= 2
	}
	return pause
}

// spread returns any time from the pause that a number of attempts has grown to, up to the next one: never less than
// the first pause, and never more than the longest.
func (b *budget) spread(times int) time.Duration {
	longest := b.grown(times + 1)
	shortest := max(b.cfg.RetryInitial, longest/2)
	return shortest + jittered(longest-shortest)
}

// jittered returns any time up to a longest one, so that those who met the same trouble at the same moment do not come
// back at the same moment.
func jittered(longest time.Duration) time.Duration { return rand.N(longest + 1) }

func wait(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return context.Cause(ctx)
	case <-timer.C:
		return nil
	}
}
