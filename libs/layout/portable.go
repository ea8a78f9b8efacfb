package layout

import (
	"errors"
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"
)

// longestName is in bytes; no file system has longer names.
const longestName = 255

// CheckPortable says why a name is not one that a checkout on Linux, Windows and macOS holds alike.
func CheckPortable(name string) error {
	switch {
	case name == "" || name == "." || name == ".." || len(name) > longestName:
		return fmt.Errorf("%q is no name of a file", name)
	case strings.TrimFunc(name, unicode.IsSpace) != name:
		return fmt.Errorf("%q has blanks at an end", name)
	case strings.HasSuffix(name, "."):
		return fmt.Errorf("%q ends in a dot, which Windows leaves out", name)
	case strings.ContainsAny(name, `<>:"|?*\/`):
		return fmt.Errorf("%q has a character that Windows permits in no name", name)
	case isDevice(name):
		return fmt.Errorf("%q is a device on Windows", name)
	case isGitFolder(name):
		return fmt.Errorf("%q is the folder of Git itself on Windows or macOS", name)
	}
	return checkText(name)
}

// checkText refuses what is no text, and characters that can't be seen: macOS leaves them out when it compares names.
func checkText(name string) error {
	if !utf8.ValidString(name) ||
		strings.ContainsFunc(name, func(r rune) bool { return unicode.Is(unicode.Cf, r) || unicode.IsControl(r) }) {
		return errors.New("it has characters that can't be seen")
	}
	return nil
}

// isDevice reports whether Windows takes a name for a device, with whatever ending.
func isDevice(name string) bool {
	stem, _, _ := strings.Cut(strings.ToLower(name), ".")
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
func isGitFolder(name string) bool {
	lower := strings.ToLower(name)
	rest, isShort := strings.CutPrefix(lower, "git~")
	return lower == ".git" || isShort && rest != "" && strings.Trim(rest, "0123456789") == ""
}
