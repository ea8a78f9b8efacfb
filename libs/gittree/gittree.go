// Package gittree is the directory of a fabric as a tree of Git objects: its leaves, what changes of them, and the way
// to the TreeService that holds it.
package gittree

import (
	"slices"

	gitv1 "fgdsync.dev/proto/fgd/git/v1"
)

// Mode is what a leaf is.
type Mode int

// Modes.
const (
	Regular Mode = iota
	Executable
	Symlink
	Submodule
)

// IsFile reports whether a leaf of this mode has content that may be read.
func (m Mode) IsFile() bool { return m == Regular || m == Executable }

// Entry is one leaf. Its path is clean, relative to the fabric directory, and has "/" between its parts.
type Entry struct {
	Path string
	Mode Mode
	Blob string
	Size int64
}

// Listing is what a tree holds.
type Listing struct {
	Entries []Entry // all leaves, in path order
	// Unreadable are paths of files and folders with names that no file of ours may have, escaped. They stay as they are
	// in every tree that is written.
	Unreadable []string
}

// Change is one change: Content is set for new content; else Blob for content that the snapshot holds already; else the
// path is removed. Mode is what the path becomes. Removals come before changes of paths above and below theirs.
type Change struct {
	Path    string
	Mode    Mode
	Content []byte
	Blob    string
	Remove  bool
}

// Ref names a tree in a snapshot.
type Ref struct{ Snapshot, ID string }

// Find returns the leaf at a path.
func Find(entries []Entry, path string) (Entry, bool) {
	i := slices.IndexFunc(entries, func(e Entry) bool { return e.Path == path })
	if i < 0 {
		return Entry{}, false
	}
	return entries[i], true
}

func entryFromProto(e *gitv1.TreeEntry) Entry {
	return Entry{Path: e.GetPath(), Mode: modeFromProto(e.GetMode()), Blob: e.GetBlobId(), Size: e.GetSize()}
}

func modeFromProto(m gitv1.FileMode) Mode {
	switch m {
	case gitv1.FileMode_FILE_MODE_EXECUTABLE:
		return Executable
	case gitv1.FileMode_FILE_MODE_SYMLINK:
		return Symlink
	case gitv1.FileMode_FILE_MODE_SUBMODULE:
		return Submodule
	default:
		return Regular
	}
}

func changeToProto(c Change) *gitv1.Change {
	change := &gitv1.Change{Path: c.Path}
	switch {
	case c.Remove:
		change.Change = &gitv1.Change_Remove{Remove: true}
		return change
	case c.Content != nil:
		change.Change = &gitv1.Change_Content{Content: c.Content}
	default:
		change.Change = &gitv1.Change_BlobId{BlobId: c.Blob}
	}
	change.Mode = modeToProto(c.Mode)
	return change
}

func modeToProto(m Mode) gitv1.FileMode {
	switch m {
	case Executable:
		return gitv1.FileMode_FILE_MODE_EXECUTABLE
	case Symlink:
		return gitv1.FileMode_FILE_MODE_SYMLINK
	case Submodule:
		return gitv1.FileMode_FILE_MODE_SUBMODULE
	default:
		return gitv1.FileMode_FILE_MODE_REGULAR
	}
}
