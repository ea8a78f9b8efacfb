// Package textdiff writes what changes between two trees the way git diff does, so that people can read it and git
// apply can take it.
package textdiff

import (
	"bytes"
	"fmt"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/aymanbagabas/go-udiff"
)

// File is one file that differs. A file that was renamed without a change has an old path of its own.
type File struct {
	Path      string
	OldPath   string
	Old, New  []byte
	OldExists bool
	NewExists bool
}

// Builder puts a diff together, up to a limit.
type Builder struct {
	limit   int
	text    strings.Builder
	skipped int
}

// NewBuilder returns a builder of a diff of so many bytes at most, and a closing line when files were left out.
func NewBuilder(limit int) *Builder { return &Builder{limit: limit} }

// Add appends one file, whole or not at all.
func (b *Builder) Add(f File) {
	if b.Full() {
		b.skipped++
		return
	}
	text := render(f)
	if b.text.Len()+len(text) > b.limit {
		b.skipped++
		b.limit = 0
		return
	}
	b.text.WriteString(text)
}

// Full reports whether nothing more fits: contents need not be read for it.
func (b *Builder) Full() bool { return b.limit == 0 }

// String returns the diff.
func (b *Builder) String() string {
	if b.skipped == 0 {
		return b.text.String()
	}
	return b.text.String() + fmt.Sprintf("# %d more files differ and are not shown.\n", b.skipped)
}

func render(f File) string {
	oldPath := f.OldPath
	if oldPath == "" {
		oldPath = f.Path
	}
	var b strings.Builder
	fmt.Fprintf(&b, "diff --git %s %s\n", quote("a/"+oldPath), quote("b/"+f.Path))
	from, to := quote("a/"+oldPath), quote("b/"+f.Path)
	switch {
	case f.OldPath != "":
		fmt.Fprintf(&b, "similarity index 100%%\nrename from %s\nrename to %s\n", quote(f.OldPath), quote(f.Path))
		return b.String()
	case !f.OldExists:
		b.WriteString("new file mode 100644\n")
		from = "/dev/null"
	case !f.NewExists:
		b.WriteString("deleted file mode 100644\n")
		to = "/dev/null"
	}
	if bytes.Equal(f.Old, f.New) {
		return b.String()
	}
	if binary(f.Old) || binary(f.New) {
		fmt.Fprintf(&b, "Binary files %s and %s differ\n", from, to)
		return b.String()
	}
	b.WriteString(udiff.Unified(from, to, string(f.Old), string(f.New)))
	return b.String()
}

func binary(content []byte) bool {
	return bytes.IndexByte(content, 0) >= 0 || !utf8.Valid(content)
}

// quote writes a path as git does: in quotes when it holds anything that could be misread.
func quote(path string) string {
	plain := !strings.ContainsFunc(path, func(r rune) bool { return r < ' ' || r == '"' || r == '\\' || r >= 0x7f })
	if plain {
		return path
	}
	var b strings.Builder
	b.WriteByte('"')
	for i := range len(path) {
		switch c := path[i]; {
		case c == '"' || c == '\\':
			b.WriteString(`\` + string(c))
		case c < ' ' || c >= 0x7f:
			b.WriteString(`\` + fmt.Sprintf("%03s", strconv.FormatInt(int64(c), 8)))
		default:
			b.WriteByte(c)
		}
	}
	b.WriteByte('"')
	return b.String()
}
