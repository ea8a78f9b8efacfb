package httpapi

import (
	"errors"
	"io"
	"net/http"
	"strconv"

	"google.golang.org/grpc"

	"fgdsync.dev/libs/errs"
	bridgev1 "fgdsync.dev/proto/fgd/bridge/v1"
	"fgdsync.dev/services/bridge/internal/apiv1"
)

const watchPath = "/api/v1/fabrics:watch"

// watch serves fabrics as they change, a line of JSON each.
type watch struct {
	client   bridgev1.FabricServiceClient
	problems problems
}

func newWatch(self grpc.ClientConnInterface, problems problems) *watch {
	return &watch{bridgev1.NewFabricServiceClient(self), problems}
}

// ServeHTTP tells fabrics until whoever listens has gone. An error before it is known how they are is one of the API;
// after that, the connection ends early.
func (h *watch) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	request, err := watchRequest(r)
	if err != nil {
		h.problems.write(w, r, err)
		return
	}
	stream, err := h.client.WatchFabrics(callContext(r), request)
	if err != nil {
		h.problems.write(w, r, err)
		return
	}
	if header, err := stream.Header(); err != nil || len(header.Get(apiv1.WatchingKey)) == 0 {
		_, err = stream.Recv() // says why it does not begin
		h.problems.write(w, r, err)
		return
	}
	w.Header().Set("Content-Type", ndjson)
	lines := lineListener{textBody{w: w, control: http.NewResponseController(w)}}
	if lines.write("") == nil { // the head of the answer goes out, also where there is nothing to tell yet
		tellFabrics(stream, lines)
	}
}

// tellFabrics tells what a stream has, a line each, until who listens or the stream has gone. Where that is no end of
// it, the connection ends early, so that nobody takes it for one.
func tellFabrics(stream grpc.ServerStreamingClient[bridgev1.WatchFabricsResponse], lines lineListener) {
	for {
		told, err := stream.Recv()
		if errors.Is(err, io.EOF) {
			return
		}
		if err != nil {
			panic(http.ErrAbortHandler)
		}
		text, err := encode(told.GetFabric())
		if err != nil {
			panic(http.ErrAbortHandler)
		}
		if err := lines.message(message{text: text}); err != nil {
			return
		}
	}
}

func watchRequest(r *http.Request) (*bridgev1.WatchFabricsRequest, error) {
	request := &bridgev1.WatchFabricsRequest{}
	for name, values := range r.URL.Query() {
		if name != "fabric_ids" {
			return nil, errs.Field(name, "There is no parameter %s.", name)
		}
		for _, text := range values {
			id, err := strconv.ParseInt(text, 10, 32)
			if err != nil {
				return nil, errs.Field(name, "%s has to be numbers of fabrics.", name)
			}
			request.FabricIds = append(request.FabricIds, int32(id))
		}
	}
	return request, nil
}
