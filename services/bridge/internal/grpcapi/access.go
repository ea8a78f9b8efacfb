package grpcapi

import (
	"context"
	"time"

	accessv1 "fgdsync.dev/proto/fgd/access/v1"
	bridgev1 "fgdsync.dev/proto/fgd/bridge/v1"
	"fgdsync.dev/services/bridge/internal/access"
	"fgdsync.dev/services/bridge/internal/apiv1"
	"fgdsync.dev/services/bridge/internal/issuer"
)

// accessServer implements fgd.bridge.v1.AccessService.
type accessServer struct {
	bridgev1.UnsafeAccessServiceServer
	keeper *access.Keeper // nil where nobody outside the process can call
	tokens accessv1.TokenServiceClient
	issuer *issuer.Issuer // nil where no JWT is taken
	now    func() time.Time
}

var _ bridgev1.AccessServiceServer = (*accessServer)(nil)

// GetCaller says who the caller is.
func (s *accessServer) GetCaller(
	ctx context.Context, _ *bridgev1.GetCallerRequest,
) (*bridgev1.GetCallerResponse, error) {
	p := access.PrincipalOf(ctx)
	return &bridgev1.GetCallerResponse{
		Name: p.Name, Method: string(p.Method), TokenId: p.TokenID, Grants: apiv1.GrantsToAPI(p.Grants),
		ExpiresAt: apiv1.ExpiryToAPI(p.Expires), Subject: p.Subject,
	}, nil
}

// GetLogin says where a person signs in.
func (s *accessServer) GetLogin(context.Context, *bridgev1.GetLoginRequest) (*bridgev1.GetLoginResponse, error) {
	login, err := s.issuer.Login()
	return apiv1.LoginToAPI(login), err
}

// CreateToken makes a token.
func (s *accessServer) CreateToken(
	ctx context.Context, req *bridgev1.CreateTokenRequest,
) (*bridgev1.CreateTokenResponse, error) {
	wish := apiv1.TokenWish(req)
	text, err := s.keeper.Create(ctx, wish, apiv1.Lifetime(req.GetLifetimeSeconds()))
	if err != nil {
		return nil, err
	}
	return &bridgev1.CreateTokenResponse{Token: apiv1.TokenToAPI(wish, s.now()), Text: text.Reveal()}, nil
}

// ListTokens lists tokens.
func (s *accessServer) ListTokens(
	ctx context.Context, req *bridgev1.ListTokensRequest,
) (*bridgev1.ListTokensResponse, error) {
	found, err := s.tokens.ListTokens(ctx, &accessv1.ListTokensRequest{
		Limit: apiv1.Limit(req.GetLimit(), apiv1.DefaultTokens), PageToken: req.GetPageToken(),
	})
	if err != nil {
		return nil, err
	}
	return apiv1.TokensToAPI(found, s.now()), nil
}

// RotateToken gives a token a new secret.
func (s *accessServer) RotateToken(
	ctx context.Context, req *bridgev1.RotateTokenRequest,
) (*bridgev1.RotateTokenResponse, error) {
	record, text, err := s.keeper.Rotate(ctx, req.GetTokenId(), apiv1.Lifetime(req.GetLifetimeSeconds()))
	if err != nil {
		return nil, err
	}
	return &bridgev1.RotateTokenResponse{Token: apiv1.TokenToAPI(record, s.now()), Text: text.Reveal()}, nil
}

// RevokeToken has a token taken no more.
func (s *accessServer) RevokeToken(
	ctx context.Context, req *bridgev1.RevokeTokenRequest,
) (*bridgev1.RevokeTokenResponse, error) {
	record, err := s.keeper.Revoke(ctx, req.GetTokenId())
	if err != nil {
		return nil, err
	}
	return &bridgev1.RevokeTokenResponse{Token: apiv1.TokenToAPI(record, s.now())}, nil
}
