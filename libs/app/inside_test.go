package app_test

import (
	"testing"

	"google.golang.org/grpc/reflection/grpc_reflection_v1"

	"fgdsync.dev/libs/rpc"
)

// open is a service for callers that lets everybody in.
type open struct{ *worker }

func (open) Admission() rpc.Admission { return rpc.Believing{} }

// TestTheHTTPSideHasRoomForItsListeners: all of its calls are inside the process, and those have no
// bound; what comes over a network has one.
func TestTheHTTPSideHasRoomForItsListeners(t *testing.T) {
	t.Parallel()
	host := newHost()
	w := newWorker()
	host.Add("edge", open{w}, rpc.Callers)
	conn := host.Inside(rpc.Callers)
	end := running(t, host, w)
	request := &grpc_reflection_v1.ServerReflectionRequest{
		MessageRequest: &grpc_reflection_v1.ServerReflectionRequest_ListServices{},
	}
	for number := range rpc.MaxCalls + 1 {
		stream, err := grpc_reflection_v1.NewServerReflectionClient(conn).ServerReflectionInfo(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if err := stream.Send(request); err != nil {
			t.Fatal(err)
		}
		if _, err := stream.Recv(); err != nil {
			t.Fatalf("call %d: %v", number, err)
		}
	}
	if err := end(); err != nil {
		t.Error(err)
	}
}
