package bridge

import (
	"context"

	"fgdsync.dev/libs/app"
	"fgdsync.dev/libs/health"
	"fgdsync.dev/libs/secret"
	accessv1 "fgdsync.dev/proto/fgd/access/v1"
	syncv1 "fgdsync.dev/proto/fgd/sync/v1"
	"fgdsync.dev/services/bridge/internal/access"
	"fgdsync.dev/services/bridge/internal/grpcapi"
	"fgdsync.dev/services/bridge/internal/issuer"
	"fgdsync.dev/services/bridge/internal/token"
)

// identity is who callers are, and what says so.
type identity struct {
	admission *access.Access
	keeper    *access.Keeper // nil where nobody outside the process can call
	issuer    *issuer.Issuer // nil where no JWT is taken
}

// newIdentity returns what decides who may call. Where nobody outside the process can, there is no keeper of tokens.
// Where the configuration says that nobody is asked there is: who has lost every token makes one there.
func newIdentity(cfg Config, p *app.Process) (identity, error) {
	orchestrator := p.Peers[grpcapi.Orchestrator]
	syncs := syncv1.NewSyncServiceClient(orchestrator)
	deps := access.Deps{
		FabricOf: func(ctx context.Context, syncID string) (int32, error) {
			found, err := syncs.GetSync(ctx, &syncv1.GetSyncRequest{SyncId: syncID})
			return found.GetSync().GetFabricId(), err
		},
		Limits:  cfg.limits(),
		Metrics: p.Telemetry.Metrics, Now: p.Now,
	}
	who := identity{}
	var err error
	if !p.Private {
		if who, err = asked(cfg, p, &deps); err != nil {
			return identity{}, err
		}
	}
	who.admission, err = access.New(deps)
	return who, err
}

// parts are what the health of the bridge tells of callers.
func (i identity) parts() []health.Part {
	if i.issuer == nil {
		return nil
	}
	return []health.Part{{Name: health.Issuer, Check: i.issuer.Check}}
}

// asked makes what callers are asked for, as the configuration says.
func asked(cfg Config, p *app.Process, deps *access.Deps) (identity, error) {
	peppers, err := token.PepperFile(cfg.TokenPepperFile)
	if err != nil {
		return identity{}, err
	}
	replicas, err := p.Replicas(grpcapi.Orchestrator)
	if err != nil {
		return identity{}, err
	}
	var keepers []accessv1.TokenServiceClient
	for _, replica := range replicas {
		keepers = append(keepers, accessv1.NewTokenServiceClient(replica))
	}
	tokens := access.NewTokens(peppers, p.Now)
	service := accessv1.NewTokenServiceClient(p.Peers[grpcapi.Orchestrator])
	who := identity{keeper: access.NewKeeper(tokens, service, keepers, p.Telemetry.Log)}
	if cfg.Unauthenticated {
		return who, nil
	}
	deps.Tokens = tokens
	if cfg.OIDC.Issuer != "" {
		who.issuer, err = issuer.New(cfg.OIDC, p.Telemetry.Log, p.Now)
		deps.Issuer = who.issuer
	}
	return who, err
}

// makeFirstToken makes the first token where there is none and callers are asked for it.
func (s *Service) makeFirstToken(ctx context.Context) error {
	if s.who.keeper == nil || s.cfg.Unauthenticated {
		s.firstToken(secret.String{})
		return nil
	}
	made, err := s.who.keeper.Bootstrap(ctx, s.cfg.BootstrapTokenFile, s.audit.firstToken(), s.log)
	if err == nil {
		s.firstToken(made)
	}
	return err
}
