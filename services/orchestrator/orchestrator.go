// Package orchestrator accepts syncs and runs them: it keeps fabrics and sync records in Redis, takes work from the
// work streams, and walks each sync through its five stages by calling the other services. It passes ids of trees and
// never file contents. What it holds in memory can be lost at any moment: another one takes the sync up again.
package orchestrator

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"go.opentelemetry.io/otel/trace"
	"golang.org/x/sync/errgroup"
	"google.golang.org/grpc"
	"google.golang.org/protobuf/proto"

	"fgdsync.dev/libs/errs"
	"fgdsync.dev/libs/events"
	"fgdsync.dev/libs/lock"
	"fgdsync.dev/libs/redisconn"
	"fgdsync.dev/libs/rediskey"
	"fgdsync.dev/libs/state"
	directoryv1 "fgdsync.dev/proto/fgd/directory/v1"
	eventv1 "fgdsync.dev/proto/fgd/event/v1"
	fabricv1 "fgdsync.dev/proto/fgd/fabric/v1"
	gitv1 "fgdsync.dev/proto/fgd/git/v1"
	ingestionv1 "fgdsync.dev/proto/fgd/ingestion/v1"
	statev1 "fgdsync.dev/proto/fgd/state/v1"
	syncv1 "fgdsync.dev/proto/fgd/sync/v1"
	"fgdsync.dev/services/orchestrator/internal/backlog"
	"fgdsync.dev/services/orchestrator/internal/grpcapi"
	"fgdsync.dev/services/orchestrator/internal/ledger"
	"fgdsync.dev/services/orchestrator/internal/proposals"
	"fgdsync.dev/services/orchestrator/internal/recovery"
	"fgdsync.dev/services/orchestrator/internal/schedule"
	"fgdsync.dev/services/orchestrator/internal/workflow"
)

// Name is the service's name in health checks, logs and metrics.
const Name = "orchestrator"

const (
	group          = "orchestrators"
	maxDelivered   = 20
	minConcurrency = 2 * rediskey.Shards
	schedulePeriod = 10 * time.Second
	recoveryPeriod = 5 * time.Second
	pullsPeriod    = 30 * time.Second
	trimPeriod     = time.Minute
	eventRetention = 7 * 24 * time.Hour
	checkPause     = time.Second
	// expireGrace leaves a sync that is past its deadline the time to end by itself; its lock is free by then.
	expireGrace = 45 * time.Second
)

// Deps is what the service works with.
type Deps struct {
	Redis        *redisconn.Conn
	Repositories gitv1.RepositoryServiceClient
	Trees        gitv1.TreeServiceClient
	History      gitv1.HistoryServiceClient
	Ingestion    ingestionv1.IngestionServiceClient
	Directory    directoryv1.DirectoryServiceClient
	Log          *slog.Logger
	Tracers      trace.TracerProvider
	Metrics      prometheus.Registerer
	Now          func() time.Time
	Instance     string // tells this replica from others; stable over restarts
}

// Service is the orchestrator.
type Service struct {
	cfg     Config
	deps    Deps
	runner  *workflow.Runner
	fabrics *grpcapi.Fabrics
	syncs   *grpcapi.Syncs
	states  *grpcapi.States
	planner *schedule.Scheduler
	pulls   *proposals.Follower
	dead    prometheus.Counter

	ledger   *ledger.Ledger
	recovery *recovery.Recovery
}

// New builds the service.
func New(cfg Config, deps Deps) (*Service, error) {
	if err := cfg.Validate(); err != nil {
		return nil, err
	}
	kept, err := ledger.Open(cfg.LedgerFile)
	if err != nil {
		return nil, err
	}
	s, err := build(cfg, deps, kept)
	if err != nil {
		return nil, errors.Join(err, kept.Close())
	}
	return s, nil
}

func build(cfg Config, deps Deps, kept *ledger.Ledger) (*Service, error) {
	store := state.New(deps.Redis, state.Limits{Retention: cfg.HistoryRetention, Active: cfg.MaxActiveSyncs}, deps.Now)
	locker := lock.New(deps.Redis, cfg.LockLease, cfg.SyncTimeout+cfg.LockLease/2)
	runner, err := workflow.New(workflow.Config{
		Timeout: cfg.SyncTimeout, StageTimeout: cfg.StageTimeout, Attempts: cfg.SyncAttempts, RetryInitial: cfg.RetryInitial,
		RetryMax:          cfg.RetryMax,
		MassDeletePercent: cfg.MassDeletePercent, MassDeleteMinimum: cfg.MassDeleteMinimum,
	}, workflow.Deps{
		Store: store, Locker: locker, Repositories: deps.Repositories, Trees: deps.Trees, History: deps.History,
		Ingestion: deps.Ingestion,
		Directory: deps.Directory, Settled: kept.Settle, Log: deps.Log, Tracer: deps.Tracers.Tracer(Name),
		Metrics: deps.Metrics, Now: deps.Now,
	})
	if err != nil {
		return nil, fmt.Errorf("build the workflow: %w", err)
	}
	dead := prometheus.NewCounter(prometheus.CounterOpts{
		Name: "fgd_dead_letters_total",
		Help: "Work entries that went to the dead letters.",
	})
	if err := errors.Join(deps.Metrics.Register(dead), deps.Metrics.Register(backlog.New(deps.Redis, group,
		deps.Log))); err != nil {
		return nil, fmt.Errorf("register metrics: %w", err)
	}
	recoverer := recovery.New(recovery.Deps{
		Store: store, Ledger: kept, Expire: runner.Expire, Retention: cfg.HistoryRetention, Grace: expireGrace,
		Takeover: 2 * cfg.claimIdle(),
		Log:      deps.Log, Now: deps.Now,
	})
	store.OnLoss(recoverer.Ensure)
	intake := grpcapi.NewIntake(store, kept, deps.Now)
	syncs := grpcapi.NewSyncs(store, intake, deps.Now)
	return &Service{
		cfg: cfg, deps: deps, runner: runner, syncs: syncs, states: grpcapi.NewStates(deps.Redis, store, intake, recoverer),
		dead: dead, ledger: kept, recovery: recoverer,
		fabrics: grpcapi.NewFabrics(grpcapi.FabricDeps{
			Store: store, Ledger: kept, Intake: intake, Locker: locker, Repositories: deps.Repositories, Now: deps.Now,
		}, grpcapi.Directories{
			Trees: deps.Trees, History: deps.History, Directory: deps.Directory, Ingestion: deps.Ingestion,
			MaxFileBytes: cfg.MaxFileBytes,
		}),
		planner: schedule.New(store, syncs.StartSync, deps.Log, deps.Now),
		pulls:   proposals.New(store, deps.Repositories, syncs.StartSync, deps.Log),
	}, nil
}

// Register adds the service's RPCs to a server.
func (s *Service) Register(registrar grpc.ServiceRegistrar) {
	fabricv1.RegisterFabricServiceServer(registrar, s.fabrics)
	syncv1.RegisterSyncServiceServer(registrar, s.syncs)
	statev1.RegisterStateServiceServer(registrar, s.states)
}

// Ready reports whether Redis answers: without it nothing can be accepted.
func (s *Service) Ready(ctx context.Context) error { return s.deps.Redis.Ping(ctx) }

// Run takes work until ctx ends, and hands back what is not done by then.
func (s *Service) Run(ctx context.Context) error {
	return errors.Join(s.run(ctx), s.ledger.Close())
}

// checkRedis refuses a Redis that would lose what it is given, or warns of it. It waits for one that is away.
func (s *Service) checkRedis(ctx context.Context) error {
	if s.cfg.RedisChecks == checksOff {
		return nil
	}
	for {
		problems, err := s.deps.Redis.Check(ctx)
		if err == nil {
			return s.judgeRedis(ctx, problems)
		}
		s.deps.Log.WarnContext(ctx, "Redis does not answer", "error", err.Error())
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(checkPause):
		}
	}
}

func (s *Service) judgeRedis(ctx context.Context, problems []redisconn.Problem) error {
	var refused error
	for _, p := range problems {
		err := errs.New(errs.RedisUnsuitable, "Redis is not fit for this: %s.", p.What).WithRemedy("%s", p.Remedy)
		if s.cfg.RedisChecks == checksWarn {
			s.deps.Log.WarnContext(ctx, "Redis is not fit for this", "problem", p.What, "remedy", p.Remedy)
			continue
		}
		refused = errors.Join(refused, err)
	}
	return refused
}

func (s *Service) run(ctx context.Context) error {
	if err := s.checkRedis(ctx); err != nil {
		return err
	}
	slots := make(chan struct{}, s.cfg.SyncConcurrency)
	work, ctx := errgroup.WithContext(ctx)
	for shard := range rediskey.Shards {
		consumer := events.NewConsumer(events.ConsumerConfig{
			Stream: rediskey.Work(shard), DeadLetters: rediskey.DeadLetters(shard), Group: group, Name: s.deps.Instance,
			ClaimIdle: s.cfg.claimIdle(), MaxDelivered: maxDelivered, OnDeadLetter: s.giveUp,
		}, s.deps.Redis, s.deps.Log, slots)
		work.Go(func() error { return consumer.Run(ctx, s.handle) })
	}
	work.Go(func() error { return ticking(ctx, schedulePeriod, s.planner.Run) })
	work.Go(func() error { return ticking(ctx, pullsPeriod, s.pulls.Run) })
	work.Go(func() error { return ticking(ctx, recoveryPeriod, s.recovery.Run) })
	work.Go(func() error { return ticking(ctx, trimPeriod, s.trim) })
	return work.Wait()
}

// trim keeps the event streams from growing for ever. Any number of orchestrators may do it.
func (s *Service) trim(ctx context.Context, ticks <-chan time.Time) error {
	for {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-ticks:
		}
		for shard := range rediskey.Shards {
			if _, err := events.Trim(ctx, s.deps.Redis, rediskey.Events(shard), s.deps.Now().Add(-eventRetention)); err != nil &&
				ctx.Err() == nil {
				s.deps.Log.WarnContext(ctx, "events not trimmed", "error", err.Error())
			}
		}
	}
}

func ticking(ctx context.Context, period time.Duration, run func(context.Context, <-chan time.Time) error) error {
	ticker := time.NewTicker(period)
	defer ticker.Stop()
	return run(ctx, ticker.C)
}

// claimIdle is how long a worker is silent before its syncs are taken over. Its locks have ended by then.
func (c *Config) claimIdle() time.Duration { return c.LockLease * 3 / 2 }

func (s *Service) handle(ctx context.Context, payload []byte) error {
	request := &eventv1.SyncRequested{}
	if err := proto.Unmarshal(payload, request); err != nil {
		return fmt.Errorf("%w: decode work entry: %w", events.ErrPoison, err)
	}
	return s.runner.Run(ctx, request)
}

// giveUp ends the sync of an entry that goes to the dead letters, so that it does not stand in the way of the next one.
func (s *Service) giveUp(ctx context.Context, payload []byte, cause error) error {
	request := &eventv1.SyncRequested{}
	if proto.Unmarshal(payload, request) == nil && request.GetSyncId() != "" {
		if err := s.runner.GiveUp(ctx, request, cause); err != nil {
			return err
		}
	}
	s.dead.Inc()
	return nil
}
