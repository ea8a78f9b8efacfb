// Package shelf is a directory while it is being rearranged: what was at each path before, and what is there now. The
// changes are the difference of the two, so that a path changes at most once however often it was touched, and a file
// never stands where a folder is.
package shelf

import (
	"crypto/sha1" //nolint:gosec // Git's object ids
	"encoding/hex"
	"path"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"fgdsync.dev/libs/gittree"
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

// Shelf is such a directory.
type Shelf struct {
	before  map[string]leaf
	touched map[string]leaf // what is now at paths that were touched
	folders map[string]int  // number of leaves below
}

// New returns a shelf of what is there.
func New(entries []gittree.Entry) *Shelf {
	s := &Shelf{
		before: make(map[string]leaf, len(entries)), touched: map[string]leaf{}, folders: map[string]int{},
	}
	last, n := "", 0 // entries of one folder mostly come one after another
	for _, e := range entries {
		s.before[e.Path] = leaf{mode: e.Mode, blob: e.Blob}
		dir := path.Dir(e.Path)
		if dir != last {
			s.count(last, n)
			last, n = dir, 0
		}
		n++
	}
	s.count(last, n)
	return s
}

// at returns what is at a path now.
func (s *Shelf) at(p string) (leaf, bool) {
	if l, touched := s.touched[p]; touched {
		return l, !l.gone
	}
	l, there := s.before[p]
	return l, there
}

func (s *Shelf) set(p string, l leaf) {
	if _, there := s.at(p); !there {
		s.count(path.Dir(p), 1)
	}
	s.touched[p] = l
}

// count takes note of more or fewer leaves in a folder.
func (s *Shelf) count(dir string, by int) {
	for ; by != 0 && dir != "."; dir = path.Dir(dir) {
		if s.folders[dir] += by; s.folders[dir] == 0 {
			delete(s.folders, dir)
		}
	}
}

// Blob returns the object id of what is at a path now.
func (s *Shelf) Blob(p string) (string, bool) {
	l, there := s.at(p)
	return l.blob, there
}

// Free reports whether a file can be put at a path: nothing is there, and no file stands in the place of a folder
// above.
func (s *Shelf) Free(p string) bool {
	if _, there := s.at(p); there || s.folders[p] > 0 {
		return false
	}
	if s.folders[path.Dir(p)] > 0 {
		return true
	}
	_, blocked := s.Blocker(p)
	return !blocked
}

// Blocker finds the file that stands in the place of a folder above a path.
func (s *Shelf) Blocker(p string) (string, bool) {
	for dir := path.Dir(p); dir != "."; dir = path.Dir(dir) {
		if _, there := s.at(dir); there {
			return dir, true
		}
	}
	return "", false
}

// Remove takes away what is at a path.
func (s *Shelf) Remove(p string) {
	if l, there := s.at(p); there {
		l.gone = true
		s.touched[p] = l
		s.count(path.Dir(p), -1)
	}
}

// Put puts new content, of the given id, at a path. What was executable there stays so.
func (s *Shelf) Put(p string, content []byte, blob string) {
	mode := gittree.Regular
	if s.before[p].mode == gittree.Executable {
		mode = gittree.Executable
	}
	s.set(p, leaf{mode: mode, blob: blob, content: content})
}

// Add puts new content at a path where a file can be put, and reports whether it could.
func (s *Shelf) Add(p string, content []byte, blob string) bool {
	if !s.Free(p) {
		return false
	}
	mode := gittree.Regular
	if len(s.before) > 0 && s.before[p].mode == gittree.Executable {
		mode = gittree.Executable
	}
	s.touched[p] = leaf{mode: mode, blob: blob, content: content}
	s.count(path.Dir(p), 1)
	return true
}

// PutEntry puts what an entry holds at a path.
func (s *Shelf) PutEntry(p string, e gittree.Entry) { s.set(p, leaf{mode: e.Mode, blob: e.Blob}) }

// Changes returns the difference to what was there before, in path order.
func (s *Shelf) Changes() []gittree.Change {
	changes := make([]gittree.Change, 0, len(s.touched))
	for p, l := range s.touched {
		old, was := s.before[p]
		switch {
		case l.gone && was:
			changes = append(changes, gittree.Change{Path: p, Remove: true})
		case !l.gone && (!was || old.mode != l.mode || old.blob != l.blob):
			changes = append(changes, gittree.Change{Path: p, Mode: l.mode, Blob: l.blob, Content: l.content})
		}
	}
	slices.SortFunc(changes, func(a, b gittree.Change) int { return strings.Compare(a.Path, b.Path) })
	return changes
}

// Spot finds a place for content: the wanted path if it is free or holds this very content, else the first of "-2",
// "-3" … before its extension. Where a file stands in the place of a folder, the folder gets the number.
func (s *Shelf) Spot(wanted, blob, ext string) string {
	dir, base := path.Split(wanted)
	base = strings.TrimSuffix(base, ext)
	for n := 1; ; n++ {
		candidate := s.clear(dir) + Clip(base+number(n), ext)
		if have, there := s.Blob(candidate); s.Free(candidate) || there && have == blob {
			return candidate
		}
	}
}

// clear returns a folder path, with a slash at its end, in which no part is a file.
func (s *Shelf) clear(dir string) string {
	out := ""
	for _, part := range strings.Split(strings.TrimSuffix(dir, "/"), "/") {
		if part == "" {
			continue
		}
		candidate := out + part
		for n := 2; ; n++ {
			if _, isFile := s.at(candidate); !isFile {
				break
			}
			candidate = out + part + number(n)
		}
		out = candidate + "/"
	}
	return out
}

func number(n int) string {
	if n < 2 {
		return ""
	}
	return "-" + strconv.Itoa(n)
}

// Fits reports whether a base and an extension are a file name that is not too long for a file system.
func Fits(base, ext string) bool { return len(base)+len(ext) <= maxName }

// Clip joins a base and an extension to a file name that is not too long for a file system: what is cut off is
// replaced by a hash of the whole.
func Clip(base, ext string) string {
	if Fits(base, ext) {
		return base + ext
	}
	if len(ext) > maxExt {
		base, ext = base+ext, ""
	}
	sum := sha1.Sum([]byte(base)) //nolint:gosec // only tells names apart
	mark := "~" + hex.EncodeToString(sum[:4])
	keep := max(0, maxName-len(ext)-len(mark))
	for keep > 0 && !utf8.RuneStart(base[keep]) {
		keep--
	}
	return base[:keep] + mark + ext
}

// BlobID is the id that Git gives a content.
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
