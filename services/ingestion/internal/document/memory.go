package document

import (
	"fmt"

	lru "github.com/hashicorp/golang-lru/v2"

	"fgdsync.dev/services/ingestion/internal/inventory"
	"fgdsync.dev/services/ingestion/internal/schema"
)

// Memory remembers what managed files were worth, by the id of their content, so that those which have not changed need
// not be read again. It is bounded, and only a matter of speed: everything in it can be found out again. It is good for
// one set of schemas and limits.
type Memory struct {
	files *lru.Cache[memoryKey, File]
}

type memoryKey struct {
	blob    string
	options schema.Options
}

// NewMemory returns a memory for so many files.
func NewMemory(files int) (*Memory, error) {
	cache, err := lru.New[memoryKey, File](files)
	if err != nil {
		return nil, fmt.Errorf("make a memory for %d files: %w", files, err)
	}
	return &Memory{files: cache}, nil
}

// Keep remembers a judged file, if it is one that holds a managed resource and nothing else. What it holds itself is
// not kept.
func (m *Memory) Keep(file *File, options schema.Options) {
	if !file.Managed || file.Problem != nil || !file.Alone() || !file.Docs[0].Valid {
		return
	}
	kept := *file
	doc := file.Docs[0]
	doc.Bytes, doc.Final, doc.Blob = nil, nil, ""
	kept.Docs = []Doc{doc}
	m.files.Add(memoryKey{file.Blob, options}, kept)
}

// Recall returns a file as if it had been read and judged, but without its bytes.
func (m *Memory) Recall(source inventory.Source, options schema.Options) (File, bool) {
	if !source.Managed || source.Problem != nil {
		return File{}, false
	}
	known, found := m.files.Get(memoryKey{source.Blob, options})
	if !found {
		return File{}, false
	}
	file := File{Source: source, Docs: []Doc{known.Docs[0]}}
	doc := &file.Docs[0]
	doc.Findings = nil
	for _, f := range known.Docs[0].Findings {
		f.File = source.Path
		doc.Findings = append(doc.Findings, f)
	}
	return file, true
}
