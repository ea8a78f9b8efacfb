package snapshot

import (
	"slices"
	"strings"

	"github.com/go-git/go-git/v5/plumbing"
	"github.com/go-git/go-git/v5/plumbing/filemode"

	"fgdsync.dev/libs/errs"
	"fgdsync.dev/services/github-sync/internal/object"
)

// Leaf is a file of a tree, or a link or submodule.
type Leaf struct {
	Path string
	Mode filemode.FileMode
	Hash plumbing.Hash
}

// Leaves lists all leaves of a tree, in the order of their paths' bytes. Apart from them it lists, escaped, the paths
// of files and folders with names that nothing of ours may have, and of folders that lie too deep to be written again.
func (s *Snapshot) Leaves(tree plumbing.Hash) (leaves []Leaf, unreadable []string, err error) {
	w := walk{s: s}
	if err := w.into(tree, "", 0); err != nil {
		return nil, nil, err
	}
	slices.SortFunc(w.leaves, func(a, b Leaf) int { return strings.Compare(a.Path, b.Path) })
	slices.Sort(w.unreadable)
	return w.leaves, w.unreadable, nil
}

// walk counts folders too: a few trees that name each other many times over hold more paths than there is time for,
// with no file in any.
type walk struct {
	s      *Snapshot
	leaves []Leaf
	seen   int

	unreadable []string
}

func (w *walk) into(tree plumbing.Hash, prefix string, depth int) error {
	if depth >= w.s.limits.MaxDepth {
		w.unreadable = append(w.unreadable, object.Escaped(strings.TrimSuffix(prefix, "/")))
		return nil
	}
	entries, err := w.s.Entries(tree)
	if err != nil {
		return err
	}
	if w.seen += len(entries); w.seen > w.s.limits.MaxEntries {
		return tooMany(w.s.limits.MaxEntries)
	}
	for _, e := range entries {
		if object.CheckName(e.Name) != nil {
			w.unreadable = append(w.unreadable, object.Escaped(prefix+e.Name))
			continue
		}
		if !e.IsTree() {
			w.leaves = append(w.leaves, Leaf{Path: prefix + e.Name, Mode: e.Mode, Hash: e.Hash})
			continue
		}
		if err := w.into(e.Hash, prefix+e.Name+"/", depth+1); err != nil {
			return err
		}
	}
	return nil
}

func tooDeep(limit int) error {
	return errs.New(errs.RepositoryUnsupported, "The directory has folders more than %d levels deep.", limit)
}

func tooMany(limit int) error {
	return errs.New(errs.RepositoryUnsupported, "The directory has more than %d files and folders.", limit)
}

// Change is one change of a tree: new content, content that is there already, or removal.
type Change struct {
	Path    string
	Content []byte
	Blob    plumbing.Hash // used when not zero
	Remove  bool
	Mode    filemode.FileMode // 0 keeps the mode, or means regular
}

// Editor applies changes to a tree. Only folders on the way to a change are read and written.
type Editor struct {
	s       *Snapshot
	base    plumbing.Hash
	root    *folder
	changed map[string]bool
}

type folder struct {
	entries map[string]object.Entry
	folders map[string]*folder // those that were opened
}

// Edit starts from a tree.
func (s *Snapshot) Edit(base plumbing.Hash) (*Editor, error) {
	root, err := s.openFolder(base)
	if err != nil {
		return nil, err
	}
	return &Editor{s: s, base: base, root: root, changed: map[string]bool{}}, nil
}

func (s *Snapshot) openFolder(tree plumbing.Hash) (*folder, error) {
	entries, err := s.Entries(tree)
	if err != nil {
		return nil, err
	}
	f := &folder{entries: make(map[string]object.Entry, len(entries)), folders: map[string]*folder{}}
	for _, e := range entries {
		f.entries[e.Name] = e
	}
	return f, nil
}

// Apply takes one change in. A path may change once. What stands in the way of a file, or of a folder that it needs,
// has to be taken away before.
func (e *Editor) Apply(c Change) error {
	parts := strings.Split(c.Path, "/")
	if len(parts) > e.s.limits.MaxDepth { // it could not be read again
		return errs.New(errs.InvalidRequest, "The path %.100q is more than %d levels deep.", c.Path, e.s.limits.MaxDepth)
	}
	for _, part := range parts {
		if err := object.CheckName(part); err != nil {
			return errs.New(errs.InvalidRequest, "The path %q can't be written: %v.", c.Path, err)
		}
	}
	if e.changed[c.Path] {
		return errs.New(errs.InvalidRequest, "The path %q changes twice.", c.Path)
	}
	e.changed[c.Path] = true
	parent, err := e.parent(parts[:len(parts)-1], c)
	if err != nil {
		return err
	}
	name := parts[len(parts)-1]
	if c.Remove {
		return parent.remove(name, c.Path)
	}
	return e.put(parent, name, c)
}

// parent opens the folders on the way to a path, and makes those that a new file needs.
func (e *Editor) parent(parts []string, c Change) (*folder, error) {
	at := e.root
	for _, part := range parts {
		next := at.folders[part]
		if next == nil {
			entry, exists := at.entries[part]
			if exists && !entry.IsTree() {
				return nil, errs.New(errs.InvalidRequest, "The path %q leads through the file %q.", c.Path, part)
			}
			if !exists {
				entry.Hash = object.EmptyTree
			}
			var err error
			if next, err = e.s.openFolder(entry.Hash); err != nil {
				return nil, err
			}
			at.folders[part] = next
		}
		at = next
	}
	return at, nil
}

func (f *folder) remove(name, path string) error {
	entry, exists := f.entries[name]
	if !exists || entry.IsTree() {
		return errs.New(errs.InvalidRequest, "There is no file %q to remove.", path)
	}
	delete(f.entries, name)
	return nil
}

func (e *Editor) put(parent *folder, name string, c Change) error {
	if !parent.makeWay(name) {
		return errs.New(errs.InvalidRequest, "The path %q is a folder.", c.Path)
	}
	old, exists := parent.entries[name]
	entry := object.Entry{Name: name, Mode: c.Mode, Hash: c.Blob}
	if entry.Mode == filemode.Empty {
		entry.Mode = filemode.Regular
		if exists {
			entry.Mode = old.Mode
		}
	}
	if c.Blob.IsZero() {
		id, err := e.s.Put(plumbing.BlobObject, c.Content)
		if err != nil {
			return err
		}
		entry.Hash = id
	} else if entry.Mode != filemode.Submodule && !e.s.Holds(c.Blob) {
		return errs.New(errs.InvalidRequest, "The object %s of %q is not in the snapshot.", c.Blob, c.Path)
	}
	parent.entries[name] = entry
	return nil
}

// makeWay takes a folder out that holds nothing any more, and reports whether no folder is left at the name.
func (f *folder) makeWay(name string) bool {
	entry, exists := f.entries[name]
	inner := f.folders[name]
	if inner == nil {
		return !exists || !entry.IsTree()
	}
	if !inner.isEmpty() {
		return false
	}
	delete(f.entries, name)
	delete(f.folders, name)
	return true
}

// isEmpty reports whether nothing is left in a folder and in those below it.
func (f *folder) isEmpty() bool {
	for name := range f.entries {
		if f.folders[name] == nil {
			return false
		}
	}
	for _, inner := range f.folders {
		if !inner.isEmpty() {
			return false
		}
	}
	return true
}

// Tree writes the trees that changed and returns the id of the whole.
func (e *Editor) Tree() (plumbing.Hash, error) {
	id, _, err := e.write(e.root)
	return id, err
}

// write writes a folder after those inside it. A folder that has become empty is none.
func (e *Editor) write(f *folder) (id plumbing.Hash, empty bool, err error) {
	for name, inner := range f.folders {
		id, empty, err := e.write(inner)
		if err != nil {
			return id, false, err
		}
		if empty {
			delete(f.entries, name)
			continue
		}
		f.entries[name] = object.Entry{Name: name, Mode: filemode.Dir, Hash: id}
	}
	if len(f.entries) == 0 {
		return object.EmptyTree, true, nil
	}
	entries := make([]object.Entry, 0, len(f.entries))
	for _, entry := range f.entries {
		entries = append(entries, entry)
	}
	id, err = e.s.Put(plumbing.TreeObject, object.EncodeTree(entries))
	return id, false, err
}

// Graft puts a directory's tree into a root tree and returns the new root, and the trees that were written on the way
// to the directory.
func (s *Snapshot) Graft(root plumbing.Hash, directory string, tree plumbing.Hash) (plumbing.Hash, []object.Object,
	error,
) {
	if directory == "" {
		return tree, nil, nil
	}
	return s.setEntry(root, directory, object.Entry{Mode: filemode.Dir, Hash: tree})
}

// setEntry puts an entry at a path of a tree, in place of what is there, and returns the new tree, and the trees that
// were written on the way. An entry without content takes away what is there, and the folders that become empty by it.
func (s *Snapshot) setEntry(tree plumbing.Hash, path string, entry object.Entry) (plumbing.Hash, []object.Object,
	error,
) {
	name, rest, deeper := strings.Cut(path, "/")
	entries, err := s.Entries(tree)
	if err != nil {
		return plumbing.ZeroHash, nil, err
	}
	var written []object.Object
	if deeper {
		inner := object.Entry{Mode: filemode.Dir, Hash: object.EmptyTree}
		if old, found := find(entries, name); found && old.IsTree() {
			inner = old
		}
		if inner.Hash, written, err = s.setEntry(inner.Hash, rest, entry); err != nil {
			return plumbing.ZeroHash, nil, err
		}
		entry = inner
	}
	entries = slices.DeleteFunc(entries, func(e object.Entry) bool { return e.Name == name })
	if entry.Name = name; !entry.Hash.IsZero() && entry.Hash != object.EmptyTree {
		entries = append(entries, entry)
	}
	if len(entries) == 0 {
		return object.EmptyTree, written, nil
	}
	id, err := s.Put(plumbing.TreeObject, object.EncodeTree(entries))
	if err != nil {
		return plumbing.ZeroHash, nil, err
	}
	o, _ := s.Overlay(id)
	return id, append(written, o), nil
}

// WrittenObjects lists the objects of a tree that were written into this snapshot: what a remote that has the rest must
// get.
func (s *Snapshot) WrittenObjects(tree plumbing.Hash) ([]object.Object, error) {
	var out []object.Object
	if err := s.collect(tree, map[plumbing.Hash]bool{}, &out); err != nil {
		return nil, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed { // what was written is gone, and with it some of the list
		return nil, missing(s.ID)
	}
	return out, nil
}

func (s *Snapshot) collect(tree plumbing.Hash, seen map[plumbing.Hash]bool, out *[]object.Object) error {
	o, written := s.Overlay(tree)
	if !written || seen[tree] {
		return nil
	}
	seen[tree] = true
	*out = append(*out, o)
	entries, err := s.Entries(tree)
	if err != nil {
		return err
	}
	for _, e := range entries {
		if e.IsTree() {
			if err := s.collect(e.Hash, seen, out); err != nil {
				return err
			}
			continue
		}
		if blob, written := s.Overlay(e.Hash); written && !seen[e.Hash] {
			seen[e.Hash] = true
			*out = append(*out, blob)
		}
	}
	return nil
}
