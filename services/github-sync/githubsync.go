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
	"net/http"
	"path/filepath"
	"time"

	"google.golang.org/grpc"

	"fgdsync.dev/libs/app"
	"fgdsync.dev/libs/errs"
	"fgdsync.dev/libs/health"
	"fgdsync.dev/libs/rpc"
	"fgdsync.dev/libs/secret"
	gitv1 "fgdsync.dev/proto/fgd/git/v1"
	"fgdsync.dev/services/github-sync/internal/credentials"
	"fgdsync.dev/services/github-sync/internal/github"
	"fgdsync.dev/services/github-sync/internal/grpcapi"
	"fgdsync.dev/services/github-sync/internal/grpcapi/treeapi"
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

// Service is github-sync.
type Service struct {
	log       *slog.Logger
	snapshots *snapshot.Registry
	stores    *store.Pool
	transport *remote.Transport
	repos     *grpcapi.Repositories
	trees     *treeapi.Trees
	history   *treeapi.Histories
}

// Definition says what a process has to know of github-sync.
func Definition() app.Definition {
	return app.Definition{
		Name: Name, Audience: rpc.Services, GRPCListen: "127.0.0.1:9094", HTTPListen: "127.0.0.1:9194",
		Config: func() any { cfg := DefaultConfig(); return &cfg }, Build: build,
	}
}

func build(p *app.Process) (app.Service, http.Handler, error) {
	cfg := DefaultConfig()
	if err := p.Source.Into(&cfg); err != nil {
		return nil, nil, err
	}
	service, err := New(cfg, p)
	if err != nil {
		return nil, nil, err
	}
	return service, nil, nil
}

// New builds the service. It reads the key that opens credentials, and makes it when there is none.
func New(cfg Config, p *app.Process) (*Service, error) {
	if err := cfg.Validate(); err != nil {
		return nil, err
	}
	m, err := newMetrics(p.Telemetry.Metrics)
	if err != nil {
		return nil, err
	}
	options, err := cfg.remotes(m, p.Telemetry.Tracers)
	if err != nil {
		return nil, err
	}
	transport, err := remote.NewTransport(options)
	if err != nil {
		return nil, err
	}
	hosts, err := github.ParseHosts(cfg.GitHubHosts, cfg.AllowHTTP)
	if err != nil {
		return nil, err
	}
	hub, err := github.New(github.Options{
		Hosts: hosts, Transport: transport.HTTP(), Remaining: m.remaining, Now: p.Now,
	})
	if err != nil {
		return nil, err
	}
	s := &Service{
		log: p.Telemetry.Log, transport: transport, snapshots: snapshot.NewRegistry(cfg.SnapshotIdle, p.Now),
		stores: store.NewPool(store.Options{
			Dir: filepath.Join(cfg.DataDir, storesFolder), MaxBytes: cfg.StoreMaxBytes, MaxAge: cfg.StoreMaxAge,
			Bytes: m.kept, Now: p.Now, Log: p.Telemetry.Log,
		}),
	}
	s.trees, s.history = treeapi.NewTrees(s.snapshots), treeapi.NewHistories(s.snapshots)
	s.repos, err = s.newRepositories(cfg, p, m, hub)
	if err != nil {
		return nil, err
	}
	return s, nil
}

// newRepositories builds what speaks to remotes, and reads the keys that it does so with.
func (s *Service) newRepositories(cfg Config, p *app.Process, m *metrics, hub *github.Client) (*grpcapi.Repositories,
	error,
) {
	keys, err := s.sealingKeys(cfg.CredentialsKeyFile, p.LookupEnv)
	if err != nil {
		return nil, fmt.Errorf("open the credentials key: %w", err)
	}
	key, err := signingKey(cfg.SigningKeyFile)
	if err != nil {
		return nil, err
	}
	limits, err := cfg.pushLimits()
	if err != nil {
		return nil, err
	}
	identity, err := cfg.identity()
	if err != nil {
		return nil, err
	}
	if committer, err := publish.ParsePerson(identity.Committer); err == nil && key != nil &&
		publish.IsNobodys(committer.Email) {
		s.log.Warn("commits are signed, and the address of their committer is nobody's: hosts won't call them verified",
			"commit_committer", cfg.CommitCommitter)
	}
	sealer := credentials.NewSealer(keys)
	return grpcapi.NewRepositories(grpcapi.RepositoryDeps{
		Remotes: remote.NewFactory(s.transport, hub), GitHub: hub, Stores: s.stores, Snapshots: s.snapshots,
		Sealer: sealer, Logins: credentials.NewResolver(sealer, cfg.CredentialsDir, p.LookupEnv),
		Limits: snapshot.DefaultLimits(cfg.MaxFileBytes), Key: key, Now: p.Now, Identity: identity,
		Publisher: publish.New(publish.Options{Limits: limits, Waiting: m.pushers, Commits: m.commits}),
	}), nil
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

func (s *Service) sealingKeys(file string, lookupEnv func(string) (string, bool)) (credentials.Keys, error) {
	if text, set := lookupEnv(EnvKey); set && text != "" {
		return credentials.ParseKeys(secret.New(text))
	}
	if file == "" {
		s.log.Warn("the key of stored credentials is in memory: with this process they are lost, and have to be given again",
			"key", "credentials_key_file")
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

// Ready reports whether what is fetched can be kept. Whether a remote can be reached shows with each request.
func (s *Service) Ready(ctx context.Context) error {
	err := s.stores.Check(ctx)
	if errs.HasCode(err, errs.StorageFailed) {
		return err
	}
	return nil // or there is little room, which is for a look
}

// Parts returns what the service has and needs.
func (s *Service) Parts() []health.Part {
	return []health.Part{
		{Name: health.Store, Check: s.stores.Check},
		{Name: health.GitHosts, Check: s.transport.Check},
	}
}

// Run lets go of forgotten snapshots and keeps the stores within their bounds until ctx ends. Then it lets go of all.
func (s *Service) Run(ctx context.Context) error {
	defer s.transport.Close()
	ticker := time.NewTicker(sweepPeriod)
	defer ticker.Stop()
	for {
		s.sweep(ctx)
		select {
		case <-ctx.Done():
			return errors.Join(s.snapshots.CloseAll(), s.stores.Close())
		case <-ticker.C:
		}
	}
}

func (s *Service) sweep(ctx context.Context) {
	if err := s.snapshots.Sweep(); err != nil {
		s.log.WarnContext(ctx, "snapshots not closed cleanly", "error", err.Error())
	}
	if err := s.stores.Sweep(); err != nil {
		s.log.WarnContext(ctx, "stores of repositories not swept", "error", err.Error())
	}
}
