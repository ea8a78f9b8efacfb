package audit

import (
	"cmp"
	"context"
	"log/slog"
	"net/netip"
	"time"

	"go.opentelemetry.io/otel/trace"
	"google.golang.org/grpc"
	"google.golang.org/protobuf/proto"

	"fgdsync.dev/libs/chain"
	"fgdsync.dev/libs/errs"
	"fgdsync.dev/libs/failpoint"
	"fgdsync.dev/libs/rpc"
	"fgdsync.dev/libs/secret"
	bridgev1 "fgdsync.dev/proto/fgd/bridge/v1"
	"fgdsync.dev/services/bridge/internal/access"
)

// Recorder writes down calls: those that change something or hand out a secret before they have an effect and when they
// have ended, and those that were refused. It stands between what admits calls and what serves them.
type Recorder struct {
	log     *Log
	teller  *Teller
	access  *access.Access
	now     func() time.Time
	tell    *slog.Logger
	refused *denials
}

// NewRecorder returns what writes down the calls that an access admits or refuses, in a log whose head is told.
func NewRecorder(
	log *Log, teller *Teller, admission *access.Access, now func() time.Time, tell *slog.Logger,
) *Recorder {
	r := &Recorder{log: log, teller: teller, access: admission, now: now, tell: tell, refused: newDenials(now)}
	admission.TellRefused(r.Denied)
	return r
}

// Unary admits a call and writes it down.
func (r *Recorder) Unary(
	ctx context.Context, req any, info *grpc.UnaryServerInfo, next grpc.UnaryHandler,
) (any, error) {
	return r.access.Unary(ctx, req, info, func(ctx context.Context, req any) (any, error) {
		if !r.access.Audited(info.FullMethod) {
			return next(ctx, req)
		}
		return r.call(ctx, req, info.FullMethod, next)
	})
}

// Stream admits a stream. None changes anything or hands out a secret; a test holds that.
func (r *Recorder) Stream(
	srv any, stream grpc.ServerStream, info *grpc.StreamServerInfo, next grpc.StreamHandler,
) error {
	return r.access.Stream(srv, stream, info, next)
}

func (r *Recorder) call(ctx context.Context, req any, method string, next grpc.UnaryHandler) (answer any, err error) {
	request, _ := req.(proto.Message)
	intent := r.line(ctx, method)
	describe(&intent, request)
	_, err = r.Do(ctx, intent, func(ctx context.Context) (About, error) {
		answer, err = next(ctx, req)
		response, _ := answer.(proto.Message)
		if err != nil {
			response = nil
		}
		return About{response: response}, err
	})
	return answer, err
}

// About is what became known of a call with its answer.
type About struct {
	FabricID int32
	SyncID   string
	TokenID  string
	response proto.Message
}

// Do writes down that something is about to be done, does it, and writes down what came of it. When the first can't be
// written, nothing is done, unless it ends a sync: FGD_5031. The effect is done with a context whose calls name the
// line. The head is that of the line.
func (r *Recorder) Do(
	ctx context.Context, intent chain.Line, effect func(context.Context) (About, error),
) (chain.Head, error) {
	head, err := r.intend(ctx, intent)
	if err != nil {
		return head, err
	}
	failpoint.Hit(failpoint.AuditIntent)
	r.teller.first(ctx)
	outcome := intent
	outcome.Stage, outcome.Code = chain.Completed, errs.InternalError.ID // of one that panics
	defer func() { r.conclude(ctx, outcome) }()
	about, err := effect(rpc.WithAudit(ctx, head.String()))
	failpoint.Hit(failpoint.AuditEffect)
	describe(&outcome, about.response)
	if about.FabricID != 0 {
		outcome.FabricID = about.FabricID
	}
	if about.SyncID != "" {
		outcome.SyncID = about.SyncID
	}
	if about.TokenID != "" {
		outcome.Object = &chain.Object{Kind: "token", Name: about.TokenID}
	}
	outcome.Code, outcome.Message = chain.OK, ""
	if err != nil {
		outcome.Code, outcome.Message = codeOf(err)
	}
	return head, err
}

func (r *Recorder) intend(ctx context.Context, intent chain.Line) (chain.Head, error) {
	if intent.Action != actionOf(bridgev1.SyncService_CancelSync_FullMethodName) {
		return r.log.Append(intent)
	}
	head, err := r.log.Keep(intent)
	if err != nil { // what is under way can be ended in any case
		r.tell.WarnContext(ctx, "a sync is ended while the audit can't be written", "sync_id", intent.SyncID,
			"principal", intent.Principal.Name)
	}
	return head, nil
}

// conclude writes down what came of a call. The answer stays as it is when that can't be written.
func (r *Recorder) conclude(ctx context.Context, outcome chain.Line) {
	outcome.Time = r.now()
	if _, err := r.log.Keep(outcome); err != nil {
		r.tell.ErrorContext(ctx, "what came of a call can't be written to the audit", "action", outcome.Action,
			"code", outcome.Code, "audit_id", outcome.ID)
	}
	failpoint.Hit(failpoint.AuditOutcome)
}

// Denied writes down that a call was refused. Of an address with very many the count is written later.
func (r *Recorder) Denied(ctx context.Context, method string, request proto.Message, refusal error) {
	line := r.line(ctx, method)
	describe(&line, request)
	r.deny(ctx, line, access.SourceOf(ctx), refusal)
}

// DeniedRequest writes down that an HTTP request was refused before it was known which call it makes.
func (r *Recorder) DeniedRequest(ctx context.Context, method, path string, from netip.Addr, refusal error) {
	line := r.line(ctx, "")
	line.Action = method + " " + secret.Scrub(path)
	r.deny(ctx, line, from, refusal)
}

func (r *Recorder) deny(ctx context.Context, line chain.Line, from netip.Addr, refusal error) {
	line.Stage, line.Source = chain.Denied, addressText(from)
	line.Code, line.Message = codeOf(refusal)
	if !r.refused.take(from, errs.HasCode(refusal, errs.TooManyFailures)) {
		return
	}
	if _, err := r.log.Append(line); err != nil {
		r.tell.ErrorContext(ctx, "a call that was refused can't be written to the audit", "action", line.Action,
			"code", line.Code, "source", line.Source)
	}
}

// Webhook returns the line of an event that a Git host of a kind, as "github", tells of: with the id of its delivery
// and who pushed, which is empty when nothing is believed. Do writes it down, and DenyWebhook one that is not believed.
func (r *Recorder) Webhook(ctx context.Context, kind, delivery, by string, from netip.Addr) chain.Line {
	line := r.line(ctx, "")
	line.Principal = &chain.Principal{Name: cmp.Or(by, "webhook "+kind), Method: "webhook"}
	line.Action, line.Source = "POST /webhooks/"+kind, addressText(from)
	line.Object = &chain.Object{Kind: "delivery", Name: delivery}
	return line
}

// DenyWebhook writes down that an event was not believed.
func (r *Recorder) DenyWebhook(ctx context.Context, line chain.Line, from netip.Addr, refusal error) {
	r.deny(ctx, line, from, refusal)
}

// Own returns the line of a token that the bridge makes by itself, because there is none.
func (r *Recorder) Own(ctx context.Context) chain.Line {
	line := r.line(ctx, bridgev1.AccessService_CreateToken_FullMethodName)
	line.Principal = &chain.Principal{Name: rpc.CallOf(ctx).Principal, Method: "system"}
	return line
}

// line returns what is to be said of the call that a context belongs to.
func (r *Recorder) line(ctx context.Context, method string) chain.Line {
	call := rpc.CallOf(ctx)
	line := chain.Line{
		ID: newID(), Stage: chain.Requested, Time: r.now(), Action: actionOf(method),
		Source: addressText(access.SourceOf(ctx)), CorrelationID: call.CorrelationID,
	}
	if p := access.PrincipalOf(ctx); p != nil {
		line.Principal = &chain.Principal{
			Name: call.Principal, Method: string(p.Method), TokenID: p.TokenID, Subject: p.Subject,
			Via: call.Via,
		}
	}
	if span := trace.SpanContextFromContext(ctx); span.HasTraceID() {
		line.TraceID = span.TraceID().String()
	}
	return line
}

func codeOf(err error) (code, message string) {
	e := errs.From(err)
	return e.Code.ID, e.Message
}

// Run writes down now and then how many calls were refused that have no line of their own, until ctx ends.
func (r *Recorder) Run(ctx context.Context) error {
	ticker := time.NewTicker(denialSpan)
	defer ticker.Stop()
	for {
		select {
		case <-ctx.Done():
			r.tellCounts()
			return ctx.Err()
		case <-ticker.C:
			r.tellCounts()
		}
	}
}

func (r *Recorder) tellCounts() {
	for source, count := range r.refused.takeCounts() {
		_, _ = r.log.Keep(chain.Line{ // the log says when it can't be written
			ID: newID(), Stage: chain.Denied, Time: r.now(), Action: "any", Source: source,
			Code: errs.TooManyFailures.ID, Message: "Calls that were refused, and have no line of their own.", Count: count,
		})
	}
}
