// Package dirlog keeps the two logs of a fabric directory: what was ingested or quarantined, and why each file of
// unmanaged/ is there. A log is a YAML file with one flow mapping a line under "entries:", so that it is read and
// appended to by lines. Entries of the archive log are never changed. Those of the unmanaged log whose file is gone are
// dropped when anything else in the directory changes, and only then: a sync that changes nothing rewrites nothing.
package dirlog

import (
	"bytes"
	"fmt"
	"path"
	"slices"
	"strconv"
	"strings"
	"time"

	"fgdsync.dev/libs/errs"
	"fgdsync.dev/libs/gittree"
	"fgdsync.dev/libs/layout"
	"fgdsync.dev/services/ingestion/internal/finding"
	"fgdsync.dev/services/ingestion/internal/inventory"
	"fgdsync.dev/services/ingestion/internal/plan"
	"fgdsync.dev/services/ingestion/internal/splice"
	"fgdsync.dev/services/ingestion/internal/stage"
)

const (
	archiveHeader = "# What was ingested or quarantined: from which path, blob and commit, to where. " +
		"Append-only.\nentries:\n"
	reasonsHeader = "# Why each file in unmanaged/ is there, and how to fix it.\nentries:\n"
)

// yamlExt ends the names of logs.
const yamlExt = ".yaml"

// contentField stands before the id of the content in an entry of the unmanaged log.
const contentField = `, content: "`

// MaxBytes is how large a log gets at most, and how large the unmanaged log grows before a new one is begun.
const MaxBytes = 8 << 20

// maxArchive is how large the archive log grows before a new one is begun. It is rewritten, and goes over the wire,
// with every sync that has something to note.
const maxArchive = 256 << 10

// Origin is where the documents of a sync came from.
type Origin struct {
	Commit string
	Time   time.Time
}

// Logs are the two logs of a staged tree.
type Logs struct {
	Staged  *stage.Tree
	Entries []gittree.Entry // of the tree as it was
	Known   []byte          // the unmanaged log as it was
	Load    func(blob string) ([]byte, error)

	Findings []finding.Finding // what stood in the place of a log; once Update was called
}

// Update notes what a plan did, and what was released.
func (w *Logs) Update(done *plan.Plan, released []Released, origin Origin) error {
	s, said := w.Staged, w.said(done)
	at := origin.Time.UTC().Format(time.RFC3339)
	archived, reasons := make([]byte, 0, archiveSize(done.Items, origin)), []byte(nil)
	fresh := map[string]bool{}
	for _, item := range done.Items {
		if item.Outcome == plan.Stays {
			continue
		}
		if item.Outcome == plan.Quarantined {
			blob, _ := s.Blob(item.Destination)
			reason := reasonOf(item, blob)
			if strings.HasPrefix(said[item.Destination], string(reason)) {
				continue // it was tried again, and nothing is new
			}
			reasons = reason.text("at", at).first(item, origin).endOn(reasons)
			fresh[item.Destination] = true
		}
		archived = appendArchived(archived, item, origin, at)
	}
	for _, r := range released {
		archived = appendReleased(archived, r, origin, at)
	}
	if err := w.extend(layout.ArchiveLog, archiveHeader, archived, maxArchive, nil); err != nil {
		return err
	}
	obsolete := func(line string) bool {
		p, _, ok := entryOf(line)
		_, there := s.Blob(p)
		return ok && (!there || fresh[p])
	}
	if len(reasons) == 0 {
		w.drop(obsolete)
		return nil
	}
	return w.extend(layout.UnmanagedLog, reasonsHeader, reasons, MaxBytes, obsolete)
}

// actions name outcomes in the log.
var actions = map[plan.Outcome]string{
	plan.Created: "ingested", plan.Updated: "updated", plan.Duplicate: "duplicate",
	plan.Quarantined: "quarantined", plan.Moved: "moved", plan.KeptManaged: "kept-managed",
}

// archiveSize returns about how long the entries of items get in the archive log.
func archiveSize(items []*plan.Item, origin Origin) int {
	const words = 160 // keys, quotes, time, action, numbers and the blob's id
	size := 0
	for _, item := range items {
		if item.Outcome != plan.Stays {
			size += words + len(origin.Commit) + len(item.File.Path) + len(item.Destination) + len(item.Archived)
		}
	}
	return size
}

func appendArchived(out []byte, item *plan.Item, origin Origin, at string) []byte {
	line := begin(out).text("at", at).raw("action", actions[item.Outcome]).source(item, origin).text("to",
		item.Destination)
	if item.Archived != "" {
		line = line.text("original", item.Archived)
	}
	return line.end()
}

// reasonOf returns the part of an entry that is the same as long as nothing has changed.
func reasonOf(item *plan.Item, blob string) entry {
	r := item.Reason
	line := begin(nil).text("path", item.Destination).text("content", blob).raw("code", r.Code.ID).raw("name",
		r.Code.Name).text("message", r.Message)
	if number := inQuarantine(item, r); number > 0 {
		line = line.number("line", number).number("column", max(1, r.Column))
	}
	return line.text("remedy", r.RemedyText())
}

// inQuarantine returns the line that a finding is about in the file in unmanaged/, which may hold one document of
// several.
func inQuarantine(item *plan.Item, r finding.Finding) int {
	if item.Doc == nil || len(item.File.Docs) == 1 {
		return r.Line
	}
	return r.Line - item.Doc.Line + 1
}

// entry is a log with an entry at its end that is being written.
type entry []byte

const opening = "- {"

func begin(log []byte) entry { return append(log, opening...) }

func (e entry) key(name string) entry {
	if !bytes.HasSuffix(e, []byte(opening)) {
		e = append(e, ", "...)
	}
	return append(append(e, name...), ": "...)
}

func (e entry) raw(key, value string) entry  { return append(e.key(key), value...) }
func (e entry) text(key, value string) entry { return splice.AppendQuoted(e.key(key), value) }
func (e entry) number(key string, n int) entry {
	return strconv.AppendInt(e.key(key), int64(n), 10)
}

// source says where an item was.
func (e entry) source(item *plan.Item, origin Origin) entry {
	at := inventory.Origin{Path: item.File.Path, Blob: item.File.Blob, Commit: origin.Commit}
	if item.Doc != nil {
		at.Document, at.Item = &item.Doc.Number, item.Doc.Item
	}
	return e.from(at)
}

// first says where an item was when it was not yet in quarantine, however often it has been tried since.
func (e entry) first(item *plan.Item, origin Origin) entry {
	if item.File.Origin != nil {
		return e.from(*item.File.Origin)
	}
	return e.source(item, origin)
}

func (e entry) from(at inventory.Origin) entry {
	e = e.text("from", at.Path)
	if at.Document != nil {
		e = e.number("document", *at.Document)
		if at.Item > 0 {
			e = e.number("item", at.Item)
		}
	}
	return e.text("blob", at.Blob).text("commit", at.Commit)
}

func (e entry) end() []byte { return append(e, "}\n"...) }

// endOn ends an entry that stands alone and appends it to a log.
func (e entry) endOn(log []byte) []byte { return append(log, e.end()...) }

// said returns the entries of the unmanaged log by path, when there is a file that they may already be about.
func (w *Logs) said(done *plan.Plan) map[string]string {
	again := slices.ContainsFunc(done.Items, func(item *plan.Item) bool {
		return item.Outcome == plan.Quarantined && layout.Part(item.File.Path) == layout.Unmanaged
	})
	if !again {
		return nil
	}
	said := map[string]string{}
	for line := range strings.Lines(string(w.Known)) {
		if p, _, ok := entryOf(line); ok {
			said[p] = line
		}
	}
	return said
}

// drop takes entries out of the unmanaged log that are obsolete, when anything else has changed.
func (w *Logs) drop(obsolete func(line string) bool) {
	if len(w.Known) == 0 || !w.Staged.Changed() {
		return
	}
	content, ours := appendable(w.Known)
	if left := without(content, obsolete); ours && len(left) < len(content) {
		w.Staged.Put(layout.UnmanagedLog, left, stage.BlobID(left))
	}
}

// extend adds lines to a log, and takes out those that are obsolete. A log in a form that is not ours, or one grown too
// large, is set aside as it is.
func (w *Logs) extend(p, header string, lines []byte, most int64, obsolete func(string) bool) error {
	if len(lines) == 0 {
		return nil
	}
	content, err := w.current(p, header, most)
	if err != nil || content == nil {
		return err
	}
	if obsolete != nil {
		content = without(content, obsolete)
	}
	content = slices.Concat(content, lines)
	for len(content) > MaxBytes {
		end := entriesIn(content, MaxBytes)
		aside := w.aside(p, ".1", yamlExt)
		w.Staged.Put(aside, content[:end], stage.BlobID(content[:end]))
		content = slices.Concat([]byte(header), content[end:])
	}
	w.Staged.Put(p, content, stage.BlobID(content))
	return nil
}

// entriesIn returns how many of the first bytes of a log are whole lines.
func entriesIn(log []byte, most int) int { return bytes.LastIndexByte(log[:most], '\n') + 1 }

// aside returns a free path for what a log has to make way for.
func (w *Logs) aside(p, mark, ext string) string {
	return w.Staged.FreePath(strings.TrimSuffix(p, yamlExt)+mark+ext, "", ext)
}

func without(log []byte, obsolete func(string) bool) []byte {
	var out []byte
	for line := range bytes.Lines(log) {
		if !obsolete(string(line)) {
			out = append(out, line...)
		}
	}
	return out
}

// current returns the log to extend: the one that is there, or a new one; nil when something stands in its place that
// can't be moved.
func (w *Logs) current(p, header string, most int64) ([]byte, error) {
	entry, found := gittree.Find(w.Entries, p)
	if !found {
		return w.begin(p, header), nil
	}
	mark := ".legacy"
	switch {
	case !entry.Mode.IsFile():
		w.tell(p, "no file; it is set aside, and a new log is begun", true)
	case entry.Size > most:
		mark = ".1"
	default:
		content, err := w.Load(entry.Blob)
		if err != nil {
			return nil, fmt.Errorf("read %s: %w", p, err)
		}
		if content, ok := appendable(content); ok {
			return content, nil
		}
	}
	w.Staged.Remove(p)
	w.Staged.PutEntry(w.aside(p, mark, yamlExt), entry)
	return []byte(header), nil
}

// begin returns a new log, and moves what is in a folder that stands in its place.
func (w *Logs) begin(p, header string) []byte {
	if w.Staged.Free(p) {
		return []byte(header)
	}
	for _, inside := range w.Staged.Below(p) {
		ext := path.Ext(inside)
		name := strings.TrimSuffix(strings.TrimPrefix(inside, p), ext)
		w.Staged.Rename(inside, w.aside(p, ".legacy"+name, ext))
	}
	if !w.Staged.Free(p) {
		w.tell(p, "a folder; what this sync did is noted nowhere", false)
		return nil
	}
	w.tell(p, "a folder; what is in it is set aside, and a new log is begun", true)
	return []byte(header)
}

// tell says what stands in the place of a log.
func (w *Logs) tell(p, what string, mended bool) {
	f := finding.Finding{
		Code: errs.DirectoryRepairFailed, Warning: mended, File: p, Document: -1, Message: p + " is " + what,
		Remedy: "Nothing to do; what was there is beside it.",
	}
	if !mended {
		f.Remedy = fmt.Sprintf("Rename or remove %s in the repository.", p)
	}
	w.Findings = append(w.Findings, f)
}

// appendable returns a log ready for more lines, and reports whether it has our form.
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

// entryOf returns the path of an entry of the unmanaged log and what follows it, and reports whether it is one.
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
