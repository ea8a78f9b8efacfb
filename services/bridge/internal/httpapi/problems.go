package httpapi

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math"
	"net/http"
	"regexp"
	"runtime/debug"
	"strconv"
	"strings"
	"time"

	"github.com/grpc-ecosystem/grpc-gateway/v2/runtime"
	"google.golang.org/grpc/status"

	"fgdsync.dev/libs/errs"
)

// problems writes errors in the form of the contract.
type problems struct{ log *slog.Logger }

// write returns with an error, and with the HTTP status of its kind.
func (p problems) write(w http.ResponseWriter, r *http.Request, err error) {
	p.writeStatus(w, r, runtime.HTTPStatusFromCode(errs.ToStatus(err).Code()), err)
}

func (p problems) writeStatus(w http.ResponseWriter, r *http.Request, httpStatus int, err error) {
	id := correlationID(r.Context())
	if httpStatus >= http.StatusInternalServerError {
		p.log.ErrorContext(r.Context(), "request failed", "correlation_id", id, "method", r.Method, "path", r.URL.Path,
			"status", httpStatus, "error", err.Error())
	}
	body, encodeErr := errs.ToJSON(err, id, time.Now())
	if encodeErr != nil {
		p.log.ErrorContext(r.Context(), "an error has no JSON form", "correlation_id", id, "error", encodeErr.Error())
	}
	w.Header().Set("Content-Type", "application/json")
	if wait := errs.From(err).RetryAfter; wait > 0 {
		w.Header().Set("Retry-After", strconv.Itoa(int(math.Ceil(wait.Seconds()))))
	}
	w.WriteHeader(httpStatus)
	_, _ = w.Write(body) //nolint:gosec // JSON, and said to be; a caller that has gone needs no answer
}

// fromGateway is the gateway's error handler.
func (p problems) fromGateway(_ context.Context, _ *runtime.ServeMux, _ runtime.Marshaler, w http.ResponseWriter,
	r *http.Request, err error,
) {
	p.write(w, r, apiError(err))
}

// fromRouting is the gateway's handler of requests that no route takes.
func (p problems) fromRouting(_ context.Context, _ *runtime.ServeMux, _ runtime.Marshaler, w http.ResponseWriter,
	r *http.Request, httpStatus int,
) {
	switch httpStatus {
	case http.StatusMethodNotAllowed:
		p.notAllowed(w, r)
	case http.StatusNotFound:
		p.notFound(w, r)
	default:
		p.writeStatus(w, r, httpStatus, errs.New(errs.InvalidRequest, "The request can't be read."))
	}
}

func (p problems) notFound(w http.ResponseWriter, r *http.Request) {
	p.writeStatus(w, r, http.StatusNotFound, errs.New(errs.PathNotFound, "There is nothing at this path.").
		WithRemedy("See /docs for the paths of the API."))
}

func (p problems) notAllowed(w http.ResponseWriter, r *http.Request) {
	p.writeStatus(w, r, http.StatusMethodNotAllowed, errs.New(errs.InvalidRequest,
		"The method %s is not offered at this path.", r.Method).
		WithRemedy("See /docs for the methods of each path."))
}

func (p problems) crossOrigin(w http.ResponseWriter, r *http.Request) {
	p.write(w, r, errs.New(errs.OriginRefused, "A page of another origin may not do this.").
		WithRemedy("Call the API from a server, or from a page of the same origin."))
}

// onPanic turns a panic into an error of the contract.
func (p problems) onPanic(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		defer func() {
			cause := recover()
			if cause == nil {
				return
			}
			if cause == http.ErrAbortHandler { //nolint:errorlint // net/http compares it so
				panic(cause)
			}
			p.log.ErrorContext(r.Context(), "panic in a request", "panic", fmt.Sprint(cause), "stack", string(debug.Stack()))
			p.write(w, r, errs.New(errs.InternalError, "An internal error occurred."))
		}()
		next.ServeHTTP(w, r)
	})
}

// apiError returns errors that the gateway itself made, about paths and bodies, a face of the catalogue. What came over
// the connection has one.
func apiError(err error) error {
	if errs.IsError(err) {
		return err
	}
	if st, ok := status.FromError(err); ok {
		e := errs.FromStatus(st)
		if foreign := e.Cause != nil; foreign && e.Code.Kind == errs.Invalid {
			return badRequest(st.Message())
		}
		return e
	}
	var routing *runtime.HTTPStatusError
	if errors.As(err, &routing) {
		return errs.New(errs.InvalidRequest, "The path can't be read.")
	}
	return err
}

var (
	unknownField  = regexp.MustCompile(`unknown field "([^"]*)"`)
	wrongArgument = regexp.MustCompile(`(?:type mismatch|missing), parameter:? ([a-z_.]+)`)
)

// badRequest puts what the JSON decoder or the path parser says into words.
func badRequest(text string) error {
	if found := unknownField.FindStringSubmatch(text); found != nil {
		return errs.New(errs.InvalidRequest, "The request has a field %q, which the API does not know.", found[1]).
			WithMeta("field", found[1])
	}
	if found := wrongArgument.FindStringSubmatch(text); found != nil {
		return errs.New(errs.InvalidRequest, "The value of %s is not of its type.", found[1]).WithMeta("field", found[1])
	}
	// The decoder puts a space of a kind that differs from build to build after its name.
	text = strings.TrimLeft(strings.TrimPrefix(text, "proto:"), " \u00a0")
	return errs.New(errs.InvalidRequest, "The request is not valid: %s.", text)
}
