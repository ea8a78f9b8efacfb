// Package rpc is the one way services speak gRPC: servers that turn errors into their public face and survive a
// panic, clients that turn the wire form back into errors, traces on both sides.
package rpc

import (
	"context"
	"fmt"
	"time"

	"go.opentelemetry.io/contrib/instrumentation/google.golang.org/grpc/otelgrpc"
	"go.opentelemetry.io/otel/trace"
	"google.golang.org/grpc"
	"google.golang.org/grpc/backoff"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/keepalive"
	"google.golang.org/grpc/stats"

	"fgdsync.dev/libs/mtls"
	"fgdsync.dev/libs/secret"
	"fgdsync.dev/libs/telemetry"
)

const (
	// MaxMessageBytes bounds a message between services, and an answer: a file at its size limit and some room.
	MaxMessageBytes = 64 << 20
	// MaxRequestBytes bounds what a caller of the suite sends: a thousand paths, each as long as one can be.
	MaxRequestBytes = 8 << 20
	// MaxHeaderBytes bounds the headers of a caller's request: several times the longest JWT. They are kept as long as the
	// request is awaited, before anybody knows who makes it.
	MaxHeaderBytes = 64 << 10
)

// MaxCalls is how many calls one connection of a caller has at work. More wait in the client, or are refused when it
// does not keep to that. Each that waits takes tens of kilobytes here, and a client may have many connections; whoever
// has more listeners than that makes another one.
const MaxCalls = 1000

const (
	keepaliveTime    = 30 * time.Second
	keepaliveTimeout = 10 * time.Second
	windowBytes      = 1 << 20
	connectTimeout   = 5 * time.Second
	// provenFor is how long a connection of a service is used, so that none outlives by much the certificate or the
	// authority that it was made with. Calls that are under way then go on.
	provenFor = time.Hour
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

func serverStats(tracers trace.TracerProvider) stats.Handler {
	return otelgrpc.NewServerHandler(otelgrpc.WithTracerProvider(tracers), otelgrpc.WithFilter(traced),
		otelgrpc.WithPropagators(telemetry.Propagator()))
}

func clientStats(tracers trace.TracerProvider) stats.Handler {
	return otelgrpc.NewClientHandler(otelgrpc.WithTracerProvider(tracers), otelgrpc.WithFilter(traced),
		otelgrpc.WithPropagators(telemetry.Propagator()))
}

// Dial makes a lazy client connection to a service, at one address or at those of its replicas with commas between. It
// passes on the call that a context belongs to, and is believed.
func Dial(address string, tracers trace.TracerProvider) (*grpc.ClientConn, error) {
	return dial(server{address: address}, Services, tracers)
}

// DialNamed is Dial for a service whose name is known. When it can't be reached, its name is in the error. With keys it
// has to prove that it is that service, and is shown who calls.
func DialNamed(name, address string, keys *mtls.Keys, tracers trace.TracerProvider) (*grpc.ClientConn, error) {
	to := server{name: name, address: address}
	if keys == nil {
		return dial(to, Services, tracers)
	}
	network, unproven := keys.Client(name)
	to.unproven = unproven
	return dial(to, Services, tracers, grpc.WithTransportCredentials(network))
}

// DialPublic makes a lazy client connection to what the suite offers to callers. It shows a token, if there is one, and
// says who asks and the correlation id of the call that a context belongs to, as any caller can. It speaks in clear
// unless an option says otherwise.
func DialPublic(
	address string, token secret.String, tracers trace.TracerProvider, options ...grpc.DialOption,
) (*grpc.ClientConn, error) {
	if !token.IsZero() {
		options = append(options, grpc.WithPerRPCCredentials(bearer{token}))
	}
	return dial(server{address: address}, Callers, tracers, options...)
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

func dial(
	to server, audience Audience, tracers trace.TracerProvider, extra ...grpc.DialOption,
) (*grpc.ClientConn, error) {
	target, options := resolved(to.address)
	client := newClient(audience, to)
	options = append(options,
		grpc.WithTransportCredentials(insecure.NewCredentials()),
		grpc.WithStatsHandler(clientStats(tracers)),
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
