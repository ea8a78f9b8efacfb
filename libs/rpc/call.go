package rpc

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"log/slog"
	"regexp"

	"github.com/google/uuid"
	"google.golang.org/grpc/metadata"

	"fgdsync.dev/libs/printable"
	"fgdsync.dev/libs/secret"
)

// Call is what travels with a call over every hop, and what records, events, logs and spans say of it.
type Call struct {
	// Principal names who asks, in one line of at most 100 characters; empty when the system itself does.
	Principal string
	// Email is the address of the principal; empty where it is not known.
	Email string
	// Via names the service that vouches for the principal, when one speaks for people.
	Via string
	// CorrelationID joins the answer, the log lines and the calls of one request.
	CorrelationID string
	// Audit is the head of the audit of the bridge that the call came in by; empty for what changes nothing.
	Audit string
	// RoutingKey is the same for all calls about one repository: they go to the same replica, as long as it lives.
	RoutingKey string
}

type callKey struct{}

// CallOf returns the call that ctx belongs to.
func CallOf(ctx context.Context) Call {
	call, _ := ctx.Value(callKey{}).(Call)
	return call
}

// WithCall returns a context that belongs to a call.
func WithCall(ctx context.Context, call Call) context.Context {
	return context.WithValue(ctx, callKey{}, call)
}

// WithPrincipal returns a context in which somebody asks, whose e-mail address is not known.
func WithPrincipal(ctx context.Context, name string) context.Context {
	call := CallOf(ctx)
	call.Principal, call.Email = PrintableName(name), ""
	return WithCall(ctx, call)
}

// WithClaims returns a context in which somebody asks by the name and the e-mail address that the caller of the suite
// gives; AnonymousCaller where there is no name. Nothing proves either.
func WithClaims(ctx context.Context) context.Context {
	name := ClaimedName(ctx)
	if name == "" {
		return WithPrincipal(ctx, AnonymousCaller)
	}
	md, _ := metadata.FromIncomingContext(ctx)
	call := CallOf(ctx)
	call.Principal, call.Email = name, CleanEmail(first(md, RequestedByEmailKey))
	return WithCall(ctx, call)
}

// WithVia returns a context in which a service vouches for who asks.
func WithVia(ctx context.Context, service string) context.Context {
	call := CallOf(ctx)
	call.Via = PrintableName(service)
	return WithCall(ctx, call)
}

// WithAudit returns a context whose calls are in an audit, of which this is the head.
func WithAudit(ctx context.Context, head string) context.Context {
	call := CallOf(ctx)
	call.Audit = head
	return WithCall(ctx, call)
}

// WithCorrelationID returns a context whose log lines and calls carry an id.
func WithCorrelationID(ctx context.Context, id string) context.Context {
	call := CallOf(ctx)
	call.CorrelationID = id
	return WithCall(ctx, call)
}

// WithRoutingKey returns a context whose calls go to the replica of a repository. The key is the same for all spellings
// of its URL; it is hashed, for a header has no room for every character.
func WithRoutingKey(ctx context.Context, key string) context.Context {
	sum := sha256.Sum256([]byte(key))
	call := CallOf(ctx)
	call.RoutingKey = hex.EncodeToString(sum[:8])
	return WithCall(ctx, call)
}

// LogAttrs returns what a log line says of the call that ctx belongs to.
func LogAttrs(ctx context.Context) []slog.Attr {
	if id := CallOf(ctx).CorrelationID; id != "" {
		return []slog.Attr{slog.String("correlation_id", id)}
	}
	return nil
}

// Metadata of calls between services. It is believed on servers for Services alone.
const (
	principalKey   = "fgd-principal-bin"
	emailKey       = "fgd-principal-email"
	viaKey         = "fgd-via-bin"
	auditKey       = "fgd-audit"
	correlationKey = "fgd-correlation-id"
	routingKey     = "fgd-routing-key"
)

// Metadata of callers of the suite. An answer has the correlation id too.
const (
	RequestedByKey      = "x-requested-by-bin" // UTF-8
	requestedByPlain    = "x-requested-by"     // ASCII
	RequestedByEmailKey = "x-requested-by-email"
	CorrelationIDKey    = "x-correlation-id"
)

// Metadata on the connection inside a process, from the HTTP side to gRPC. Where a call came in by another connection
// it says nothing.
const (
	// LoopbackNetwork is the network of such a connection's peer.
	LoopbackNetwork = "inproc"
	// SourceKey holds the address that an HTTP request came from.
	SourceKey = "fgd-source"
	// AuthorizationKey holds what a caller shows, on every connection.
	AuthorizationKey = "authorization"
)

// AnonymousCaller is the principal of a caller who gave no name.
const AnonymousCaller = "api"

// toService writes the call of ctx into the metadata of a call to another service.
func toService(ctx context.Context) context.Context {
	call := CallOf(ctx)
	ctx = withMetadata(ctx, principalKey, call.Principal)
	ctx = withMetadata(ctx, emailKey, call.Email)
	ctx = withMetadata(ctx, viaKey, call.Via)
	ctx = withMetadata(ctx, auditKey, call.Audit)
	ctx = withMetadata(ctx, correlationKey, call.CorrelationID)
	return withMetadata(ctx, routingKey, call.RoutingKey)
}

// toEdge writes the call of ctx into the metadata of a call to what the suite offers to callers.
func toEdge(ctx context.Context) context.Context {
	call := CallOf(ctx)
	ctx = withMetadata(ctx, RequestedByKey, call.Principal)
	ctx = withMetadata(ctx, RequestedByEmailKey, call.Email)
	return withMetadata(ctx, CorrelationIDKey, call.CorrelationID)
}

// withMetadata adds a key to the metadata of the calls that are made with ctx, unless its value is empty.
func withMetadata(ctx context.Context, key, value string) context.Context {
	if value == "" {
		return ctx
	}
	return metadata.AppendToOutgoingContext(ctx, key, value)
}

// fromService returns the call as another service passed it on.
func fromService(ctx context.Context) Call {
	md, _ := metadata.FromIncomingContext(ctx)
	return Call{
		Principal: first(md, principalKey), Via: first(md, viaKey), CorrelationID: first(md, correlationKey),
		RoutingKey: first(md, routingKey), Audit: first(md, auditKey), Email: first(md, emailKey),
	}
}

// fromCaller returns the call as a caller of the suite made it. What only services may say is not read. Who asks is
// found out by what admits the call.
func fromCaller(ctx context.Context) Call {
	md, _ := metadata.FromIncomingContext(ctx)
	return Call{CorrelationID: CleanCorrelationID(first(md, CorrelationIDKey))}
}

// ClaimedName returns the name that a caller of the suite gives as that of who asks. Nothing proves it.
func ClaimedName(ctx context.Context) string {
	md, _ := metadata.FromIncomingContext(ctx)
	for _, key := range []string{RequestedByKey, requestedByPlain} {
		if name := PrintableName(first(md, key)); name != "" {
			return name
		}
	}
	return ""
}

func first(md metadata.MD, key string) string {
	if values := md.Get(key); len(values) > 0 {
		return values[0]
	}
	return ""
}

var correlationForm = regexp.MustCompile(`^[A-Za-z0-9._:-]{1,128}$`)

// CleanCorrelationID returns a caller's correlation id when it can be logged as it stands, else a new one: also for one
// with what looks like a token.
func CleanCorrelationID(id string) string {
	if correlationForm.MatchString(id) && secret.Scrub(id) == id {
		return id
	}
	return uuid.NewString()
}

// emailForm is of addresses that a call and a commit can have as they stand.
var emailForm = regexp.MustCompile(`^[!-;=?-~]{1,64}@[!-;=?-~]{1,189}$`)

// CleanEmail returns what a caller gives as an e-mail address when it can be one, else nothing: also for one with what
// looks like a token.
func CleanEmail(text string) string {
	if emailForm.MatchString(text) && secret.Scrub(text) == text {
		return text
	}
	return ""
}

const maxNameLength = 100

// PrintableName returns what can be printed of a name in one line, at most 100 characters of it, and nothing of what
// looks like a token.
func PrintableName(name string) string {
	return printable.Truncate(secret.Scrub(printable.Line(name)), maxNameLength)
}
