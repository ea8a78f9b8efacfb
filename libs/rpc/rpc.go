// Package rpc is the one way services speak gRPC: servers that turn errors into their public face and survive a
// panic, clients that turn the wire form back into errors, traces on both sides.
package rpc

import (
	"context"
	"fmt"
	"log/slog"
	"math"
	"net"
	"time"

	"go.opentelemetry.io/contrib/instrumentation/google.golang.org/grpc/otelgrpc"
	"go.opentelemetry.io/otel/trace"
	"google.golang.org/grpc"
	"google.golang.org/grpc/backoff"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/keepalive"
	"google.golang.org/grpc/stats"
	"google.golang.org/grpc/test/bufconn"

	"fgdsync.dev/libs/secret"
	"fgdsync.dev/libs/telemetry"
)

const (
	// MaxMessageBytes bounds a message between services, and an answer: a file at its size limit and some room.
	MaxMessageBytes = 64 << 20
	// MaxRequestBytes bounds what a caller of the suite sends: a thousand paths, each as long as one can be.
	MaxRequestBytes = 8 << 20
)

// MaxCalls is how many calls one connection of a caller has at work. More wait in the client, or are refused when it
// does not keep to that. Each that waits takes tens of kilobytes here, and a client may have many connections; whoever
// has more listeners than that makes another one.
const MaxCalls = 1000

// AnyNumberOfCalls has a server for callers bound no connection: it is for the HTTP side, which bounds what it takes
// and has all of it on one.
func AnyNumberOfCalls() grpc.ServerOption { return grpc.MaxConcurrentStreams(math.MaxUint32) }

const (
	keepaliveTime    = 30 * time.Second
	keepaliveTimeout = 10 * time.Second
	bufferBytes      = 1 << 20
	windowBytes      = 1 << 20
	connectTimeout   = 5 * time.Second
)

// Audience says who calls a server, and with it what is believed of a call.
type Audience int

// Audiences.
const (
	// Services are the other services of the suite: a call is what they pass on.
	Services Audience = iota
	// Callers are all others: a call is what its edge makes of it.
	Callers
)

// String returns what the audience is called in messages.
func (a Audience) String() string {
	if a == Callers {
		return "callers"
	}
	return "services"
}

func (a Audience) maxRequest() int {
	if a == Callers {
		return MaxRequestBytes
	}
	return MaxMessageBytes
}

// NewServer returns a server for an audience, of which those who pass the gate may call something. What is to be said
// of a call goes to the log that logOf returns for the service of the contract that the call is for.
func NewServer(
	tel *telemetry.Telemetry, audience Audience, gate *Gate, logOf func(grpcService string) *slog.Logger,
	extra ...grpc.ServerOption,
) *grpc.Server {
	calls, guard, requests := newCalls(audience), guard{logOf}, newRequests(tel.Metrics)
	var more []grpc.ServerOption
	if audience == Callers {
		more = append(more, grpc.Creds(newTakenCredentials()), grpc.StatsHandler(&taken{log: tel.Log}),
			grpc.MaxConcurrentStreams(MaxCalls))
	}
	more = append(more, extra...)
	return grpc.NewServer(append(more,
		grpc.StatsHandler(serverStats(tel.Tracers)),
		grpc.ChainUnaryInterceptor(requests.unary, calls.unary, guard.unary, gate.unary, unaryRules),
		grpc.ChainStreamInterceptor(requests.stream, calls.stream, guard.stream, gate.stream, streamRules),
		grpc.MaxRecvMsgSize(audience.maxRequest()),
		grpc.InitialWindowSize(windowBytes), grpc.InitialConnWindowSize(windowBytes),
		// Clients of ours ping every keepaliveTime; the default would send them away.
		grpc.KeepaliveEnforcementPolicy(keepalive.EnforcementPolicy{MinTime: keepaliveTime / 2, PermitWithoutStream: true}),
		grpc.KeepaliveParams(keepalive.ServerParameters{Time: keepaliveTime, Timeout: keepaliveTimeout}),
	)...)
}

func serverStats(tracers trace.TracerProvider) stats.Handler {
	return otelgrpc.NewServerHandler(otelgrpc.WithTracerProvider(tracers), otelgrpc.WithFilter(traced),
		otelgrpc.WithPropagators(telemetry.Propagator()))
}

// Dial makes a lazy client connection to a service, at one address or at those of its replicas with commas between. It
// passes on the call that a context belongs to, and is believed.
func Dial(address string, tracers trace.TracerProvider) (*grpc.ClientConn, error) {
	return dial(server{address: address}, Services, tracers)
}

// DialNamed is Dial for a service whose name is known. When it can't be reached, its name is in the error.
func DialNamed(name, address string, tracers trace.TracerProvider) (*grpc.ClientConn, error) {
	return dial(server{name: name, address: address}, Services, tracers)
}

// DialPublic makes a lazy client connection to what the suite offers to callers. It shows a token, if there is one, and
// says who asks and the correlation id of the call that a context belongs to, as any caller can.
func DialPublic(address string, token secret.String, tracers trace.TracerProvider) (*grpc.ClientConn, error) {
	if token.IsZero() {
		return dial(server{address: address}, Callers, tracers)
	}
	return dial(server{address: address}, Callers, tracers, grpc.WithPerRPCCredentials(bearer{token}))
}

// bearer shows a token with each call. Whether that goes in clear is for who runs the bridge to say, by where it
// listens.
type bearer struct{ token secret.String }

// GetRequestMetadata returns what is shown.
func (b bearer) GetRequestMetadata(context.Context, ...string) (map[string]string, error) {
	return map[string]string{AuthorizationKey: "Bearer " + b.token.Reveal()}, nil
}

// RequireTransportSecurity reports that it is shown without TLS too.
func (bearer) RequireTransportSecurity() bool { return false }

// loopbackAddress is what is dialled inside the process.
const loopbackAddress = "passthrough:///loopback"

func dial(
	to server, audience Audience, tracers trace.TracerProvider, extra ...grpc.DialOption,
) (*grpc.ClientConn, error) {
	target, options := resolved(to.address)
	client := newClient(audience, to)
	options = append(options,
		grpc.WithTransportCredentials(insecure.NewCredentials()),
		grpc.WithStatsHandler(otelgrpc.NewClientHandler(otelgrpc.WithTracerProvider(tracers),
			otelgrpc.WithFilter(traced), otelgrpc.WithPropagators(telemetry.Propagator()))),
		grpc.WithChainUnaryInterceptor(client.unary),
		grpc.WithChainStreamInterceptor(client.stream),
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
		return nil, fmt.Errorf("dial %s: %w", to.address, err)
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

// Listener returns the server's end.
func (l *Loopback) Listener() net.Listener { return l.listener }

// Dial makes a client connection through the loopback, to a server for an audience.
func (l *Loopback) Dial(audience Audience, tracers trace.TracerProvider) (*grpc.ClientConn, error) {
	return dial(server{address: loopbackAddress}, audience, tracers, grpc.WithContextDialer(
		func(ctx context.Context, _ string) (net.Conn, error) { return l.listener.DialContext(ctx) }))
}
