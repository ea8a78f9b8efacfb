// Package workflow runs one sync: it takes the fabric's lock, walks the stages, records every step, and ends the sync
// in exactly one way. Every stage makes a new tree out of one and changes nothing else, so an attempt can be given up
// and repeated at any point before the push; after the push a repetition finds nothing left to change.
package workflow

import (
	"context"
	"fmt"
	"log/slog"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/trace"
	"google.golang.org/protobuf/types/known/timestamppb"

	"fgdsync.dev/libs/errs"
	"fgdsync.dev/libs/failpoint"
	"fgdsync.dev/libs/lock"
	"fgdsync.dev/libs/rpc"
	"fgdsync.dev/libs/telemetry"
	directoryv1 "fgdsync.dev/proto/fgd/directory/v1"
	eventv1 "fgdsync.dev/proto/fgd/event/v1"
	gitv1 "fgdsync.dev/proto/fgd/git/v1"
	ingestionv1 "fgdsync.dev/proto/fgd/ingestion/v1"
	"fgdsync.dev/services/orchestrator/internal/eventlog"
	"fgdsync.dev/services/orchestrator/internal/ledger"
	"fgdsync.dev/services/orchestrator/internal/recovery"
	"fgdsync.dev/services/orchestrator/internal/state"
	"fgdsync.dev/services/orchestrator/internal/tracing"
)

// Config bounds a sync.
type Config struct {
	Timeout      time.Duration
	StageTimeout time.Duration
	Attempts     int
	RetryInitial time.Duration
	RetryMax     time.Duration

	MassDeletePercent int
	MassDeleteMinimum int
}

// Deps is what a sync is run with.
type Deps struct {
	Store        *recovery.Reader
	Answered     func(ctx context.Context, syncID string) error // waits until a sync is in the ledger and the log
	Locker       *lock.Locker
	Repositories gitv1.RepositoryServiceClient
	Trees        gitv1.TreeServiceClient
	History      gitv1.HistoryServiceClient
	Ingestion    ingestionv1.IngestionServiceClient
	Directory    directoryv1.DirectoryServiceClient
	Ledger       *ledger.Ledger
	Events       *eventlog.Log
	Log          *slog.Logger
	Tracer       trace.Tracer
	Group        string // of the workers, that this one is in
	Metrics      prometheus.Registerer
	Now          func() time.Time
}

// Runner runs syncs.
type Runner struct {
	cfg     atomic.Pointer[Config]
	deps    Deps
	metrics *metrics
}

// New builds a runner.
func New(cfg Config, deps Deps) (*Runner, error) {
	m, err := newMetrics(deps.Metrics)
	if err != nil {
		return nil, err
	}
	r := &Runner{deps: deps, metrics: m}
	r.cfg.Store(&cfg)
	return r, nil
}

// SetBounds has what is begun from now on be bounded otherwise. How long a sync may take in all stays as it was: locks
// are made for it.
func (r *Runner) SetBounds(cfg Config) {
	cfg.Timeout = r.cfg.Load().Timeout
	r.cfg.Store(&cfg)
}

const (
	cancelPoll = time.Second
	endTimeout = 20 * time.Second
)

// errCancelRequested ends the work of a sync that somebody asked to end.
var errCancelRequested = errs.New(errs.SyncCancelled, "The sync was cancelled on request.")

// Run runs the sync of a work entry to its end. An error means that it has not ended and must be delivered again.
func (r *Runner) Run(ctx context.Context, request *eventv1.SyncRequested) error {
	ctx = telemetry.WithTraceparent(ctx, request.GetTraceparent())
	if err := r.deps.Answered(ctx, request.GetSyncId()); err != nil {
		return fmt.Errorf("wait for the answer to who asked: %w", err)
	}
	ctx, span := tracing.Process(ctx, r.deps.Tracer, r.deps.Group, request.GetFabricId(), request.GetSyncId())
	defer span.End()
	err := r.underLock(ctx, request, r.toTheEnd)
	if err != nil {
		span.SetStatus(codes.Error, "not ended")
	}
	return err
}

// GiveUp ends a sync whose work entry is not delivered any more.
func (r *Runner) GiveUp(ctx context.Context, request *eventv1.SyncRequested, cause error) error {
	ctx, cancel := context.WithTimeout(ctx, endTimeout)
	defer cancel()
	return r.underLock(ctx, request, func(lease *lock.Lease, t *tracker) error {
		return r.writeEnd(lease.Context(), t, errs.New(errs.SyncFailed,
			"The sync was taken up many times and never came to an end.").
			WithRemedy("See the log of the orchestrators for the cause, and start the sync again.").WithCause(cause))
	})
}

// Expire ends a sync that is past its deadline and whose worker hangs. Its lock is free by then, or soon.
func (r *Runner) Expire(ctx context.Context, request *eventv1.SyncRequested) error {
	ctx, cancel := context.WithTimeout(ctx, endTimeout)
	defer cancel()
	return r.underLock(ctx, request, func(lease *lock.Lease, t *tracker) error {
		if !r.deps.Now().After(t.record.GetDeadline().AsTime()) {
			return nil // somebody took it up again
		}
		return r.writeEnd(lease.Context(), t, r.timeout())
	})
}

func (r *Runner) timeout() error {
	return errs.New(errs.SyncTimeout, "The sync took longer than %s.", r.cfg.Load().Timeout)
}

// underLock works on a sync that has not ended, with the fabric's lock. Calls and log lines carry the sync's id.
func (r *Runner) underLock(ctx context.Context, request *eventv1.SyncRequested,
	work func(*lock.Lease, *tracker) error,
) error {
	ctx = rpc.WithCorrelationID(ctx, request.GetSyncId())
	asked := r.deps.Now()
	failpoint.Hit(failpoint.LockBefore)
	lease, err := r.deps.Locker.Acquire(ctx, state.LockKey(request.GetFabricId()))
	if err != nil {
		return err
	}
	r.metrics.lockWait.Observe(r.deps.Now().Sub(asked).Seconds())
	failpoint.Hit(failpoint.LockHeld)
	defer r.release(ctx, lease)
	record, err := r.deps.Store.Get(ctx, request.GetSyncId())
	if errs.HasCode(err, errs.SyncNotFound) {
		return nil // forgotten with its fabric
	}
	if err != nil {
		return err
	}
	if state.Terminal(record.GetState()) {
		return nil // delivered again after its end
	}
	if _, err := lease.RaiseAbove(ctx, record.Fence()); err != nil {
		return err
	}
	return work(lease, newTracker(r, record, lease))
}

func (r *Runner) release(ctx context.Context, lease *lock.Lease) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), endTimeout)
	defer cancel()
	if err := lease.Release(ctx); err != nil {
		r.deps.Log.WarnContext(ctx, "lock not released; its lease will end", "error", err.Error())
	}
	failpoint.Hit(failpoint.LockReleased)
}

// toTheEnd runs attempts and writes the end, unless the end is somebody else's to write: after a shutdown or the loss
// of the lease the sync stays as it is and is delivered again. So it is when Redis is in trouble, which is no fault of
// the sync.
func (r *Runner) toTheEnd(lease *lock.Lease, t *tracker) error {
	r.metrics.active.Inc()
	defer r.metrics.active.Dec()
	asked := rpc.WithVia(rpc.WithPrincipal(lease.Context(), t.record.GetRequestedBy()), t.record.GetRequestedVia())
	work, stop := context.WithTimeoutCause(asked, r.cfg.Load().Timeout, r.timeout())
	defer stop()
	t.record.Deadline = timestamppb.New(r.deps.Now().Add(r.cfg.Load().Timeout))
	cancellable, cancel := context.WithCancelCause(work)
	defer cancel(nil)
	watching := make(chan struct{})
	go func() { defer close(watching); r.watchCancel(cancellable, t.syncID(), cancel) }()
	outcome := r.attempts(cancellable, work, t)
	cancel(nil)
	<-watching
	if lease.Context().Err() != nil {
		return fmt.Errorf("give up sync %s: %w", t.syncID(), context.Cause(lease.Context()))
	}
	if errs.HasCode(outcome, errs.RedisConnectionFailed) || errs.HasCode(outcome, errs.RedisKeyForeign) {
		return fmt.Errorf("give up sync %s: %w", t.syncID(), outcome)
	}
	end, endCancel := context.WithTimeout(lease.Context(), endTimeout)
	defer endCancel()
	return r.writeEnd(end, t, outcome)
}

// watchCancel looks for a request to cancel while stages run.
func (r *Runner) watchCancel(ctx context.Context, syncID string, cancel context.CancelCauseFunc) {
	ticker := time.NewTicker(cancelPoll)
	defer ticker.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
			if record, err := r.deps.Store.Get(ctx, syncID); err == nil && record.GetCancelRequested() {
				cancel(errCancelRequested)
				return
			}
		}
	}
}

// attempts repeats the sync as long as its budget lasts. From the push on an attempt runs under the second context,
// which a request to cancel does not end.
func (r *Runner) attempts(ctx, uncancellable context.Context, t *tracker) error {
	left := budget{cfg: *r.cfg.Load()}
	for {
		err := r.attempt(ctx, uncancellable, t)
		if err == nil {
			return nil
		}
		if uncancellable.Err() != nil { // also when somebody had asked to cancel it: a commit may be out
			return context.Cause(uncancellable)
		}
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		pause, follows := left.another(ctx, err)
		if !follows {
			return err
		}
		if err := t.retry(ctx, err); err != nil {
			return err
		}
		if err := wait(ctx, pause); err != nil {
			return err
		}
	}
}
