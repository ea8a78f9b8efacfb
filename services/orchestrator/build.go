package orchestrator

import (
	"errors"
	"fmt"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"go.opentelemetry.io/otel/trace"

	"fgdsync.dev/libs/app"
	"fgdsync.dev/libs/lock"
	"fgdsync.dev/libs/redisconn"
	directoryv1 "fgdsync.dev/proto/fgd/directory/v1"
	gitv1 "fgdsync.dev/proto/fgd/git/v1"
	ingestionv1 "fgdsync.dev/proto/fgd/ingestion/v1"
	"fgdsync.dev/services/orchestrator/internal/backlog"
	"fgdsync.dev/services/orchestrator/internal/eventlog"
	"fgdsync.dev/services/orchestrator/internal/fabricstatus"
	"fgdsync.dev/services/orchestrator/internal/grpcapi"
	"fgdsync.dev/services/orchestrator/internal/intake"
	"fgdsync.dev/services/orchestrator/internal/ledger"
	"fgdsync.dev/services/orchestrator/internal/maintenance"
	"fgdsync.dev/services/orchestrator/internal/netbox"
	"fgdsync.dev/services/orchestrator/internal/pullrequests"
	"fgdsync.dev/services/orchestrator/internal/recovery"
	"fgdsync.dev/services/orchestrator/internal/redisstats"
	"fgdsync.dev/services/orchestrator/internal/register"
	"fgdsync.dev/services/orchestrator/internal/resourcehistory"
	"fgdsync.dev/services/orchestrator/internal/resources"
	"fgdsync.dev/services/orchestrator/internal/schedule"
	"fgdsync.dev/services/orchestrator/internal/snapshots"
	"fgdsync.dev/services/orchestrator/internal/state"
	"fgdsync.dev/services/orchestrator/internal/tokens"
	"fgdsync.dev/services/orchestrator/internal/view"
	"fgdsync.dev/services/orchestrator/internal/workflow"
)

// registerPatience is how long a registration waits at most for what the directory says of its owner.
const registerPatience = 3 * time.Second

// peers are the other services.
type peers struct {
	repositories gitv1.RepositoryServiceClient
	trees        gitv1.TreeServiceClient
	history      gitv1.HistoryServiceClient
	ingestion    ingestionv1.IngestionServiceClient
	directory    directoryv1.DirectoryServiceClient
}

// builder holds what the parts of the service share.
type builder struct {
	cfg    Config
	p      *app.Process
	redis  *redisconn.Conn
	ledger *ledger.Ledger
	peers  peers
	locker *lock.Locker
	events *eventlog.Log
	store  *state.Store
	reader *recovery.Reader
}

// New builds the service. What it opens is closed with the process.
func New(cfg Config, p *app.Process) (*Service, error) {
	if err := cfg.Validate(); err != nil {
		return nil, err
	}
	kept, err := ledger.Open(cfg.LedgerFile)
	if err != nil {
		return nil, err
	}
	p.OnClose(kept.Close)
	redis, err := redisconn.Open(cfg.RedisURL)
	if err != nil {
		return nil, err
	}
	p.OnClose(redis.Close)
	if err := redis.Trace(p.Telemetry.Tracers); err != nil {
		return nil, err
	}
	git := p.Peers[githubSync]
	b := &builder{
		cfg: cfg, p: p, redis: redis, ledger: kept, events: eventlog.New(p.Now),
		peers: peers{
			repositories: gitv1.NewRepositoryServiceClient(git), trees: gitv1.NewTreeServiceClient(git),
			history:   gitv1.NewHistoryServiceClient(git),
			ingestion: ingestionv1.NewIngestionServiceClient(p.Peers[ingestion]),
			directory: directoryv1.NewDirectoryServiceClient(p.Peers[directory]),
		},
		store:  state.New(redis, state.Limits{Retention: cfg.HistoryRetention, Active: cfg.MaxActiveSyncs}, p.Now),
		locker: lock.New(redis, cfg.LockLease, cfg.SyncTimeout+cfg.LockLease/2),
	}
	return b.service()
}

func (b *builder) service() (*Service, error) {
	waiting := backlog.New(b.redis, group, b.p.Telemetry.Log)
	dead, err := b.metrics(waiting)
	if err != nil {
		return nil, err
	}
	numbers, err := fabricstatus.NewNumbers(b.p.Telemetry.Metrics, b.store, b.p.Now)
	if err != nil {
		return nil, err
	}
	recoverer := recovery.New(recovery.Deps{
		Store: b.store, Ledger: b.ledger, Retention: b.cfg.HistoryRetention, Log: b.p.Telemetry.Log, Now: b.p.Now,
	})
	b.reader = recovery.NewReader(recoverer)
	taker := intake.New(b.reader, b.ledger, b.tracer(), b.p.Telemetry.Log, b.p.Now)
	runner, err := b.runner(taker)
	if err != nil {
		return nil, fmt.Errorf("build the workflow: %w", err)
	}
	supervisor := recovery.NewSupervisor(recoverer, recovery.SupervisorConfig{
		Expire: runner.Expire, Grace: expireGrace, Takeover: 2 * b.cfg.claimIdle(),
	})
	accept := taker.Accept
	return &Service{
		cfg: b.cfg, redis: b.redis, store: b.store, ledger: b.ledger, log: b.p.Telemetry.Log,
		now: b.p.Now, instance: b.p.Instance, dead: dead, backlog: waiting,
		runner: runner, supervisor: supervisor,
		scheduler:   schedule.New(b.store, accept, b.p.Now),
		numbers:     numbers,
		follower:    pullrequests.New(b.store, b.peers.repositories, accept),
		fabrics:     grpcapi.NewFabrics(b.register(accept)),
		views:       grpcapi.NewDirectoryViews(b.view()),
		resources:   grpcapi.NewResources(b.resources(), b.resourceHistory(), b.netbox()),
		syncs:       grpcapi.NewSyncs(b.reader, accept, runner),
		tokens:      grpcapi.NewTokens(tokens.New(b.reader, b.ledger, b.p.Telemetry.Log), b.store),
		maintenance: grpcapi.NewMaintenance(maintenance.New(b.redis, b.reader, accept, supervisor)),
	}, nil
}

// metrics registers what no part counts by itself.
func (b *builder) metrics(waiting *backlog.Collector) (prometheus.Counter, error) {
	dead := prometheus.NewCounter(prometheus.CounterOpts{
		Name: "fgd_dead_letters_total",
		Help: "Work entries that went to the dead letters.",
	})
	registry := b.p.Telemetry.Metrics
	err := errors.Join(registry.Register(dead), registry.Register(waiting), redisstats.Watch(b.redis, registry))
	if err != nil {
		return nil, fmt.Errorf("register metrics: %w", err)
	}
	return dead, nil
}

func (b *builder) tracer() trace.Tracer { return b.p.Telemetry.Tracers.Tracer(Name) }

func (b *builder) runner(taker *intake.Intake) (*workflow.Runner, error) {
	return workflow.New(b.cfg.bounds(), workflow.Deps{
		Store: b.reader, Answered: taker.Answered, Ledger: b.ledger, Locker: b.locker, Events: b.events,
		Repositories: b.peers.repositories, Trees: b.peers.trees, History: b.peers.history,
		Ingestion: b.peers.ingestion, Directory: b.peers.directory,
		Log: b.p.Telemetry.Log, Tracer: b.tracer(), Group: group, Metrics: b.p.Telemetry.Metrics, Now: b.p.Now,
	})
}

func (b *builder) register(accept intake.AcceptFunc) *register.Register {
	return register.New(register.Deps{
		Store: b.reader, Ledger: b.ledger, Accept: accept, Locker: b.locker, Repositories: b.peers.repositories,
		Directory: b.peers.directory, Events: b.events, Log: b.p.Telemetry.Log, Now: b.p.Now,
		Patience: registerPatience,
	})
}

func (b *builder) view() *view.View {
	return view.New(view.Deps{
		Store: b.reader, Snapshots: b.snapshots(), Trees: b.peers.trees, History: b.peers.history,
		Directory: b.peers.directory, Ingestion: b.peers.ingestion, MaxFileBytes: b.cfg.MaxFileBytes,
	})
}

func (b *builder) resources() *resources.Resources {
	return resources.New(resources.Deps{
		Store: b.reader, Snapshots: b.snapshots(), Trees: b.peers.trees, History: b.peers.history,
		Ingestion: b.peers.ingestion,
	})
}

func (b *builder) resourceHistory() *resourcehistory.History {
	return resourcehistory.New(resourcehistory.Deps{
		Store: b.reader, Snapshots: b.snapshots(), History: b.peers.history, Ingestion: b.peers.ingestion,
	})
}

func (b *builder) netbox() *netbox.Default {
	return netbox.New(netbox.Deps{Store: b.reader, Ledger: b.ledger, Log: b.p.Telemetry.Log, Now: b.p.Now})
}

func (b *builder) snapshots() snapshots.Opener {
	return snapshots.Opener{Store: b.reader, Repositories: b.peers.repositories}
}
