package apiv1

import (
	"fmt"
	"slices"
	"strings"

	"fgdsync.dev/libs/errs"
	bridgev1 "fgdsync.dev/proto/fgd/bridge/v1"
	fabricv1 "fgdsync.dev/proto/fgd/fabric/v1"
	"fgdsync.dev/services/bridge/internal/hnp"
	"fgdsync.dev/services/bridge/internal/merge"
)

// policiesField is what callers call the policies of a link.
const policiesField = "netbox.conflict_policies"

// policiesFromAPI returns policies with their paths in the one spelling that is stored. What no conflict could ever be
// at is refused, and so are two that are for the same.
func policiesFromAPI(given []*bridgev1.ConflictPolicy) ([]*fabricv1.ConflictPolicy, error) {
	var out []*fabricv1.ConflictPolicy
	var all []merge.Policy
	for i, p := range given {
		field := fmt.Sprintf("%s.policies[%d]", policiesField, i)
		path, err := merge.ParsePath(p.GetPath())
		if err != nil {
			return nil, errs.Field(field+".path", "%s.path is no path: %v.", field, err).
				WithRemedy("Write a path as conflicts have it, for example spec.subnets, or . for all.")
		}
		if p.GetKind() != "" && !slices.Contains(hnp.Kinds(), p.GetKind()) {
			return nil, errs.Field(field+".kind", "%s.kind is %s, of which NetBox has no records.", field, p.GetKind()).
				WithRemedy("Name one of these, or none for all: %s.", strings.Join(hnp.Kinds(), ", "))
		}
		all = append(all, merge.Policy{Kind: p.GetKind(), Prefix: path, Winner: merge.Winner(p.GetWinner())})
		out = append(out, &fabricv1.ConflictPolicy{
			Kind: p.GetKind(), Path: string(path), Winner: winnerNames.value(p.GetWinner()),
		})
	}
	if _, err := merge.New(all...); err != nil {
		return nil, errs.Field(policiesField, "%s can't be used: %s", policiesField, errs.From(err).Message)
	}
	return out, nil
}

// policiesToAPI shows policies; nothing where there are none.
func policiesToAPI(stored []*fabricv1.ConflictPolicy) *bridgev1.ConflictPolicies {
	if len(stored) == 0 {
		return nil
	}
	return &bridgev1.ConflictPolicies{Policies: each(stored, func(p *fabricv1.ConflictPolicy) *bridgev1.ConflictPolicy {
		return &bridgev1.ConflictPolicy{Kind: p.GetKind(), Path: p.GetPath(), Winner: winnerNames.name(p.GetWinner())}
	})}
}
