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
			if err := checkPath(fmt.Sprintf("%s.%s[%d]", field, list.name, i), p); err != nil {
				return err
			}
		}
	}
	return nil
}

// checkPath holds that a path is such as a file or a folder of a directory can have.
func checkPath(field, p string) error {
	if len(p) > longestPath {
		return errs.Field(field, "%s is too long; allowed are at most %d bytes.", field, longestPath)
	}
	if strings.ContainsFunc(p, unicode.IsControl) || !fs.ValidPath(p) || p == "." {
		return errs.Field(field, "%s is %q, which is no path in the directory.", field, printable.Truncate(p, longestShown))
	}
	return nil
}
