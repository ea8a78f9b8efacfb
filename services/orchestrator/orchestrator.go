// Package orchestrator accepts syncs and runs them: it keeps fabrics and sync records in Redis, takes work from the
// work streams, and walks each sync through its five stages by calling the other services. It passes ids of trees and
// never file contents. What it holds in memory can be lost at any moment: another one takes the sync up again.
package orchestrator

import (
	"context"
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
	"fgdsync.dev/libs/rediskey"
	"fgdsync.dev/libs/redisconn"
	"fgdsync.dev/libs/state"
	directoryv1 "fgdsync.dev/proto/fgd/directory/v1"
	eventv1 "fgdsync.dev/proto/fgd/event/v1"
	fabricv1 "fgdsync.dev/proto/fgd/fabric/v1"
	gitv1 "fgdsync.dev/proto/fgd/git/v1"
	ingestionv1 "fgdsync.dev/proto/fgd/ingestion/v1"
	syncv1 "fgdsync.dev/proto/fgd/sync/v1"
	"fgdsync.dev/services/orchestrator/internal/grpcapi"
	"fgdsync.dev/services/orchestrator/internal/workflow"
)

// Name is the service's name in health checks, logs and metrics.
const Name = "orchestrator"

const (
	group          = "orchestrators"
	claimIdle      = 45 * time.Second
	maxDelivered   = 20
	minConcurrency = 2 * rediskey.Shards
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
}

// New builds the service.
func New(cfg Config, deps Deps) (*Service, error) {
	if err := cfg.Validate(); err != nil {
		return nil, err
	}
	store := state.New(deps.Redis, cfg.HistoryRetention, deps.Now)
	locker := lock.New(deps.Redis, cfg.LockLease)
	runner, err := workflow.New(workflow.Config{
		Timeout: cfg.SyncTimeout, Attempts: cfg.SyncAttempts, RetryInitial: cfg.RetryInitial, RetryMax: cfg.RetryMax,
	}, workflow.Deps{
		Store: store, Locker: locker, Repositories: deps.Repositories, Trees: deps.Trees, Ingestion: deps.Ingestion,
		Directory: deps.Directory, Log: deps.Log, Tracer: deps.Tracers.Tracer(Name), Metrics: deps.Metrics, Now: deps.Now,
	})
	if err != nil {
		return nil, fmt.Errorf("build the workflow: %w", err)
	}
	return &Service{
		cfg: cfg, deps: deps, runner: runner,
		fabrics: grpcapi.NewFabrics(store, locker, deps.Repositories, deps.Trees, deps.Directory, deps.Now, cfg.MaxFileBytes),
		syncs:   grpcapi.NewSyncs(store, deps.Now),
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
	readers, ctx := errgroup.WithContext(ctx)
	for shard := range rediskey.Shards {
		consumer := events.NewConsumer(events.ConsumerConfig{
			Stream: rediskey.Work(shard), DeadLetters: rediskey.DeadLetters(shard), Group: group,
			Name: s.deps.Instance, ClaimIdle: claimIdle, MaxDelivered: maxDelivered,
		}, s.deps.Redis, s.deps.Log, slots)
		readers.Go(func() error { return consumer.Run(ctx, s.handle) })
	}
	return readers.Wait()
}

func (s *Service) handle(ctx context.Context, payload []byte) error {
	request := &eventv1.SyncRequested{}
	if err := proto.Unmarshal(payload, request); err != nil {
		return fmt.Errorf("%w: decode work entry: %w", events.ErrPoison, err)
	}
	return s.runner.Run(ctx, request)
}
