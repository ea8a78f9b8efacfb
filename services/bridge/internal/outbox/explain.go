package outbox

import (
	"errors"
	"fmt"

	"fgdsync.dev/libs/errs"
	netboxv1 "fgdsync.dev/proto/fgd/netbox/v1"
	"fgdsync.dev/services/bridge/internal/hnp"
)

// errResting says that a NetBox which was away is not asked yet.
var errResting = fmt.Errorf("NetBox was away, and is asked again shortly: %w", hnp.ErrNotSent)

// noFabricError says that NetBox has no fabric of a number.
type noFabricError int64

func (n noFabricError) Error() string { return fmt.Sprintf("NetBox has no fabric %d", int64(n)) }

// explain says why nothing is delivered, and what to do about it; nothing for no error.
func explain(err error) (problem, remedy string) {
	var said *hnp.Error
	var missing noFabricError
	switch {
	case err == nil:
		return "", ""
	case errors.As(err, &missing):
		return missing.Error() + ": it has to be there before its records.",
			"Make the fabric in NetBox, or link this one to its number there: fgd fabric update --netbox-fabric."
	case errs.HasCode(err, errs.RemoteRefused):
	case errors.Is(err, errLedger):
		return errs.From(err).Message,
			"Make room on the disk of outbox_file, and let the bridge write there; a bridge that can goes on meanwhile."
	case errors.Is(err, errResting):
		return "NetBox does not answer.", "Look whether NetBox runs; delivery goes on by itself."
	case errors.As(err, &said) && said.Reason == hnp.Denied:
		return "NetBox does not take the token: " + said.Detail + ".",
			"Give the bridge another token (fgd netbox setup), at the place that token_ref names."
	case errors.As(err, &said) && said.Reason == hnp.Forbidden:
		return "The token may not do this: " + said.Detail + ".",
			"Give its user the permissions that fgd netbox check lists."
	case errors.As(err, &said) && said.Reason == hnp.Unusable:
		return said.Error() + ".", "Look at the address of NetBox: fgd netbox check."
	case errors.As(err, &said):
		return said.Error() + ".", "Look whether NetBox runs; delivery goes on by itself."
	}
	public := errs.From(err)
	return public.Message, public.RemedyText()
}

// RemedyOf says what to do about a record that is not delivered.
func RemedyOf(reason netboxv1.Reason) string {
	switch reason {
	case netboxv1.Reason_REASON_REFUSED:
		return "Change the file so that NetBox takes it, or what NetBox demands; then sync, or fgd netbox deliver."
	case netboxv1.Reason_REASON_FORBIDDEN:
		return "Give the user of the token the permission (fgd netbox setup); then fgd netbox deliver."
	case netboxv1.Reason_REASON_CHANGED_IN_NETBOX:
		return "Bring the change into the file, or give it up: fgd netbox deliver --overwrite."
	case netboxv1.Reason_REASON_DELETED_IN_NETBOX:
		return "Delete the file too, or have the record made again: fgd netbox deliver --overwrite."
	case netboxv1.Reason_REASON_ONLY_IN_NETBOX:
		return "Add a file for it in Git, or delete the record in NetBox."
	case netboxv1.Reason_REASON_INVALID_FILE:
		return "Correct the file; the sync's findings say what is wrong with it."
	case netboxv1.Reason_REASON_NO_MODEL:
		return "Nothing to do: Git has it, and NetBox can't show it."
	case netboxv1.Reason_REASON_PLUGIN_DEFECT:
		return "Have the Hedgehog plugin mended or replaced by one that has pages of this kind; then fgd netbox deliver."
	case netboxv1.Reason_REASON_NETBOX_FAILS:
		return "Look into NetBox's log why it fails when this record is written; it is tried again after each comparison."
	case netboxv1.Reason_REASON_KEEPS_CHANGING:
		return "Find what changes it in NetBox: a script, a signal, or another fabric that is linked to it; " +
			"then fgd netbox deliver."
	case netboxv1.Reason_REASON_MASS_DELETION:
		return "If the deletions are meant: fgd netbox deliver --confirm-deletions. Else restore the files."
	case netboxv1.Reason_REASON_CONFLICT:
		return "Settle the conflict: fgd conflicts show, then fgd conflicts resolve."
	case netboxv1.Reason_REASON_REFUSED_BY_GIT:
		return "Correct the record in NetBox, or settle it: fgd conflicts resolve."
	case netboxv1.Reason_REASON_AUTO_SYNC_OFF:
		return "Switch auto_sync on in NetBox to bring the change to Git, or give it up: fgd netbox deliver --overwrite."
	case netboxv1.Reason_REASON_STORM:
		return "Find what changes it so often; when that is meant or over: fgd netbox deliver --calm."
	case netboxv1.Reason_REASON_NOT_COMMITTED:
		return "Look into what stands in the way; it is tried again by itself."
	case netboxv1.Reason_REASON_UNSPECIFIED:
	}
	return ""
}
