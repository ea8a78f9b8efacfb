package dirlog

import (
	"strings"
	"time"

	"go.yaml.in/yaml/v3"

	"fgdsync.dev/services/ingestion/internal/inventory"
)

// Reason is an entry of the unmanaged log: why a file is in unmanaged/, and where it came from. What an entry does not
// say is empty.
type Reason struct {
	Content  string    `yaml:"content"` // object id that the file had when it came there
	Code     string    `yaml:"code"`
	Name     string    `yaml:"name"`
	Message  string    `yaml:"message"`
	Line     int       `yaml:"line"`
	Column   int       `yaml:"column"`
	Remedy   string    `yaml:"remedy"`
	At       time.Time `yaml:"at"`
	From     string    `yaml:"from"`
	Document *int      `yaml:"document"` // number in the file it came from; nil for a whole file
	Item     int       `yaml:"item"`     // place in the list that the document was; 0 when it was none
	Blob     string    `yaml:"blob"`     // object id of that file
	Commit   string    `yaml:"commit"`
}

// Reasons reads the unmanaged log by path. Of several entries the last counts; lines of another form are passed over.
func Reasons(log []byte) map[string]Reason {
	out := map[string]Reason{}
	for line := range strings.Lines(string(log)) {
		p, _, ok := entryOf(line)
		if !ok {
			continue
		}
		if reason, ok := reasonIn(line); ok {
			out[p] = reason
		}
	}
	return out
}

func reasonIn(line string) (Reason, bool) {
	var entries []Reason
	if err := yaml.Unmarshal([]byte(line), &entries); err != nil || len(entries) != 1 {
		return Reason{}, false
	}
	return entries[0], true
}

// Known is what the unmanaged log knows of files, by path.
type Known map[string]knownFile

type knownFile struct{ content, line string }

// Quarantined reads from the unmanaged log what content each file had when it was quarantined. Entries that do not say
// it are passed over.
func Quarantined(log []byte) Known {
	out := Known{}
	for line := range strings.Lines(string(log)) {
		p, rest, ok := entryOf(line)
		if !ok || !strings.HasPrefix(rest, contentField) {
			continue
		}
		if blob, _, whole := strings.Cut(rest[len(contentField):], `"`); whole {
			out[p] = knownFile{blob, line}
		}
	}
	return out
}

// Contents returns the object ids of the contents.
func (k Known) Contents() map[string]string {
	out := make(map[string]string, len(k))
	for p, file := range k {
		out[p] = file.content
	}
	return out
}

// Origin returns where a file came from; nil when the log does not say it.
func (k Known) Origin(path string) *inventory.Origin {
	reason, ok := reasonIn(k[path].line)
	if !ok || reason.From == "" {
		return nil
	}
	return &inventory.Origin{
		Path: reason.From, Document: reason.Document, Item: reason.Item, Blob: reason.Blob, Commit: reason.Commit,
	}
}

// Released is a file of unmanaged/ that was put back.
type Released struct {
	From, To string
	Blob     string
}

func appendReleased(out []byte, r Released, origin Origin, at string) []byte {
	return begin(out).text("at", at).raw("action", "released").text("from", r.From).text("blob", r.Blob).text("commit",
		origin.Commit).text("to", r.To).end()
}
