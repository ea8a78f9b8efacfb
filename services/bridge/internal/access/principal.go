// Package access decides who a caller is, and what that caller may do. What an RPC takes is said in its contract: a
// role, where the caller has to have it, and the rights that some fields of the request need beside it. What is not
// said there is refused.
package access

import (
	"context"
	"slices"
	"time"

	accessv1 "fgdsync.dev/proto/fgd/access/v1"
)

// Method says how it was proven who somebody is.
type Method string

// Methods.
const (
	ByToken Method = "token" // an own token of the suite
	ByOIDC  Method = "oidc"  // a JWT of the issuer
	ByNone  Method = "none"  // nobody is asked
)

// Principal is somebody who calls.
type Principal struct {
	Name    string
	Method  Method
	TokenID string
	Subject string // with ByOIDC: the issuer, a blank, and its subject
	Grants  []*accessv1.Grant
	Expires time.Time // zero: never
	// SpeaksForPeople says that it is a service, which is believed when it names for whom it asks.
	SpeaksForPeople bool

	generation int64 // of the token
}

type principalKey struct{}

// PrincipalOf returns who makes the call that ctx belongs to; nil when nobody was admitted.
func PrincipalOf(ctx context.Context) *Principal {
	p, _ := ctx.Value(principalKey{}).(*Principal)
	return p
}

// everything is what may be done where nobody is asked.
func everything() []*accessv1.Grant {
	return []*accessv1.Grant{{Role: accessv1.Role_ROLE_ADMIN, AllFabrics: true}}
}

// allFabrics stands for all fabrics where one is named else: numbers begin with 1.
const allFabrics = 0

// covers reports whether a grant counts on a fabric, or on all.
func covers(g *accessv1.Grant, fabric int32) bool {
	return g.GetAllFabrics() || fabric != allFabrics && slices.Contains(g.GetFabricIds(), fabric)
}

// sees reports whether a principal may know that there is a fabric.
func (p *Principal) sees(fabric int32) bool {
	return slices.ContainsFunc(p.Grants, func(g *accessv1.Grant) bool { return covers(g, fabric) })
}

// SeesAll reports whether a principal may see all fabrics, those too that there will be. Nobody may not.
func (p *Principal) SeesAll() bool { return p != nil && p.sees(allFabrics) }

// may reports whether a principal has a role, or a higher one, on a fabric.
func (p *Principal) may(role accessv1.Role, fabric int32) bool {
	return slices.ContainsFunc(p.Grants, func(g *accessv1.Grant) bool {
		return covers(g, fabric) && g.GetRole() >= role
	})
}

// mayAnywhere reports whether a principal has a role, or a higher one, on any fabric.
func (p *Principal) mayAnywhere(role accessv1.Role) bool {
	return slices.ContainsFunc(p.Grants, func(g *accessv1.Grant) bool { return g.GetRole() >= role })
}

// has reports whether a principal has a right on a fabric: an admin of all fabrics has each, one of some has those that
// are named.
func (p *Principal) has(right accessv1.Right, fabric int32) bool {
	return slices.ContainsFunc(p.Grants, func(g *accessv1.Grant) bool {
		return g.GetRole() == accessv1.Role_ROLE_ADMIN && (g.GetAllFabrics() || slices.Contains(g.GetRights(), right)) &&
			(fabric == allFabrics || covers(g, fabric))
	})
}

// VisibleFabrics returns the fabrics that the caller may see; all is true when that is every one.
func (p *Principal) VisibleFabrics() (ids []int32, all bool) {
	for _, g := range p.Grants {
		if g.GetAllFabrics() {
			return nil, true
		}
		ids = append(ids, g.GetFabricIds()...)
	}
	slices.Sort(ids)
	return slices.Compact(ids), false
}
