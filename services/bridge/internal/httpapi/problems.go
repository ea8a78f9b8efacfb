package httpapi

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math"
	"net/http"
	"runtime/debug"
	"strconv"
	"strings"
	"time"

	"github.com/grpc-ecosystem/grpc-gateway/v2/runtime"
	"google.golang.org/grpc/status"

	"fgdsync.dev/libs/errs"
	"fgdsync.dev/libs/rpc"
)

// problems writes errors in the form of the contract.
type problems struct{ log *slog.Logger }

// write returns with an error, and with the HTTP status of its kind.
func (p problems) write(w http.ResponseWriter, r *http.Request, err error) {
	p.writeStatus(w, r, statusOf(err), err)
}

// statusOf returns the HTTP status of an error. That something has changed since it was read has one of its own
// (RFC 9110, 15.5.13).
func statusOf(err error) int {
	if errs.HasCode(err, errs.ResourceChanged) {
		return http.StatusPreconditionFailed
	}
	return runtime.HTTPStatusFromCode(errs.ToStatus(err).Code())
}

func (p problems) writeStatus(w http.ResponseWriter, r *http.Request, httpStatus int, err error) {
	if httpStatus >= http.StatusInternalServerError && madeHere(err) {
		p.log.ErrorContext(r.Context(), "request failed", "method", r.Method, "path", r.URL.Path,
			"status", httpStatus, "error", err.Error())
	}
	body, encodeErr := errs.ToJSON(err, rpc.CallOf(r.Context()).CorrelationID, time.Now())
	if encodeErr != nil {
		p.log.ErrorContext(r.Context(), "an error has no JSON form", "error", encodeErr.Error())
	}
	w.Header().Set("Content-Type", "application/json")
	if wait := errs.From(err).RetryAfter; wait > 0 {
		w.Header().Set("Retry-After", strconv.Itoa(int(math.Ceil(wait.Seconds()))))
	}
	w.WriteHeader(httpStatus)
	_, _ = w.Write(body) //nolint:gosec // JSON, and said to be; a caller that has gone needs no answer
}

// madeHere reports whether nobody else has logged an error. Those of a call were logged where they arose; the others
// have no public face yet, or a cause that ends here.
func madeHere(err error) bool {
	var e *errs.Error
	return !errors.As(err, &e) || e.Cause != nil
}

// fromGateway is the gateway's error handler.
func (p problems) fromGateway(ctx context.Context, _ *runtime.ServeMux, _ runtime.Marshaler, w http.ResponseWriter,
	r *http.Request, err error,
) {
	method, _ := runtime.RPCMethod(ctx)
	p.write(w, r, apiError(method, err))
}

func (p problems) notFound(w http.ResponseWriter, r *http.Request) {
	p.writeStatus(w, r, http.StatusNotFound, errs.New(errs.PathNotFound, "There is nothing at this path.").
		WithRemedy("See /docs for the paths of the API."))
}

// notAllowed refuses a method, and says which ones the path takes.
func (p problems) notAllowed(w http.ResponseWriter, r *http.Request, methods []string) {
	w.Header().Set("Allow", strings.Join(methods, ", "))
	p.writeStatus(w, r, http.StatusMethodNotAllowed, errs.New(errs.InvalidRequest,
		"The method %s is not offered at this path.", rpc.PrintableName(r.Method)).
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
func apiError(method string, err error) error {
	if errs.IsError(err) {
		return err
	}
	if st, ok := status.FromError(err); ok {
		e := errs.FromStatus(st)
		if foreign := e.Cause != nil; foreign && e.Code.Kind == errs.Invalid {
			return badRequest(method, st.Message())
		}
		return e
	}
	var routing *runtime.HTTPStatusError
	if errors.As(err, &routing) {
		return errs.New(errs.InvalidRequest, "The path can't be read.")
	}
	return err
}
