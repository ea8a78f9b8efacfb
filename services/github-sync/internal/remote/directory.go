package remote

import (
	"errors"
	"fmt"
	"strings"
	"unicode"

	"fgdsync.dev/libs/errs"
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
	switch {
	case strings.TrimFunc(part, unicode.IsSpace) != part:
		return fmt.Errorf("%q has blanks at an end", part)
	case strings.HasSuffix(part, "."):
		return fmt.Errorf("%q ends in a dot, which Windows leaves out", part)
	case strings.ContainsAny(part, `<>:"|?*`):
		return fmt.Errorf("%q has a character that Windows permits in no name", part)
	case isDevice(part):
		return fmt.Errorf("%q is a device on Windows", part)
	case isGitFolder(part):
		return fmt.Errorf("%q is the folder of Git itself on Windows or macOS", part)
	}
	return checkText(part)
}

// checkText refuses characters that can't be seen: macOS leaves them out when it compares names.
func checkText(part string) error {
	if strings.ContainsFunc(part, func(r rune) bool { return unicode.Is(unicode.Cf, r) || unicode.IsControl(r) }) {
		return errors.New("it has characters that can't be seen")
	}
	return nil
}

// isDevice reports whether Windows takes a name for a device, with whatever ending.
func isDevice(part string) bool {
	stem, _, _ := strings.Cut(strings.ToLower(part), ".")
	switch stem = strings.TrimRight(stem, " "); stem {
	case "con", "prn", "aux", "nul", "conin$", "conout$":
		return true
	}
	number, isPort := strings.CutPrefix(stem, "com")
	if !isPort {
		number, isPort = strings.CutPrefix(stem, "lpt")
	}
	return isPort && len([]rune(number)) == 1 && strings.Contains("0123456789¹²³", number)
}

// isGitFolder reports whether a name is one of those under which file systems find ".git": the short name that Windows
// gives it (core.protectNTFS in git-config(1)), and what follows a colon is no part of a name there.
func isGitFolder(part string) bool {
	lower := strings.ToLower(part)
	rest, isShort := strings.CutPrefix(lower, "git~")
	return isShort && rest != "" && strings.Trim(rest, "0123456789") == ""
}
