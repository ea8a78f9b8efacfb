package object

import (
	"bytes"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/go-git/go-git/v5/plumbing"
	"github.com/go-git/go-git/v5/plumbing/filemode"
)

// Entry is one line of a tree.
type Entry struct {
	Name string
	Mode filemode.FileMode
	Hash plumbing.Hash
}

// IsTree reports whether the entry is a folder.
func (e Entry) IsTree() bool { return e.Mode == filemode.Dir }

// BadNameError is a name that nothing of ours may have.
type BadNameError struct{ Name string }

func (e *BadNameError) Error() string {
	return fmt.Sprintf("the name %q is not allowed", e.Name)
}

// CheckName refuses names that no file of ours may have: those that no tree may have, those that mean another file
// elsewhere, and those that are no text.
func CheckName(name string) error {
	if isForbidden(name) || len(name) > longestName || !utf8.ValidString(name) || strings.Contains(name, "\\") ||
		strings.ContainsFunc(name, func(r rune) bool { return r < ' ' || r == 0x7f }) {
		return &BadNameError{Name: name}
	}
	return nil
}

// isForbidden reports whether a name is one that would lead out of the tree or hide Git's own files: Git takes them for
// damage.
func isForbidden(name string) bool {
	return name == "" || name == "." || name == ".." || strings.EqualFold(name, ".git") || strings.Contains(name, "/")
}

// Escaped returns a path as it can be shown and carried: what is no text, and control characters, as Go writes them.
func Escaped(path string) string {
	quoted := strconv.Quote(path)
	return quoted[1 : len(quoted)-1]
}

const (
	longestName = 255
	hashBytes   = 20
)

// ParseTree reads a tree, which may hold files of others, whatever their names. Entries out of order and names that
// come twice are errors: then nobody knows which is meant.
func ParseTree(content []byte) ([]Entry, error) {
	var entries []Entry
	for len(content) > 0 {
		head, rest, found := bytes.Cut(content, []byte{0})
		modeText, name, spaced := bytes.Cut(head, []byte(" "))
		if !found || !spaced || len(rest) < hashBytes {
			return nil, fmt.Errorf("tree is cut off after %d entries", len(entries))
		}
		mode, err := filemode.New(string(modeText))
		if err != nil {
			return nil, fmt.Errorf("mode of tree entry %q: %w", name, err)
		}
		if mode.IsMalformed() {
			return nil, fmt.Errorf("mode %s of tree entry %q is none of Git's", modeText, name)
		}
		entry := Entry{Name: string(name), Mode: mode}
		copy(entry.Hash[:], rest)
		if err := checkNext(entries, entry); err != nil {
			return nil, err
		}
		entries = append(entries, entry)
		content = rest[hashBytes:]
	}
	return entries, nil
}

func checkNext(entries []Entry, next Entry) error {
	if len(entries) == 0 {
		return nil
	}
	if last := entries[len(entries)-1]; sortName(last) >= sortName(next) || last.Name == next.Name {
		return fmt.Errorf("tree entry %q is out of order", next.Name)
	}
	return nil
}

// sortName is what Git sorts entries by: folders as if their name ended in a slash.
func sortName(e Entry) string {
	if e.IsTree() {
		return e.Name + "/"
	}
	return e.Name
}

// EncodeTree returns the content of a tree; it sorts the entries in place.
func EncodeTree(entries []Entry) []byte {
	slices.SortFunc(entries, func(a, b Entry) int { return strings.Compare(sortName(a), sortName(b)) })
	var b bytes.Buffer
	for _, e := range entries {
		fmt.Fprintf(&b, "%o %s\x00", uint32(e.Mode), e.Name)
		b.Write(e.Hash[:])
	}
	return b.Bytes()
}
