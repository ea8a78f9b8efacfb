// Package filepage makes the URLs of pages on which a Git host shows a file.
package filepage

import (
	"net/url"
	"slices"
	"strconv"
	"strings"

	gitv1 "fgdsync.dev/proto/fgd/git/v1"
)

// URL returns the page of a file at a line; at its beginning when the line is 0. It is empty on hosts that are not
// known, and for what can't be the path of a file.
func URL(pages *gitv1.FilePages, path string, line int32) string {
	escaped, ok := Escape(path)
	if pages.GetDirectoryUrl() == "" || !ok {
		return ""
	}
	page := pages.GetDirectoryUrl() + escaped
	if line > 0 && pages.GetLineMark() != "" {
		page += pages.GetLineMark() + strconv.Itoa(int(line))
	}
	return page
}

// Escape returns a path as it stands in a URL. No part of one may be empty or lead elsewhere: browsers follow dots
// before they ask.
func Escape(path string) (escaped string, ok bool) {
	parts := strings.Split(path, "/")
	if slices.ContainsFunc(parts, func(part string) bool { return part == "" || part == "." || part == ".." }) {
		return "", false
	}
	for i, part := range parts {
		parts[i] = url.PathEscape(part)
	}
	return strings.Join(parts, "/"), true
}
