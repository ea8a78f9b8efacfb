package errs

import (
	"encoding/json"
	"errors"
	"fmt"
	"time"
)

// body is the JSON form of an error, as the API's contract fixes it.
type body struct {
	Error face `json:"error"`
}

type face struct {
	Code          string            `json:"code"`
	Name          string            `json:"name"`
	Message       string            `json:"message"`
	Remedy        string            `json:"remedy"`
	Details       map[string]string `json:"details"`
	Timestamp     time.Time         `json:"timestamp"`
	CorrelationID string            `json:"correlation_id"`
}

// ToJSON returns the public face of any error as the contract's JSON.
func ToJSON(err error, correlationID string, now time.Time) ([]byte, error) {
	e := bounded(public(err))
	details := e.Meta
	if details == nil {
		details = map[string]string{}
	}
	raw, encodeErr := json.Marshal(body{face{
		e.Code.ID, e.Code.Name, e.Message, e.RemedyText(), details, now.UTC(),
		correlationID,
	}})
	if encodeErr != nil {
		return nil, fmt.Errorf("encode error: %w", encodeErr)
	}
	return raw, nil
}

// IsError reports whether the chain holds an Error.
func IsError(err error) bool {
	var e *Error
	return errors.As(err, &e)
}
