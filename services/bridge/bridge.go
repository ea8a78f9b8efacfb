// Package bridge is the front of the suite: the gRPC services of fgd.bridge.v1, and over a client connection to them
// the JSON API, live progress by WebSocket, server-sent events and newline-JSON, and the API's documentation. It keeps
// nothing but its audit; any replica can serve any request.
package bridge

import (
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"slices"

	"golang.org/x/sync/errgroup"
	"google.golang.org/grpc"

	"fgdsync.dev/libs/app"
	"fgdsync.dev/libs/config"
	"fgdsync.dev/libs/health"
	"fgdsync.dev/libs/rpc"
	"fgdsync.dev/libs/secret"
	bridgev1 "fgdsync.dev/proto/fgd/bridge/v1"
	"fgdsync.dev/services/bridge/internal/auditapi"
	"fgdsync.dev/services/bridge/internal/components"
	"fgdsync.dev/services/bridge/internal/conflictapi"
	"fgdsync.dev/services/bridge/internal/console"
	"fgdsync.dev/services/bridge/internal/grpcapi"
	"fgdsync.dev/services/bridge/internal/hearing"
	"fgdsync.dev/services/bridge/internal/httpapi"
	"fgdsync.dev/services/bridge/internal/netboxapi"
	"fgdsync.dev/services/bridge/internal/notify"
	"fgdsync.dev/services/bridge/internal/notifyapi"
	"fgdsync.dev/services/bridge/internal/outbox"
	"fgdsync.dev/services/bridge/internal/resourceapi"
	"fgdsync.dev/services/bridge/internal/webhook"
	"fgdsync.dev/services/bridge/internal/webhookapi"
)

// Name is the service's name in health checks, logs and metrics.
const Name = "bridge"

// Definition returns what makes a process the bridge.
func Definition() app.Definition {
	return app.Definition{
		Name: Name, Audience: rpc.Callers, GRPCListen: "127.0.0.1:9090", HTTPListen: "127.0.0.1:8080",
		Peers: []app.Peer{
			{Name: grpcapi.Orchestrator, Address: "127.0.0.1:9091"},
			{Name: grpcapi.Ingestion, Address: "127.0.0.1:9092"},
			{Name: grpcapi.Directory, Address: "127.0.0.1:9093"},
			{Name: grpcapi.GithubSync, Address: "127.0.0.1:9094"},
		},
		Config: func() any { cfg := DefaultConfig(); return &cfg },
		Build:  build,
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
	return service, service.Handler(), nil
}

// Service is the bridge.
type Service struct {
	cfg     Config
	api     *grpcapi.API
	hooks   *webhook.Receiver
	hookAPI *webhookapi.Server
	who     identity
	audit   *audited // nil where nothing is written down
	queries *auditapi.Server
	netbox  *netboxapi.Server
	// resources reads and changes what the files of fabrics say.
	resources   *resourceapi.Server
	outbox      *outbox.Outbox
	conflicts   *conflictapi.Server
	bell        *hearing.Bell
	netboxHooks *hearing.Receiver
	notify      *notify.Service
	parts       []health.Part // that the process looks at, for its log and its metrics
	handler     http.Handler
	log         *slog.Logger
	// firstToken is told of it when it is known whether it was made here.
	firstToken func(secret.String)
}

// New builds the service. It needs connections to its peers, and one to the server that it will be registered on.
func New(cfg Config, p *app.Process) (*Service, error) {
	if err := cfg.Validate(); err != nil {
		return nil, err
	}
	for _, peer := range Definition().Peers {
		if p.Peers[peer.Name] == nil {
			return nil, fmt.Errorf("build the bridge: there is no connection to the service %s", peer.Name)
		}
	}
	who, err := newIdentity(cfg, p)
	if err != nil {
		return nil, err
	}
	audit, err := newAudit(cfg, p, who.admission)
	if err != nil {
		return nil, err
	}
	hooks, hookAPI, err := newWebhooks(cfg, p, audit.hooks())
	if err != nil {
		return nil, fmt.Errorf("build the receiver of webhooks: %w", err)
	}
	hears, err := newHears(cfg, p, audit.hooks())
	if err != nil {
		return nil, fmt.Errorf("build what hears about NetBox: %w", err)
	}
	dialer, err := newDialer(cfg, p)
	if err != nil {
		return nil, err
	}
	box, err := newOutbox(cfg, p, dialer.Connect, hears)
	if err != nil {
		return nil, fmt.Errorf("build the outbox: %w", err)
	}
	links, netbox := newNetBox(cfg, p, dialer, box)
	parts := append(audit.parts(), health.Part{Name: health.NetBox, Check: box.Check})
	own := components.Own{Name: Name, Since: p.Now(), Parts: slices.Concat(parts, who.parts(), p.Parts)}
	notifications, err := newNotifications(cfg, p, hears.redis, box)
	if err != nil {
		return nil, fmt.Errorf("build notifications: %w", err)
	}
	api := grpcapi.New(own, p, Definition().Peers, who.keeper, who.issuer, links, hears.redis)
	pages, err := console.New(console.Deps{
		Self: p.Self, Redis: hears.redis, Issuer: who.issuer, Open: cfg.Unauthenticated, TraceURL: cfg.ConsoleTraceURL,
		Log: p.Telemetry.Log, Now: p.Now,
	})
	if err != nil {
		return nil, fmt.Errorf("build the console: %w", err)
	}
	handler, err := httpapi.New(httpapi.Config{
		MaxRequestBytes: cfg.MaxRequestBytes, RequestTimeout: cfg.RequestTimeout,
		MaxRequestsPerClient: cfg.MaxRequestsPerClient, PublicHosts: cfg.PublicHosts,
		OpenMetrics: cfg.OpenMetrics, Version: app.Version,
	}, httpapi.Deps{
		Self: p.Self, MetricsPage: p.MetricsPage, Auth: who.admission, Denied: audit.denied(), Health: api.OpenHealth,
		Webhooks: hooks, NetBox: hears.receiver, Console: pages,
		Log: p.Telemetry.Log, Tracers: p.Telemetry.Tracers, Metrics: p.Telemetry.Metrics,
	})
	if err != nil {
		return nil, fmt.Errorf("build the HTTP handler: %w", err)
	}
	s := &Service{
		cfg: cfg, api: api, hooks: hooks, hookAPI: hookAPI, who: who, audit: audit,
		queries: audit.queries(p.Peers[grpcapi.Orchestrator]), handler: handler,
		netbox: netbox, resources: resourceapi.New(p.Peers[grpcapi.Orchestrator]), outbox: box, bell: hears.bell,
		netboxHooks: hears.receiver,
		notify:      notifications, parts: parts,
		conflicts: conflictapi.New(p.Peers[grpcapi.Orchestrator], box),
		log:       p.Telemetry.Log, firstToken: func(secret.String) {},
	}
	if p.FirstToken != nil {
		s.firstToken = p.FirstToken
	}
	return s, nil
}

// Reload takes what callers may ask for, and the secrets of webhooks.
func (s *Service) Reload(source *config.Source) error {
	cfg := DefaultConfig()
	if err := source.Into(&cfg); err != nil {
		return err
	}
	s.hooks.SetSecrets(cfg.webhookSecrets())
	s.netboxHooks.SetSecrets(cfg.NetboxWebhookSecret)
	return s.who.admission.SetLimits(cfg.limits())
}

// Admission decides who may call what, and has it written down.
func (s *Service) Admission() rpc.Admission {
	if s.audit == nil {
		return s.who.admission
	}
	return s.audit.recorder
}

// Parts returns what the service has.
func (s *Service) Parts() []health.Part { return s.parts }

// Register adds the service's RPCs to a server.
func (s *Service) Register(r grpc.ServiceRegistrar) {
	s.api.Register(r)
	s.hookAPI.Register(r)
	s.netbox.Register(r)
	s.resources.Register(r)
	s.conflicts.Register(r)
	notifyapi.New(s.notify).Register(r)
	bridgev1.RegisterAuditServiceServer(r, s.queries)
}

// Handler returns everything that the bridge serves over HTTP. It calls the service's own RPCs through the connection
// to itself, so that the interceptors of that server run for JSON callers too.
func (s *Service) Handler() http.Handler { return s.handler }

// Run keeps what is known of tokens up to date until ctx ends, makes the first one where there is none, starts the
// syncs that Git hosts ask for, tells targets what is the matter, and tells the orchestrator of the audit.
func (s *Service) Run(ctx context.Context) error {
	work, ctx := errgroup.WithContext(ctx)
	work.Go(func() error { return s.hooks.Run(ctx) })
	work.Go(func() error { return s.outbox.Run(ctx) })
	work.Go(func() error { return s.bell.Run(ctx) })
	work.Go(func() error { return s.notify.Run(ctx) })
	if s.who.keeper != nil {
		work.Go(func() error { return s.who.keeper.Run(ctx) })
	}
	if s.who.issuer != nil {
		work.Go(func() error { return s.who.issuer.Run(ctx) })
	}
	work.Go(func() error { return s.makeFirstToken(ctx) })
	work.Go(func() error { return s.audit.run(ctx, s.log) })
	return work.Wait()
}

// Ready reports whether every service behind the bridge can take work.
func (s *Service) Ready(ctx context.Context) error { return s.api.Ready(ctx) }
