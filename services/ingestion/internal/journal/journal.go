// Package journal keeps the two logs of a fabric directory: what was ingested or quarantined, and why each file of
// unmanaged/ is there. A log is a YAML file with one flow mapping a line under "entries:", so that it is read and
// appended to by lines. Entries of the archive log are never changed. Those of the unmanaged log whose file is gone are
// dropped when an entry is added, and only then: a sync that adds nothing rewrites nothing.
package journal

import (
	"bytes"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"fgdsync.dev/libs/gittree"
	"fgdsync.dev/libs/layout"
	"fgdsync.dev/services/ingestion/internal/finding"
	"fgdsync.dev/services/ingestion/internal/plan"
	"fgdsync.dev/services/ingestion/internal/shelf"
	"fgdsync.dev/services/ingestion/internal/splice"
)

const (
	archiveHeader = "# What was ingested or quarantined: from which path, blob and commit, to where. Append-only.\nentries:\n"
	reasonsHeader = "# Why each file in unmanaged/ is there, and how to fix it.\nentries:\n"
)

// contentField stands before the id of the content in an entry of the unmanaged log.
const contentField = `, content: "`

// MaxBytes is how large a log grows before a new one is begun.
const MaxBytes = 8 << 20

// Origin is where the documents of a sync came from.
type Origin struct {
	Commit string
	Time   time.Time
}

// Update notes what a plan did, and what was released. load gives the content of an object that is on the shelf.
func Update(s *shelf.Shelf, done *plan.Plan, released []Released, origin Origin, entries []gittree.Entry, load func(blob string) ([]byte, error)) error {
	w := writer{shelf: s, entries: entries, load: load}
	said, err := w.said(done)
	if err != nil {
		return err
	}
	var archived, reasons []string
	fresh := map[string]bool{}
	for _, item := range done.Items {
		if item.Outcome == plan.Stays {
			continue
		}
		if item.Outcome == plan.Quarantined {
			blob, _ := s.Blob(item.Destination)
			reason := reasonOf(item, blob)
			if strings.HasPrefix(said[item.Destination], reason) {
				continue // it was tried again, and nothing is new
			}
			reasons = append(reasons, reason+sourceOf(item, origin))
			fresh[item.Destination] = true
		}
		archived = append(archived, archiveLine(item, origin))
	}
	for _, r := range released {
		archived = append(archived, releaseLine(r, origin))
	}
	if err := w.extend(layout.ArchiveLog, archiveHeader, archived, nil); err != nil {
		return err
	}
	return w.extend(layout.UnmanagedLog, reasonsHeader, reasons, func(line string) bool {
		p, _, ok := entryOf(line)
		_, there := s.Blob(p)
		return ok && (!there || fresh[p])
	})
}

// actions name outcomes in the log.
var actions = map[plan.Outcome]string{
	plan.Created: "ingested", plan.Updated: "updated", plan.Duplicate: "duplicate",
	plan.Quarantined: "quarantined", plan.Moved: "moved", plan.KeptManaged: "kept-managed",
}

func archiveLine(item *plan.Item, origin Origin) string {
	var f fields
	f.text("at", origin.Time.UTC().Format(time.RFC3339))
	f.raw("action", actions[item.Outcome])
	f.source(item, origin)
	f.text("to", item.Destination)
	if item.Archived != "" {
		f.text("original", item.Archived)
	}
	return f.line()
}

// reasonOf is the part of an entry that is the same as long as nothing has changed.
func reasonOf(item *plan.Item, blob string) string {
	var f fields
	r := item.Reason
	f.text("path", item.Destination)
	f.text("content", blob)
	f.raw("code", r.Code.ID)
	f.raw("name", r.Code.Name)
	f.text("message", r.Message)
	if line := inQuarantine(item, r); line > 0 {
		f.raw("line", strconv.Itoa(line))
		f.raw("column", strconv.Itoa(max(1, r.Column)))
	}
	f.text("remedy", r.Fix())
	return "- {" + strings.Join(f, ", ")
}

func sourceOf(item *plan.Item, origin Origin) string {
	var f fields
	f.text("at", origin.Time.UTC().Format(time.RFC3339))
	f.source(item, origin)
	return ", " + strings.Join(f, ", ") + "}"
}

// inQuarantine gives the line that a finding is about in the file in unmanaged/, which may hold one document of several.
func inQuarantine(item *plan.Item, r finding.Finding) int {
	if item.Doc == nil || len(item.File.Docs) == 1 {
		return r.Line
	}
	return r.Line - item.Doc.Line + 1
}

// fields collects the entries of a flow mapping.
type fields []string

func (f *fields) raw(key, value string)  { *f = append(*f, key+": "+value) }
func (f *fields) text(key, value string) { f.raw(key, splice.DoubleQuote(value)) }
func (f *fields) line() string           { return "- {" + strings.Join(*f, ", ") + "}" }

func (f *fields) source(item *plan.Item, origin Origin) {
	f.text("from", item.File.Path)
	if item.Doc != nil {
		f.raw("document", strconv.Itoa(item.Doc.Number))
		if item.Doc.Item > 0 {
			f.raw("item", strconv.Itoa(item.Doc.Item))
		}
	}
	f.text("blob", item.File.Blob)
	f.text("commit", origin.Commit)
}

// writer extends logs.
type writer struct {
	shelf   *shelf.Shelf
	entries []gittree.Entry
	load    func(blob string) ([]byte, error)
}

// said gives the entries of the unmanaged log by path, when there is a file that they may already be about.
func (w *writer) said(done *plan.Plan) (map[string]string, error) {
	again := slices.ContainsFunc(done.Items, func(item *plan.Item) bool {
		return item.Outcome == plan.Quarantined && layout.Part(item.File.Path) == layout.Unmanaged
	})
	entry, found := w.find(layout.UnmanagedLog)
	if !again || !found || !entry.Mode.IsFile() || entry.Size > MaxBytes {
		return nil, nil
	}
	content, err := w.load(entry.Blob)
	if err != nil {
		return nil, fmt.Errorf("read %s: %w", layout.UnmanagedLog, err)
	}
	said := map[string]string{}
	for line := range strings.Lines(string(content)) {
		if p, _, ok := entryOf(line); ok {
			said[p] = line
		}
	}
	return said, nil
}

// Quarantined reads from the unmanaged log what content each file had when it was quarantined. Entries that do not say it
// are passed over.
func Quarantined(log []byte) map[string]string {
	out := map[string]string{}
	for line := range strings.Lines(string(log)) {
		p, rest, ok := entryOf(line)
		if !ok || !strings.HasPrefix(rest, contentField) {
			continue
		}
		if blob, _, whole := strings.Cut(rest[len(contentField):], `"`); whole {
			out[p] = blob
		}
	}
	return out
}

// extend adds lines to a log, and takes out those that are obsolete. A log in a form that is not ours, or one grown too
// large, is set aside as it is.
func (w *writer) extend(p, header string, lines []string, obsolete func(string) bool) error {
	if len(lines) == 0 {
		return nil
	}
	content, err := w.current(p, header)
	if err != nil {
		return err
	}
	var out bytes.Buffer
	for line := range bytes.Lines(content) {
		if obsolete == nil || !obsolete(string(line)) {
			out.Write(line)
		}
	}
	for _, line := range lines {
		out.WriteString(line)
		out.WriteByte('\n')
	}
	w.shelf.Put(p, out.Bytes(), shelf.BlobID(out.Bytes()))
	return nil
}

// current gives the log to extend: the one that is there, or a new one.
func (w *writer) current(p, header string) ([]byte, error) {
	entry, found := w.find(p)
	if !found {
		return []byte(header), nil
	}
	aside := "legacy"
	if entry.Mode.IsFile() && entry.Size <= MaxBytes {
		content, err := w.load(entry.Blob)
		if err != nil {
			return nil, fmt.Errorf("read %s: %w", p, err)
		}
		if content, ok := appendable(content); ok {
			return content, nil
		}
	} else if entry.Mode.IsFile() {
		aside = "1"
	}
	w.shelf.Remove(p)
	base := strings.TrimSuffix(p, ".yaml") + "." + aside
	w.shelf.PutEntry(w.shelf.Spot(base+".yaml", "", ".yaml"), entry)
	return []byte(header), nil
}

func (w *writer) find(p string) (gittree.Entry, bool) {
	for _, e := range w.entries {
		if e.Path == p {
			return e, true
		}
	}
	return gittree.Entry{}, false
}

// appendable tells whether a log has our form, and gives it ready for more lines.
func appendable(content []byte) ([]byte, bool) {
	var out bytes.Buffer
	begun, closed := false, false
	for line := range bytes.Lines(content) {
		text := strings.TrimRight(string(line), "\r\n")
		switch {
		case text == "" || strings.HasPrefix(text, "#"):
		case !begun && (text == "entries:" || text == "entries: []"):
			begun, text = true, "entries:"
		case !begun || !strings.HasPrefix(text, "- {") || !strings.HasSuffix(text, "}"):
			closed = true
		}
		out.WriteString(text)
		out.WriteByte('\n')
	}
	if !begun {
		out.WriteString("entries:\n")
	}
	return out.Bytes(), !closed
}

// entryOf reads the path of an entry of the unmanaged log, and gives what follows.
func entryOf(line string) (p, rest string, ok bool) {
	text, ok := strings.CutPrefix(line, "- {path: ")
	if !ok {
		return "", "", false
	}
	quoted, err := strconv.QuotedPrefix(text)
	if err != nil {
		return "", "", false
	}
	p, err = strconv.Unquote(quoted)
	return p, text[len(quoted):], err == nil
}
