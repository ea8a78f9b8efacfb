package pipeline

import (
	"context"
	"crypto/sha256"
	"fmt"
	"path"

	"fgdsync.dev/libs/errs"
	"fgdsync.dev/libs/gittree"
	"fgdsync.dev/libs/layout"
	"fgdsync.dev/services/ingestion/internal/document"
	"fgdsync.dev/services/ingestion/internal/inventory"
)

// Changed is a file that differs: the ids of what it was and of what it is, empty where there is nothing.
type Changed struct{ Path, Old, New string }

// saying is a document that somebody says, by what it means. In quarantine it is none that counts.
type saying struct {
	quarantined bool
	meaning     [sha256.Size]byte
}

// side is what a file was, or what it is.
type side struct {
	file  int
	blob  string
	now   bool
	said  []saying
	known bool // what it says can be told
}

// SameMeaning returns the paths of the files that mean what they meant: each of their documents is there before and
// after, in whichever of the files. What the system keeps for itself means nothing.
func (p *Pipeline) SameMeaning(ctx context.Context, snapshot string, files []Changed) ([]string, error) {
	sides, err := p.sides(ctx, snapshot, files)
	if err != nil {
		return nil, err
	}
	said := map[bool]map[saying]bool{false: {}, true: {}} // before, and now
	for _, s := range sides {
		for _, one := range s.said {
			said[s.now][one] = true
		}
	}
	same := make([]bool, len(files))
	for i, file := range files {
		same[i] = isBookkeeping(file.Path) || layout.IsYAML(file.Path)
	}
	for _, s := range sides {
		same[s.file] = same[s.file] && s.known
		for _, one := range s.said {
			same[s.file] = same[s.file] && said[!s.now][one]
		}
	}
	var paths []string
	for i, file := range files {
		if same[i] {
			paths = append(paths, file.Path)
		}
	}
	return paths, nil
}

// isBookkeeping reports whether a file is one that the system keeps for itself.
func isBookkeeping(name string) bool {
	return layout.Part(name) == layout.Metadata || path.Base(name) == layout.Keep || inventory.IsArchived(name)
}

// sides reads what files of documents were and are.
func (p *Pipeline) sides(ctx context.Context, snapshot string, files []Changed) ([]side, error) {
	var sides []side
	for i, file := range files {
		if isBookkeeping(file.Path) || !layout.IsYAML(file.Path) {
			continue
		}
		if file.Old != "" {
			sides = append(sides, side{file: i, blob: file.Old})
		}
		if file.New != "" {
			sides = append(sides, side{file: i, blob: file.New, now: true})
		}
	}
	reader := document.NewReader(document.Settings{Schemas: p.Schemas, Limits: p.Limits, Many: p.MaxDocuments})
	for unread := sides; len(unread) > 0; {
		read := 0
		err := p.Trees.Read(ctx, snapshot, blobsOf(unread), func(content []byte) error {
			s := &unread[read]
			read++
			s.said, s.known = p.sayings(reader, files[s.file].Path, content)
			return ctx.Err()
		})
		if errs.HasCode(err, errs.FileTooLarge) && read < len(unread) {
			read, err = read+1, nil // what it says can't be told
		}
		if err != nil {
			return nil, fmt.Errorf("read what files were and are: %w", err)
		}
		unread = unread[read:]
	}
	return sides, nil
}

func blobsOf(sides []side) []string {
	blobs := make([]string, len(sides))
	for i, s := range sides {
		blobs[i] = s.blob
	}
	return blobs
}

// sayings returns the documents of a file, and whether all of them can be read.
func (p *Pipeline) sayings(reader *document.Reader, path string, content []byte) ([]saying, bool) {
	if int64(len(content)) > p.MaxFileBytes {
		return nil, false
	}
	part := layout.Part(path)
	file := reader.Open(inventory.Source{Entry: gittree.Entry{Path: path}, Managed: part == layout.Managed}, content)
	if file.Problem != nil {
		return nil, file.Problem.Code == errs.EmptyDocument
	}
	said := make([]saying, len(file.Docs))
	for i := range file.Docs {
		meaning, known := reader.Meaning(&file.Docs[i]).Digest()
		if !known {
			return nil, false
		}
		said[i] = saying{quarantined: part == layout.Unmanaged, meaning: meaning}
	}
	return said, true
}
