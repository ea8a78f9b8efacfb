package rpc

import (
	"context"
	"errors"
	"io"

	"google.golang.org/grpc"
)

// Collect makes a call whose answer is a stream, such as client.ListTree, and hands each message to visit, in order, to
// the end of the stream. It returns the error of the call or that of visit, which ends the call.
func Collect[Request, Response any](
	ctx context.Context,
	call func(context.Context, *Request, ...grpc.CallOption) (grpc.ServerStreamingClient[Response], error),
	request *Request,
	visit func(*Response) error,
) error {
	ctx, cancel := context.WithCancel(ctx) // a stream that is not read to its end stays until its context ends
	defer cancel()
	stream, err := call(ctx, request)
	if err != nil {
		return err
	}
	for {
		message, err := stream.Recv()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		if err := visit(message); err != nil {
			return err
		}
	}
}
