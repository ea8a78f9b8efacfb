package render

import (
	"fmt"
	"strings"

	bridgev1 "fgdsync.dev/proto/fgd/bridge/v1"
)

// Diff prints what differs between two commits: how much in each file, then, unless only that is wanted, the lines.
func Diff(s *Screen, d *bridgev1.DiffDirectoryResponse, statOnly bool) {
	diff(s, d.GetDiff(), statOnly)
	s.printf("files: %d created, %d updated, %d removed\n", d.GetFilesCreated(), d.GetFilesUpdated(), d.GetFilesRemoved())
}

// diff prints how much differs in each file of a unified diff, and the diff itself unless only that is wanted.
func diff(s *Screen, text string, statOnly bool) {
	text = s.harmless(text)
	stat(s, text)
	if statOnly {
		return
	}
	if text != "" {
		s.printf("\n")
	}
	inHunk := false
	for line := range strings.Lines(text) {
		line = strings.TrimSuffix(line, "\n")
		switch {
		case strings.HasPrefix(line, "diff --git "):
			inHunk, line = false, s.strong.Sprint(line)
		case strings.HasPrefix(line, "@@ "):
			inHunk, line = true, s.place.Sprint(line)
		case inHunk && strings.HasPrefix(line, "+"):
			line = s.good.Sprint(line)
		case inHunk && strings.HasPrefix(line, "-"):
			line = s.bad.Sprint(line)
		case !inHunk:
			line = s.strong.Sprint(line)
		}
		s.printf("%s\n", line)
	}
}

// changed is how much differs in one file.
type changed struct {
	path           string
	added, removed int
}

func stat(s *Screen, text string) {
	files, widest := changes(text), 0
	for _, f := range files {
		widest = max(widest, len(f.path))
	}
	for _, f := range files {
		added, removed := fmt.Sprintf("+%d", f.added), fmt.Sprintf("-%d", f.removed)
		s.printf(" %-*s  %s %s\n", widest, f.path, s.good.Sprint(added), s.bad.Sprint(removed))
	}
}

// changes counts the lines of each file in a unified diff, in its order.
func changes(text string) (files []changed) {
	inHunk := false
	for line := range strings.Lines(text) {
		line = strings.TrimSuffix(line, "\n")
		if names, begins := strings.CutPrefix(line, "diff --git "); begins {
			inHunk, files = false, append(files, changed{path: newName(names)})
			continue
		}
		if len(files) == 0 {
			continue
		}
		last := &files[len(files)-1]
		switch {
		case strings.HasPrefix(line, "@@ "):
			inHunk = true
		case inHunk && strings.HasPrefix(line, "+"):
			last.added++
		case inHunk && strings.HasPrefix(line, "-"):
			last.removed++
		}
	}
	return files
}

// newName returns the second of the two names of a "diff --git" line.
func newName(names string) string {
	if _, after, found := strings.Cut(names, " b/"); found {
		return after
	}
	return names
}
