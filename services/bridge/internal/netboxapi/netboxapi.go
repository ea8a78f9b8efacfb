// Package netboxapi serves fgd.bridge.v1.NetBoxService.
package netboxapi

import (
	"context"
	"strings"
	"time"

	"google.golang.org/grpc"

	"fgdsync.dev/libs/secret"
	bridgev1 "fgdsync.dev/proto/fgd/bridge/v1"
	fabricv1 "fgdsync.dev/proto/fgd/fabric/v1"
	"fgdsync.dev/services/bridge/internal/apiv1"
	"fgdsync.dev/services/bridge/internal/hnp"
	"fgdsync.dev/services/bridge/internal/netboxdefault"
	"fgdsync.dev/services/bridge/internal/netboxdial"
	"fgdsync.dev/services/bridge/internal/netboxsetup"
	"fgdsync.dev/services/bridge/internal/outbox"
)

// Deps is what the server works with.
type Deps struct {
	Fabrics fabricv1.FabricServiceClient
	Dialer  *netboxdial.Dialer
	Default *netboxdefault.Keeper
	Outbox  *outbox.Outbox
	// WebhookSecret is what NetBox signs with, as the bridge is configured; zero where it is not.
	WebhookSecret secret.String
	Now           func() time.Time
}

// Server implements fgd.bridge.v1.NetBoxService.
type Server struct {
	bridgev1.UnsafeNetBoxServiceServer
	deps Deps
}

var _ bridgev1.NetBoxServiceServer = (*Server)(nil)

// New returns the server.
func New(deps Deps) *Server { return &Server{deps: deps} }

// Register adds the service to a server.
func (s *Server) Register(r grpc.ServiceRegistrar) { bridgev1.RegisterNetBoxServiceServer(r, s) }

// GetNetBox shows the NetBox of the installation, and those that fabrics are linked to.
func (s *Server) GetNetBox(ctx context.Context, _ *bridgev1.GetNetBoxRequest) (*bridgev1.GetNetBoxResponse, error) {
	own, err := s.deps.Default.Read(ctx)
	if err != nil {
		return nil, err
	}
	connections, err := s.connections(ctx)
	return &bridgev1.GetNetBoxResponse{Url: own.URL, TokenRef: own.TokenRef, Connections: connections}, err
}

// UpdateNetBox changes which NetBox that of the installation is.
func (s *Server) UpdateNetBox(
	ctx context.Context, req *bridgev1.UpdateNetBoxRequest,
) (*bridgev1.UpdateNetBoxResponse, error) {
	own, err := s.deps.Default.Read(ctx)
	if err != nil {
		return nil, err
	}
	if req.Url != nil {
		own.URL = apiv1.NetBoxURL(req.GetUrl())
		if own.URL != "" {
			if err := s.deps.Dialer.Check(own.URL); err != nil {
				return nil, named(err)
			}
		}
	}
	if req.TokenRef != nil {
		own.TokenRef = strings.TrimSpace(req.GetTokenRef())
	}
	stored, err := s.deps.Default.Write(ctx, own)
	return &bridgev1.UpdateNetBoxResponse{Url: stored.URL, TokenRef: stored.TokenRef}, named(err)
}

// CheckNetBox looks at a NetBox.
func (s *Server) CheckNetBox(
	ctx context.Context, req *bridgev1.CheckNetBoxRequest,
) (*bridgev1.CheckNetBoxResponse, error) {
	chosen, client, err := s.chosen(ctx, req.GetUrl(), req.GetTokenRef())
	if err != nil {
		return nil, err
	}
	own, err := s.deps.Default.Read(ctx)
	if err != nil {
		return nil, err
	}
	hook := netboxsetup.Hook{
		URL: own.Webhooks[chosen.URL], Secret: s.deps.WebhookSecret, Transport: s.deps.Dialer.Transport(),
	}
	return checksToProto(netboxsetup.Look(ctx, client, hook, s.deps.Now)), nil
}

// SetUpNetBox makes in a NetBox what delivery needs.
func (s *Server) SetUpNetBox(
	ctx context.Context, req *bridgev1.SetUpNetBoxRequest,
) (*bridgev1.SetUpNetBoxResponse, error) {
	url, client, err := s.admin(ctx, req.GetUrl(), req.GetAdminToken())
	if err != nil {
		return nil, err
	}
	installation, err := s.prepare(ctx, url, req)
	if err != nil {
		return nil, err
	}
	done, err := netboxsetup.SetUp(ctx, client, netboxsetup.Wish{
		Installation: installation, PlanOnly: req.GetPlanOnly(), Webhook: req.GetWebhookAddress(),
		Secret: s.deps.WebhookSecret, Networks: req.GetAllowedNetworks(), NewToken: req.GetNewToken(),
	}, s.deps.Now())
	if err != nil {
		return nil, netboxsetup.Explain(err)
	}
	return &bridgev1.SetUpNetBoxResponse{
		Objects: objectsToProto(done.Objects), Token: done.Token.Reveal(), WebhookSecret: done.Secret.Reveal(),
	}, nil
}

// prepare notes what is about to be made, before there is a token that could be lost, and returns what the installation
// is called; nothing, where it is called nothing yet and no more than a plan is wanted.
func (s *Server) prepare(
	ctx context.Context, url string, req *bridgev1.SetUpNetBoxRequest,
) (installation string, err error) {
	if req.GetPlanOnly() {
		own, err := s.deps.Default.Read(ctx)
		return own.Installation, err
	}
	webhook, err := netboxsetup.WebhookURL(req.GetWebhookAddress())
	if err != nil {
		return "", err
	}
	return s.deps.Default.Prepare(ctx, url, webhook)
}

// RemoveNetBox removes from a NetBox what SetUpNetBox has made.
func (s *Server) RemoveNetBox(
	ctx context.Context, req *bridgev1.RemoveNetBoxRequest,
) (*bridgev1.RemoveNetBoxResponse, error) {
	url, client, err := s.admin(ctx, req.GetUrl(), req.GetAdminToken())
	if err != nil {
		return nil, err
	}
	own, err := s.deps.Default.Read(ctx)
	if err != nil {
		return nil, err
	}
	gone, err := netboxsetup.Remove(ctx, client, own.Installation, req.GetPlanOnly())
	if err != nil {
		return nil, netboxsetup.Explain(err)
	}
	if !req.GetPlanOnly() {
		if err := s.deps.Default.Untold(ctx, url); err != nil {
			return nil, err
		}
	}
	return &bridgev1.RemoveNetBoxResponse{Objects: objectsToProto(gone)}, nil
}

// chosen returns a NetBox, or that of the installation, and a client of it with the token of a reference.
func (s *Server) chosen(ctx context.Context, url, tokenRef string) (netboxdefault.NetBox, *hnp.Client, error) {
	chosen, err := s.deps.Default.Choose(ctx, netboxdefault.NetBox{
		URL: apiv1.NetBoxURL(url), TokenRef: strings.TrimSpace(tokenRef),
	})
	if err != nil {
		return netboxdefault.NetBox{}, nil, named(err)
	}
	client, err := s.deps.Dialer.Connect(chosen.URL, chosen.TokenRef, netboxdial.Bare)
	return chosen, client, named(err)
}

// admin returns a NetBox, or that of the installation, and a client of it with a token that is kept nowhere.
func (s *Server) admin(ctx context.Context, url, token string) (address string, client *hnp.Client, err error) {
	if address = apiv1.NetBoxURL(url); address == "" {
		chosen, err := s.deps.Default.Choose(ctx, netboxdefault.NetBox{})
		if err != nil {
			return "", nil, named(err)
		}
		address = chosen.URL
	}
	client, err = s.deps.Dialer.ConnectWith(address, secret.New(token))
	return address, client, named(err)
}

// named returns an error about a link as one about a request that has the fields of a link beside others.
func named(err error) error { return apiv1.Renamed(err, "netbox.") }
