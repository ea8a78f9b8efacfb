package rpc

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"fgdsync.dev/libs/errs"
)

// client says of each call what it belongs to, and turns the wire form of an error back into an Error.
type client struct {
	write func(context.Context) context.Context
	to    server
}

func newClient(audience Audience, to server) client {
	if audience == Callers {
		return client{toEdge, to}
	}
	return client{toService, to}
}

// server is who a client calls.
type server struct {
	name    string // empty when it is not known
	address string // empty inside the process
	// unproven says why the last connection was not taken, when that was because of a certificate; nil where none is
	// looked at.
	unproven func() *errs.Error
}

// away is the error of a server that can't be reached. Inside a process there is no address to look at.
func (s server) away(cause error) *errs.Error {
	e := errs.New(errs.ServiceUnavailable, "A service that is needed can't be reached.").WithCause(cause)
	if s.address == "" {
		return e
	}
	if s.unproven != nil {
		if why := s.unproven(); why != nil {
			return why.WithCause(cause).WithMeta("address", s.address)
		}
	}
	who := "The service"
	if s.name != "" {
		who += " " + s.name
		e = e.WithMeta("service", s.name)
	}
	e.Message = fmt.Sprintf("%s at %s can't be reached.", who, s.address)
	return e.WithMeta("address", s.address).
		WithRemedy("Check that it runs, and that it listens at the address that is configured here.")
}

func (c client) unary(ctx context.Context, method string, req, reply any, cc *grpc.ClientConn, next grpc.UnaryInvoker,
	opts ...grpc.CallOption,
) error {
	return c.to.fromWire(next(c.write(ctx), method, req, reply, cc, opts...))
}

func (c client) stream(ctx context.Context, desc *grpc.StreamDesc, cc *grpc.ClientConn, method string,
	next grpc.Streamer, opts ...grpc.CallOption,
) (grpc.ClientStream, error) {
	stream, err := next(c.write(ctx), desc, cc, method, opts...)
	if err != nil {
		return nil, c.to.fromWire(err)
	}
	return clientStream{stream, c.to, desc.ClientStreams}, nil
}

type clientStream struct {
	grpc.ClientStream
	from server
	many bool // more than one message is sent
}

// SendMsg sends a message. A stream that the other side has ended by then says why when it is read, which generated
// code does not come to after an error here.
func (s clientStream) SendMsg(m any) error {
	err := s.ClientStream.SendMsg(m)
	if !s.many && errors.Is(err, io.EOF) {
		return nil
	}
	return err
}

// RecvMsg receives a message, or the Error that the stream ends with.
func (s clientStream) RecvMsg(m any) error { return s.from.fromWire(s.ClientStream.RecvMsg(m)) }

func (s server) fromWire(err error) error {
	if err == nil || errors.Is(err, io.EOF) {
		return err
	}
	st, ok := status.FromError(err)
	if !ok {
		return err
	}
	e := errs.FromStatus(st)
	if foreign := e.Cause != nil; foreign && e.Code.ID == errs.ServiceUnavailable.ID {
		return s.away(e.Cause)
	}
	if e.Cause != nil && isTooLarge(st) {
		return errs.New(errs.MessageTooLarge, "A message is larger than the services take.").WithCause(e.Cause)
	}
	return e
}

// isTooLarge reports whether a status is gRPC's own about a message that is too large. It has no code that says so.
func isTooLarge(st *status.Status) bool {
	return st.Code() == codes.ResourceExhausted && strings.Contains(st.Message(), "larger than max")
}
