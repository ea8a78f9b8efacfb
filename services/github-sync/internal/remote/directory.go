package remote

import (
	"strings"

	"fgdsync.dev/libs/errs"
	"fgdsync.dev/libs/layout"
	"fgdsync.dev/services/github-sync/internal/object"
)

// Directory returns a directory in a repository its one spelling, which is empty for the root. It refuses one that a
// checkout could not hold on every machine.
func Directory(raw string) (string, error) {
	clean := strings.Trim(raw, "/")
	if clean == "" || clean == "." {
		return "", nil
	}
	if len(clean) > longestDirectory {
		return "", errs.New(errs.DirectoryInvalid, "The directory is too long; allowed are at most %d bytes.",
			longestDirectory)
	}
	for _, part := range strings.Split(clean, "/") {
		if err := checkPart(part); err != nil {
			return "", errs.New(errs.DirectoryInvalid, "The directory %q is not one that every checkout can hold: %v.",
				clip(raw), err)
		}
	}
	return clean, nil
}

// checkPart refuses a folder that no tree may have, and one that Windows or macOS can't hold, or take for another.
func checkPart(part string) error {
	if err := object.CheckName(part); err != nil {
		return err
	}
	return layout.CheckPortable(part)
}
