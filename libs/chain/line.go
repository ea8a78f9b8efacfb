// Package chain is the form of an audit: lines of JSON, each of which has the hash of the one before, and signed
// checkpoints beside them. Who has the file can see that nothing of it was changed, removed, put in or turned around,
// but at its end; there a checkpoint tells, or a commit that names a line.
package chain

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"fgdsync.dev/libs/printable"
)

// Stage says what a line tells of.
type Stage string

// Stages.
const (
	Requested   Stage = "requested"   // a call is made, and has had no effect yet
	Completed   Stage = "completed"   // a call has ended
	Interrupted Stage = "interrupted" // the process ended in the middle of a call; what came of it is not known
	Denied      Stage = "denied"      // a call was refused to who made it
	Recovered   Stage = "recovered"   // the end of the file was damaged, and was put aside
)

// OK is the code of a call that went well.
const OK = "OK"

// Origin is the hash that the first line of a log has as that of the line before.
const Origin = "0000000000000000000000000000000000000000000000000000000000000000"

// Principal is who made a call.
type Principal struct {
	Name    string `json:"name"`
	Method  string `json:"method"`
	TokenID string `json:"token_id,omitempty"`
	Subject string `json:"subject,omitempty"`
	Via     string `json:"via,omitempty"` // the service that spoke for the principal
}

// Object is what a call was about, beside a fabric and a sync.
type Object struct {
	Kind  string `json:"kind"`
	Name  string `json:"name,omitempty"`
	Count int    `json:"count,omitempty"`
}

// Line is a line of an audit. The order of its fields is that of the file; the hash is the last one.
type Line struct {
	Log           string     `json:"log"`  // which log it is in
	Seq           int64      `json:"seq"`  // counts its lines from 1
	Prev          string     `json:"prev"` // hash of the line before
	ID            string     `json:"id"`   // the same for the lines of one call
	Stage         Stage      `json:"stage"`
	Time          time.Time  `json:"time"`
	Principal     *Principal `json:"principal,omitempty"`
	Source        string     `json:"source,omitempty"`        // address
	Action        string     `json:"action"`                  // RPC
	ValidateOnly  bool       `json:"validate_only,omitempty"` // it was to show what it would do
	FabricID      int32      `json:"fabric_id,omitempty"`
	SyncID        string     `json:"sync_id,omitempty"`
	Object        *Object    `json:"object,omitempty"`
	Code          string     `json:"code,omitempty"`
	Message       string     `json:"message,omitempty"`
	CorrelationID string     `json:"correlation_id,omitempty"`
	TraceID       string     `json:"trace_id,omitempty"`
	Count         int64      `json:"count,omitempty"` // of calls, where one line stands for many
	Hash          string     `json:"hash"`
}

const (
	// MaxLine bounds a line, in bytes. What Seal writes is shorter.
	MaxLine    = 16 << 10
	maxField   = 200 // characters
	maxMessage = 300
)

// What can be wrong with a line by itself.
var (
	errForm = errors.New("it is not what a line of an audit looks like")
	errHash = errors.New("its hash is not that of what it says: it was changed")
)

// bounded returns the line with texts that fit into one line and have a length.
func (l Line) bounded() Line {
	for _, text := range []*string{&l.ID, &l.Source, &l.Action, &l.SyncID, &l.Code, &l.CorrelationID, &l.TraceID} {
		*text = bound(*text, maxField)
	}
	l.Message = bound(l.Message, maxMessage)
	if l.Principal != nil {
		l.Principal = &Principal{
			bound(l.Principal.Name, maxField), bound(l.Principal.Method, maxField), bound(l.Principal.TokenID, maxField),
			bound(l.Principal.Subject, maxField), bound(l.Principal.Via, maxField),
		}
	}
	if l.Object != nil {
		l.Object = &Object{bound(l.Object.Kind, maxField), bound(l.Object.Name, maxField), l.Object.Count}
	}
	l.Time = l.Time.UTC()
	return l
}

func bound(text string, n int) string { return printable.Truncate(printable.Line(text), n) }

// Seal returns the line as it follows a head, with its line end, and the head that it is.
func (l Line) Seal(after Head) ([]byte, Head, error) {
	l = l.bounded()
	l.Log, l.Seq, l.Prev, l.Hash = after.Log, after.Seq+1, after.Hash, ""
	raw, err := json.Marshal(l)
	if err != nil {
		return nil, Head{}, fmt.Errorf("encode a line of the audit: %w", err)
	}
	plain := append(bytes.TrimSuffix(raw, []byte(emptyHash)), '}')
	l.Hash = hashOf(plain)
	sealed := append(plain[:len(plain)-1], hashField+l.Hash+hashEnd+"\n"...)
	return sealed, Head{l.Log, l.Seq, l.Hash}, nil
}

// The end of a line. What is hashed is the line without this field.
const (
	hashField = `,"hash":"`
	hashEnd   = `"}`
	emptyHash = hashField + hashEnd
)

func hashOf(plain []byte) string {
	sum := sha256.Sum256(plain)
	return hex.EncodeToString(sum[:])
}

// Parse reads a line, without its line end, and holds it against its own hash. A line that was changed is returned with
// the error that says so.
func Parse(raw []byte) (Line, error) {
	tail := len(hashField) + sha256.Size*2 + len(hashEnd)
	if len(raw) > MaxLine || len(raw) < tail {
		return Line{}, errForm
	}
	decoder := json.NewDecoder(bytes.NewReader(raw))
	decoder.DisallowUnknownFields()
	var l Line
	if err := decoder.Decode(&l); err != nil {
		return Line{}, fmt.Errorf("%w: %w", errForm, err)
	}
	// What is written in another way says something else to another reader.
	if again, err := json.Marshal(l); err != nil || !bytes.Equal(again, raw) || !isHash(l.Prev) || !isHash(l.Hash) {
		return Line{}, errForm
	}
	if hashOf(append(bytes.Clone(raw[:len(raw)-tail]), '}')) != l.Hash {
		return l, errHash
	}
	return l, nil
}

// Head returns the head that the line is.
func (l Line) Head() Head { return Head{l.Log, l.Seq, l.Hash} }

func isHash(text string) bool {
	raw, err := hex.DecodeString(text)
	return err == nil && len(raw) == sha256.Size && strings.ToLower(text) == text
}
