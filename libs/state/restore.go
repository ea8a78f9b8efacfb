package state

import (
	"context"
	"errors"
	"fmt"
	"strconv"

	"github.com/redis/go-redis/v9"
	"google.golang.org/protobuf/proto"

	"fgdsync.dev/libs/redisconn"
	"fgdsync.dev/libs/rediskey"
	eventv1 "fgdsync.dev/proto/fgd/event/v1"
	fabricv1 "fgdsync.dev/proto/fgd/fabric/v1"
	syncv1 "fgdsync.dev/proto/fgd/sync/v1"
)

// Complete reports whether Redis has all that it should have, as somebody has said who made sure.
func (s *Store) Complete(ctx context.Context) (bool, error) {
	n, err := redisconn.Repeat(ctx, func() (int64, error) { return s.conn.Main.Exists(ctx, rediskey.Complete).Result() })
	if err != nil {
		return false, fmt.Errorf("ask whether the state is complete: %w", err)
	}
	return n == 1, nil
}

// SetComplete says that Redis has all that it should have.
func (s *Store) SetComplete(ctx context.Context) error {
	_, err := redisconn.Repeat(ctx, func() (string, error) {
		return s.conn.Main.Set(ctx, rediskey.Complete, "1", 0).
			Result()
	})
	if err != nil {
		return fmt.Errorf("say that the state is complete: %w", err)
	}
	return nil
}

// Deleted tells up to which generation fabrics were deleted. Who also reads the fabrics reads them first: then one that
// is in neither was lost.
func (s *Store) Deleted(ctx context.Context) (map[int32]int64, error) {
	replies, err := s.pipelined(ctx, func(p redis.Pipeliner) {
		for shard := range rediskey.Shards {
			p.HGetAll(ctx, rediskey.Deleted(shard))
		}
	})
	if err != nil {
		return nil, fmt.Errorf("read deleted fabrics: %w", err)
	}
	out := map[int32]int64{}
	for _, reply := range replies {
		for field, value := range reply.(*redis.MapStringStringCmd).Val() {
			id, err := strconv.ParseInt(field, 10, 32)
			generation, genErr := strconv.ParseInt(value, 10, 64)
			if err = errors.Join(err, genErr); err != nil {
				return nil, fmt.Errorf("read deleted fabric %q: %w", field, err)
			}
			out[int32(id)] = generation
		}
	}
	return out, nil
}

// RestoreFabric brings a definition back. It reports whether it did: not when the fabric was deleted since, or Redis
// has it as new or newer.
func (s *Store) RestoreFabric(ctx context.Context, f *fabricv1.Fabric) (bool, error) {
	id := f.GetFabricId()
	stored, err := redisconn.Repeat(ctx, func() (string, error) {
		return s.conn.Main.Get(ctx, rediskey.Fabric(id)).
			Result()
	})
	if err != nil && !errors.Is(err, redis.Nil) {
		return false, fmt.Errorf("read fabric %d: %w", id, err)
	}
	known, err := decodeFabric(stored)
	if err != nil {
		return false, err
	}
	if stored != "" && known.GetGeneration() >= f.GetGeneration() {
		return false, nil
	}
	raw, err := proto.Marshal(f)
	if err != nil {
		return false, fmt.Errorf("encode fabric: %w", err)
	}
	shard := rediskey.Shard(id)
	keys := []string{rediskey.Fabric(id), rediskey.Fabrics(shard), rediskey.Deleted(shard)}
	reply, err := s.conn.Run(ctx, restoreFabricScript, keys, id, f.GetGeneration(), raw, stored)
	if err != nil {
		return false, fmt.Errorf("restore fabric %d: %w", id, err)
	}
	return reply == int64(1), nil
}

// Restored is what became of a sync that was to be restored.
type Restored string

// What can become of it.
const (
	// RestoredNow: it is active or waits again.
	RestoredNow Restored = "restored"
	// RestoredKnown: it was never lost.
	RestoredKnown Restored = "known"
	// RestoredEnded: it has its end.
	RestoredEnded Restored = "ended"
	// RestoredLater: another one waits in its place.
	RestoredLater Restored = "later"
	// RestoredMissing: there is no such fabric.
	RestoredMissing Restored = "missing"
)

// RestoreSync brings an accepted sync back that Redis may have lost, as if it had just been accepted.
func (s *Store) RestoreSync(ctx context.Context, accepted *syncv1.Sync, traceparent string) (Restored, error) {
	record := &syncv1.Sync{
		SyncId: accepted.GetSyncId(), FabricId: accepted.GetFabricId(), State: syncv1.State_STATE_PENDING,
		Trigger: accepted.GetTrigger(),
		Options: accepted.GetOptions(), RequestedBy: accepted.GetRequestedBy(), Progress: &syncv1.Progress{},
		AcceptedAt: accepted.GetAcceptedAt(), UpdatedAt: accepted.GetAcceptedAt(),
		CoalescedTriggers: accepted.GetCoalescedTriggers(), Restored: true,
	}
	raw, err := proto.Marshal(record)
	if err != nil {
		return "", fmt.Errorf("encode sync: %w", err)
	}
	id, syncID := record.GetFabricId(), record.GetSyncId()
	entry, err := proto.Marshal(&eventv1.SyncRequested{SyncId: syncID, FabricId: id, Traceparent: traceparent})
	if err != nil {
		return "", fmt.Errorf("encode work entry: %w", err)
	}
	keys := []string{
		rediskey.Fabric(id), rediskey.Run(id), rediskey.Sync(id, syncID), rediskey.Work(rediskey.Shard(id)),
		rediskey.History(id),
	}
	reply, err := s.conn.Run(ctx, restoreSyncScript, keys, syncID, raw, record.GetAcceptedAt().AsTime().UnixMilli(),
		class(record.GetOptions()), entry,
		restores(record.GetOptions()))
	if err != nil {
		return "", fmt.Errorf("restore sync %s: %w", syncID, err)
	}
	verdict, _ := reply.(string)
	return Restored(verdict), nil
}

// Active reads the active syncs of fabrics; fabrics without one are left out. One whose record was lost has its ids
// only.
func (s *Store) Active(ctx context.Context, ids []int32) ([]*Versioned, error) {
	if len(ids) == 0 {
		return nil, nil
	}
	runs, err := s.pipelined(ctx, func(p redis.Pipeliner) {
		for _, id := range ids {
			p.HMGet(ctx, rediskey.Run(id), "active")
		}
	})
	if err != nil {
		return nil, fmt.Errorf("read runs: %w", err)
	}
	var out []*Versioned
	for i, reply := range runs {
		if syncID, is := reply.(*redis.SliceCmd).Val()[0].(string); is {
			out = append(out, &Versioned{Sync: &syncv1.Sync{SyncId: syncID, FabricId: ids[i]}})
		}
	}
	if len(out) == 0 {
		return nil, nil
	}
	records, err := s.pipelined(ctx, func(p redis.Pipeliner) {
		for _, v := range out {
			p.HMGet(ctx, rediskey.Sync(v.GetFabricId(), v.GetSyncId()), recordFields...)
		}
	})
	if err != nil {
		return nil, fmt.Errorf("read active syncs: %w", err)
	}
	for i, reply := range records {
		v, err := decode(reply.(*redis.SliceCmd).Val(), nil)
		if err != nil {
			return nil, err
		}
		if v != nil {
			out[i] = v
		}
	}
	return out, nil
}

// Revived is what was done for an active sync.
type Revived string

// What can be done for it.
const (
	// RevivedNot: nothing was wrong.
	RevivedNot Revived = ""
	// RevivedAgain: its work entry was lost, and workers have a new one.
	RevivedAgain Revived = "revived"
	// RevivedLeft: its record was lost or had ended, and it has made room for the next one.
	RevivedLeft Revived = "left"
)

// Revive makes sure that the active sync of a fabric is in the hands of the workers.
func (s *Store) Revive(ctx context.Context, fabricID int32, syncID string) (Revived, error) {
	keys := []string{rediskey.Run(fabricID), rediskey.Sync(fabricID, syncID), rediskey.Work(rediskey.Shard(fabricID))}
	reply, err := s.conn.Run(ctx, reviveScript, keys, syncID)
	if err != nil {
		return "", fmt.Errorf("revive sync %s: %w", syncID, err)
	}
	verdict, _ := reply.(string)
	return Revived(verdict), nil
}
