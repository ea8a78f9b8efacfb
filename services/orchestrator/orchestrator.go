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
	syncv1 "fgdsync.dev/proto/fgd/sync/v1"
	"fgdsync.dev/services/orchestrator/internal/backlog"
	"fgdsync.dev/services/orchestrator/internal/grpcapi"
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
)

// Deps is what the service works with.
type Deps struct {
	Redis        *redisconn.Conn
	Repositories gitv1.RepositoryServiceClient
	Trees        gitv1.TreeServiceClient
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
	planner *schedule.Scheduler
	dead    prometheus.Counter
}

// New builds the service.
func New(cfg Config, deps Deps) (*Service, error) {
	if err := cfg.Validate(); err != nil {
		return nil, err
	}
	store := state.New(deps.Redis, cfg.HistoryRetention, deps.Now)
	locker := lock.New(deps.Redis, cfg.LockLease, cfg.SyncTimeout+cfg.LockLease/2)
	runner, err := workflow.New(workflow.Config{
		Timeout: cfg.SyncTimeout, Attempts: cfg.SyncAttempts, RetryInitial: cfg.RetryInitial, RetryMax: cfg.RetryMax,
		MassDeletePercent: cfg.MassDeletePercent, MassDeleteMinimum: cfg.MassDeleteMinimum,
	}, workflow.Deps{
		Store: store, Locker: locker, Repositories: deps.Repositories, Trees: deps.Trees, Ingestion: deps.Ingestion,
		Directory: deps.Directory, Log: deps.Log, Tracer: deps.Tracers.Tracer(Name), Metrics: deps.Metrics, Now: deps.Now,
	})
	if err != nil {
		return nil, fmt.Errorf("build the workflow: %w", err)
	}
	dead := prometheus.NewCounter(prometheus.CounterOpts{Name: "fgd_dead_letters_total", Help: "Work entries that went to the dead letters."})
	if err := errors.Join(deps.Metrics.Register(dead), deps.Metrics.Register(backlog.New(deps.Redis, group, deps.Log))); err != nil {
		return nil, fmt.Errorf("register metrics: %w", err)
	}
	syncs := grpcapi.NewSyncs(store, deps.Now)
	return &Service{
		cfg: cfg, deps: deps, runner: runner, syncs: syncs, dead: dead,
		fabrics: grpcapi.NewFabrics(store, locker, deps.Repositories, deps.Now, grpcapi.Directories{
			Trees: deps.Trees, Directory: deps.Directory, Ingestion: deps.Ingestion, MaxFileBytes: cfg.MaxFileBytes,
		}),
		planner: schedule.New(store, syncs.StartSync, deps.Log, deps.Now),
	}, nil
}

// Register adds the service's RPCs to a server.
func (s *Service) Register(registrar grpc.ServiceRegistrar) {
	fabricv1.RegisterFabricServiceServer(registrar, s.fabrics)
	syncv1.RegisterSyncServiceServer(registrar, s.syncs)
}

// Ready tells whether Redis answers: without it nothing can be accepted.
func (s *Service) Ready(ctx context.Context) error { return s.deps.Redis.Ping(ctx) }

// Run takes work until ctx ends, and hands back what is not done by then.
func (s *Service) Run(ctx context.Context) error {
	slots := make(chan struct{}, s.cfg.SyncConcurrency)
	work, ctx := errgroup.WithContext(ctx)
	for shard := range rediskey.Shards {
		consumer := events.NewConsumer(events.ConsumerConfig{
			Stream: rediskey.Work(shard), DeadLetters: rediskey.DeadLetters(shard), Group: group, Name: s.deps.Instance,
			ClaimIdle: s.claimIdle(), MaxDelivered: maxDelivered, OnDeadLetter: s.giveUp,
		}, s.deps.Redis, s.deps.Log, slots)
		work.Go(func() error { return consumer.Run(ctx, s.handle) })
	}
	work.Go(func() error {
		ticker := time.NewTicker(schedulePeriod)
		defer ticker.Stop()
		return s.planner.Run(ctx, ticker.C)
	})
	return work.Wait()
}

// claimIdle is how long a worker is silent before its syncs are taken over. Its locks have ended by then.
func (s *Service) claimIdle() time.Duration { return s.cfg.LockLease * 3 / 2 }

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
