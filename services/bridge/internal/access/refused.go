package access

import (
	"context"
	"strconv"

	"google.golang.org/protobuf/proto"

	"fgdsync.dev/libs/errs"
	accessv1 "fgdsync.dev/proto/fgd/access/v1"
)

// RefusedFunc is told of a call that its caller may not make. Of one whose caller is not known the context has no
// principal, and of a stream that was refused before it was read there is no request.
type RefusedFunc func(ctx context.Context, method string, request proto.Message, refusal error)

// TellRefused has calls told of that their callers may not make. It is called before anything is served.
func (a *Access) TellRefused(tell RefusedFunc) { a.refused = tell }

// tellRefused tells of a refusal. What could not be found out is none.
func (a *Access) tellRefused(ctx context.Context, method string, request proto.Message, err error) {
	if a.refused != nil && IsRefusal(err) {
		a.refused(ctx, method, request, err)
	}
}

// IsRefusal reports whether an error of admission says that the caller may not, and not that nobody knows.
func IsRefusal(err error) bool {
	switch errs.KindOf(err) {
	case errs.Unauthenticated, errs.PermissionDenied, errs.NotFound:
		return true
	default:
		return errs.HasCode(err, errs.TooManyFailures)
	}
}

// Audited reports whether the contract says that a method changes something, or hands out a secret: that calls of it
// are written down.
func (a *Access) Audited(method string) bool { return a.policy[method].audited }

// Sees reports whether a principal may know that there is a fabric.
func (p *Principal) Sees(fabric int32) bool { return p.sees(fabric) }

// WithoutForeign returns an error as the principal may hear it. One that tells of a fabric that the principal may not
// see says only that there is another.
func (p *Principal) WithoutForeign(err error) error {
	e := errs.From(err)
	other, _ := strconv.ParseInt(e.Meta[errs.OtherFabricKey], 10, 32)
	if other == allFabrics || p.sees(int32(other)) {
		return err
	}
	return errs.New(e.Code, "Another fabric has the name, or a directory that overlaps with this one.")
}

// AdminOfAll reports whether a principal may do everything, on all fabrics.
func (p *Principal) AdminOfAll() bool { return p.may(accessv1.Role_ROLE_ADMIN, allFabrics) }

// AdminOf reports whether a principal is admin of a fabric.
func (p *Principal) AdminOf(fabric int32) bool { return p.may(accessv1.Role_ROLE_ADMIN, fabric) }
