package httpapi

import (
	"errors"
	"io"
	"net/http"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/protobuf/types/known/timestamppb"

	"fgdsync.dev/libs/errs"
	bridgev1 "fgdsync.dev/proto/fgd/bridge/v1"
)

const (
	exportPath = "/api/v1/audit:export"
	ndjson     = "application/x-ndjson"
)

// export serves the audit as lines of JSON.
type export struct {
	client   bridgev1.AuditServiceClient
	problems problems
}

func newExport(self grpc.ClientConnInterface, problems problems) *export {
	return &export{bridgev1.NewAuditServiceClient(self), problems}
}

// ServeHTTP hands out the audit. An error before the first line is one of the API; after it, the connection ends early.
func (e *export) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	request, err := exportRequest(r)
	if err != nil {
		e.problems.write(w, r, err)
		return
	}
	stream, err := e.client.ExportAudit(callContext(r), request)
	if err != nil {
		e.problems.write(w, r, err)
		return
	}
	control := http.NewResponseController(w)
	for begun := false; ; begun = true {
		piece, err := stream.Recv()
		switch {
		case err != nil && !errors.Is(err, io.EOF) && !begun:
			e.problems.write(w, r, err)
			return
		case err != nil && !errors.Is(err, io.EOF):
			panic(http.ErrAbortHandler) // so that nobody takes it for the whole
		}
		if !begun {
			w.Header().Set("Content-Type", ndjson)
		}
		if err != nil {
			return
		}
		_ = control.SetWriteDeadline(time.Now().Add(writeTimeout)) // servers without deadlines have none
		if _, err := io.WriteString(w, piece.GetChunk()); err != nil {
			return
		}
	}
}

func exportRequest(r *http.Request) (*bridgev1.ExportAuditRequest, error) {
	request := &bridgev1.ExportAuditRequest{}
	for name, values := range r.URL.Query() {
		if len(values) > 1 {
			return nil, errs.Field(name, "%s is given more than once.", name)
		}
		var err error
		switch name {
		case "format":
			request.Format = values[0]
		case "since":
			request.Since, err = timeParameter(name, values[0])
		case "until":
			request.Until, err = timeParameter(name, values[0])
		default:
			err = errs.Field(name, "There is no parameter %s.", name)
		}
		if err != nil {
			return nil, err
		}
	}
	return request, nil
}

func timeParameter(name, text string) (*timestamppb.Timestamp, error) {
	for _, layout := range []string{time.RFC3339Nano, time.DateOnly} {
		if at, err := time.Parse(layout, text); err == nil {
			return timestamppb.New(at), nil
		}
	}
	return nil, errs.Field(name, "%s has to be a date or a time, for example 2026-03-01 or 2026-03-01T12:00:00Z.", name)
}
