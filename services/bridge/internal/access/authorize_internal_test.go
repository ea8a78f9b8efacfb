package access

import (
	"context"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"google.golang.org/grpc"
	"google.golang.org/grpc/metadata"
	"google.golang.org/protobuf/types/known/timestamppb"

	"fgdsync.dev/libs/rpc"
	accessv1 "fgdsync.dev/proto/fgd/access/v1"
	bridgev1 "fgdsync.dev/proto/fgd/bridge/v1"
	"fgdsync.dev/services/bridge/internal/token"
)

// BenchmarkAdmission is what it costs to admit one call: who shows a token, how often, and whether they may.
func BenchmarkAdmission(b *testing.B) {
	peppers, err := token.PepperFile(b.TempDir() + "/peppers")
	if err != nil {
		b.Fatal(err)
	}
	tokens := NewTokens(peppers, time.Now)
	shown, err := token.Generate()
	if err != nil {
		b.Fatal(err)
	}
	pepper, digest := peppers.Digest(shown)
	tokens.Update([]*accessv1.Token{{
		TokenId: shown.ID, Name: "hnp", PepperId: pepper, Digest: digest, Generation: 1,
		Grants:    []*accessv1.Grant{{Role: accessv1.Role_ROLE_OPERATOR, FabricIds: []int32{35}}},
		ExpiresAt: timestamppb.New(time.Now().Add(time.Hour)),
	}})
	a, err := New(Deps{
		Tokens: tokens, FabricOf: func(context.Context, string) (int32, error) { return 35, nil },
		Limits:  Limits{RequestsPerSecond: 1 << 30, TriggersPerMinute: 1 << 30, Listeners: 1},
		Metrics: prometheus.NewRegistry(), Now: time.Now,
	})
	if err != nil {
		b.Fatal(err)
	}
	ctx := metadata.NewIncomingContext(b.Context(),
		metadata.Pairs(rpc.AuthorizationKey, "Bearer "+shown.Text().Reveal()))
	info := &grpc.UnaryServerInfo{FullMethod: bridgev1.SyncService_GetSyncStatus_FullMethodName}
	request := &bridgev1.GetSyncStatusRequest{SyncId: "s"}
	served := func(context.Context, any) (any, error) { return nil, nil }
	for b.Loop() {
		if _, err := a.Unary(ctx, request, info, served); err != nil {
			b.Fatal(err)
		}
	}
}
