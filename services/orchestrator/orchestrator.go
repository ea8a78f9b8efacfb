// Package orchestrator accepts syncs and runs them: it keeps fabrics and sync records in Redis, takes work from the
// work streams, and walks each sync through its five stages by calling the other services. It passes ids of trees and
// never file contents. What it holds in memory can be lost at any moment: another one takes the sync up again.
package orchestrator

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"golang.org/x/sync/errgroup"
	"google.golang.org/grpc"
	"google.golang.org/protobuf/proto"

	"fgdsync.dev/libs/app"
	"fgdsync.dev/libs/config"
	"fgdsync.dev/libs/events"
	"fgdsync.dev/libs/health"
	"fgdsync.dev/libs/redisconn"
	"fgdsync.dev/libs/rpc"
	accessv1 "fgdsync.dev/proto/fgd/access/v1"
	adminv1 "fgdsync.dev/proto/fgd/admin/v1"
	eventv1 "fgdsync.dev/proto/fgd/event/v1"
	fabricv1 "fgdsync.dev/proto/fgd/fabric/v1"
	syncv1 "fgdsync.dev/proto/fgd/sync/v1"
	"fgdsync.dev/services/orchestrator/internal/backlog"
	"fgdsync.dev/services/orchestrator/internal/clock"
	"fgdsync.dev/services/orchestrator/internal/fabricstatus"
	"fgdsync.dev/services/orchestrator/internal/grpcapi"
	"fgdsync.dev/services/orchestrator/internal/ledger"
	"fgdsync.dev/services/orchestrator/internal/periodic"
	"fgdsync.dev/services/orchestrator/internal/pullrequests"
	"fgdsync.dev/services/orchestrator/internal/recovery"
	"fgdsync.dev/services/orchestrator/internal/schedule"
	"fgdsync.dev/services/orchestrator/internal/state"
	"fgdsync.dev/services/orchestrator/internal/workflow"
)

// Name is the service's name in health checks, logs and metrics.
const Name = "orchestrator"

// Services that it calls.
const (
	githubSync = "github-sync"
	ingestion  = "ingestion"
	directory  = "directory"
)

const (
	group          = "orchestrators"
	maxDelivered   = 20
	schedulePeriod = 10 * time.Second
	recoveryPeriod = 5 * time.Second
	pullsPeriod    = 30 * time.Second
	numbersPeriod  = 30 * time.Second
	trimPeriod     = time.Minute
	foldPeriod     = 10 * time.Minute
	// What has happened is told for so long, and so many events of each shard, whichever is less.
	eventRetention = 7 * 24 * time.Hour
	mostEvents     = 10_000
	checkPause     = time.Second
	// expireGrace leaves a sync that is past its deadline the time to end by itself; its lock is free by then.
	expireGrace = 45 * time.Second
)

// Definition returns what a process has to know of the orchestrator.
func Definition() app.Definition {
	return app.Definition{
		Name: Name, Audience: rpc.Services, GRPCListen: "127.0.0.1:9091", HTTPListen: "127.0.0.1:9191",
		Peers: []app.Peer{
			{Name: githubSync, Address: "127.0.0.1:9094"},
			{Name: ingestion, Address: "127.0.0.1:9092"},
			{Name: directory, Address: "127.0.0.1:9093"},
		},
		Config: func() any { cfg := DefaultConfig(); return &cfg },
		Build: func(p *app.Process) (app.Service, http.Handler, error) {
			cfg := DefaultConfig()
			if err := p.Source.Into(&cfg); err != nil {
				return nil, nil, err
			}
			service, err := New(cfg, p)
			return service, nil, err
		},
	}
}

// Service is the orchestrator.
type Service struct {
	cfg      Config
	redis    *redisconn.Conn
	store    *state.Store
	ledger   *ledger.Ledger
	log      *slog.Logger
	now      func() time.Time
	instance string
	dead     prometheus.Counter
	backlog  *backlog.Collector

	runner     *workflow.Runner
	supervisor *recovery.Supervisor
	scheduler  *schedule.Scheduler
	numbers    *fabricstatus.Numbers
	follower   *pullrequests.Follower

	fabrics     *grpcapi.Fabrics
	views       *grpcapi.DirectoryViews
	resources   *grpcapi.Resources
	syncs       *grpcapi.Syncs
	tokens      *grpcapi.Tokens
	maintenance *grpcapi.Maintenance
}

// Register adds the service's RPCs to a server.
func (s *Service) Register(registrar grpc.ServiceRegistrar) {
	fabricv1.RegisterFabricServiceServer(registrar, s.fabrics)
	fabricv1.RegisterDirectoryViewServiceServer(registrar, s.views)
	fabricv1.RegisterResourceServiceServer(registrar, s.resources)
	syncv1.RegisterSyncServiceServer(registrar, s.syncs)
	accessv1.RegisterTokenServiceServer(registrar, s.tokens)
	adminv1.RegisterMaintenanceServiceServer(registrar, s.maintenance)
}

// Reload takes what bounds syncs from now on.
func (s *Service) Reload(source *config.Source) error {
	cfg := DefaultConfig()
	if err := source.Into(&cfg); err != nil {
		return err
	}
	s.store.SetActive(cfg.MaxActiveSyncs)
	s.runner.SetBounds(cfg.bounds())
	return nil
}

// Ready reports whether Redis takes what is written: without it nothing can be accepted.
func (s *Service) Ready(ctx context.Context) error { return s.redis.Writable(ctx) }

// Parts returns what the service has and needs.
func (s *Service) Parts() []health.Part {
	return []health.Part{
		{Name: health.Redis, Check: s.Ready},
		{Name: health.Clock, Check: clock.Check(s.redis, s.now)},
		{Name: health.Ledger, Check: s.ledger.Check},
		{Name: health.Queue, Check: s.backlog.Queue},
		{Name: health.Events, Check: s.backlog.Events},
		{Name: health.DeadLetters, Check: s.backlog.DeadLetters},
	}
}

// Run takes work until ctx ends, and hands back what is not done by then.
func (s *Service) Run(ctx context.Context) error {
	if err := s.checkRedis(ctx); err != nil {
		return err
	}
	if err := s.judgeLedger(ctx); err != nil {
		return err
	}
	slots := make(chan struct{}, s.cfg.SyncConcurrency)
	work, ctx := errgroup.WithContext(ctx)
	for shard := range events.Shards {
		consumer := events.NewConsumer(events.ConsumerConfig{
			Stream: events.WorkStream(shard), DeadLetters: events.DeadLetterStream(shard), Group: group, Name: s.instance,
			ClaimIdle: s.cfg.claimIdle(), MaxDelivered: maxDelivered, OnDeadLetter: s.giveUp,
		}, s.redis, s.log, slots)
		work.Go(func() error { return consumer.Run(ctx, s.handle) })
	}
	for _, task := range []periodic.Task{
		{Name: "recover the state", Period: recoveryPeriod, AtOnce: true, RunOnce: s.supervisor.RunOnce},
		{Name: "start scheduled syncs", Period: schedulePeriod, RunOnce: s.scheduler.RunOnce},
		{Name: "count fabrics", Period: numbersPeriod, AtOnce: true, RunOnce: s.numbers.RunOnce},
		{Name: "follow pull requests", Period: pullsPeriod, RunOnce: s.follower.RunOnce},
		{Name: "trim events", Period: trimPeriod, RunOnce: s.trim},
		{Name: "fold the history", Period: foldPeriod, RunOnce: s.fold},
	} {
		work.Go(func() error { return periodic.Run(ctx, s.log, task) })
	}
	return work.Wait()
}

// checkRedis refuses a Redis that would lose what it is given, or warns of it. It waits for one that is away.
func (s *Service) checkRedis(ctx context.Context) error {
	if s.cfg.RedisChecks == checksOff {
		return nil
	}
	for {
		problems, err := s.redis.Check(ctx)
		if err == nil {
			s.redis.Back(ctx, s.log)
			return s.judgeRedis(ctx, problems)
		}
		s.redis.Away(ctx, s.log, err)
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
		if s.cfg.RedisChecks == checksWarn {
			s.log.WarnContext(ctx, "Redis is not fit for this", "problem", p.What, "remedy", p.Remedy)
			continue
		}
		refused = errors.Join(refused, p.Err())
	}
	return refused
}

// trim keeps the event streams from growing for ever.
func (s *Service) trim(ctx context.Context) error {
	var err error
	for shard := range events.Shards {
		_, trimErr := events.Trim(ctx, s.redis, events.BusStream(shard), s.now().Add(-eventRetention), mostEvents)
		err = errors.Join(err, trimErr)
	}
	return err
}

// fold makes syncs small that changed nothing.
func (s *Service) fold(ctx context.Context) error {
	fabrics, err := s.store.Fabrics(ctx)
	for _, f := range fabrics {
		err = errors.Join(err, s.store.Fold(ctx, f.GetFabricId()))
	}
	return err
}

// judgeLedger refuses to begin with an empty ledger in the place of a damaged one when Redis is empty too.
func (s *Service) judgeLedger(ctx context.Context) error {
	if s.ledger.Damaged() == "" {
		return nil
	}
	s.log.WarnContext(ctx, "the ledger is damaged, and is filled from Redis", "damaged_file", s.ledger.Damaged())
	complete, err := s.store.Complete(ctx)
	if err == nil && !complete {
		return s.ledger.Refuse()
	}
	return nil // nothing is accepted before that is known
}

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
