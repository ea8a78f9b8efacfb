// Package githubsync is the one service that knows Git remotes. It fetches branches into bare stores of its own, hands
// out snapshots and trees, turns changes into new trees, and publishes a tree as one commit by compare-and-swap. No
// work tree is ever checked out and no git program is run. What it holds can be lost at any moment: a sync then starts
// over from the branch head.
package githubsync

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"path/filepath"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"go.opentelemetry.io/otel/trace"
	"google.golang.org/grpc"

	"fgdsync.dev/libs/secret"
	gitv1 "fgdsync.dev/proto/fgd/git/v1"
	"fgdsync.dev/services/github-sync/internal/credentials"
	"fgdsync.dev/services/github-sync/internal/github"
	"fgdsync.dev/services/github-sync/internal/grpcapi"
	"fgdsync.dev/services/github-sync/internal/publish"
	"fgdsync.dev/services/github-sync/internal/remote"
	"fgdsync.dev/services/github-sync/internal/signing"
	"fgdsync.dev/services/github-sync/internal/snapshot"
	"fgdsync.dev/services/github-sync/internal/store"
)

// Name is the service's name in health checks, logs and metrics.
const Name = "github-sync"

const (
	sweepPeriod = 30 * time.Second
	// The folder below data_dir that has nothing but stores.
	storesFolder = "repositories"
)

// Deps is what the service works with.
type Deps struct {
	Log       *slog.Logger
	Tracers   trace.TracerProvider
	Metrics   prometheus.Registerer
	LookupEnv func(string) (string, bool) // for credentials given by reference, and the key that seals the others
	Now       func() time.Time
}

// Service is github-sync.
type Service struct {
	log     *slog.Logger
	holder  *snapshot.Holder
	stores  *store.Pool
	remotes *remote.Factory
	repos   *grpcapi.Repositories
	trees   *grpcapi.Trees
	history *grpcapi.Histories
}

// New builds the service. It reads the key that opens credentials, and makes it when there is none.
func New(cfg Config, deps Deps) (*Service, error) {
	if err := cfg.Validate(); err != nil {
		return nil, err
	}
	keys, err := sealingKeys(cfg.CredentialsKeyFile, deps.LookupEnv)
	if err != nil {
		return nil, fmt.Errorf("open the credentials key: %w", err)
	}
	key, err := signingKey(cfg.SigningKeyFile)
	if err != nil {
		return nil, err
	}
	sealer := credentials.NewSealer(keys)
	requests := prometheus.NewCounterVec(prometheus.CounterOpts{
		Name: "fgd_github_requests_total", Help: "Requests to Git hosts, by operation and status code; over SSH ok or error.",
	}, []string{"operation", "code"})
	circuits := prometheus.NewGaugeVec(prometheus.GaugeOpts{
		Name: "fgd_circuit_state", Help: "Breakers of Git hosts: 0 closed, 1 half open, 2 open.",
	}, []string{"target"})
	waiting := prometheus.NewGauge(prometheus.GaugeOpts{
		Name: "fgd_git_requests_waiting",
		Help: "Requests to Git hosts that wait because as many as are allowed are under way.",
	})
	remaining := prometheus.NewGaugeVec(prometheus.GaugeOpts{
		Name: "fgd_github_rate_limit_remaining",
		Help: "Requests to the API of GitHub that the last answer left before a limit.",
	}, nil)
	pushers := prometheus.NewGauge(prometheus.GaugeOpts{
		Name: "fgd_pushes_waiting",
		Help: "Publishers that wait for a push: one to their branch is under way, or push_limits lets none go.",
	})
	commits := prometheus.NewHistogram(prometheus.HistogramOpts{
		Name: "fgd_push_commits", Help: "Commits of a push.", Buckets: []float64{1, 2, 5, 10, 20, 50, 100},
	})
	kept := prometheus.NewGauge(prometheus.GaugeOpts{
		Name: "fgd_store_bytes", Help: "Bytes of fetched repositories on the disk, when they were last looked at.",
	})
	for _, c := range []prometheus.Collector{requests, circuits, waiting, remaining, pushers, commits, kept} {
		if err := deps.Metrics.Register(c); err != nil {
			return nil, fmt.Errorf("register metrics: %w", err)
		}
	}
	remotes, err := remote.NewFactory(remote.Options{
		Policy: remote.Policy{
			AllowInsecure: cfg.AllowInsecureRemotes, LocalPaths: cfg.AllowedLocalPaths,
			KnownHosts: cfg.SSHKnownHostsFile,
		},
		CAFile: cfg.RemotesCAFile, Proxy: cfg.RemotesProxyURL, MaxPackBytes: cfg.MaxPackBytes, Tracers: deps.Tracers,
		Requests: requests,
		Breaker:  remote.BreakerOptions{Failures: cfg.BreakerFailures, Pause: cfg.BreakerPause, State: circuits},
		Places: remote.PlaceOptions{
			PerHost: cfg.HostConcurrency, PerRepository: cfg.RepositoryConcurrency,
			Waiting: waiting,
		},
	})
	if err != nil {
		return nil, err
	}
	hosts, err := github.ParseHosts(cfg.GitHubHosts, cfg.AllowInsecureRemotes)
	if err != nil {
		return nil, err
	}
	hub, err := github.New(github.Options{
		Hosts: hosts, Transport: remotes.Transport(), Remaining: remaining,
		Now: deps.Now,
	})
	if err != nil {
		return nil, err
	}
	remotes.SignInApps(hub)
	limits, err := cfg.pushLimits()
	if err != nil {
		return nil, err
	}
	holder := snapshot.NewHolder(cfg.SnapshotIdle, deps.Now)
	stores := store.NewPool(store.Options{
		Dir: filepath.Join(cfg.DataDir, storesFolder), MaxBytes: cfg.StoreMaxBytes, MaxAge: cfg.StoreMaxAge, Bytes: kept,
		Now: deps.Now,
	})
	return &Service{
		log: deps.Log, holder: holder, stores: stores, remotes: remotes,
		repos: grpcapi.NewRepositories(grpcapi.RepositoryDeps{
			Remotes: remotes, GitHub: hub, Stores: stores, Holder: holder, Sealer: sealer,
			Logins:    credentials.NewResolver(sealer, cfg.CredentialsDir, deps.LookupEnv),
			Limits:    snapshot.DefaultLimits(cfg.MaxFileBytes),
			Key:       key,
			Publisher: publish.New(publish.Options{Limits: limits, Waiting: pushers, Commits: commits}),
		}),
		trees: grpcapi.NewTrees(holder), history: grpcapi.NewHistories(holder),
	}, nil
}

func signingKey(file string) (*signing.Key, error) {
	if file == "" {
		return nil, nil //nolint:nilnil // commits are not signed
	}
	return signing.Load(file)
}

// EnvKey is the variable that holds the key which seals credentials, in place of a file. It is no key of the
// configuration, so that it is never written to a file of it.
const EnvKey = "HEDGEHOG_FGD_CREDENTIALS_KEY"

func sealingKeys(file string, lookupEnv func(string) (string, bool)) (credentials.Keys, error) {
	if text, set := lookupEnv(EnvKey); set && text != "" {
		return credentials.ParseKeys(secret.New(text))
	}
	if file == "" {
		return credentials.NewKeys()
	}
	return credentials.FileKeys(file)
}

// RotateKey puts a new key in front of those in a key file; what they have sealed can be opened as before.
func RotateKey(file string) error { return credentials.RotateKey(file) }

// Register adds the service's RPCs to a server.
func (s *Service) Register(registrar grpc.ServiceRegistrar) {
	gitv1.RegisterRepositoryServiceServer(registrar, s.repos)
	gitv1.RegisterTreeServiceServer(registrar, s.trees)
	gitv1.RegisterHistoryServiceServer(registrar, s.history)
}

// Ready tells that work can be taken. Whether a remote can be reached shows with each request.
func (s *Service) Ready(context.Context) error { return nil }

// Run lets go of forgotten snapshots and keeps the stores within their bounds until ctx ends. Then it lets go of all.
func (s *Service) Run(ctx context.Context) error {
	defer s.remotes.Close()
	ticker := time.NewTicker(sweepPeriod)
	defer ticker.Stop()
	for {
		s.sweep(ctx)
		select {
		case <-ctx.Done():
			return errors.Join(s.holder.CloseAll(), s.stores.Close())
		case <-ticker.C:
		}
	}
}

func (s *Service) sweep(ctx context.Context) {
	if err := s.holder.Sweep(); err != nil {
		s.log.WarnContext(ctx, "snapshots not closed cleanly", "error", err.Error())
	}
	if err := s.stores.Sweep(); err != nil {
		s.log.WarnContext(ctx, "stores of repositories not swept", "error", err.Error())
	}
}
