// Package render prints what commands have to say: tables and lines for people, one JSON document for programs. What
// others wrote into a repository does not move the cursor of a terminal.
package render

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"strings"
	"text/tabwriter"
	"time"

	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"

	"fgdsync.dev/libs/errs"
)

const timeForm = "2006-01-02 15:04:05 UTC"

// Message prints a message as JSON, with the field names of the contracts.
func Message(w io.Writer, m proto.Message) error {
	raw, err := encoded(m)
	if err != nil {
		return err
	}
	var out bytes.Buffer // protojson's own spacing differs from build to build
	if err := json.Indent(&out, raw, "", "  "); err != nil {
		return fmt.Errorf("indent JSON: %w", err)
	}
	_, err = fmt.Fprintf(w, "%s\n", &out)
	return err
}

func encoded(m proto.Message) ([]byte, error) {
	raw, err := protojson.MarshalOptions{UseProtoNames: true, EmitDefaultValues: true}.Marshal(m)
	if err != nil {
		return nil, fmt.Errorf("encode JSON: %w", err)
	}
	return raw, nil
}

// Document prints a value as JSON.
func Document(w io.Writer, v any) error {
	encoder := json.NewEncoder(w)
	encoder.SetEscapeHTML(false)
	encoder.SetIndent("", "  ")
	if err := encoder.Encode(v); err != nil {
		return fmt.Errorf("encode JSON: %w", err)
	}
	return nil
}

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

// table is rows of several columns.
type table struct{ *tabwriter.Writer }

func newTable(w io.Writer) table { return table{tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)} }

func (t table) cells(values ...any) {
	form := strings.TrimSuffix(strings.Repeat("%v\t", len(values)), "\t")
	fmt.Fprintf(t, form+"\n", values...)
}

// end prints the rows. A reader that went away is no reason to fail.
func (t table) end() { _ = t.Flush() }

func yesOrNo(is bool) string {
	if is {
		return "yes"
	}
	return "no"
}
