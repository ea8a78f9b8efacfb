package outbox

import (
	"context"
	"fmt"

	"google.golang.org/protobuf/proto"

	netboxv1 "fgdsync.dev/proto/fgd/netbox/v1"
	"fgdsync.dev/services/bridge/internal/hnp"
)

// tell has the fabric's own record in NetBox say how its syncs are. Nothing is asked of NetBox when that is what it was
// told last.
func (d *delivery) tell(ctx context.Context) error {
	record := d.record()
	if d.linked.GetLastSyncAt() == nil {
		return nil
	}
	if proto.Equal(record, d.state.GetTold()) {
		return d.said(ctx)
	}
	id := int64(d.state.GetNetboxFabric())
	seen, err := d.client.Fabric(ctx, id)
	if err == nil && seen == nil {
		err = noFabricError(id)
	}
	if err != nil {
		return err
	}
	counts := map[string]int{}
	for kind, number := range record.GetCounts() {
		counts[kind] = int(number)
	}
	of := hnp.CountsOf(counts)
	state := hnp.FabricState{SyncStatus: record.GetSyncStatus(), SyncError: record.GetSyncError(), Counts: &of}
	if at := record.GetLastSync(); at != nil {
		state.LastSync = at.AsTime()
	}
	if _, err := d.client.PutFabricState(ctx, id, *seen, state, d.linked.GetPublished().GetSyncId()); err != nil {
		return err
	}
	d.state.Told, d.state.Untold = record, true
	return d.said(ctx)
}

// said notes that the fabric's own record says what was written.
func (d *delivery) said(ctx context.Context) error {
	if !d.state.GetUntold() {
		return d.flush(ctx)
	}
	d.state.Untold = false
	return d.save(ctx)
}

// record is what the fabric's own record should say. Its time is that of the sync that records were written for: one
// that changes nothing changes nothing here either.
func (d *delivery) record() *netboxv1.FabricRecord {
	told := d.state.GetTold()
	now := &netboxv1.FabricRecord{SyncStatus: hnp.InSync, Counts: map[string]int32{}, LastSync: told.GetLastSync()}
	if d.state.GetUntold() || told == nil {
		now.LastSync = d.linked.GetPublished().GetCompletedAt()
	}
	unproven := 0
	for _, r := range d.receipts {
		if r.GetRecordId() != 0 && !r.GetWanted().GetUnknown() {
			now.Counts[r.GetKind()]++
		}
		if !asGitSays(r) {
			unproven++
		}
	}
	switch failed := d.linked.GetLastError(); {
	case failed != "":
		now.SyncStatus, now.SyncError = hnp.SyncFailed, failed
	case unproven == 1:
		now.SyncStatus, now.SyncError = hnp.OutOfSync, "One record is not as Git says."
	case unproven > 1:
		now.SyncStatus, now.SyncError = hnp.OutOfSync, fmt.Sprintf("%d records are not as Git says.", unproven)
	}
	return now
}
