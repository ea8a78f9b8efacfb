package telemetry

import (
	"slices"

	"go.opentelemetry.io/otel/attribute"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"

	"fgdsync.dev/libs/secret"
)

// scrubbed returns spans without what looks like a secret: they have the paths of requests, in which anything may be.
func scrubbed(spans []sdktrace.ReadOnlySpan) []sdktrace.ReadOnlySpan {
	out := make([]sdktrace.ReadOnlySpan, len(spans))
	for i, span := range spans {
		out[i] = scrubbedSpan{span}
	}
	return out
}

type scrubbedSpan struct{ sdktrace.ReadOnlySpan }

// Name returns what the span is called.
func (s scrubbedSpan) Name() string { return secret.Scrub(s.ReadOnlySpan.Name()) }

// Attributes returns what the span says.
func (s scrubbedSpan) Attributes() []attribute.KeyValue {
	return scrubbedAttributes(s.ReadOnlySpan.Attributes())
}

// Status returns how the span ended.
func (s scrubbedSpan) Status() sdktrace.Status {
	status := s.ReadOnlySpan.Status()
	status.Description = secret.Scrub(status.Description)
	return status
}

// Events returns what happened in the span.
func (s scrubbedSpan) Events() []sdktrace.Event {
	events := slices.Clone(s.ReadOnlySpan.Events())
	for i := range events {
		events[i].Attributes = scrubbedAttributes(events[i].Attributes)
	}
	return events
}

func scrubbedAttributes(attributes []attribute.KeyValue) []attribute.KeyValue {
	out := slices.Clone(attributes)
	for i, a := range out {
		if a.Value.Type() == attribute.STRING {
			out[i].Value = attribute.StringValue(secret.Scrub(a.Value.AsString()))
		}
	}
	return out
}
