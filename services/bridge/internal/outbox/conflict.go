package outbox

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"

	netboxv1 "fgdsync.dev/proto/fgd/netbox/v1"
	"fgdsync.dev/services/bridge/internal/hnp"
	"fgdsync.dev/services/bridge/internal/merge"
)

func isOpen(c *netboxv1.Conflict) bool {
	return c.GetState() == netboxv1.ConflictState_CONFLICT_STATE_OPEN
}

// contested reports whether a record says what it is in conflict for: that somebody made it so is known, though a
// request of ours without an answer might have done the same.
func (d *delivery) contested(r *netboxv1.Receipt, says string) bool {
	c := r.GetConflict()
	return d.bothWays() && isOpen(c) && c.GetNetboxDigest() == says && !isFor(r, says)
}

// refusedWords are the words with which Git did not take what came of both sides; empty where it was not asked.
func refusedWords(c *netboxv1.Conflict) string {
	for _, p := range c.GetPaths() {
		if p.GetReason() == string(merge.Invalid) {
			return p.GetMessage()
		}
	}
	return ""
}

// version returns what a conflict is of: another one as soon as a side says something else.
func (in *incoming) version() string {
	agreed := "unknown"
	if in.known {
		agreed = in.receipt.GetAgreed().GetDigest()
	}
	sum := sha256.Sum256(fmt.Appendf(nil, "%s\n%s\n%s", agreed, in.git.blob, in.heard.GetDigest()))
	return hex.EncodeToString(sum[:8])
}

// conflict holds a record about which both sides say something else. What was made of it since counts first.
func (d *delivery) conflict(in *incoming, open []merge.Conflict) {
	paths := make([]*netboxv1.ConflictPath, len(open))
	for i, c := range open {
		paths[i] = &netboxv1.ConflictPath{
			Path: string(c.Path), Reason: string(c.Reason), Message: c.Words,
			Base: packedValue(c.Base), Git: packedValue(c.Git), Netbox: packedValue(c.NetBox),
		}
	}
	message := "both sides changed the same: " + string(open[0].Path)
	if len(open) > 1 {
		message += fmt.Sprintf(", and %d more", len(open)-1)
	}
	d.open(in, paths, netboxv1.Reason_REASON_CONFLICT, message)
}

// conflictWhole holds a record of which it is not known what both sides agreed on, and that one of them does not have.
func (d *delivery) conflictWhole(in *incoming, message string) {
	d.open(in, []*netboxv1.ConflictPath{{
		Path: string(merge.Whole), Reason: string(merge.OneRemoved), Git: wholeOf(in.git.content),
		Netbox: wholeOf(in.netbox),
	}}, map[bool]netboxv1.Reason{
		true: netboxv1.Reason_REASON_DELETED_IN_NETBOX, false: netboxv1.Reason_REASON_ONLY_IN_NETBOX,
	}[in.netbox == nil], message)
}

// refuse holds a record that Git does not take as NetBox has it.
func (d *delivery) refuse(in *incoming, message string) {
	path := &netboxv1.ConflictPath{
		Path: string(merge.Spec), Reason: string(merge.Invalid), Message: message,
		Base: specIn(in.base), Git: specIn(in.git.content), Netbox: specIn(in.netbox),
	}
	if in.netbox == nil || in.git.content == nil {
		path.Path, path.Base = string(merge.Whole), wholeOf(in.base)
		path.Git, path.Netbox = wholeOf(in.git.content), wholeOf(in.netbox)
	}
	d.open(in, []*netboxv1.ConflictPath{path}, netboxv1.Reason_REASON_REFUSED_BY_GIT, message)
}

func wholeOf(c *merge.Content) []byte { return packed(c) }

func specIn(c *merge.Content) []byte {
	if c == nil {
		return nil
	}
	return packedValue(objectValue(c.Spec))
}

// open has a conflict listed, and its record held: neither side is touched. When more was made of the record since,
// that is merged first.
func (d *delivery) open(
	in *incoming, paths []*netboxv1.ConflictPath, reason netboxv1.Reason, message string,
) {
	r, by := in.receipt, in.heard.GetEditor()
	r.Heard, r.Offer = r.GetHeard()[1:], nil
	d.touch(r)
	if len(r.GetHeard()) > 0 {
		delete(d.tried, keyOf(r))
		return
	}
	c := r.GetConflict()
	fresh := !isOpen(c)
	if fresh {
		c = &netboxv1.Conflict{OpenedAt: d.now(), State: netboxv1.ConflictState_CONFLICT_STATE_OPEN}
		c.ConflictId = d.nameOf(r, c)
	}
	c.Version, c.Paths, c.Base, c.BaseUnknown = in.version(), paths, packed(in.base), !in.known
	c.Git, c.Netbox, c.GitBlobId, c.GitChangedBy = packed(in.git.content), packed(in.netbox), in.git.blob, in.git.by
	c.WebUrl = in.git.page
	c.NetboxDigest, c.NetboxChangedBy = in.heard.GetDigest(), by
	r.Conflict, r.Theirs = c, in.heard.GetDigest()
	if by != nil {
		r.Editor = by
	}
	d.fail(r, netboxv1.State_STATE_HELD, reason, message)
	if fresh {
		d.deps.Metrics.edits.WithLabelValues("conflict").Inc()
	}
}

// nameOf returns what a conflict is called: the same whoever opens it.
func (d *delivery) nameOf(r *netboxv1.Receipt, c *netboxv1.Conflict) string {
	sum := sha256.Sum256(fmt.Appendf(nil, "%d\n%s\n%d", d.state.GetFabricId(), keyOf(r).field(),
		c.GetOpenedAt().AsTime().UnixNano()))
	return "c-" + hex.EncodeToString(sum[:6])
}

// closeConflict notes that a conflict is none any more, and who settled it; nobody where both sides came to say the
// same.
func (d *delivery) closeConflict(r *netboxv1.Receipt, by, syncID string) {
	c := r.GetConflict()
	if !isOpen(c) {
		return
	}
	c.State, c.ResolvedAt, c.ResolvedBy, c.SyncId = netboxv1.ConflictState_CONFLICT_STATE_RESOLVED, d.now(), by, syncID
	c.Base, c.Git, c.Netbox = nil, nil, nil // the paths say what it was about
	d.deps.Metrics.edits.WithLabelValues("resolved").Inc()
	d.touch(r)
}

// tellConflicts has events tell of conflicts that were opened or settled, after that is written down. Who dies in
// between tells it again, by the same event.
func (d *delivery) tellConflicts(ctx context.Context) error {
	for _, r := range d.receipts {
		c := r.GetConflict()
		if c.GetTold() == c.GetState() {
			continue
		}
		tell := d.deps.Events.Opened
		if !isOpen(c) {
			tell = d.deps.Events.Resolved
		}
		if err := tell(ctx, d.state.GetFabricId(), r); err != nil {
			return err
		}
		c.Told = c.GetState()
		d.touch(r)
	}
	return d.flush(ctx)
}

// stranger notes that Git does not know a record.
func (d *delivery) stranger(r *netboxv1.Receipt, record hnp.Record) {
	if !d.bothWays() {
		d.fail(r, netboxv1.State_STATE_HELD, netboxv1.Reason_REASON_ONLY_IN_NETBOX,
			"the record was made in NetBox, and Git has no file of it")
		return
	}
	d.notice(r, record)
}
