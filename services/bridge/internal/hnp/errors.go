package hnp

import (
	"cmp"
	"crypto/tls"
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
	// Denied is for a token that is not taken: nothing can be done with it.
	Denied
	// Gone is for a record that is not there.
	Gone
	// Changed is for a record that is another one than was seen.
	Changed
	// Forbidden is for a token that is taken, and may not do this: it may do other things.
	Forbidden
	// Unusable is for what is no NetBox with the plugin, or none that is known: nothing can be done there.
	Unusable
)

// Error is why a request has not had the effect that was asked for, or may not have had it.
type Error struct {
	Reason Reason
	Status int                 // of HTTP; 0 when there was no answer
	Detail string              // in NetBox's own words where it has any
	Fields map[string][]string // what is wrong with which field
	After  time.Duration       // when it may be tried again; 0 where NetBox does not say
	// Exception is what NetBox calls an error of its own, such as IntegrityError; empty where it does not say.
	Exception string
	// Answers is for a request that had no effect, after which NetBox was asked and answers: it may be this request alone
	// that it fails at.
	Answers bool

	items map[int]map[string][]string // of a request about many records: what is wrong with which, by its index
	mute  bool                        // the answer has no words of NetBox's: it may come from something before it
	cause error
}

// Error returns the detail and the fields.
func (e *Error) Error() string {
	parts := []string{e.Detail}
	for _, field := range slices.Sorted(maps.Keys(e.Fields)) {
		parts = append(parts, field+": "+strings.Join(e.Fields[field], " "))
	}
	said := strings.Join(slices.DeleteFunc(parts, func(part string) bool { return part == "" }), "; ")
	switch {
	case e.Status == 0:
		return said
	case e.mute:
		return fmt.Sprintf("the answer is %d: %s", e.Status, said)
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
	if method == http.MethodGet || method == http.MethodOptions {
		return Away
	}
	return Unclear
}

// twin reports whether NetBox says that such a record is there already (Q5). One whose models check that says it in
// words: NetBox up to 4.5.1 asks them.
func (e *Error) twin() bool {
	const said = "already exists."
	if e.Exception == "IntegrityError" {
		return true
	}
	fields := slices.Concat(e.Fields["__all__"], e.Fields["non_field_errors"])
	for _, item := range e.items {
		fields = slices.Concat(fields, item["__all__"], item["non_field_errors"])
	}
	told := slices.ContainsFunc(fields, func(text string) bool { return strings.HasSuffix(text, said) })
	return e.Reason == Refused && told
}

// defect reports whether NetBox fails because the plugin has no page for records of a kind (Q2): it does so each time.
func (e *Error) defect() bool { return e.Exception == "ImproperlyConfigured" }

// ErrNotSent says that a request was not sent: nothing was done.
var ErrNotSent = errors.New("the request was not sent")

func unanswered(method string, err error) error {
	reason := doubtful(method)
	if errors.Is(err, ErrNotSent) {
		reason = Away
	}
	detail := notAnswered
	var record tls.RecordHeaderError
	if errors.Is(err, http.ErrSchemeMismatch) || errors.As(err, &record) {
		detail = "what is there does not speak https"
	}
	return &Error{Reason: reason, Detail: detail, cause: err}
}

const notAnswered = "NetBox does not answer"

// otherObject is for an answer that is about something else than what was asked for.
func otherObject(method string) *Error {
	return &Error{Reason: doubtful(method), Detail: "the answer of NetBox is about another object than the request"}
}

// refused reads an answer that is no success.
func refused(response *http.Response, raw []byte) *Error {
	e := &Error{Status: response.StatusCode, Reason: Refused}
	spoken := e.words(raw)
	e.mute = !spoken
	switch code := response.StatusCode; {
	case code < http.StatusBadRequest:
		e.Reason = Unusable
		e.Detail = "it sends on to " + printable(response.Header.Get("Location")) + ": the address of NetBox is another one"
	case code == http.StatusUnauthorized || code == http.StatusForbidden:
		e.Reason = Denied
	case code == http.StatusNotFound && !spoken:
		e.Reason, e.Detail = Unusable, "there is no such path: the address is not that of a NetBox with the plugin"
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

// after returns how long to wait, by a number of seconds or a date; not longer than an hour, whatever somebody says.
func after(header string) time.Duration {
	if at, err := http.ParseTime(header); err == nil {
		return min(max(time.Until(at), 0), maxWait)
	}
	seconds, err := strconv.Atoi(strings.TrimSpace(header))
	if err != nil || seconds < 0 {
		return 0
	}
	return time.Duration(min(seconds, int(maxWait/time.Second))) * time.Second
}

// words reads what NetBox says, and reports whether it is NetBox that says it: a detail, an exception, or what is wrong
// with which field of which record.
func (e *Error) words(raw []byte) bool {
	var list []map[string]json.RawMessage
	if json.Unmarshal(raw, &list) == nil { // before 4.7: an entry for each record, empty for those that are right
		for i, one := range list {
			e.item(i, fieldsOf(one))
		}
		return true
	}
	var said map[string]json.RawMessage
	if json.Unmarshal(raw, &said) != nil {
		e.Detail = "no reason is given"
		return false
	}
	e.Exception = wordOf(said["exception"])
	e.Detail = cmp.Or(wordOf(said["detail"]), e.Exception, wordOf(said["error"]))
	var bad []struct {
		Index  *int                       `json:"index"`
		Errors map[string]json.RawMessage `json:"errors"`
	}
	if json.Unmarshal(said["errors"], &bad) == nil {
		for _, one := range bad {
			if one.Index != nil {
				e.item(*one.Index, fieldsOf(one.Errors))
			}
		}
		return true
	}
	if e.Status == http.StatusBadRequest {
		delete(said, "detail")
		e.Fields = fieldsOf(said)
	}
	return true
}

// item notes what is wrong with a record of many.
func (e *Error) item(index int, fields map[string][]string) {
	if len(fields) == 0 {
		return
	}
	if e.items == nil {
		e.items = map[int]map[string][]string{}
	}
	e.items[index] = fields
}

// wordOf returns a text of NetBox's, and nothing for what is none.
func wordOf(raw json.RawMessage) string {
	var text string
	if json.Unmarshal(raw, &text) != nil {
		return ""
	}
	return printable(text)
}

// fieldsOf reads what is wrong with which field: a list of sentences, or something else, which is shown as it is.
func fieldsOf(said map[string]json.RawMessage) map[string][]string {
	fields := map[string][]string{}
	for field, value := range said {
		var sentences []string
		if json.Unmarshal(value, &sentences) != nil {
			sentences = []string{cmp.Or(wordOf(value), string(value))}
		}
		for i := range sentences {
			sentences[i] = printable(sentences[i])
		}
		fields[printable(field)] = sentences
	}
	return fields
}

const longestWord = 500

// printableLines returns a text as a field of NetBox takes it: without characters that are not for people, and without
// spaces around it, which NetBox takes off.
func printableLines(text string) string {
	return strings.TrimSpace(strings.Map(func(r rune) rune {
		if r == '\n' || unicode.IsPrint(r) {
			return r
		}
		return ' '
	}, text))
}

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
