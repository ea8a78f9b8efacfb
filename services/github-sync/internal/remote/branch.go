package remote

import (
	"strings"

	"fgdsync.dev/libs/errs"
)

// Branch returns a branch in its one spelling, without "refs/heads/", and refuses what can't be one
// (git-check-ref-format(1)).
func Branch(raw string) (string, error) {
	if len(raw) > longestBranch {
		return "", errs.New(errs.InvalidRequest, "The name of the branch is too long; allowed are at most %d bytes.",
			longestBranch)
	}
	branch := strings.TrimPrefix(raw, "refs/heads/")
	if strings.HasPrefix(branch, "refs/") {
		return "", errs.New(errs.InvalidRequest, "%q is a ref, and no branch.", clip(raw)).
			WithRemedy("Give the name of a branch, for example main.")
	}
	if isNoBranch(branch) {
		return "", errs.New(errs.InvalidRequest, "%q is no name of a branch.", clip(raw))
	}
	return branch, nil
}

func isNoBranch(branch string) bool {
	return branch == "" || strings.HasPrefix(branch, "-") || strings.HasPrefix(branch, "/") ||
		strings.HasSuffix(branch, "/") ||
		strings.HasSuffix(branch, ".lock") || strings.HasSuffix(branch, ".") || strings.Contains(branch, "..") ||
		strings.Contains(branch, "//") || strings.Contains(branch, "@{") || strings.Contains(branch, "/.") ||
		strings.HasPrefix(branch, ".") ||
		strings.ContainsAny(branch, " ~^:?*[\\") || strings.ContainsFunc(branch,
		func(r rune) bool { return r < ' ' || r == 0x7f })
}
