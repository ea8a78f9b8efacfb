package rpc_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"testing"

	"google.golang.org/grpc"

	"fgdsync.dev/libs/rpc"
	syncv1 "fgdsync.dev/proto/fgd/sync/v1"
)

// messages is a stream of numbered messages, which ends with err.
type messages struct {
	grpc.ClientStream
	ctx  context.Context //nolint:containedctx // the call's, to see that it ends
	left int
	err  error
}

func (m *messages) Recv() (*syncv1.WatchSyncResponse, error) {
	if err := m.ctx.Err(); err != nil {
		return nil, err
	}
	if m.left == 0 {
		return nil, m.err
	}
	m.left--
	return &syncv1.WatchSyncResponse{Events: []*syncv1.SyncEvent{{Type: fmt.Sprint(m.left)}}}, nil
}

func TestCollect(t *testing.T) {
	t.Parallel()
	refused, broken, enough := errors.New("refused"), errors.New("broken"), errors.New("enough")
	for name, c := range map[string]struct {
		refusal, end, visit error
		want                error
		seen                []string
	}{
		"to the end":          {end: io.EOF, seen: []string{"1", "0"}},
		"the call is refused": {refusal: refused, want: refused},
		"the stream breaks":   {end: broken, want: broken, seen: []string{"1", "0"}},
		"visit has enough":    {end: io.EOF, visit: enough, want: enough, seen: []string{"1"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var stream *messages
			call := func(ctx context.Context, request *syncv1.WatchSyncRequest, _ ...grpc.CallOption) (
				grpc.ServerStreamingClient[syncv1.WatchSyncResponse], error,
			) {
				if request.GetSyncId() != "7" {
					t.Errorf("asked for %v", request)
				}
				stream = &messages{ctx: ctx, left: 2, err: c.end}
				return stream, c.refusal
			}
			var seen []string
			err := rpc.Collect(t.Context(), call, &syncv1.WatchSyncRequest{SyncId: "7"},
				func(message *syncv1.WatchSyncResponse) error {
					seen = append(seen, message.GetEvents()[0].GetType())
					return c.visit
				})
			if !errors.Is(err, c.want) {
				t.Errorf("got %v, want %v", err, c.want)
			}
			if !slices.Equal(seen, c.seen) {
				t.Errorf("saw %v, want %v", seen, c.seen)
			}
			if stream.ctx.Err() == nil {
				t.Error("the call goes on")
			}
		})
	}
}
