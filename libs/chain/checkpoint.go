package chain

import (
	"bytes"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"golang.org/x/mod/sumdb/note"
)

const (
	// KeyName is the name of the key that signs checkpoints.
	KeyName = "fgd-audit"
	// Interval is after how many lines there is a checkpoint.
	Interval = 1000
	// MaxBatch is how many lines are written at the same time, at most: so much later a checkpoint may come.
	MaxBatch = 512
)

// Kind says why there is a checkpoint.
type Kind string

// Kinds.
const (
	Regular   Kind = "regular"
	Beginning Kind = "beginning" // another file ended here, and this one begins
	Rotation  Kind = "rotation"  // the file ends here, and the next one begins
	Closing   Kind = "closing"
)

// Checkpoint is a head that was signed.
type Checkpoint struct {
	Head
	Time time.Time
	Kind Kind
}

// Sign returns the checkpoint as it stands in a file: a signed note of five lines, and an empty line after it.
func (c Checkpoint) Sign(signer note.Signer) ([]byte, error) {
	text := fmt.Sprintf("%s/%s\n%d\n%s\n%s\n%s\n", KeyName, c.Log, c.Seq, c.Hash,
		c.Time.UTC().Format(time.RFC3339Nano), c.Kind)
	signed, err := note.Sign(&note.Note{Text: text}, signer)
	if err != nil {
		return nil, fmt.Errorf("sign a checkpoint: %w", err)
	}
	return append(signed, '\n'), nil
}

// noteLines is how many lines a checkpoint has in a file: its text, an empty one, a signature, an empty one.
const noteLines = 8

// NextNote cuts the first checkpoint off what a file has. It is nil when there is no whole one.
func NextNote(raw []byte) (signed, rest []byte) {
	end := 0
	for range noteLines {
		i := bytes.IndexByte(raw[end:], '\n')
		if i < 0 {
			return nil, raw
		}
		end += i + 1
	}
	return raw[:end-1], raw[end:]
}

// OpenNote reads a checkpoint, and holds it against the key.
func OpenNote(signed []byte, verifier note.Verifier) (Checkpoint, error) {
	opened, err := note.Open(signed, note.VerifierList(verifier))
	if err != nil {
		return Checkpoint{}, fmt.Errorf("the signature is not that of the key: %w", err)
	}
	lines := strings.Split(opened.Text, "\n")
	if len(lines) != 6 {
		return Checkpoint{}, errNote
	}
	log, named := strings.CutPrefix(lines[0], KeyName+"/")
	seq, err := strconv.ParseInt(lines[1], 10, 64)
	at, timeErr := time.Parse(time.RFC3339Nano, lines[3])
	if !named || err != nil || timeErr != nil || !isHash(lines[2]) {
		return Checkpoint{}, errNote
	}
	return Checkpoint{Head{log, seq, lines[2]}, at, Kind(lines[4])}, nil
}

var errNote = errors.New("it is signed, and is no checkpoint")
