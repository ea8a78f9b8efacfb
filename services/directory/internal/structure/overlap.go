package structure

import (
	"fmt"
	"path"
	"slices"
	"strings"

	"fgdsync.dev/libs/errs"
	"fgdsync.dev/libs/layout"
)

// shownOverlaps bounds the fabric directories below that a message names.
const shownOverlaps = 5

// overlapIssues refuses a directory that is inside another fabric's, around one, or one with it in a checkout that does
// not tell the case of letters. Whoever has registered the other one: its manifest says that it is there.
func overlapIssues(dir Directory) []Issue {
	var issues []Issue
	own := shown(dir.Place.Directory)
	if above := dir.Place.Above; above != "" {
		issues = append(issues, overlap("%s is inside the fabric directory %s.", own, above))
	}
	if below := manifestsBelow(dir); len(below) > 0 {
		more := ""
		if n := len(below) - shownOverlaps; n > 0 {
			more = fmt.Sprintf(" and %d more", n)
		}
		issues = append(issues, overlap("%s holds the fabric directories of others: %s%s.", own,
			strings.Join(below[:min(len(below), shownOverlaps)], ", "), more))
	}
	if twin := dir.Place.Twin; twin != "" {
		issues = append(issues, overlap("%s differs from %s in the case or the code points of letters alone; on Windows or macOS "+
			"they are one.", own, twin))
	}
	return issues
}

func shown(directory string) string {
	if directory == "" {
		return "The root of the repository"
	}
	return "The directory " + directory
}

func overlap(format string, args ...any) Issue {
	return Issue{
		Error: true, Code: errs.DirectoryOverlap, Message: fmt.Sprintf(format, args...),
		Remedy: errs.DirectoryOverlap.Remedy,
	}
}

// manifestsBelow returns the fabric directories in this one. What the system has put away is none.
func manifestsBelow(dir Directory) []string {
	var found []string
	for _, e := range dir.Entries {
		inside, is := strings.CutSuffix(e.Path, "/"+layout.Manifest)
		part := layout.Part(e.Path)
		if is && e.Mode.IsFile() && part != layout.Unmanaged && part != layout.Metadata {
			found = append(found, path.Join(dir.Place.Directory, inside))
		}
	}
	slices.Sort(found)
	return found
}
