package remote

import (
	"context"
	"time"

	"google.golang.org/grpc"

	bridgev1 "fgdsync.dev/proto/fgd/bridge/v1"
)

// CreateToken makes a token. Without a lifetime it is taken for as long as the bridge chooses.
func (s System) CreateToken(
	ctx context.Context, req *bridgev1.CreateTokenRequest, lifetime time.Duration,
) (answer *bridgev1.CreateTokenResponse, err error) {
	req.LifetimeSeconds = seconds(lifetime)
	err = s.call(ctx, func(ctx context.Context, conn *grpc.ClientConn) error {
		answer, err = bridgev1.NewAccessServiceClient(conn).CreateToken(ctx, req)
		return err
	})
	return answer, err
}

// Tokens lists all tokens.
func (s System) Tokens(ctx context.Context) (*bridgev1.ListTokensResponse, error) {
	all := &bridgev1.ListTokensResponse{}
	err := s.call(ctx, func(ctx context.Context, conn *grpc.ClientConn) error {
		request := &bridgev1.ListTokensRequest{Limit: pageSize}
		for {
			page, err := bridgev1.NewAccessServiceClient(conn).ListTokens(ctx, request)
			if err != nil {
				return err
			}
			all.Tokens, all.Total = append(all.Tokens, page.GetTokens()...), page.GetTotal()
			if request.PageToken = page.GetNextPageToken(); request.GetPageToken() == "" {
				return nil
			}
		}
	})
	return all, err
}

// RotateToken gives a token another secret.
func (s System) RotateToken(
	ctx context.Context, id string, lifetime time.Duration,
) (answer *bridgev1.RotateTokenResponse, err error) {
	err = s.call(ctx, func(ctx context.Context, conn *grpc.ClientConn) error {
		answer, err = bridgev1.NewAccessServiceClient(conn).
			RotateToken(ctx, &bridgev1.RotateTokenRequest{TokenId: id, LifetimeSeconds: seconds(lifetime)})
		return err
	})
	return answer, err
}

// RevokeToken has a token taken no more.
func (s System) RevokeToken(ctx context.Context, id string) (answer *bridgev1.RevokeTokenResponse, err error) {
	err = s.call(ctx, func(ctx context.Context, conn *grpc.ClientConn) error {
		answer, err = bridgev1.NewAccessServiceClient(conn).RevokeToken(ctx, &bridgev1.RevokeTokenRequest{TokenId: id})
		return err
	})
	return answer, err
}

// Login says where a person signs in. It shows nothing.
func (s System) Login(ctx context.Context) (answer *bridgev1.GetLoginResponse, err error) {
	err = s.call(ctx, func(ctx context.Context, conn *grpc.ClientConn) error {
		answer, err = bridgev1.NewAccessServiceClient(conn).GetLogin(ctx, &bridgev1.GetLoginRequest{})
		return err
	})
	return answer, err
}

// Caller says who the caller is there.
func (s System) Caller(ctx context.Context) (answer *bridgev1.GetCallerResponse, err error) {
	err = s.call(ctx, func(ctx context.Context, conn *grpc.ClientConn) error {
		answer, err = bridgev1.NewAccessServiceClient(conn).GetCaller(ctx, &bridgev1.GetCallerRequest{})
		return err
	})
	return answer, err
}

func seconds(lifetime time.Duration) *int32 {
	if lifetime == 0 {
		return nil
	}
	return new(int32(lifetime / time.Second))
}
