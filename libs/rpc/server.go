package rpc

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"path"
	"runtime/debug"
	"strings"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/trace"
	"google.golang.org/grpc"
	"google.golang.org/grpc/metadata"

	"fgdsync.dev/libs/errs"
)

// calls reads the call out of the metadata of each request.
type calls struct {
	read     func(context.Context) Call
	announce bool // the answer names the correlation id, which may be new to the caller
}

func newCalls(audience Audience) calls {
	if audience == Callers {
		return calls{fromCaller, true}
	}
	return calls{fromService, false}
}

func (c calls) unary(ctx context.Context, req any, _ *grpc.UnaryServerInfo, next grpc.UnaryHandler) (any, error) {
	ctx = c.begin(ctx)
	if c.announce {
		_ = grpc.SetHeader(ctx, answered(ctx)) // fails only when the answer has gone out
	}
	return next(ctx, req)
}

func (c calls) stream(srv any, stream grpc.ServerStream, _ *grpc.StreamServerInfo, next grpc.StreamHandler) error {
	ctx := c.begin(stream.Context())
	if c.announce {
		_ = stream.SetHeader(answered(ctx))
	}
	return next(srv, serverStream{stream, ctx})
}

func (c calls) begin(ctx context.Context) context.Context {
	call := c.read(ctx)
	trace.SpanFromContext(ctx).SetAttributes(attribute.String("fgd.correlation_id", call.CorrelationID))
	return WithCall(ctx, call)
}

func answered(ctx context.Context) metadata.MD {
	return metadata.Pairs(CorrelationIDKey, CallOf(ctx).CorrelationID)
}

// serverStream is a stream with another context.
type serverStream struct {
	grpc.ServerStream
	ctx context.Context //nolint:containedctx // that of the stream, and of the call that it belongs to
}

// Context returns the context of the call.
func (s serverStream) Context() context.Context { return s.ctx }

// guard has the outermost word on a call: the public face of an error goes to the caller, and its cause, which is lost
// on the way, to the log.
type guard struct {
	logOf func(grpcService string) *slog.Logger
}

func (g guard) unary(
	ctx context.Context, req any, info *grpc.UnaryServerInfo, next grpc.UnaryHandler,
) (resp any, err error) {
	defer func() { err = g.finish(ctx, info.FullMethod, err, recover()) }()
	return next(ctx, req)
}

func (g guard) stream(
	srv any, stream grpc.ServerStream, info *grpc.StreamServerInfo, next grpc.StreamHandler,
) (err error) {
	defer func() { err = g.finish(stream.Context(), info.FullMethod, err, recover()) }()
	return next(srv, stream)
}

func (g guard) finish(ctx context.Context, method string, err error, panicked any) error {
	if panicked != nil {
		g.of(method).ErrorContext(ctx, "panic in a call", "method", method, "panic", fmt.Sprint(panicked),
			"stack", string(debug.Stack()))
		return errs.ToStatus(errs.New(errs.InternalError, "An internal error occurred.")).Err()
	}
	if err == nil || strings.HasPrefix(method, ownService) && !errs.IsError(err) {
		return err
	}
	if level, lost := lostCause(err); lost {
		g.of(method).Log(ctx, level, "call failed", "method", method, "error", err.Error())
	}
	return errs.ToStatus(err).Err()
}

// of returns the log of the service that a method belongs to.
func (g guard) of(method string) *slog.Logger {
	return g.logOf(strings.TrimPrefix(path.Dir(method), "/"))
}

// ownService is how the methods of gRPC's own services begin, health and reflection. Their statuses are their protocol.
const ownService = "/grpc."

// lostCause reports whether an error has a cause that does not cross the border, and how much it matters. A caller who
// gave up needs no line.
func lostCause(err error) (slog.Level, bool) {
	ended := errors.Is(err, context.DeadlineExceeded) && !errs.IsError(err) // of the call, and not of a step in it
	if ended || errors.Is(err, context.Canceled) {
		return 0, false
	}
	e := errs.From(err)
	if e.Cause == nil { // also one that another service has logged
		return 0, false
	}
	switch e.Code.Kind {
	case errs.Internal:
		return slog.LevelError, true
	case errs.Unavailable, errs.Limited, errs.Deadline:
		return slog.LevelWarn, true
	}
	return slog.LevelInfo, true
}
