package access

import (
	"context"
	"net"
	"net/netip"
	"strings"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"google.golang.org/grpc"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/peer"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"

	"fgdsync.dev/libs/errs"
	"fgdsync.dev/libs/recent"
	"fgdsync.dev/libs/rpc"
	accessv1 "fgdsync.dev/proto/fgd/access/v1"
	bridgev1 "fgdsync.dev/proto/fgd/bridge/v1"
	"fgdsync.dev/services/bridge/internal/issuer"
)

// Access stands before every RPC of fgd.bridge.v1.
type Access struct {
	policy   policy
	tokens   *Tokens        // nil: nobody is asked
	issuer   *issuer.Issuer // nil: no JWT is taken
	fabricOf func(ctx context.Context, syncID string) (int32, error)
	fabrics  *recent.Cache[string, int32] // of syncs; they never change
	failures *failures
	limits   *limits
	refused  RefusedFunc // nil: nobody wants to know
}

// rememberedSyncs is of how many syncs it is remembered which fabric they are of.
const rememberedSyncs = 10_000

// Deps are what admission works with.
type Deps struct {
	Tokens *Tokens        // nil where nobody is asked who they are
	Issuer *issuer.Issuer // nil where no JWT is taken
	// FabricOf returns which fabric a sync is of.
	FabricOf func(ctx context.Context, syncID string) (int32, error)
	Limits   Limits
	Metrics  prometheus.Registerer
	Now      func() time.Time
}

// New returns what admits callers that show a token, or a JWT of the issuer, each as often as the limits permit.
func New(deps Deps) (*Access, error) {
	policy, err := newPolicy(bridgev1.File_fgd_bridge_v1_access_service_proto.Package())
	if err != nil {
		return nil, err
	}
	fabrics, err := recent.New[string, int32](rememberedSyncs)
	if err != nil {
		return nil, err
	}
	limits, err := newLimits(deps.Limits, deps.Metrics, deps.Now)
	if err != nil {
		return nil, err
	}
	return &Access{
		policy: policy, tokens: deps.Tokens, issuer: deps.Issuer, fabricOf: deps.FabricOf, fabrics: fabrics,
		failures: newFailures(deps.Now), limits: limits,
	}, nil
}

// Authenticate returns who shows what a request has as Authorization, from an address: UNAUTHENTICATED (FGD_1050) when
// that proves nothing, RESOURCE_EXHAUSTED (FGD_1055) when the address has shown too much more that proves nothing.
func (a *Access) Authenticate(authorization string, from netip.Addr) (*Principal, error) {
	if a.tokens == nil {
		return &Principal{Name: rpc.AnonymousCaller, Method: ByNone, Grants: everything(), SpeaksForPeople: true}, nil
	}
	// An HMAC, or a signature: little more than it would cost to refuse it unread.
	p, err := a.identify(authorization, from)
	if errs.HasCode(err, errs.NotAuthenticated) && authorization != "" {
		err = a.failures.failed(from, err)
	}
	return p, err
}

// Check reports whether a request shows who makes it.
func (a *Access) Check(authorization string, from netip.Addr) error {
	_, err := a.Authenticate(authorization, from)
	return err
}

// Unary admits a call.
func (a *Access) Unary(ctx context.Context, req any, info *grpc.UnaryServerInfo, next grpc.UnaryHandler) (any, error) {
	if rpc.IsHealth(info.FullMethod) {
		return next(ctx, req)
	}
	if a.policy.isPublic(info.FullMethod) {
		return next(rpc.WithPrincipal(ctx, rpc.AnonymousCaller), req)
	}
	message, _ := req.(proto.Message)
	ctx, err := a.known(ctx)
	if err != nil {
		a.tellRefused(ctx, info.FullMethod, message, err)
		return nil, err
	}
	if err := a.limits.call(callerOf(ctx), info.FullMethod, a.policy[info.FullMethod]); err != nil {
		return nil, err
	}
	if err := a.authorize(ctx, info.FullMethod, message); err != nil {
		a.tellRefused(ctx, info.FullMethod, message, err)
		return nil, err
	}
	return next(ctx, req)
}

// Stream admits a stream, for as long as its caller may have it.
func (a *Access) Stream(srv any, stream grpc.ServerStream, info *grpc.StreamServerInfo, next grpc.StreamHandler) error {
	if rpc.IsHealth(info.FullMethod) {
		return next(srv, stream)
	}
	ctx, err := a.known(stream.Context())
	if err != nil {
		a.tellRefused(ctx, info.FullMethod, nil, err)
		return err
	}
	leave, err := a.limits.listen(callerOf(ctx), info.FullMethod)
	if err != nil {
		return err
	}
	defer leave()
	ctx, ended := a.whileValid(ctx, PrincipalOf(ctx))
	defer ended()
	err = next(srv, &admitted{ServerStream: stream, ctx: ctx, method: info.FullMethod, access: a})
	if cause := context.Cause(ctx); err != nil && errs.IsError(cause) {
		return cause // the stream ended because its caller may not have it any more
	}
	return err
}

// admitted is a stream whose request is judged when it has been read.
type admitted struct {
	grpc.ServerStream
	ctx    context.Context //nolint:containedctx // that of the stream, which ends with the caller's token
	method string
	access *Access
}

// Context returns the context of the call.
func (s *admitted) Context() context.Context { return s.ctx }

// RecvMsg reads a request, and refuses it when the caller may not make it.
func (s *admitted) RecvMsg(m any) error {
	if err := s.ServerStream.RecvMsg(m); err != nil {
		return err
	}
	message, _ := m.(proto.Message)
	err := s.access.authorize(s.ctx, s.method, message)
	if err != nil {
		s.access.tellRefused(s.ctx, s.method, message, err)
	}
	return err
}

// known returns the context of a call whose caller is known; as it was when nobody is.
func (a *Access) known(ctx context.Context) (context.Context, error) {
	md, _ := metadata.FromIncomingContext(ctx)
	claimed := rpc.ClaimedName(ctx)
	p, err := a.Authenticate(only(md, rpc.AuthorizationKey), SourceOf(ctx))
	if err != nil {
		return ctx, err
	}
	ctx = context.WithValue(ctx, principalKey{}, p)
	switch {
	case !p.SpeaksForPeople || claimed == "":
		return rpc.WithPrincipal(ctx, p.Name), nil
	case p.Method == ByNone:
		return rpc.WithClaims(ctx), nil
	}
	return rpc.WithVia(rpc.WithClaims(ctx), p.Name), nil
}

// authorize refuses a request that the caller of ctx may not make. What is about a fabric that the caller may not see
// is answered as if there were none.
func (a *Access) authorize(ctx context.Context, method string, request proto.Message) error {
	p := PrincipalOf(ctx)
	if strings.HasPrefix(method, "/grpc.") { // what there is to call, as reflection tells it: to everybody who is known
		return nil
	}
	r, known := a.policy[method]
	if !known || request == nil {
		return denied("Nobody may call this.")
	}
	fabric, err := a.target(ctx, p, r, request.ProtoReflect())
	if err != nil {
		return err
	}
	switch {
	case r.scope == accessv1.Scope_SCOPE_ANY && p.mayAnywhere(r.role), p.may(r.role, fabric):
	case r.scope == accessv1.Scope_SCOPE_ANY, fabric == allFabrics, p.sees(fabric):
		return denied("This takes the role %s%s.", roleWord(r.role), where(r.scope, fabric))
	default:
		return errs.NoFabric(fabric)
	}
	for _, f := range r.rights {
		if f.isAsked(request.ProtoReflect()) && !p.has(f.right, fabric) {
			return denied("%s takes the right %s.", f.name(), rightWord(f.right)).WithMeta(errs.FieldKey, f.name())
		}
	}
	return nil
}

// target returns the fabric that a request is about, or allFabrics.
func (a *Access) target(ctx context.Context, p *Principal, r rule, request protoreflect.Message) (int32, error) {
	switch {
	case r.fabric != nil:
		return int32(request.Get(r.fabric).Int()), nil
	case r.sync != nil:
		if p.may(r.role, allFabrics) {
			return allFabrics, nil // whosever it is
		}
		return a.fabricOfSync(ctx, p, request.Get(r.sync).String())
	}
	return allFabrics, nil
}

// fabricOfSync looks up whose sync it is. One of a fabric that the caller may not see is not there.
func (a *Access) fabricOfSync(ctx context.Context, p *Principal, syncID string) (int32, error) {
	fabric, known := a.fabrics.Get(syncID)
	if !known {
		var err error
		if fabric, err = a.fabricOf(ctx, syncID); err != nil {
			return 0, err
		}
		a.fabrics.Add(syncID, fabric, 1)
	}
	if !p.sees(fabric) {
		return 0, errs.NoSync(syncID)
	}
	return fabric, nil
}

func denied(format string, args ...any) *errs.Error {
	return errs.New(errs.NotAllowed, format, args...)
}

func where(scope accessv1.Scope, fabric int32) string {
	switch {
	case scope == accessv1.Scope_SCOPE_ANY:
		return ""
	case fabric == allFabrics:
		return " on all fabrics"
	}
	return " on the fabric"
}

// roleWord returns what a role is called in the JSON API.
func roleWord(role accessv1.Role) string {
	return strings.ToLower(strings.TrimPrefix(role.String(), "ROLE_"))
}

func rightWord(right accessv1.Right) string {
	return strings.ToLower(strings.TrimPrefix(right.String(), "RIGHT_"))
}

// SourceOf returns the address that a call comes from. Over the connection inside the process, which the HTTP side
// alone has, it is the one that is said; nobody else is asked.
func SourceOf(ctx context.Context) netip.Addr {
	from, ok := peer.FromContext(ctx)
	if !ok {
		return netip.Addr{}
	}
	if from.Addr.Network() != rpc.LoopbackNetwork {
		return addressOf(from.Addr.String())
	}
	md, _ := metadata.FromIncomingContext(ctx)
	return addressOf(first(md, rpc.SourceKey))
}

// addressOf returns the address in host:port, or a bare one; the zero value when there is none.
func addressOf(text string) netip.Addr {
	if host, _, err := net.SplitHostPort(text); err == nil {
		text = host
	}
	address, err := netip.ParseAddr(text)
	if err != nil {
		return netip.Addr{}
	}
	return address.Unmap().WithZone("")
}

// only returns what proves nothing when a key is there more than once: who reads the first and who reads the last would
// see different callers.
func only(md metadata.MD, key string) string {
	if len(md.Get(key)) > 1 {
		return "several"
	}
	return first(md, key)
}

func first(md metadata.MD, key string) string {
	if values := md.Get(key); len(values) > 0 {
		return values[0]
	}
	return ""
}
