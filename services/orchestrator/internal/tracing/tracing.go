// Package tracing begins the spans of a sync, with what the conventions of OpenTelemetry call what they say: of
// messages, of version control and of pipelines.
package tracing

import (
	"context"
	"strconv"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	semconv "go.opentelemetry.io/otel/semconv/v1.43.0"
	"go.opentelemetry.io/otel/trace"

	"fgdsync.dev/libs/errs"
	"fgdsync.dev/libs/events"
	gitv1 "fgdsync.dev/proto/fgd/git/v1"
	syncv1 "fgdsync.dev/proto/fgd/sync/v1"
)

// work is what the streams of work are called in names of spans, whichever shard they are of.
const work = "fgd.work"

// Send begins the span in which a sync is handed to the workers.
func Send(ctx context.Context, tracer trace.Tracer, fabricID int32, syncID string) (context.Context, trace.Span) {
	return tracer.Start(ctx, "send "+work, trace.WithSpanKind(trace.SpanKindProducer),
		trace.WithAttributes(semconv.MessagingOperationTypeSend), trace.WithAttributes(message(fabricID, syncID)...))
}

// Process begins the span in which a worker of a group takes a sync to its end.
func Process(ctx context.Context, tracer trace.Tracer, group string, fabricID int32, syncID string) (context.Context,
	trace.Span,
) {
	return tracer.Start(ctx, "process "+work, trace.WithSpanKind(trace.SpanKindConsumer),
		trace.WithAttributes(semconv.MessagingOperationTypeProcess, semconv.MessagingConsumerGroupName(group),
			semconv.CICDPipelineName("sync"), semconv.CICDPipelineRunID(syncID)),
		trace.WithAttributes(message(fabricID, syncID)...))
}

func message(fabricID int32, syncID string) []attribute.KeyValue {
	return []attribute.KeyValue{
		semconv.MessagingSystemKey.String("redis"),
		semconv.MessagingDestinationName(events.WorkStream(events.ShardOf(fabricID))),
		semconv.MessagingMessageID(syncID),
		attribute.String("fgd.sync.id", syncID), attribute.Int("fgd.fabric.id", int(fabricID)),
	}
}

// Attempt begins the span of an attempt of a sync, with a link to that of the attempt before it, whoever made that. The
// record then names the new one.
func Attempt(ctx context.Context, tracer trace.Tracer, at *gitv1.Location, record *syncv1.Sync) (context.Context,
	trace.Span,
) {
	options := []trace.SpanStartOption{trace.WithAttributes(attribute.Int("fgd.attempt", int(record.GetAttempt())+1),
		semconv.VCSRepositoryURLFull(at.GetRepositoryUrl()), semconv.VCSRefHeadName(at.GetBranch()))}
	if before := lastAttempt(record); before.IsValid() {
		options = append(options, trace.WithLinks(trace.Link{SpanContext: before}))
	}
	ctx, span := tracer.Start(ctx, "attempt", options...)
	if own := span.SpanContext(); own.IsSampled() {
		record.TraceId, record.SpanId = own.TraceID().String(), own.SpanID().String()
	}
	return ctx, span
}

// End ends the span of an attempt, which names what it has published.
func End(span trace.Span, result *syncv1.Result, err error) {
	if commit := result.GetCommitSha(); commit != "" {
		span.SetAttributes(semconv.VCSRefHeadRevision(commit))
	}
	if pull := result.GetPullRequest(); pull != nil {
		span.SetAttributes(semconv.VCSChangeID(strconv.Itoa(int(pull.GetNumber()))))
	}
	if err != nil {
		span.SetStatus(codes.Error, errs.From(err).Code.Name)
	}
	span.End()
}

// lastAttempt returns the span that the record of a sync names; an invalid one for none.
func lastAttempt(record *syncv1.Sync) trace.SpanContext {
	traceID, traceErr := trace.TraceIDFromHex(record.GetTraceId())
	spanID, spanErr := trace.SpanIDFromHex(record.GetSpanId())
	if traceErr != nil || spanErr != nil {
		return trace.SpanContext{}
	}
	return trace.NewSpanContext(trace.SpanContextConfig{
		TraceID: traceID, SpanID: spanID, TraceFlags: trace.FlagsSampled, Remote: true,
	})
}
