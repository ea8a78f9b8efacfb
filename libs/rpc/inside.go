package rpc

import (
	"context"
	"fmt"
	"log/slog"

	"github.com/fullstorydev/grpchan"
	"github.com/fullstorydev/grpchan/inprocgrpc"
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/keepalive"
	"google.golang.org/protobuf/proto"

	"fgdsync.dev/libs/telemetry"
)

// Server serves what is registered on it to an audience: on listeners, and to this process without one.
type Server struct {
	*grpc.Server
	inside *inprocgrpc.Channel
	conn   grpc.ClientConnInterface
}

// NewServer returns a server for an audience, of which those who pass the gate may call something. Over a network it
// speaks as the credentials do, or in clear when there are none. What is to be said of a call goes to the log that logOf returns for the service of the contract that the call is for.
func NewServer(
	tel *telemetry.Telemetry, audience Audience, gate *Gate, network credentials.TransportCredentials,
	logOf func(grpcService string) *slog.Logger,
) *Server {
	calls, guard, requests := newCalls(audience), guard{logOf}, newRequests(tel.Metrics)
	unary := []grpc.UnaryServerInterceptor{requests.unary, calls.unary, guard.unary, gate.unary, unaryRules}
	stream := []grpc.StreamServerInterceptor{requests.stream, calls.stream, guard.stream, gate.stream, streamRules}
	options := []grpc.ServerOption{
		grpc.StatsHandler(serverStats(tel.Tracers)),
		grpc.ChainUnaryInterceptor(unary...), grpc.ChainStreamInterceptor(stream...),
		grpc.MaxRecvMsgSize(audience.maxRequest()),
		grpc.InitialWindowSize(windowBytes), grpc.InitialConnWindowSize(windowBytes),
		// Clients of ours ping every keepaliveTime; the default would send them away.
		grpc.KeepaliveEnforcementPolicy(keepalive.EnforcementPolicy{MinTime: keepaliveTime / 2, PermitWithoutStream: true}),
	}
	if network == nil {
		network = insecure.NewCredentials()
	}
	alive := keepalive.ServerParameters{Time: keepaliveTime, Timeout: keepaliveTimeout}
	if audience == Callers {
		options = append(options, grpc.Creds(takenCredentials{network}), grpc.StatsHandler(&taken{log: tel.Log}))
	} else {
		options = append(options, grpc.Creds(network))
		alive.MaxConnectionAge = provenFor
	}
	options = append(options, grpc.KeepaliveParams(alive))
	inside := (&inprocgrpc.Channel{}).WithCloner(inprocgrpc.CopyFunc(copyMessage)).
		WithServerUnaryInterceptor(chainUnary(unary)).WithServerStreamInterceptor(chainStream(stream)).
		WithServerStatsHandler(serverStats(tel.Tracers)).WithClientStatsHandler(clientStats(tel.Tracers))
	client := newClient(audience, server{})
	return &Server{
		Server: grpc.NewServer(options...), inside: inside,
		conn: grpchan.InterceptClientConn(inside, client.unary, client.stream),
	}
}

// RegisterService adds a service.
func (s *Server) RegisterService(desc *grpc.ServiceDesc, service any) {
	s.Server.RegisterService(desc, service)
	s.inside.RegisterService(desc, service)
}

// Inside returns a connection inside the process: messages are copied and not encoded. All else is as on a listener,
// the interceptors, traces, metadata, deadlines and errors. It is there as long as the process.
func (s *Server) Inside() grpc.ClientConnInterface { return s.conn }

// copyMessage makes a message as another one is, so that the two ends of a call share nothing.
func copyMessage(out, in any) error {
	to, isMessage := out.(proto.Message)
	from, isToo := in.(proto.Message)
	if !isMessage || !isToo {
		return fmt.Errorf("%T and %T are not both messages", out, in)
	}
	proto.Reset(to)
	proto.Merge(to, from)
	return nil
}

// chainUnary returns interceptors as one, the first outermost.
func chainUnary(all []grpc.UnaryServerInterceptor) grpc.UnaryServerInterceptor {
	return func(ctx context.Context, req any, info *grpc.UnaryServerInfo, handler grpc.UnaryHandler) (any, error) {
		for i := len(all) - 1; i >= 0; i-- {
			next := handler
			handler = func(ctx context.Context, req any) (any, error) { return all[i](ctx, req, info, next) }
		}
		return handler(ctx, req)
	}
}

// chainStream returns interceptors as one, the first outermost.
func chainStream(all []grpc.StreamServerInterceptor) grpc.StreamServerInterceptor {
	return func(srv any, stream grpc.ServerStream, info *grpc.StreamServerInfo, handler grpc.StreamHandler) error {
		for i := len(all) - 1; i >= 0; i-- {
			next := handler
			handler = func(srv any, stream grpc.ServerStream) error { return all[i](srv, stream, info, next) }
		}
		return handler(srv, stream)
	}
}
