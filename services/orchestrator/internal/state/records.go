package state

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/redis/go-redis/v9"
	"google.golang.org/protobuf/proto"

	"fgdsync.dev/libs/errs"
	syncv1 "fgdsync.dev/proto/fgd/sync/v1"
)

// Record is a sync as it was read, for writing it back.
type Record struct {
	*syncv1.Sync
	version int64
	fence   int64
	stored  syncv1.State // as Redis has it

	// Left is what the sync leaves on the branch; its end is remembered with it. Nil when nothing is known of that.
	Left *Left
}

// Fence is the fencing number of the last one who wrote it.
func (v *Record) Fence() int64 { return v.fence }

// Get reads a sync. Of one that was folded it has the outcome.
func (s *Store) Get(ctx context.Context, syncID string) (*Record, error) {
	fabricID, err := FabricOfSync(syncID)
	if err != nil {
		return nil, err
	}
	records, err := s.records(ctx, fabricID, []string{syncID}, wholeFields)
	if err != nil {
		return nil, err
	}
	if records[0] != nil {
		return records[0], nil
	}
	folded, err := s.folded(ctx, fabricID, syncID)
	if err != nil {
		return nil, err
	}
	if folded == nil {
		return nil, errs.NoSync(syncID)
	}
	return &Record{Sync: folded, stored: folded.GetState()}, nil
}

// records reads fields of syncs of one fabric in one round trip; unknown ones are nil.
func (s *Store) records(ctx context.Context, fabricID int32, ids, fields []string) ([]*Record, error) {
	replies, err := s.pipelined(ctx, func(p redis.Pipeliner) {
		p.HGetAll(ctx, RunKey(fabricID))
		for _, id := range ids {
			p.HMGet(ctx, SyncKey(fabricID, id), fields...)
		}
	})
	if err != nil {
		return nil, fmt.Errorf("read syncs: %w", err)
	}
	run := replies[0].(*redis.MapStringStringCmd).Val()
	out := make([]*Record, len(ids))
	for i := range ids {
		if out[i], err = decode(replies[i+1].(*redis.SliceCmd).Val(), run); err != nil {
			return nil, err
		}
	}
	return out, nil
}

// What decode wants, in this order: all that lists show, and with the rest.
var (
	briefFields = []string{"record", "version", "cancel", "fence"}
	wholeFields = append(slices.Clone(briefFields), "details")
)

func decode(fields []any, run map[string]string) (*Record, error) {
	raw, ok := fields[0].(string)
	if !ok {
		return nil, nil
	}
	record := &syncv1.Sync{}
	if err := proto.Unmarshal([]byte(raw), record); err != nil {
		return nil, fmt.Errorf("decode sync: %w", err)
	}
	if details, is := fields[len(fields)-1].(string); is && len(fields) == len(wholeFields) {
		if err := (proto.UnmarshalOptions{Merge: true}).Unmarshal([]byte(details), record); err != nil {
			return nil, fmt.Errorf("decode details of sync %s: %w", record.GetSyncId(), err)
		}
	}
	version, err := number(fields[1])
	if err != nil {
		return nil, fmt.Errorf("decode version of sync %s: %w", record.GetSyncId(), err)
	}
	fence, err := number(fields[3])
	if err != nil && !errors.Is(err, strconv.ErrRange) { // one that nobody gave keeps nobody from reading
		return nil, fmt.Errorf("decode fencing number of sync %s: %w", record.GetSyncId(), err)
	}
	record.CancelRequested = fields[2] != nil
	addShared(record, run)
	return &Record{Sync: record, version: version, fence: fence, stored: record.GetState()}, nil
}

func number(field any) (int64, error) {
	text, _ := field.(string)
	return strconv.ParseInt(text, 10, 64)
}

// addShared adds what later requests, which joined this sync while it waited, have asked for.
func addShared(record *syncv1.Sync, run map[string]string) {
	shared := run["shared:"+record.GetSyncId()]
	if shared != "" {
		record.CoalescedTriggers = nil
		for _, number := range strings.Split(shared, ",") {
			if n, err := strconv.Atoi(number); err == nil {
				record.CoalescedTriggers = append(record.CoalescedTriggers, syncv1.Trigger(n))
			}
		}
	}
	addCoalesced(record, run["coalesced:"+record.GetSyncId()])
}
