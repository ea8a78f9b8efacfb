package rpc

import (
	"context"
	"strings"
	"sync/atomic"

	"google.golang.org/grpc"

	"fgdsync.dev/libs/errs"
)

// Admission decides who may call a server, and what. Its interceptors run before anything looks at a request.
type Admission interface {
	Unary(ctx context.Context, req any, info *grpc.UnaryServerInfo, next grpc.UnaryHandler) (any, error)
	Stream(srv any, stream grpc.ServerStream, info *grpc.StreamServerInfo, next grpc.StreamHandler) error
}

// Gate is where a server's admission stands. As long as there is none, everything is refused but gRPC's own question
// whether the server is well.
type Gate struct{ admission atomic.Pointer[Admission] }

// Set puts an admission in its place.
func (g *Gate) Set(admission Admission) { g.admission.Store(&admission) }

// IsSet reports whether there is an admission.
func (g *Gate) IsSet() bool { return g.admission.Load() != nil }

func (g *Gate) unary(ctx context.Context, req any, info *grpc.UnaryServerInfo, next grpc.UnaryHandler) (any, error) {
	if admission := g.admission.Load(); admission != nil {
		return (*admission).Unary(ctx, req, info, next)
	}
	if !IsHealth(info.FullMethod) {
		return nil, closed()
	}
	return next(ctx, req)
}

func (g *Gate) stream(srv any, stream grpc.ServerStream, info *grpc.StreamServerInfo, next grpc.StreamHandler) error {
	if admission := g.admission.Load(); admission != nil {
		return (*admission).Stream(srv, stream, info, next)
	}
	if !IsHealth(info.FullMethod) {
		return closed()
	}
	return next(srv, stream)
}

func closed() error {
	return errs.New(errs.NotAllowed, "Nobody may call this server.").
		WithRemedy("Nothing decides who may; this is a defect. Report it.")
}

// IsHealth reports whether a method asks whether a server is well, which everybody may.
func IsHealth(method string) bool { return strings.HasPrefix(method, "/grpc.health.v1.Health/") }

// Believing admits every caller, by the name that is given.
type Believing struct{}

// Unary admits a call.
func (Believing) Unary(ctx context.Context, req any, _ *grpc.UnaryServerInfo, next grpc.UnaryHandler) (any, error) {
	return next(WithClaims(ctx), req)
}

// Stream admits a stream.
func (Believing) Stream(srv any, stream grpc.ServerStream, _ *grpc.StreamServerInfo, next grpc.StreamHandler) error {
	return next(srv, serverStream{stream, WithClaims(stream.Context())})
}
