package httpapi

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net/http"
	"strings"

	"github.com/grpc-ecosystem/grpc-gateway/v2/runtime"
	"google.golang.org/grpc"
	"google.golang.org/grpc/metadata"
	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"

	"fgdsync.dev/libs/rpc"
	bridgev1 "fgdsync.dev/proto/fgd/bridge/v1"
	"fgdsync.dev/services/bridge/internal/apiv1"
)

const (
	requestedByHeader      = "X-Requested-By"
	requestedByEmailHeader = "X-Requested-By-Email"
	// maxNameBytes is more than the server keeps of a name, and less than a call's metadata may hold.
	maxNameBytes = 1024
)

// marshaler is the JSON of the contract: encode writes it, and what can't be read is refused with the field's name.
// What neither needs is the gateway's own.
type marshaler struct{ runtime.JSONPb }

// Marshal writes a message.
func (marshaler) Marshal(v any) ([]byte, error) {
	message, ok := v.(proto.Message)
	if !ok {
		return nil, fmt.Errorf("%T is no message", v)
	}
	return encode(message)
}

// NewDecoder returns a decoder of a request.
func (marshaler) NewDecoder(r io.Reader) runtime.Decoder {
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
		raw = datesAsTimes(message, raw)
		if err := protojson.Unmarshal(raw, message); err != nil {
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
	register(bridgev1.RegisterAccessServiceHandlerClient, bridgev1.NewAccessServiceClient),
	register(bridgev1.RegisterWebhookServiceHandlerClient, bridgev1.NewWebhookServiceClient),
	register(bridgev1.RegisterAuditServiceHandlerClient, bridgev1.NewAuditServiceClient),
	register(bridgev1.RegisterNetBoxServiceHandlerClient, bridgev1.NewNetBoxServiceClient),
	register(bridgev1.RegisterConflictServiceHandlerClient, bridgev1.NewConflictServiceClient),
	register(bridgev1.RegisterNotificationServiceHandlerClient, bridgev1.NewNotificationServiceClient),
	register(bridgev1.RegisterResourceServiceHandlerClient, bridgev1.NewResourceServiceClient),
}

func register[Client any](
	add func(context.Context, *runtime.ServeMux, Client) error, client func(grpc.ClientConnInterface) Client,
) func(context.Context, *runtime.ServeMux, grpc.ClientConnInterface) error {
	return func(ctx context.Context, mux *runtime.ServeMux, conn grpc.ClientConnInterface) error {
		return add(ctx, mux, client(conn))
	}
}

// gateway is the JSON API over a connection to the services of fgd.bridge.v1.
type gateway struct {
	mux      *runtime.ServeMux
	problems problems
}

// newGateway makes the JSON API over a connection. The names of the query parameters that each operation takes are
// those of the API's description.
func newGateway(
	self grpc.ClientConnInterface, problems problems, described lazyDescription,
) (http.Handler, error) {
	none := func(string) (string, bool) { return "", false }
	g := &gateway{problems: problems}
	g.mux = runtime.NewServeMux(
		runtime.WithMarshalerOption(runtime.MIMEWildcard, &marshaler{}),
		runtime.WithErrorHandler(problems.fromGateway),
		runtime.WithRoutingErrorHandler(g.fromRouting),
		runtime.WithIncomingHeaderMatcher(none),
		runtime.WithOutgoingHeaderMatcher(func(key string) (string, bool) { return "ETag", key == apiv1.ETagKey }),
		runtime.WithOutgoingTrailerMatcher(none),
		runtime.WithMetadata(callMetadata),
		runtime.WithMiddlewares(g.wholeIDs, onlyAsked, routeNamed, knownQueries(described, problems), pathWins(problems)),
		runtime.WithDisableHTTPMethodOverride(),
		runtime.WithDisablePathLengthFallback(),
	)
	for _, register := range registrations {
		if err := register(context.Background(), g.mux, self); err != nil {
			return nil, err
		}
	}
	return headAsGet(jsonOnly(problems, g.mux)), nil
}

// callMetadata is all that of a request's headers becomes metadata of a call: what it shows of who asks, for whom, the
// correlation id, and of which file a change of a resource is. Trace context travels by the instrumentation of the
// connection.
func callMetadata(ctx context.Context, r *http.Request) metadata.MD {
	md := metadata.Pairs(rpc.CorrelationIDKey, rpc.CallOf(ctx).CorrelationID)
	if name := r.Header.Get(requestedByHeader); name != "" {
		md.Set(rpc.RequestedByKey, name[:min(len(name), maxNameBytes)])
	}
	if email := rpc.CleanEmail(r.Header.Get(requestedByEmailHeader)); email != "" {
		md.Set(rpc.RequestedByEmailKey, email)
	}
	identityMetadata(ctx, md)
	conditionMetadata(r, md)
	return md
}

// conditionMetadata passes on which file of a resource a change is meant for.
func conditionMetadata(r *http.Request, md metadata.MD) {
	changes := r.Method == http.MethodPut || r.Method == http.MethodPatch || r.Method == http.MethodDelete
	if !changes || !strings.Contains(r.URL.Path, "/resources/") {
		return
	}
	for header, key := range map[string]string{"If-Match": apiv1.IfMatchKey, "If-None-Match": apiv1.IfNoneMatchKey} {
		if values := r.Header.Values(header); len(values) > 0 {
			text := strings.Join(values, ", ")
			md.Set(key, text[:min(len(text), maxNameBytes)])
		}
	}
}
