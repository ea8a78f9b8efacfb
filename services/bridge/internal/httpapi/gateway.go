package httpapi

import (
	"bytes"
	"context"
	"encoding/json"
	"net/http"

	"github.com/grpc-ecosystem/grpc-gateway/v2/runtime"
	"google.golang.org/grpc"
	"google.golang.org/grpc/metadata"
	"google.golang.org/protobuf/encoding/protojson"

	bridgev1 "fgdsync.dev/proto/fgd/bridge/v1"
	"fgdsync.dev/services/bridge/internal/grpcapi"
)

const (
	requestedByHeader   = "X-Requested-By"
	correlationMetadata = "x-correlation-id"
	// maxNameBytes is more than the server keeps of a name, and less than a call's metadata may hold.
	maxNameBytes = 1024
)

// jsonForm is the JSON of the contract: the names of the fields as in the contracts, zeros and empty lists present,
// unknown fields refused.
var jsonForm = runtime.JSONPb{MarshalOptions: protojson.MarshalOptions{UseProtoNames: true, EmitDefaultValues: true}}

// marshaler is jsonForm without the spaces that protojson puts in at random, so that equal answers are equal bytes.
type marshaler struct{ *runtime.JSONPb }

// Marshal writes a message.
func (m marshaler) Marshal(v any) ([]byte, error) {
	raw, err := m.JSONPb.Marshal(v)
	if err != nil {
		return nil, err
	}
	var out bytes.Buffer
	if err := json.Compact(&out, raw); err != nil {
		return nil, err
	}
	return out.Bytes(), nil
}

// newGateway makes the JSON API over a connection.
func newGateway(self grpc.ClientConnInterface, problems problems) (http.Handler, error) {
	none := func(string) (string, bool) { return "", false }
	mux := runtime.NewServeMux(
		runtime.WithMarshalerOption(runtime.MIMEWildcard, marshaler{&jsonForm}),
		runtime.WithErrorHandler(problems.fromGateway),
		runtime.WithRoutingErrorHandler(problems.fromRouting),
		runtime.WithIncomingHeaderMatcher(none),
		runtime.WithOutgoingHeaderMatcher(none),
		runtime.WithOutgoingTrailerMatcher(none),
		runtime.WithMetadata(callMetadata),
		runtime.WithDisableHTTPMethodOverride(),
		runtime.WithDisablePathLengthFallback(),
	)
	err := bridgev1.RegisterBridgeServiceHandlerClient(context.Background(), mux, bridgev1.NewBridgeServiceClient(self))
	return mux, err
}

// callMetadata is all that of a request's headers becomes metadata of a call: who asks, by name, and the correlation
// id. Trace context travels by the instrumentation of the connection.
func callMetadata(ctx context.Context, r *http.Request) metadata.MD {
	md := metadata.Pairs(correlationMetadata, correlationID(ctx))
	if name := r.Header.Get(requestedByHeader); name != "" {
		md.Set(grpcapi.RequestedByBinary, name[:min(len(name), maxNameBytes)])
	}
	return md
}
