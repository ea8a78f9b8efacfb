package structure

import (
	"embed"
	"fmt"
	"path"

	"fgdsync.dev/libs/gittree"
	"fgdsync.dev/libs/layout"
)

//go:embed samples
var sampleFiles embed.FS

// Samples returns the changes that add the samples which are not there. What stands at the path of one, whatever it is,
// stays. Where their folder can't be, there are none, and an issue says why.
func Samples(entries []gittree.Entry) ([]gittree.Change, []Issue, error) {
	ix := newIndex(entries)
	switch e, blocked := ix.blocker(layout.Samples); {
	case blocked && e.Path == layout.Metadata:
		return nil, nil, nil // Examine reports it
	case blocked:
		issue := blockedFolder(e)
		issue.Error = false // nothing but the samples needs it
		return nil, []Issue{issue}, nil
	}
	files, err := sampleFiles.ReadDir("samples")
	if err != nil {
		return nil, nil, fmt.Errorf("list the samples: %w", err)
	}
	var changes []gittree.Change
	for _, file := range files {
		at := layout.Samples + "/" + file.Name()
		if ix.taken(at) {
			continue
		}
		content, err := sampleFiles.ReadFile(path.Join("samples", file.Name()))
		if err != nil {
			return nil, nil, fmt.Errorf("read the sample %s: %w", file.Name(), err)
		}
		changes = append(changes, gittree.Change{Path: at, Content: content})
	}
	return changes, nil, nil
}
