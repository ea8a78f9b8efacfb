// Package quarantine is what is in unmanaged/, with the reasons that the log states, and the way out of it: back to
// where a file came from, to be left alone there.
package quarantine

import (
	"path"
	"strings"

	"fgdsync.dev/libs/gittree"
	"fgdsync.dev/libs/layout"
	"fgdsync.dev/services/ingestion/internal/dirlog"
	"fgdsync.dev/services/ingestion/internal/inventory"
)

// File is one file in quarantine.
type File struct {
	gittree.Entry
	Reason *dirlog.Reason // nil when the log does not say it
}

// List returns the files in quarantine, in the order of the leaves: not originals that were kept after their ingestion.
func List(entries []gittree.Entry, log []byte) []File {
	reasons := dirlog.Reasons(log)
	var files []File
	for _, e := range entries {
		if layout.Part(e.Path) != layout.Unmanaged || layout.Hidden(e.Path) || inventory.IsArchived(e.Path) {
			continue
		}
		file := File{Entry: e}
		if reason, known := reasons[e.Path]; known {
			file.Reason = &reason
		}
		files = append(files, file)
	}
	return files
}

// Changed reports whether somebody has changed the file since it came here: then the next sync judges it again.
func (f File) Changed() bool {
	return f.Reason != nil && f.Reason.Content != "" && f.Reason.Content != f.Blob
}

// Origin returns the path at which the file goes back: where it came from, or beside that when it was one document of
// several. Without a log that says it, that is raw/.
func (f File) Origin() string {
	r := f.Reason
	if r == nil || !isOrigin(r.From) {
		return layout.Raw + strings.TrimPrefix(f.Path, layout.Unmanaged)
	}
	if r.Document == nil || r.Blob == r.Content {
		return r.From
	}
	return path.Join(path.Dir(r.From), path.Base(f.Path))
}

// deepestOrigin is how many folders deep a path may be that a log names.
const deepestOrigin = 32

// isOrigin reports whether a path that a log names is one that a file may be put at. Anybody can write into a log: it
// is held to the rules for a fabric's directory, and leads to no name that other tools obey.
func isOrigin(p string) bool {
	names := strings.Split(p, "/")
	if len(names) > deepestOrigin || layout.Hidden(p) || p == layout.Ignore {
		return false
	}
	for _, name := range names {
		if layout.CheckPortable(name) != nil {
			return false
		}
	}
	for _, part := range []string{layout.Raw, layout.Managed, layout.Unmanaged, layout.Metadata} {
		if strings.EqualFold(names[0], part) && (len(names) == 1 || names[0] != part) {
			return false
		}
	}
	return names[0] != layout.Unmanaged && names[0] != layout.Metadata
}
