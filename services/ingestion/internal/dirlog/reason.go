package dirlog

import (
	"strings"
	"time"

	"go.yaml.in/yaml/v3"
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
		var entries []Reason
		if err := yaml.Unmarshal([]byte(line), &entries); err == nil && len(entries) == 1 {
			out[p] = entries[0]
		}
	}
	return out
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
