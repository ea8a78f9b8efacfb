package intake

import (
	"fmt"
	"io/fs"
	"strings"
	"unicode"

	"fgdsync.dev/libs/errs"
	syncv1 "fgdsync.dev/proto/fgd/sync/v1"
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
			if strings.ContainsFunc(p, unicode.IsControl) || !fs.ValidPath(p) || p == "." {
				name := fmt.Sprintf("%s.%s[%d]", field, list.name, i)
				return errs.Field(name, "%s is %q, which is no path in the directory.", name, p)
			}
		}
	}
	return nil
}
