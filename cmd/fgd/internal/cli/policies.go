package cli

import (
	"strings"
	"unicode"

	"fgdsync.dev/libs/errs"
	bridgev1 "fgdsync.dev/proto/fgd/bridge/v1"
)

// noPolicies takes away what there is.
const noPolicies = "none"

// policies reads who wins at paths where both sides changed the same; nil when nothing is said.
func policies(given []string) (*bridgev1.ConflictPolicies, error) {
	if len(given) == 0 {
		return nil, nil
	}
	all := &bridgev1.ConflictPolicies{}
	if len(given) == 1 && given[0] == noPolicies {
		return all, nil
	}
	for _, text := range given {
		at := strings.LastIndexByte(text, '=')
		if at < 1 {
			return nil, errs.New(errs.InvalidRequest, "--netbox-conflict-policy is %q, and not [KIND:]PATH=WINNER.", text).
				WithRemedy("For example VPC:spec.subnets=git_wins; %s alone takes all policies away.", noPolicies)
		}
		policy := &bridgev1.ConflictPolicy{Path: text[:at], Winner: text[at+1:]}
		if kind, path, found := strings.Cut(policy.GetPath(), ":"); found && isWord(kind) {
			policy.Kind, policy.Path = kind, path
		}
		all.Policies = append(all.Policies, policy)
	}
	return all, nil
}

// isWord reports whether a text can be a kind, and no part of a path.
func isWord(text string) bool {
	return !strings.ContainsFunc(text, func(r rune) bool { return !unicode.IsLetter(r) && !unicode.IsDigit(r) })
}
