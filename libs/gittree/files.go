package gittree

import (
	"context"
	"fmt"
)

// Reader reads the contents of objects, as Client does.
type Reader interface {
	Read(ctx context.Context, snapshot string, blobs []string, visit func(content []byte) error) error
}

// ReadFiles returns the contents of some files among the leaves of a tree, by their paths. The limits are the paths,
// and how many bytes a file may have to be read. A path that is not there, is no file, or is too large is left out.
func ReadFiles(ctx context.Context, from Reader, snapshot string, entries []Entry, limits map[string]int64) (
	map[string][]byte, error,
) {
	contents := make(map[string][]byte, len(limits))
	for path, limit := range limits {
		e, found := Find(entries, path)
		if !found || !e.Mode.IsFile() || e.Size > limit {
			continue
		}
		err := from.Read(ctx, snapshot, []string{e.Blob}, func(content []byte) error {
			contents[path] = content
			return nil
		})
		if err != nil {
			return nil, fmt.Errorf("read %s: %w", path, err)
		}
	}
	return contents, nil
}
