// Package failpoint marks the places at which a process may die: before and after every effect, at every transition. In
// programs that are built with the tag failpoints, the tests choose one by its name and the process ends there, or is
// stopped, and can put the clock of a process ahead; in all others nothing is left of it.
package failpoint

import (
	"slices"

	syncv1 "fgdsync.dev/proto/fgd/sync/v1"
)

// Point is a place, by its name.
type Point string

// Effects of requests.
const (
	RegisterBefore Point = "register.before"
	RegisterStored Point = "register.stored"
	RegisterKept   Point = "register.kept"
	UpdateStored   Point = "update.stored"
	UpdateKept     Point = "update.kept"
	DeleteBefore   Point = "delete.before"
	DeleteStored   Point = "delete.stored"
	DeleteKept     Point = "delete.kept"
	AcceptBefore   Point = "accept.before"
	AcceptStored   Point = "accept.stored"
	AcceptKept     Point = "accept.kept"
	CancelMarked   Point = "cancel.marked"
)

// Effects of a sync.
const (
	LockBefore      Point = "lock.before"
	LockHeld        Point = "lock.held"
	LockReleased    Point = "lock.released"
	FetchBefore     Point = "fetch.before"
	FetchStored     Point = "fetch.stored"
	SnapshotOpen    Point = "snapshot.open"
	TreeWritten     Point = "tree.written"
	PushBefore      Point = "push.before"
	PushDone        Point = "push.done"
	PushConfirmed   Point = "push.confirmed"
	PushStored      Point = "push.stored"
	ResourcesBefore Point = "resources.before"
	ResourcesStored Point = "resources.stored"
	AckBefore       Point = "ack.before"
	AckDone         Point = "ack.done"
	BuryBefore      Point = "bury.before"
	BuryTold        Point = "bury.told"
	BuryStored      Point = "bury.stored"
)

// Effects of the audit of a call.
const (
	AuditBefore     Point = "audit.before"
	AuditWritten    Point = "audit.written"
	AuditStored     Point = "audit.stored"
	AuditIntent     Point = "audit.intent"
	AuditEffect     Point = "audit.effect"
	AuditOutcome    Point = "audit.outcome"
	AuditSignBefore Point = "audit.sign-before"
	AuditSigned     Point = "audit.signed"
	AuditRotated    Point = "audit.rotated"
	AuditPutAside   Point = "audit.put-aside"
)

// Effects on who may call.
const (
	TokenBefore      Point = "token.before"
	TokenStored      Point = "token.stored"
	TokenKept        Point = "token.kept"
	BootstrapPending Point = "bootstrap.pending"
	BootstrapMade    Point = "bootstrap.made"
	BootstrapKept    Point = "bootstrap.kept"
	KeysWritten      Point = "keys.written"
	KeysKept         Point = "keys.kept"
)

// Effects of what is delivered to NetBox.
const (
	ReceiptBefore Point = "receipt.before"
	ReceiptKept   Point = "receipt.kept"
	ReceiptStored Point = "receipt.stored"
	RecordBefore  Point = "record.before"
	RecordWritten Point = "record.written"
)

// Effects of what is brought from NetBox to Git.
const (
	HeardKept   Point = "heard.kept"
	EditBefore  Point = "edit.before"
	EditOffered Point = "edit.offered"
	EditEnded   Point = "edit.ended"
	EditKept    Point = "edit.kept"
)

// Effects of a sync that proposes.
const (
	ProposalPushed Point = "proposal.pushed"
	ProposalShown  Point = "proposal.shown"
)

// Effects on which NetBox that of the installation is.
const (
	NetBoxBefore Point = "netbox.before"
	NetBoxStored Point = "netbox.stored"
	NetBoxKept   Point = "netbox.kept"
)

// Effects of notifications.
const (
	NoticeBefore Point = "notice.before"
	NoticeStored Point = "notice.stored"
	NoticeSent   Point = "notice.sent"
)

// OfNotifications returns the places of effects of notifications. A process comes by them where there are targets.
func OfNotifications() []Point { return []Point{NoticeBefore, NoticeStored, NoticeSent} }

// OfDelivery returns the places of effects of what is delivered to NetBox. A process comes by them when a fabric is
// linked to one.
func OfDelivery() []Point {
	return []Point{ReceiptBefore, ReceiptKept, ReceiptStored, RecordBefore, RecordWritten}
}

// OfEdits returns the places of effects of what is brought from NetBox to Git. A process comes by them when somebody
// changes a record.
func OfEdits() []Point { return []Point{HeardKept, EditBefore, EditOffered, EditEnded, EditKept} }

// OfProposal returns the places of effects of a sync that proposes. A process comes by them where a fabric publishes by
// pull requests.
func OfProposal() []Point { return []Point{ProposalPushed, ProposalShown} }

// OfIdentity returns the places of effects on who may call. A process comes by them before it is asked for anything.
func OfIdentity() []Point {
	return []Point{
		TokenBefore, TokenStored, TokenKept, BootstrapPending, BootstrapMade, BootstrapKept, KeysWritten, KeysKept,
	}
}

// OfNetBox returns the places of effects on which NetBox that of the installation is.
func OfNetBox() []Point { return []Point{NetBoxBefore, NetBoxStored, NetBoxKept} }

// Before returns the place before a sync is written in a state.
func Before(state syncv1.State) Point { return Point("before." + state.String()) }

// After returns the place after a sync was written in a state.
func After(state syncv1.State) Point { return Point("after." + state.String()) }

// All returns every place, sorted.
func All() []Point {
	points := []Point{
		RegisterBefore, RegisterStored, RegisterKept, UpdateStored, UpdateKept, DeleteBefore, DeleteStored, DeleteKept,
		AcceptBefore, AcceptStored, AcceptKept, CancelMarked,
		LockBefore, LockHeld, LockReleased, FetchBefore, FetchStored, SnapshotOpen, TreeWritten,
		PushBefore, PushDone, PushConfirmed, PushStored, ResourcesBefore, ResourcesStored, AckBefore, AckDone, BuryBefore,
		BuryTold, BuryStored,
		AuditBefore, AuditWritten, AuditStored, AuditIntent, AuditEffect, AuditOutcome, AuditSignBefore, AuditSigned,
		AuditRotated, AuditPutAside,
	}
	points = slices.Concat(points, OfIdentity(), OfDelivery(), OfEdits(), OfProposal(), OfNetBox(), OfNotifications())
	for number := range syncv1.State_name {
		// pending is what AcceptBefore and AcceptStored are about
		if state := syncv1.State(number); state > syncv1.State_STATE_PENDING {
			points = append(points, Before(state), After(state))
		}
	}
	slices.Sort(points)
	return points
}
