package rpc

import (
	"context"
	"fmt"
	"log/slog"
	"sync"

	"github.com/fullstorydev/grpchan"
	"github.com/fullstorydev/grpchan/inprocgrpc"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/keepalive"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"

	"fgdsync.dev/libs/telemetry"
)

// Server serves what is registered on it to an audience: on listeners, and to this process without one.
type Server struct {
	*grpc.Server
	inside *inprocgrpc.Channel
	conn   grpc.ClientConnInterface

	opened chan struct{}
	open   func()
	calls  running
}

// NewServer returns a server for an audience, of which those who pass the gate may call something. Over a network it
// speaks as the credentials do, or in clear when there are none. What is to be said of a call goes to the log that
// logOf returns for the service of the contract that the call is for.
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
		options = append(options, grpc.Creds(takenCredentials{network}), grpc.StatsHandler(&taken{log: tel.Log}),
			grpc.MaxConcurrentStreams(MaxCalls), grpc.MaxHeaderListSize(MaxHeaderBytes))
	} else {
		options = append(options, grpc.Creds(network))
		alive.MaxConnectionAge = provenFor
	}
	options = append(options, grpc.KeepaliveParams(alive))
	opened := make(chan struct{})
	s := &Server{Server: grpc.NewServer(options...), opened: opened, open: sync.OnceFunc(func() { close(opened) })}
	s.inside = (&inprocgrpc.Channel{}).WithCloner(inprocgrpc.CopyFunc(copyMessage)).
		WithServerUnaryInterceptor(chainUnary(append([]grpc.UnaryServerInterceptor{s.calls.unary}, unary...))).
		WithServerStreamInterceptor(chainStream(append([]grpc.StreamServerInterceptor{s.calls.stream}, stream...))).
		WithServerStatsHandler(serverStats(tel.Tracers)).WithClientStatsHandler(clientStats(tel.Tracers))
	client := newClient(audience, server{})
	s.conn = grpchan.InterceptClientConn(waiting{s}, client.unary, client.stream)
	return s
}

// RegisterService adds a service.
func (s *Server) RegisterService(desc *grpc.ServiceDesc, service any) {
	s.Server.RegisterService(desc, service)
	s.inside.RegisterService(desc, service)
}

// Inside returns a connection inside the process: messages are copied and not encoded. All else is as on a listener,
// the interceptors, traces, metadata, deadlines and errors. Calls wait until the server is open.
func (s *Server) Inside() grpc.ClientConnInterface { return s.conn }

// Open lets calls inside the process begin: everything has been registered.
func (s *Server) Open() { s.open() }

// End refuses calls inside the process from now on, and waits for those that are under way, until ctx ends.
func (s *Server) End(ctx context.Context) { s.calls.end(ctx) }

// waiting is the connection of a server that may not be open yet, or not any more.
type waiting struct{ server *Server }

// Invoke makes a call.
func (w waiting) Invoke(ctx context.Context, method string, req, reply any, opts ...grpc.CallOption) error {
	if err := w.wait(ctx); err != nil {
		return err
	}
	return w.server.inside.Invoke(ctx, method, req, reply, opts...)
}

// NewStream begins a stream.
func (w waiting) NewStream(
	ctx context.Context, desc *grpc.StreamDesc, method string, opts ...grpc.CallOption,
) (grpc.ClientStream, error) {
	if err := w.wait(ctx); err != nil {
		return nil, err
	}
	return w.server.inside.NewStream(ctx, desc, method, opts...)
}

func (w waiting) wait(ctx context.Context) error {
	select {
	case <-w.server.opened:
		return nil
	case <-ctx.Done():
		return status.FromContextError(ctx.Err()).Err()
	}
}

// running counts the calls inside the process that are under way.
type running struct {
	mu    sync.Mutex
	count int
	idle  chan struct{} // closed with the last one; nil as long as calls may begin
}

func (r *running) begin() error {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.idle != nil {
		return status.Error(codes.Unavailable, "the server has ended")
	}
	r.count++
	return nil
}

func (r *running) done() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.count--
	if r.idle != nil && r.count == 0 {
		close(r.idle)
	}
}

func (r *running) end(ctx context.Context) {
	r.mu.Lock()
	if r.idle == nil {
		r.idle = make(chan struct{})
		if r.count == 0 {
			close(r.idle)
		}
	}
	idle := r.idle
	r.mu.Unlock()
	select {
	case <-idle:
	case <-ctx.Done():
	}
}

func (r *running) unary(ctx context.Context, req any, _ *grpc.UnaryServerInfo, next grpc.UnaryHandler) (any, error) {
	if err := r.begin(); err != nil {
		return nil, err
	}
	defer r.done()
	return next(ctx, req)
}

func (r *running) stream(srv any, stream grpc.ServerStream, _ *grpc.StreamServerInfo, next grpc.StreamHandler) error {
	if err := r.begin(); err != nil {
		return err
	}
	defer r.done()
	return next(srv, stream)
}

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
