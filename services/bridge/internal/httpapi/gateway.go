package httpapi

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"

	"github.com/grpc-ecosystem/grpc-gateway/v2/runtime"
	"google.golang.org/grpc"
	"google.golang.org/grpc/metadata"
	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"

	"fgdsync.dev/libs/rpc"
	bridgev1 "fgdsync.dev/proto/fgd/bridge/v1"
)

const (
	requestedByHeader = "X-Requested-By"
	// maxNameBytes is more than the server keeps of a name, and less than a call's metadata may hold.
	maxNameBytes = 1024
)

// jsonForm is the JSON of the contract: the names of the fields as in the contracts, zeros and empty lists present,
// unknown fields refused.
var jsonForm = runtime.JSONPb{MarshalOptions: protojson.MarshalOptions{UseProtoNames: true, EmitDefaultValues: true}}

// marshaler is jsonForm without the spaces that protojson puts in at random, so that equal answers are equal bytes, and
// with errors that say which field of a request can't be read.
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

// NewDecoder returns a decoder of a request.
func (m marshaler) NewDecoder(r io.Reader) runtime.Decoder {
	return runtime.DecoderFunc(func(v any) error {
		raw, err := io.ReadAll(r)
		if err != nil {
			return err
		}
		if len(bytes.TrimSpace(raw)) == 0 {
			return io.EOF // nothing is asked beyond the path
		}
		message, ok := v.(proto.Message)
		if !ok {
			return fmt.Errorf("%T is no message", v)
		}
		if err := m.Unmarshal(raw, message); err != nil {
			return explainJSON(message.ProtoReflect().Descriptor(), raw, err)
		}
		return nil
	})
}

// registrations are how the gateway takes up each service.
var registrations = []func(context.Context, *runtime.ServeMux, grpc.ClientConnInterface) error{
	register(bridgev1.RegisterFabricServiceHandlerClient, bridgev1.NewFabricServiceClient),
	register(bridgev1.RegisterSyncServiceHandlerClient, bridgev1.NewSyncServiceClient),
	register(bridgev1.RegisterDirectoryServiceHandlerClient, bridgev1.NewDirectoryServiceClient),
	register(bridgev1.RegisterHistoryServiceHandlerClient, bridgev1.NewHistoryServiceClient),
	register(bridgev1.RegisterQuarantineServiceHandlerClient, bridgev1.NewQuarantineServiceClient),
	register(bridgev1.RegisterMaintenanceServiceHandlerClient, bridgev1.NewMaintenanceServiceClient),
	register(bridgev1.RegisterHealthServiceHandlerClient, bridgev1.NewHealthServiceClient),
}

func register[Client any](
	add func(context.Context, *runtime.ServeMux, Client) error, client func(grpc.ClientConnInterface) Client,
) func(context.Context, *runtime.ServeMux, grpc.ClientConnInterface) error {
	return func(ctx context.Context, mux *runtime.ServeMux, conn grpc.ClientConnInterface) error {
		return add(ctx, mux, client(conn))
	}
}

// newGateway makes the JSON API over a connection. The names of the query parameters that each operation takes are
// those of the API's description.
func newGateway(
	self grpc.ClientConnInterface, problems problems, described lazyDescription,
) (http.Handler, error) {
	none := func(string) (string, bool) { return "", false }
	mux := runtime.NewServeMux(
		runtime.WithMarshalerOption(runtime.MIMEWildcard, marshaler{&jsonForm}),
		runtime.WithErrorHandler(problems.fromGateway),
		runtime.WithRoutingErrorHandler(problems.fromRouting),
		runtime.WithIncomingHeaderMatcher(none),
		runtime.WithOutgoingHeaderMatcher(none),
		runtime.WithOutgoingTrailerMatcher(none),
		runtime.WithMetadata(callMetadata),
		runtime.WithMiddlewares(knownQueries(described, problems)),
		runtime.WithDisableHTTPMethodOverride(),
		runtime.WithDisablePathLengthFallback(),
	)
	for _, register := range registrations {
		if err := register(context.Background(), mux, self); err != nil {
			return nil, err
		}
	}
	return mux, nil
}

// callMetadata is all that of a request's headers becomes metadata of a call: who asks, by name, and the correlation
// id. Trace context travels by the instrumentation of the connection.
func callMetadata(ctx context.Context, r *http.Request) metadata.MD {
	md := metadata.Pairs(rpc.CorrelationIDKey, rpc.CallOf(ctx).CorrelationID)
	if name := r.Header.Get(requestedByHeader); name != "" {
		md.Set(rpc.RequestedByKey, name[:min(len(name), maxNameBytes)])
	}
	return md
}
