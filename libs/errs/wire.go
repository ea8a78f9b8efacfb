package errs

import (
	"context"
	"errors"
	"maps"

	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/types/known/durationpb"

	"fgdsync.dev/libs/printable"
)

// Domain is the domain of the ErrorInfo detail.
const Domain = "fgd.githedgehog.com"

const (
	metaCode   = "code"
	metaRemedy = "remedy"
)

func grpcCode(k Kind) codes.Code {
	switch k {
	case Invalid:
		return codes.InvalidArgument
	case NotFound:
		return codes.NotFound
	case Exists:
		return codes.AlreadyExists
	case Precondition:
		return codes.FailedPrecondition
	case Conflict:
		return codes.Aborted
	case Limited:
		return codes.ResourceExhausted
	case Unavailable:
		return codes.Unavailable
	case Unauthenticated:
		return codes.Unauthenticated
	case PermissionDenied:
		return codes.PermissionDenied
	case Cancelled:
		return codes.Canceled
	case Deadline:
		return codes.DeadlineExceeded
	default:
		return codes.Internal
	}
}

func kindOf(c codes.Code) Kind {
	for k := Invalid; k <= Deadline; k++ {
		if grpcCode(k) == c {
			return k
		}
	}
	return Internal
}

// ToStatus returns the wire form of any error: the public face of an Error, a generic text for all else.
func ToStatus(err error) *status.Status {
	e := bounded(public(err))
	meta := maps.Clone(e.Meta)
	if meta == nil {
		meta = map[string]string{}
	}
	meta[metaCode], meta[metaRemedy] = e.Code.ID, e.RemedyText()
	st := status.New(grpcCode(e.Code.Kind), e.Message)
	info := &errdetails.ErrorInfo{Reason: e.Code.Name, Domain: Domain, Metadata: meta}
	detailed, detailErr := st.WithDetails(info)
	if detailErr != nil {
		return st
	}
	if e.RetryAfter > 0 {
		if d, err := detailed.WithDetails(&errdetails.RetryInfo{RetryDelay: durationpb.New(e.RetryAfter)}); err == nil {
			detailed = d
		}
	}
	return detailed
}

// longestText bounds each text of an error that leaves a process, in characters. It may repeat what a caller sent, and
// a status travels in headers, which have a limit.
const longestText = 2000

// bounded returns an error with texts that can be sent: not too long, and valid UTF-8.
func bounded(e *Error) *Error {
	out := *e
	out.Message = printable.Truncate(e.Message, longestText)
	out.Remedy = printable.Truncate(e.RemedyText(), longestText)
	out.Meta = maps.Clone(e.Meta)
	for key, value := range out.Meta {
		out.Meta[key] = printable.Truncate(value, longestText)
	}
	return &out
}

// public returns an ended context a face of its own: it is no defect.
func public(err error) *Error {
	var e *Error
	switch {
	case errors.As(err, &e):
		return e
	case errors.Is(err, context.Canceled):
		return New(SyncCancelled, "The request was cancelled.")
	case errors.Is(err, context.DeadlineExceeded):
		return New(SyncTimeout, "The request ran out of time.")
	}
	if st, ok := status.FromError(err); ok && st.Code() != codes.Unknown {
		return FromStatus(st)
	}
	return From(err)
}

// FromStatus reads the wire form. A status that none of our services made becomes an Error of the closest kind.
func FromStatus(st *status.Status) *Error {
	kind := kindOf(st.Code())
	e := &Error{Message: st.Message()}
	for _, detail := range st.Details() {
		switch d := detail.(type) {
		case *errdetails.ErrorInfo:
			e.Code = Code{ID: d.Metadata[metaCode], Kind: kind, Name: d.Reason, Remedy: d.Metadata[metaRemedy]}
			e.Meta = withoutWireKeys(d.Metadata)
		case *errdetails.RetryInfo:
			e.RetryAfter = d.RetryDelay.AsDuration()
		}
	}
	if e.Code.ID == "" {
		e.Code = foreignCode(kind)
		e.Message = foreignMessage(kind, st.Message())
		e.Cause = st.Err() // so that status.Code still finds what it was
	}
	return e
}

func withoutWireKeys(meta map[string]string) map[string]string {
	out := maps.Clone(meta)
	delete(out, metaCode)
	delete(out, metaRemedy)
	if len(out) == 0 {
		return nil
	}
	return out
}

// foreignMessage replaces texts of the transport, which nobody wrote for callers. Who made the call names whom it
// called.
func foreignMessage(k Kind, text string) string {
	switch k {
	case Unavailable:
		return "A service that is needed can't be reached."
	case Deadline:
		return "The request ran out of time."
	case Cancelled:
		return "The request was cancelled."
	case Internal:
		return "An internal error occurred."
	default:
		return text
	}
}

func foreignCode(k Kind) Code {
	switch k {
	case Unavailable:
		return ServiceUnavailable
	case Invalid:
		return InvalidRequest
	case Deadline:
		return SyncTimeout
	case Cancelled:
		return SyncCancelled
	case Limited:
		return WorkerPoolExhausted
	default:
		return InternalError
	}
}
