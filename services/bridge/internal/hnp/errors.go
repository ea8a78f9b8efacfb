package hnp

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode"
)

// Reason says what an error means for what was asked.
type Reason int

const (
	// Unclear is for what may have been done, or not: it has to be looked at again.
	Unclear Reason = iota
	// Away is for a NetBox that did nothing and may do it later.
	Away
	// Refused is for what NetBox does not take as it is, now or later.
	Refused
	// Denied is for a token that is not taken, or may not do this.
	Denied
	// Gone is for a record that is not there.
	Gone
	// Changed is for a record that is another one than was seen.
	Changed
)

// Error is why a request has not had the effect that was asked for, or may not have had it.
type Error struct {
	Reason Reason
	Status int                 // of HTTP; 0 when there was no answer
	Detail string              // in NetBox's own words where it has any
	Fields map[string][]string // what is wrong with which field
	After  time.Duration       // when it may be tried again; 0 where NetBox does not say
	cause  error
}

// Error returns the detail and the fields.
func (e *Error) Error() string {
	parts := []string{e.Detail}
	for _, field := range slices.Sorted(maps.Keys(e.Fields)) {
		parts = append(parts, field+": "+strings.Join(e.Fields[field], " "))
	}
	said := strings.Join(slices.DeleteFunc(parts, func(part string) bool { return part == "" }), "; ")
	if e.Status == 0 {
		return said
	}
	return fmt.Sprintf("NetBox answers %d: %s", e.Status, said)
}

// Unwrap returns what made the error.
func (e *Error) Unwrap() error { return e.cause }

// Is reports whether an error is one of NetBox for a reason.
func Is(err error, reason Reason) bool {
	var e *Error
	return errors.As(err, &e) && e.Reason == reason
}

// doubtful is the reason of an answer that says nothing: what only reads has done nothing.
func doubtful(method string) Reason {
	if method == http.MethodGet {
		return Away
	}
	return Unclear
}

func unanswered(method string, err error) error {
	return &Error{Reason: doubtful(method), Detail: "NetBox does not answer", cause: err}
}

// refused reads an answer that is no success.
func refused(response *http.Response, raw []byte) error {
	e := &Error{Status: response.StatusCode, Reason: Refused}
	e.words(raw)
	switch code := response.StatusCode; {
	case code < http.StatusBadRequest:
		e.Detail = "it sends on to " + printable(response.Header.Get("Location")) + ": the address of NetBox is another one"
	case code == http.StatusUnauthorized || code == http.StatusForbidden:
		e.Reason = Denied
	case code == http.StatusNotFound:
		e.Reason = Gone
	case code == http.StatusPreconditionFailed:
		e.Reason = Changed
	case code == http.StatusTooManyRequests || code == http.StatusServiceUnavailable:
		e.Reason, e.After = Away, after(response.Header.Get("Retry-After"))
	case code >= http.StatusInternalServerError:
		e.Reason = doubtful(response.Request.Method)
	}
	return e
}

const maxWait = time.Hour

// after returns how long to wait; not longer than an hour, whatever somebody says.
func after(header string) time.Duration {
	seconds, err := strconv.Atoi(strings.TrimSpace(header))
	if err != nil || seconds < 0 {
		return 0
	}
	return min(time.Duration(seconds)*time.Second, maxWait)
}

// words reads what NetBox says: a detail, the kind of an exception, or what is wrong with which field.
func (e *Error) words(raw []byte) {
	var said map[string]json.RawMessage
	if json.Unmarshal(raw, &said) != nil {
		e.Detail = "no reason is given"
		return
	}
	for field, value := range said {
		var one string
		var many []string
		switch {
		case (field == "detail" || field == "exception" || field == "error") && json.Unmarshal(value, &one) == nil:
			if e.Detail == "" || field == "detail" {
				e.Detail = printable(one)
			}
		case json.Unmarshal(value, &many) == nil && e.Status == http.StatusBadRequest:
			if e.Fields == nil {
				e.Fields = map[string][]string{}
			}
			for i := range many {
				many[i] = printable(many[i])
			}
			e.Fields[printable(field)] = many
		}
	}
}

const longestWord = 500

// printable returns a text of somebody else's as one line of bounded length.
func printable(text string) string {
	text = strings.Map(func(r rune) rune {
		if unicode.IsPrint(r) {
			return r
		}
		return ' '
	}, text)
	if runes := []rune(text); len(runes) > longestWord {
		text = string(runes[:longestWord]) + "…"
	}
	return text
}
