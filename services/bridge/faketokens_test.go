package bridge_test

import (
	"context"
	"maps"
	"slices"
	"strings"

	"google.golang.org/grpc"
	"google.golang.org/protobuf/proto"

	"fgdsync.dev/libs/chain"
	"fgdsync.dev/libs/errs"
	accessv1 "fgdsync.dev/proto/fgd/access/v1"
)

// fakeTokens keeps tokens as the orchestrator does.
type fakeTokens struct {
	accessv1.UnimplementedTokenServiceServer
	b      *backend
	stored map[string]*accessv1.Token
	uses   []*accessv1.RecordTokenUseRequest
	silent bool              // tells nobody of changes
	heads  map[string]string // of audits, by their logs
}

func (f *fakeTokens) PutToken(ctx context.Context, req *accessv1.PutTokenRequest) (*accessv1.PutTokenResponse, error) {
	leave, err := f.b.enter(ctx)
	defer leave()
	token := req.GetToken()
	switch {
	case err != nil:
		return nil, err
	case req.GetFirst() && len(f.stored) > 0:
		return nil, errs.New(errs.FirstTokenExists, "There are tokens already.")
	case f.stored[token.GetTokenId()].GetGeneration()+1 != token.GetGeneration():
		return nil, errs.New(errs.TokenChanged, "It was changed.")
	}
	f.stored[token.GetTokenId()] = proto.CloneOf(token)
	f.b.wake()
	return &accessv1.PutTokenResponse{}, nil
}

func (f *fakeTokens) all() []*accessv1.Token {
	var all []*accessv1.Token
	for _, token := range f.stored {
		all = append(all, proto.CloneOf(token))
	}
	slices.SortFunc(all, func(a, b *accessv1.Token) int { return strings.Compare(a.GetTokenId(), b.GetTokenId()) })
	return all
}

func (f *fakeTokens) ListTokens(ctx context.Context, _ *accessv1.ListTokensRequest) (*accessv1.ListTokensResponse,
	error,
) {
	leave, err := f.b.enter(ctx)
	defer leave()
	if err != nil {
		return nil, err
	}
	return &accessv1.ListTokensResponse{Tokens: f.all(), Total: int32(len(f.stored))}, nil
}

func (f *fakeTokens) WatchTokens(
	_ *accessv1.WatchTokensRequest, stream grpc.ServerStreamingServer[accessv1.WatchTokensResponse],
) error {
	for {
		f.b.mu.Lock()
		all, changed, silent := f.all(), f.b.changed, f.silent
		f.b.mu.Unlock()
		if !silent {
			if err := stream.Send(&accessv1.WatchTokensResponse{Tokens: all}); err != nil {
				return err
			}
		}
		select {
		case <-changed:
		case <-stream.Context().Done():
			return stream.Context().Err()
		}
	}
}

func (f *fakeTokens) RecordAuditHead(_ context.Context, req *accessv1.RecordAuditHeadRequest) (
	*accessv1.RecordAuditHeadResponse, error,
) {
	leave, err := f.b.enterUnasked()
	defer leave()
	if err != nil {
		return nil, err
	}
	if head, ok := chain.ParseHead(req.GetHead()); ok {
		if f.heads == nil {
			f.heads = map[string]string{}
		}
		f.heads[head.Log] = req.GetHead()
	}
	return &accessv1.RecordAuditHeadResponse{Heads: slices.Sorted(maps.Values(f.heads))}, nil
}

func (f *fakeTokens) RecordTokenUse(_ context.Context, req *accessv1.RecordTokenUseRequest) (
	*accessv1.RecordTokenUseResponse, error,
) {
	leave, err := f.b.enterUnasked()
	defer leave()
	if err != nil {
		return nil, err
	}
	f.uses = append(f.uses, req)
	return &accessv1.RecordTokenUseResponse{}, nil
}
