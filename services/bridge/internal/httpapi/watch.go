package httpapi

import (
	"errors"
	"io"
	"net/http"
	"strconv"

	"google.golang.org/grpc"

	"fgdsync.dev/libs/errs"
	bridgev1 "fgdsync.dev/proto/fgd/bridge/v1"
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

// ServeHTTP tells fabrics until whoever listens has gone. An error before the first line is one of the API; after it,
// the connection ends early.
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
	lines := lineListener{textBody{w: w, control: http.NewResponseController(w)}}
	for begun := false; ; begun = true {
		told, err := stream.Recv()
		switch {
		case errors.Is(err, io.EOF):
			return
		case err != nil && !begun:
			h.problems.write(w, r, err)
			return
		case err != nil:
			panic(http.ErrAbortHandler) // so that nobody takes it for the end
		}
		if !begun {
			w.Header().Set("Content-Type", ndjson)
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
