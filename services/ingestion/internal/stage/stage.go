// Package stage holds a directory while it is being rearranged: what was at each path before, and what is there now.
// The changes are the difference of the two, so that a path changes at most once however often it was touched, and a
// file never stands where a folder is.
package stage

import (
	"crypto/sha1" //nolint:gosec // Git's object ids
	"encoding/hex"
	"path"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"fgdsync.dev/libs/gittree"
	"fgdsync.dev/libs/layout"
)

// maxName is the longest name of a file that common file systems take, in bytes.
const maxName = 255

// maxExt is the longest extension that is kept as one when a name is too long.
const maxExt = 32

type leaf struct {
	mode    gittree.Mode
	blob    string
	content []byte // nil when the blob is in the tree already
	gone    bool
}

// Tree is a directory of which changes are staged.
type Tree struct {
	before  map[string]leaf
	touched map[string]leaf // what is now at paths that were touched
	folders map[string]int  // number of leaves below
	twins   twins
}

// New returns a staged tree that holds entries, and has other things at some paths, which are escaped: nothing becomes
// of these, and their folders never get empty.
func New(entries []gittree.Entry, others []string) *Tree {
	t := &Tree{
		before: make(map[string]leaf, len(entries)), touched: map[string]leaf{}, folders: map[string]int{},
		twins: twins{},
	}
	last, n := "", 0 // entries of one folder mostly come one after another
	for _, e := range entries {
		t.before[e.Path] = leaf{mode: e.Mode, blob: e.Blob}
		t.twins.note(e.Path, 1)
		dir := path.Dir(e.Path)
		if dir != last {
			t.count(last, n)
			last, n = dir, 0
		}
		n++
	}
	t.count(last, n)
	for _, escaped := range others {
		t.occupy(escaped)
	}
	return t
}

// occupy keeps a path, and the folders above it, from ever being free.
func (t *Tree) occupy(escaped string) {
	p, err := strconv.Unquote(`"` + escaped + `"`)
	if err != nil {
		p = escaped
	}
	for i, r := range p {
		if r == '/' {
			t.folders[p[:i]]++
		}
	}
	t.folders[p]++
}

// at returns what is at a path now.
func (t *Tree) at(p string) (leaf, bool) {
	if l, touched := t.touched[p]; touched {
		return l, !l.gone
	}
	l, there := t.before[p]
	return l, there
}

func (t *Tree) set(p string, l leaf) {
	if _, there := t.at(p); !there {
		t.count(path.Dir(p), 1)
		t.twins.note(p, 1)
	}
	t.touched[p] = l
}

// count takes note of more or fewer leaves in a folder.
func (t *Tree) count(dir string, by int) {
	for ; by != 0 && dir != "."; dir = path.Dir(dir) {
		if t.folders[dir] += by; t.folders[dir] == 0 {
			delete(t.folders, dir)
		}
	}
}

// Blob returns the object id of what is at a path now.
func (t *Tree) Blob(p string) (string, bool) {
	l, there := t.at(p)
	return l.blob, there
}

// Free reports whether a file can be put at a path: nothing is there, nor what a checkout on Windows or macOS takes for
// it, no file stands in the place of a folder above, and it does not lie too deep.
func (t *Tree) Free(p string) bool {
	if _, there := t.at(p); there || t.folders[p] > 0 || layout.TooDeep(p) || t.twin(p) {
		return false
	}
	if t.folders[path.Dir(p)] > 0 {
		return true
	}
	_, blocked := t.Blocker(p)
	return !blocked
}

// Blocker finds the file that stands in the place of a folder above a path.
func (t *Tree) Blocker(p string) (string, bool) {
	for dir := path.Dir(p); dir != "."; dir = path.Dir(dir) {
		if _, there := t.at(dir); there {
			return dir, true
		}
	}
	return "", false
}

// Below returns the paths of all leaves in a folder.
func (t *Tree) Below(folder string) []string {
	var paths []string
	add := func(p string) {
		if strings.HasPrefix(p, folder+"/") {
			paths = append(paths, p)
		}
	}
	if t.folders[folder] == 0 {
		return nil
	}
	for p := range t.before {
		if _, touched := t.touched[p]; !touched {
			add(p)
		}
	}
	for p, l := range t.touched {
		if !l.gone {
			add(p)
		}
	}
	slices.Sort(paths)
	return paths
}

// Rename gives what is at a path another one.
func (t *Tree) Rename(from, to string) {
	if l, there := t.at(from); there {
		t.Remove(from)
		t.set(to, l)
	}
}

// Remove takes away what is at a path.
func (t *Tree) Remove(p string) {
	if l, there := t.at(p); there {
		l.gone = true
		t.touched[p] = l
		t.count(path.Dir(p), -1)
		t.twins.note(p, -1)
	}
}

// Put puts new content, of the given id, at a path. What was executable there stays so.
func (t *Tree) Put(p string, content []byte, blob string) {
	mode := gittree.Regular
	if t.before[p].mode == gittree.Executable {
		mode = gittree.Executable
	}
	t.set(p, leaf{mode: mode, blob: blob, content: content})
}

// Add puts new content at a path where a file can be put, and reports whether it could.
func (t *Tree) Add(p string, content []byte, blob string) bool {
	if !t.Free(p) {
		return false
	}
	mode := gittree.Regular
	if len(t.before) > 0 && t.before[p].mode == gittree.Executable {
		mode = gittree.Executable
	}
	t.touched[p] = leaf{mode: mode, blob: blob, content: content}
	t.count(path.Dir(p), 1)
	t.twins.note(p, 1)
	return true
}

// PutEntry puts what an entry holds at a path.
func (t *Tree) PutEntry(p string, e gittree.Entry) { t.set(p, leaf{mode: e.Mode, blob: e.Blob}) }

// Changed reports whether anything differs from what was there before.
func (t *Tree) Changed() bool {
	for p, l := range t.touched {
		if old, was := t.before[p]; l.gone == was || !l.gone && (old.mode != l.mode || old.blob != l.blob) {
			return true
		}
	}
	return false
}

// Changes returns the difference to what was there before: first what is removed, so that a file can take the place of
// a folder and a folder that of a file, then the rest, both in path order.
func (t *Tree) Changes() []gittree.Change {
	changes := make([]gittree.Change, 0, len(t.touched))
	for p, l := range t.touched {
		old, was := t.before[p]
		switch {
		case l.gone && was:
			changes = append(changes, gittree.Change{Path: p, Remove: true})
		case !l.gone && (!was || old.mode != l.mode || old.blob != l.blob):
			changes = append(changes, gittree.Change{Path: p, Mode: l.mode, Blob: l.blob, Content: l.content})
		}
	}
	slices.SortFunc(changes, func(a, b gittree.Change) int {
		if a.Remove != b.Remove {
			if a.Remove {
				return -1
			}
			return 1
		}
		return strings.Compare(a.Path, b.Path)
	})
	return changes
}

// FreePath returns a path for content: the wanted one if it is free or holds this very content, else the first of "-2",
// "-3" … before its extension. Where a file stands in the place of a folder, the folder gets the number. A path that
// would lie too deep has a hash in the place of its last folders.
func (t *Tree) FreePath(wanted, blob, ext string) string {
	dir, base := path.Split(Shallow(wanted))
	base = strings.TrimSuffix(base, ext)
	for n := 1; ; n++ {
		candidate := t.Folder(dir) + Truncate(base+number(n), ext)
		if have, there := t.Blob(candidate); t.Free(candidate) || there && have == blob {
			return candidate
		}
	}
}

// Folder returns a folder path, with a slash at its end, in which no part is a file: where one stands, the part gets
// the first of "-2", "-3" … at its end.
func (t *Tree) Folder(dir string) string {
	out := ""
	for _, part := range strings.Split(strings.TrimSuffix(dir, "/"), "/") {
		if part == "" {
			continue
		}
		candidate := out + part
		for n := 2; ; n++ {
			if _, isFile := t.at(candidate); !isFile && !t.fileAlike(candidate) {
				break
			}
			candidate = out + part + number(n)
		}
		out = candidate + "/"
	}
	return out
}

// Shallow returns a path that does not lie too deep: folders too many are replaced by one with a hash of their names.
func Shallow(p string) string {
	if !layout.TooDeep(p) {
		return p
	}
	parts := strings.Split(p, "/")
	kept, last := layout.MaxDepth-2, len(parts)-1
	mark := "~" + shortHash(strings.Join(parts[kept:last], "/"))
	return strings.Join(append(parts[:kept:kept], mark, parts[last]), "/")
}

func number(n int) string {
	if n < 2 {
		return ""
	}
	return "-" + strconv.Itoa(n)
}

// Fits reports whether a base and an extension are a file name that is not too long for a file system.
func Fits(base, ext string) bool { return len(base)+len(ext) <= maxName }

// Truncate joins a base and an extension to a file name that is not too long for a file system: what is cut off is
// replaced by a hash of the whole.
func Truncate(base, ext string) string {
	if Fits(base, ext) {
		return base + ext
	}
	if len(ext) > maxExt {
		base, ext = base+ext, ""
	}
	mark := "~" + shortHash(base)
	keep := max(0, maxName-len(ext)-len(mark))
	for keep > 0 && !utf8.RuneStart(base[keep]) {
		keep--
	}
	return base[:keep] + mark + ext
}

func shortHash(text string) string {
	sum := sha1.Sum([]byte(text)) //nolint:gosec // only keeps names apart
	return hex.EncodeToString(sum[:4])
}

// BlobID returns the id of a content as an object of Git.
func BlobID(content []byte) string {
	var head [32]byte
	var id [sha1.Size]byte
	var text [2 * sha1.Size]byte
	sum := sha1.New() //nolint:gosec // Git's object ids
	sum.Write(append(strconv.AppendInt(append(head[:0], "blob "...), int64(len(content)), 10), 0))
	sum.Write(content)
	hex.Encode(text[:], sum.Sum(id[:0]))
	return string(text[:])
}
