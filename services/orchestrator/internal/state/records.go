package state

import (
	"context"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/redis/go-redis/v9"
	"google.golang.org/protobuf/proto"

	"fgdsync.dev/libs/errs"
	"fgdsync.dev/libs/redisconn"
	syncv1 "fgdsync.dev/proto/fgd/sync/v1"
)

// Record is a sync as it was read, for writing it back.
type Record struct {
	*syncv1.Sync
	version int64
	fence   int64
	stored  syncv1.State // as Redis has it
}

// Fence is the fencing number of the last one who wrote it.
func (v *Record) Fence() int64 { return v.fence }

// Get reads a sync.
func (s *Store) Get(ctx context.Context, syncID string) (*Record, error) {
	fabricID, err := FabricOfSync(syncID)
	if err != nil {
		return nil, err
	}
	records, err := s.records(ctx, fabricID, []string{syncID})
	if err != nil {
		return nil, err
	}
	if records[0] == nil {
		return nil, errs.New(errs.SyncNotFound, "There is no sync %s.", syncID)
	}
	return records[0], nil
}

// records reads syncs of one fabric in one round trip; unknown ones are nil.
func (s *Store) records(ctx context.Context, fabricID int32, ids []string) ([]*Record, error) {
	replies, err := s.pipelined(ctx, func(p redis.Pipeliner) {
		p.HGetAll(ctx, RunKey(fabricID))
		for _, id := range ids {
			p.HMGet(ctx, SyncKey(fabricID, id), recordFields...)
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

// recordFields are what decode wants, in this order.
var recordFields = []string{"record", "version", "cancel", "fence"}

func decode(fields []any, run map[string]string) (*Record, error) {
	raw, ok := fields[0].(string)
	if !ok {
		return nil, nil
	}
	record := &syncv1.Sync{}
	if err := proto.Unmarshal([]byte(raw), record); err != nil {
		return nil, fmt.Errorf("decode sync: %w", err)
	}
	version, err := number(fields[1])
	if err != nil {
		return nil, fmt.Errorf("decode version of sync %s: %w", record.GetSyncId(), err)
	}
	fence, err := number(fields[3])
	if err != nil {
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

// History reads all remembered syncs of a fabric that were accepted in a time span, newest first.
func (s *Store) History(ctx context.Context, fabricID int32, from, to time.Time) ([]*syncv1.Sync, error) {
	ids, err := redisconn.Repeat(ctx, func() ([]string, error) {
		return s.conn.Main.ZRevRangeByScore(ctx, historyKey(fabricID),
			&redis.ZRangeBy{Min: scoreOf(from, "-inf"), Max: scoreOf(to, "+inf")}).Result()
	})
	if err != nil {
		return nil, fmt.Errorf("read history: %w", err)
	}
	records, err := s.records(ctx, fabricID, ids)
	if err != nil {
		return nil, err
	}
	var out []*syncv1.Sync
	for _, record := range records {
		if record != nil {
			out = append(out, record.Sync)
		}
	}
	return out, nil
}

func scoreOf(t time.Time, open string) string {
	if t.IsZero() {
		return open
	}
	return strconv.FormatInt(t.UnixMilli(), 10)
}
