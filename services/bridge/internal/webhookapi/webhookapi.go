// Package webhookapi serves fgd.bridge.v1.WebhookService.
package webhookapi

import (
	"context"

	"google.golang.org/grpc"

	bridgev1 "fgdsync.dev/proto/fgd/bridge/v1"
	fabricv1 "fgdsync.dev/proto/fgd/fabric/v1"
	"fgdsync.dev/services/bridge/internal/webhook"
)

// Server implements fgd.bridge.v1.WebhookService.
type Server struct {
	bridgev1.UnsafeWebhookServiceServer
	fabrics fabricv1.FabricServiceClient
	own     *webhook.Repositories
}

var _ bridgev1.WebhookServiceServer = (*Server)(nil)

// New returns the server.
func New(fabrics fabricv1.FabricServiceClient, own *webhook.Repositories) *Server {
	return &Server{fabrics: fabrics, own: own}
}

// Register adds the service to a server.
func (s *Server) Register(r grpc.ServiceRegistrar) { bridgev1.RegisterWebhookServiceServer(r, s) }

// GetFabricWebhook shows what to enter at the Git host of a fabric.
func (s *Server) GetFabricWebhook(
	ctx context.Context, req *bridgev1.GetFabricWebhookRequest,
) (*bridgev1.GetFabricWebhookResponse, error) {
	found, err := s.fabrics.GetFabric(ctx, &fabricv1.GetFabricRequest{FabricId: req.GetFabricId()})
	if err != nil {
		return nil, err
	}
	own, err := s.own.Of(found.GetFabric().GetRepositoryKey())
	if err != nil {
		return nil, err
	}
	out := &bridgev1.GetFabricWebhookResponse{
		ContentType: "application/json", Events: []string{"push"},
		Secret: own.Secret.Reveal(), SigningToken: own.SigningToken.Reveal(),
	}
	for _, host := range webhook.Hosts() {
		out.Endpoints = append(out.Endpoints, &bridgev1.WebhookEndpoint{
			Host: string(host), Path: "/webhooks/" + string(host) + "/" + own.ID,
		})
	}
	return out, nil
}
