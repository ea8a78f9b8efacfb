// Package object reads and writes Git objects: trees with the checks that the library leaves out, commits that come
// out the same however often they are made, and packs of exactly the objects that are new. Hashes are SHA-1.
package object

import (
	"bytes"
	"crypto/sha1" //nolint:gosec // Git's object ids
	"fmt"
	"io"
	"iter"
	"strconv"
	"strings"
	"time"

	"github.com/go-git/go-git/v5/plumbing"
	"github.com/klauspost/compress/zlib"
)

// EmptyTree is the id of the tree without entries.
var EmptyTree = plumbing.NewHash("4b825dc642cb6eb9a060e54bf8d69288fbee4904")

// Object is an object as a pack holds it.
type Object struct {
	Hash     plumbing.Hash
	Type     plumbing.ObjectType
	Size     int
	Deflated []byte
}

// ID returns the id of an object.
func ID(kind plumbing.ObjectType, content []byte) plumbing.Hash {
	h := sha1.New() //nolint:gosec // Git's object ids
	header := append([]byte(kind.String()), ' ')
	header = strconv.AppendInt(header, int64(len(content)), 10)
	h.Write(append(header, 0))
	h.Write(content)
	var id plumbing.Hash
	h.Sum(id[:0])
	return id
}

// Deflater makes objects. It is not for concurrent use.
type Deflater struct {
	buffer bytes.Buffer
	writer *zlib.Writer
}

// NewDeflater returns a deflater. Its level trades a tenth of the size for a quarter of the time.
func NewDeflater() *Deflater {
	d := &Deflater{}
	d.writer, _ = zlib.NewWriterLevel(&d.buffer, zlib.BestSpeed) // fails only for a level out of range
	return d
}

// Object makes an object of content.
func (d *Deflater) Object(kind plumbing.ObjectType, content []byte) (Object, error) {
	d.buffer.Reset()
	d.writer.Reset(&d.buffer)
	if _, err := d.writer.Write(content); err != nil {
		return Object{}, fmt.Errorf("deflate: %w", err)
	}
	if err := d.writer.Close(); err != nil {
		return Object{}, fmt.Errorf("deflate: %w", err)
	}
	return Object{Hash: ID(kind, content), Type: kind, Size: len(content), Deflated: bytes.Clone(d.buffer.Bytes())}, nil
}

// Content returns the content back.
func (o Object) Content() ([]byte, error) {
	r, err := zlib.NewReader(bytes.NewReader(o.Deflated))
	if err != nil {
		return nil, fmt.Errorf("inflate %s: %w", o.Hash, err)
	}
	content := make([]byte, o.Size)
	if _, err := io.ReadFull(r, content); err != nil {
		return nil, fmt.Errorf("inflate %s: %w", o.Hash, err)
	}
	return content, r.Close()
}

// Signature is a person or system at a time.
type Signature struct {
	Name, Email string
	Time        time.Time
}

func (s Signature) String() string {
	return fmt.Sprintf("%s <%s> %d +0000", identity(s.Name), identity(s.Email), s.Time.Unix())
}

// identity takes out what would end the name, the address or the line, and with it let a person write headers.
func identity(s string) string {
	return strings.TrimSpace(strings.Map(func(r rune) rune {
		if r < ' ' || r == 0x7f || r == '<' || r == '>' {
			return -1
		}
		return r
	}, s))
}

// Commit returns the content of a commit. Equal arguments give equal bytes.
func Commit(tree plumbing.Hash, parents []plumbing.Hash, author, committer Signature, message string) []byte {
	message = strings.ReplaceAll(message, "\x00", "") // Git's tools would not see what follows
	content := fmt.Appendf(nil, "tree %s\n", tree)
	for _, parent := range parents {
		content = fmt.Appendf(content, "parent %s\n", parent)
	}
	return fmt.Appendf(content, "author %s\ncommitter %s\n\n%s", author, committer, message)
}

// CommitInfo is what is read of a commit.
type CommitInfo struct {
	Tree      plumbing.Hash
	Parents   []plumbing.Hash
	Author    Signature
	Committer Signature
	Message   string
}

// Time is when the commit was made.
func (c CommitInfo) Time() time.Time { return c.Committer.Time }

// Subject is the first paragraph of the message in one line, as git log shows it.
func (c CommitInfo) Subject() string {
	var lines []string
	for line := range strings.Lines(strings.TrimLeft(c.Message, " \t\n")) {
		if line = strings.TrimRight(line, " \t\r\n"); line == "" {
			break
		}
		lines = append(lines, line)
	}
	return strings.Join(lines, " ")
}

// Trailer finds a trailer in the last paragraph of the message (git-interpret-trailers(1)).
func (c CommitInfo) Trailer(name string) string {
	for value := range c.Trailers(name) {
		return value
	}
	return ""
}

// Trailers finds all trailers of one name.
func (c CommitInfo) Trailers(name string) iter.Seq[string] {
	return func(yield func(string) bool) {
		message := strings.TrimRight(c.Message, "\n")
		for line := range strings.Lines(message[strings.LastIndex(message, "\n\n")+1:]) {
			if value, is := strings.CutPrefix(strings.TrimSpace(line), name+": "); is && !yield(value) {
				return
			}
		}
	}
}

// ParseCommit reads a commit. A time that can't be read is the epoch, which is what Git takes it for.
func ParseCommit(content []byte) (CommitInfo, error) {
	var info CommitInfo
	header, message, _ := bytes.Cut(content, []byte("\n\n"))
	info.Message = string(message)
	for line := range bytes.Lines(header) {
		line = bytes.TrimSuffix(line, []byte("\n"))
		key, value, _ := bytes.Cut(line, []byte(" "))
		switch string(key) {
		case "tree":
			info.Tree = plumbing.NewHash(string(value))
		case "parent":
			info.Parents = append(info.Parents, plumbing.NewHash(string(value)))
		case "author":
			info.Author = parseSignature(value)
		case "committer":
			info.Committer = parseSignature(value)
			return info, nil
		}
	}
	return info, fmt.Errorf("commit has no committer")
}

// parseSignature reads "name <email> seconds zone".
func parseSignature(value []byte) Signature {
	person, rest := string(value), ""
	if end := strings.LastIndexByte(person, '>'); end >= 0 {
		person, rest = person[:end], person[end+1:]
	}
	name, email, _ := strings.Cut(person, "<")
	signature := Signature{Name: strings.TrimSpace(name), Email: email, Time: time.Unix(0, 0).UTC()}
	if fields := strings.Fields(rest); len(fields) > 0 {
		if seconds, err := strconv.ParseInt(fields[0], 10, 64); err == nil {
			signature.Time = time.Unix(seconds, 0).UTC()
		}
	}
	return signature
}
