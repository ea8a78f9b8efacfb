// Package rpc is the one way services speak gRPC: servers that turn errors into their public face and survive a
// panic, clients that turn the wire form back into errors, traces on both sides.
package rpc

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"runtime/debug"
	"time"

	"go.opentelemetry.io/contrib/instrumentation/google.golang.org/grpc/otelgrpc"
	"go.opentelemetry.io/otel/trace"
	"google.golang.org/grpc"
	"google.golang.org/grpc/backoff"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/keepalive"
	"google.golang.org/grpc/stats"
	"google.golang.org/grpc/status"
	"google.golang.org/grpc/test/bufconn"

	"fgdsync.dev/libs/errs"
	"fgdsync.dev/libs/telemetry"
)

// MaxMessageBytes bounds a message: a file at its size limit and some room.
const MaxMessageBytes = 64 << 20

const (
	keepaliveTime    = 30 * time.Second
	keepaliveTimeout = 10 * time.Second
	bufferBytes      = 1 << 20
	windowBytes      = 1 << 20
	connectTimeout   = 5 * time.Second
)

// NewServer returns a server.
func NewServer(tel *telemetry.Telemetry) *grpc.Server {
	guard := guard{tel: tel}
	return grpc.NewServer(
		grpc.StatsHandler(serverStats(tel.Tracers)),
		grpc.ChainUnaryInterceptor(guard.unary),
		grpc.ChainStreamInterceptor(guard.stream),
		grpc.MaxRecvMsgSize(MaxMessageBytes),
		grpc.InitialWindowSize(windowBytes), grpc.InitialConnWindowSize(windowBytes),
		// Clients of ours ping every keepaliveTime; the default would send them away.
		grpc.KeepaliveEnforcementPolicy(keepalive.EnforcementPolicy{MinTime: keepaliveTime / 2, PermitWithoutStream: true}),
		grpc.KeepaliveParams(keepalive.ServerParameters{Time: keepaliveTime, Timeout: keepaliveTimeout}),
	)
}

func serverStats(tracers trace.TracerProvider) stats.Handler {
	return otelgrpc.NewServerHandler(otelgrpc.WithTracerProvider(tracers),
		otelgrpc.WithPropagators(telemetry.Propagator()))
}

// Dial makes a lazy client connection to an address, or to those of several replicas with commas between.
func Dial(address string, tracers trace.TracerProvider, extra ...grpc.DialOption) (*grpc.ClientConn, error) {
	target, options := resolved(address)
	options = append(options,
		grpc.WithTransportCredentials(insecure.NewCredentials()),
		grpc.WithStatsHandler(otelgrpc.NewClientHandler(otelgrpc.WithTracerProvider(tracers),
			otelgrpc.WithPropagators(telemetry.Propagator()))),
		grpc.WithChainUnaryInterceptor(unaryClient),
		grpc.WithChainStreamInterceptor(streamClient),
		grpc.WithDefaultCallOptions(grpc.MaxCallRecvMsgSize(MaxMessageBytes), grpc.MaxCallSendMsgSize(MaxMessageBytes)),
		grpc.WithConnectParams(reconnecting()),
		grpc.WithInitialWindowSize(windowBytes), grpc.WithInitialConnWindowSize(windowBytes),
		grpc.WithKeepaliveParams(keepalive.ClientParameters{
			Time: keepaliveTime, Timeout: keepaliveTimeout,
			PermitWithoutStream: true,
		}),
	)
	conn, err := grpc.NewClient(target, append(options, extra...)...)
	if err != nil {
		return nil, fmt.Errorf("dial %s: %w", address, err)
	}
	return conn, nil
}

// reconnecting notices soon that somebody has come back; with the default it may take two minutes.
func reconnecting() grpc.ConnectParams {
	return grpc.ConnectParams{
		MinConnectTimeout: connectTimeout,
		Backoff: backoff.Config{
			BaseDelay: 50 * time.Millisecond, Multiplier: 1.6, Jitter: 0.2,
			MaxDelay: time.Second,
		},
	}
}

// Loopback is a listener inside the process, and the way to dial it: the services of one process speak the same gRPC
// as those of five.
type Loopback struct{ listener *bufconn.Listener }

// NewLoopback returns a loopback.
func NewLoopback() *Loopback { return &Loopback{listener: bufconn.Listen(bufferBytes)} }

// Listener is the server's end.
func (l *Loopback) Listener() net.Listener { return l.listener }

// Dial makes a client connection through the loopback.
func (l *Loopback) Dial(tracers trace.TracerProvider) (*grpc.ClientConn, error) {
	return Dial("passthrough:///loopback", tracers, grpc.WithContextDialer(
		func(ctx context.Context, _ string) (net.Conn, error) { return l.listener.DialContext(ctx) }))
}

type guard struct{ tel *telemetry.Telemetry }

func (g guard) unary(ctx context.Context, req any, info *grpc.UnaryServerInfo, next grpc.UnaryHandler) (resp any,
	err error,
) {
	defer func() { err = g.finish(ctx, info.FullMethod, err, recover()) }()
	return next(ctx, req)
}

func (g guard) stream(srv any, stream grpc.ServerStream, info *grpc.StreamServerInfo,
	next grpc.StreamHandler,
) (err error) {
	defer func() { err = g.finish(stream.Context(), info.FullMethod, err, recover()) }()
	return next(srv, stream)
}

// finish is the outermost word on a call: the chain goes to the log, the public face to the caller.
func (g guard) finish(ctx context.Context, method string, err error, panicked any) error {
	if panicked != nil {
		g.tel.Log.ErrorContext(ctx, "panic in a call", "method", method, "panic", fmt.Sprint(panicked), "stack",
			string(debug.Stack()))
		err = errs.New(errs.InternalError, "An internal error occurred.")
	}
	if err == nil {
		return nil
	}
	st := errs.ToStatus(err)
	if panicked == nil && errs.KindOf(err) == errs.Internal && !errors.Is(err, context.Canceled) &&
		!errors.Is(err, context.DeadlineExceeded) {
		g.tel.Log.ErrorContext(ctx, "call failed", "method", method, "error", err.Error())
	}
	return st.Err()
}

func unaryClient(ctx context.Context, method string, req, reply any, cc *grpc.ClientConn, next grpc.UnaryInvoker,
	opts ...grpc.CallOption,
) error {
	return fromWire(next(passOn(ctx), method, req, reply, cc, opts...))
}

func streamClient(ctx context.Context, desc *grpc.StreamDesc, cc *grpc.ClientConn, method string, next grpc.Streamer,
	opts ...grpc.CallOption,
) (grpc.ClientStream, error) {
	stream, err := next(passOn(ctx), desc, cc, method, opts...)
	if err != nil {
		return nil, fromWire(err)
	}
	return clientStream{stream}, nil
}

type clientStream struct{ grpc.ClientStream }

func (s clientStream) RecvMsg(m any) error { return fromWire(s.ClientStream.RecvMsg(m)) }

func fromWire(err error) error {
	if err == nil || errors.Is(err, io.EOF) {
		return err
	}
	if st, ok := status.FromError(err); ok {
		return errs.FromStatus(st)
	}
	return err
}
