// Package render prints what commands have to say: tables and lines for people, one JSON document for programs. What
// others wrote into a repository does not move the cursor of a terminal.
package render

import (
	"fmt"
	"io"
	"strings"
	"time"

	"fgdsync.dev/libs/errs"
)

const timeForm = "2006-01-02 15:04:05 UTC"

// ErrorDocument prints an error as JSON, in the shape that the API gives it.
func ErrorDocument(w io.Writer, err error) error {
	face, encodeErr := errs.ToJSON(err, errs.From(err).Meta[CorrelationID], time.Now())
	if encodeErr != nil {
		return encodeErr
	}
	_, writeErr := fmt.Fprintf(w, "%s\n", face)
	return writeErr
}

// CorrelationID is the detail of an error that names the call to look for in the log of a running system.
const CorrelationID = "correlation_id"

// Error prints the public face of an error, its cause where the person can use it, and the remedy.
func Error(s *Screen, err error) {
	e := errs.From(err)
	s.line(s.bad, "fgd: ", e.Code.ID+" "+e.Code.Name+": "+e.Message)
	if e.Cause != nil {
		s.line(s.faint, "  cause: ", e.Cause.Error())
	}
	if id := e.Meta[CorrelationID]; id != "" {
		s.line(s.faint, "  correlation id: ", id)
	}
	s.line(s.faint, "  remedy: ", e.RemedyText())
}

// Misuse prints what is wrong with a call, and whose help says how it is right.
func Misuse(s *Screen, err error, command string) {
	s.line(s.bad, "fgd: ", err.Error())
	s.printf("See %s --help.\n", command)
}

// Position returns "file:line:column: " as far as it is known.
func Position(file string, line, column int32) string {
	if file == "" {
		return ""
	}
	var b strings.Builder
	b.WriteString(file)
	if line > 0 {
		fmt.Fprintf(&b, ":%d", line)
		if column > 0 {
			fmt.Fprintf(&b, ":%d", column)
		}
	}
	return b.String() + ": "
}

func yesOrNo(is bool) string {
	if is {
		return "yes"
	}
	return "no"
}
