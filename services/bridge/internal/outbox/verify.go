package outbox

import (
	"context"
	"errors"

	netboxv1 "fgdsync.dev/proto/fgd/netbox/v1"
	"fgdsync.dev/services/bridge/internal/hnp"
)

// fewRecords is up to how many records of a kind are read one by one; more are read in a list.
const fewRecords = 8

// verify reads back what was written.
func (d *delivery) verify(ctx context.Context, written []*netboxv1.Receipt) error {
	byKind := map[string][]*netboxv1.Receipt{}
	for _, r := range written {
		byKind[r.GetKind()] = append(byKind[r.GetKind()], r)
	}
	for kind, some := range byKind {
		numbers := make([]int64, len(some))
		for i, r := range some {
			numbers[i] = r.GetRecordId()
		}
		found, err := d.readBack(ctx, kind, numbers)
		if err != nil {
			return errors.Join(err, d.flush(ctx))
		}
		for _, r := range some {
			record := found[r.GetRecordId()]
			if record.Identity() != d.identity(keyOf(r)) { // it has another name now
				record = hnp.Record{}
			}
			d.settle(r, record)
		}
	}
	return d.flush(ctx)
}

// readBack reads records of a kind by their numbers.
func (d *delivery) readBack(ctx context.Context, kind string, numbers []int64) (map[int64]hnp.Record, error) {
	if len(numbers) <= fewRecords {
		if found, err := d.readEach(ctx, kind, numbers); err == nil {
			return found, nil // one that NetBox can't show by itself may be in the list
		}
	}
	found := map[int64]hnp.Record{}
	records, err := d.client.List(ctx, kind)
	for _, record := range records {
		found[record.ID] = record
	}
	return found, err
}

// readEach reads records of a kind one by one.
func (d *delivery) readEach(ctx context.Context, kind string, numbers []int64) (map[int64]hnp.Record, error) {
	found := map[int64]hnp.Record{}
	for _, number := range numbers {
		record, err := d.client.Get(ctx, kind, number)
		if err != nil {
			return nil, err
		}
		if record != nil {
			found[record.ID] = *record
		}
	}
	return found, nil
}
