// Package errs is the one error type that crosses service borders. An Error says what kind of trouble it is (what a
// caller can do about it), carries a code of the catalogue, a message and a remedy that are safe to show to anyone,
// and keeps its cause for the log. What is lost at the border of a process is the cause; all else travels.
package errs

import (
	"errors"
	"fmt"
	"maps"
	"time"

	"fgdsync.dev/libs/secret"
)

// Kind says what a caller can do about an error.
type Kind int

// Kinds, and what they become on the wire.
const (
	Internal         Kind = iota // a defect: INTERNAL
	Invalid                      // the request is wrong: INVALID_ARGUMENT
	NotFound                     // what it names does not exist: NOT_FOUND
	Exists                       // what it makes exists already: ALREADY_EXISTS
	Precondition                 // the world must change first: FAILED_PRECONDITION
	Conflict                     // somebody else was faster, start over: ABORTED
	Limited                      // too much, later: RESOURCE_EXHAUSTED
	Unavailable                  // transient, try again: UNAVAILABLE
	Unauthenticated              // who are you: UNAUTHENTICATED
	PermissionDenied             // you may not: PERMISSION_DENIED
	Cancelled                    // the caller gave up: CANCELLED
	Deadline                     // out of time: DEADLINE_EXCEEDED
)

// Error is an error with a public face.
type Error struct {
	Code       Code
	Message    string            // one sentence, safe to show, without credentials
	Remedy     string            // what to do; the code's own when empty
	Meta       map[string]string // details, safe to show
	RetryAfter time.Duration     // when the other side said so
	Cause      error             // for the log only
}

// New returns an error of a code. The message is public: what it repeats of a caller's is scrubbed.
func New(code Code, format string, args ...any) *Error {
	return &Error{Code: code, Message: secret.Scrub(fmt.Sprintf(format, args...))}
}

// FieldKey is the detail that names the field to correct.
const FieldKey = "field"

// OtherFabricKey is the detail that names another fabric, which stands in the way.
const OtherFabricKey = "other_fabric_id"

// Field returns the error of a field that the caller has to correct. The name is the one that the caller used.
func Field(name, format string, args ...any) *Error {
	return New(InvalidRequest, format, args...).WithMeta(FieldKey, name)
}

// Error returns the public face and the cause, for logs.
func (e *Error) Error() string {
	text := e.Code.ID + " " + e.Code.Name + ": " + e.Message
	if e.Cause != nil {
		text += ": " + e.Cause.Error()
	}
	return text
}

// Unwrap returns the cause.
func (e *Error) Unwrap() error { return e.Cause }

// Is makes errors.Is compare by code.
func (e *Error) Is(target error) bool {
	var other *Error
	return errors.As(target, &other) && other.Code.ID == e.Code.ID
}

// RemedyText returns the remedy: its own, or that of its code.
func (e *Error) RemedyText() string {
	if e.Remedy != "" {
		return e.Remedy
	}
	return e.Code.Remedy
}

// WithCause adds the cause.
func (e *Error) WithCause(cause error) *Error {
	e.Cause = cause
	return e
}

// WithRemedy replaces the remedy of the code.
func (e *Error) WithRemedy(format string, args ...any) *Error {
	e.Remedy = secret.Scrub(fmt.Sprintf(format, args...))
	return e
}

// WithMeta adds a detail.
func (e *Error) WithMeta(key, value string) *Error {
	meta := maps.Clone(e.Meta)
	if meta == nil {
		meta = map[string]string{}
	}
	meta[key] = secret.Scrub(value)
	e.Meta = meta
	return e
}

// WithRetryAfter says when to try again.
func (e *Error) WithRetryAfter(d time.Duration) *Error {
	e.RetryAfter = d
	return e
}

// From finds the Error in a chain; anything else becomes an internal error with a text that gives nothing away.
func From(err error) *Error {
	var e *Error
	if errors.As(err, &e) {
		return e
	}
	return New(InternalError, "An internal error occurred.").WithCause(err)
}

// HasCode reports whether the chain holds an Error of this code.
func HasCode(err error, code Code) bool {
	var e *Error
	return errors.As(err, &e) && e.Code.ID == code.ID
}

// KindOf returns the kind of the Error in the chain, Internal for anything else.
func KindOf(err error) Kind {
	return From(err).Code.Kind
}
