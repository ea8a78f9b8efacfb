// Package webhookapi serves fgd.bridge.v1.WebhookService.
package webhookapi

import (
	"context"
	"fmt"

	"google.golang.org/grpc"

	"fgdsync.dev/libs/errs"
	bridgev1 "fgdsync.dev/proto/fgd/bridge/v1"
	fabricv1 "fgdsync.dev/proto/fgd/fabric/v1"
	"fgdsync.dev/services/bridge/internal/access"
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
	repository := found.GetFabric().GetRepositoryKey()
	if err := s.permit(ctx, repository); err != nil {
		return nil, err
	}
	own, err := s.own.Of(repository)
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

// permit refuses the secret of a repository to who is not admin of all its fabrics: it counts for each of them. That
// there are others is said, and not which.
func (s *Server) permit(ctx context.Context, repositoryKey string) error {
	caller := access.PrincipalOf(ctx)
	if caller.AdminOfAll() {
		return nil
	}
	all, err := s.fabrics.ListFabrics(ctx, &fabricv1.ListFabricsRequest{})
	if err != nil {
		return fmt.Errorf("list the fabrics: %w", err)
	}
	for _, fabric := range all.GetFabrics() {
		if fabric.GetRepositoryKey() == repositoryKey && !caller.AdminOf(fabric.GetFabricId()) {
			return errs.New(errs.NotAllowed, "The secret counts for every fabric of the repository, and takes the role "+
				"admin on each of them.").
				WithRemedy("Have somebody enter it who is admin of all fabrics of the repository, or of all there are.")
		}
	}
	return nil
}
