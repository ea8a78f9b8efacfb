package grpcapi

import (
	"context"

	"google.golang.org/grpc"

	accessv1 "fgdsync.dev/proto/fgd/access/v1"
	"fgdsync.dev/services/orchestrator/internal/paging"
	"fgdsync.dev/services/orchestrator/internal/state"
	"fgdsync.dev/services/orchestrator/internal/tokens"
)

// Tokens serves TokenService.
type Tokens struct {
	accessv1.UnsafeTokenServiceServer
	tokens *tokens.Tokens
	heads  *state.Store
}

var _ accessv1.TokenServiceServer = (*Tokens)(nil)

// NewTokens returns the service. The heads of audits are in the store.
func NewTokens(t *tokens.Tokens, heads *state.Store) *Tokens { return &Tokens{tokens: t, heads: heads} }

// PutToken stores a token.
func (t *Tokens) PutToken(ctx context.Context, req *accessv1.PutTokenRequest) (*accessv1.PutTokenResponse, error) {
	if err := t.tokens.Put(ctx, req.GetToken(), req.GetFirst()); err != nil {
		return nil, err
	}
	return &accessv1.PutTokenResponse{}, nil
}

// ListTokens lists all tokens.
func (t *Tokens) ListTokens(
	ctx context.Context, req *accessv1.ListTokensRequest,
) (*accessv1.ListTokensResponse, error) {
	query, err := paging.New(req.GetLimit(), req.GetPageToken(), "tokens")
	if err != nil {
		return nil, err
	}
	all, err := t.tokens.All(ctx)
	if err != nil {
		return nil, err
	}
	page, next := paging.Cut(query, all, (*accessv1.Token).GetTokenId)
	return &accessv1.ListTokensResponse{Tokens: page, Total: int32(len(all)), NextPageToken: next}, nil
}

// WatchTokens streams all tokens, and then what changes of them.
func (t *Tokens) WatchTokens(
	_ *accessv1.WatchTokensRequest, stream grpc.ServerStreamingServer[accessv1.WatchTokensResponse],
) error {
	return t.tokens.Watch(stream.Context(), func(changed []*accessv1.Token) error {
		return stream.Send(&accessv1.WatchTokensResponse{Tokens: changed})
	})
}

// RecordTokenUse remembers when tokens were last used.
func (t *Tokens) RecordTokenUse(
	ctx context.Context, req *accessv1.RecordTokenUseRequest,
) (*accessv1.RecordTokenUseResponse, error) {
	if err := t.tokens.RecordUse(ctx, req.GetUsedAt()); err != nil {
		return nil, err
	}
	return &accessv1.RecordTokenUseResponse{}, nil
}
