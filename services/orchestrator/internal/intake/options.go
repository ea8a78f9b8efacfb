package intake

import (
	"fmt"
	"io/fs"
	"strings"
	"unicode"

	"fgdsync.dev/libs/errs"
	"fgdsync.dev/libs/printable"
	syncv1 "fgdsync.dev/proto/fgd/sync/v1"
)

const (
	// longestPath is in bytes, and what a checkout can have. Records and events of a sync repeat its paths.
	longestPath = 4096
	// longestShown is how much of a path a message repeats, in characters.
	longestShown = 80
)

// CheckOptions holds what the rules of the contract leave open: that paths are such as files and folders of a directory
// can have. The field is what the caller calls the options.
func CheckOptions(field string, o *syncv1.SyncOptions) error {
	for _, list := range []struct {
		name  string
		paths []string
	}{
		{"retry_paths", o.GetRetryPaths()},
		{"release_paths", o.GetReleasePaths()},
		{"restore_paths", o.GetRestorePaths()},
	} {
		for i, p := range list.paths {
			name := fmt.Sprintf("%s.%s[%d]", field, list.name, i)
			if len(p) > longestPath {
				return errs.Field(name, "%s is too long; allowed are at most %d bytes.", name, longestPath)
			}
			if strings.ContainsFunc(p, unicode.IsControl) || !fs.ValidPath(p) || p == "." {
				return errs.Field(name, "%s is %q, which is no path in the directory.", name,
					printable.Truncate(p, longestShown))
			}
		}
	}
	return nil
}
