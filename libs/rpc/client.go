package rpc

import (
	"context"
	"errors"
	"io"

	"google.golang.org/grpc"
	"google.golang.org/grpc/status"

	"fgdsync.dev/libs/errs"
)

// client says of each call what it belongs to, and turns the wire form of an error back into an Error.
type client struct {
	write func(context.Context) context.Context
}

func newClient(audience Audience) client {
	if audience == Callers {
		return client{toEdge}
	}
	return client{toService}
}

func (c client) unary(ctx context.Context, method string, req, reply any, cc *grpc.ClientConn, next grpc.UnaryInvoker,
	opts ...grpc.CallOption,
) error {
	return fromWire(next(c.write(ctx), method, req, reply, cc, opts...))
}

func (c client) stream(ctx context.Context, desc *grpc.StreamDesc, cc *grpc.ClientConn, method string,
	next grpc.Streamer, opts ...grpc.CallOption,
) (grpc.ClientStream, error) {
	stream, err := next(c.write(ctx), desc, cc, method, opts...)
	if err != nil {
		return nil, fromWire(err)
	}
	return clientStream{stream}, nil
}

type clientStream struct{ grpc.ClientStream }

// RecvMsg receives a message, or the Error that the stream ends with.
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
