package state

import (
	"context"
	"errors"
	"fmt"
	"strconv"

	"github.com/redis/go-redis/v9"
	"google.golang.org/protobuf/proto"

	"fgdsync.dev/libs/events"
	"fgdsync.dev/libs/redisconn"
	fabricv1 "fgdsync.dev/proto/fgd/fabric/v1"
	syncv1 "fgdsync.dev/proto/fgd/sync/v1"
)

// Complete reports whether Redis has all that it should have, as somebody has said who made sure.
func (s *Store) Complete(ctx context.Context) (bool, error) {
	n, err := redisconn.Repeat(ctx, func() (int64, error) { return s.conn.Main.Exists(ctx, CompleteKey).Result() })
	if err != nil {
		return false, fmt.Errorf("ask whether the state is complete: %w", err)
	}
	return n == 1, nil
}

// SetComplete says that Redis has all that it should have.
func (s *Store) SetComplete(ctx context.Context) error {
	_, err := redisconn.Repeat(ctx, func() (string, error) {
		return s.conn.Main.Set(ctx, CompleteKey, "1", 0).Result()
	})
	if err != nil {
		return fmt.Errorf("say that the state is complete: %w", err)
	}
	return nil
}

// Deleted returns up to which generation fabrics were deleted. Who also reads the fabrics reads them first: then one
// that is in neither was lost.
func (s *Store) Deleted(ctx context.Context) (map[int32]int64, error) {
	replies, err := s.pipelined(ctx, func(p redis.Pipeliner) {
		for shard := range events.Shards {
			p.HGetAll(ctx, deletedKey(shard))
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

// RecoverFabric brings a definition back. It reports whether it did: not when the fabric was deleted since, or Redis
// has it as new or newer.
func (s *Store) RecoverFabric(ctx context.Context, f *fabricv1.Fabric) (bool, error) {
	id := f.GetFabricId()
	stored, err := redisconn.Repeat(ctx, func() (string, error) {
		return s.conn.Main.Get(ctx, FabricKey(id)).Result()
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
	shard := events.ShardOf(id)
	keys := []string{FabricKey(id), fabricsKey(shard), deletedKey(shard)}
	reply, err := s.conn.Run(ctx, s.scripts.recoverFabric, keys, id, f.GetGeneration(), raw, stored)
	if err != nil {
		return false, fmt.Errorf("recover fabric %d: %w", id, err)
	}
	return reply == int64(1), nil
}

// Recovered is what became of a sync that was to be brought back.
type Recovered string

// What can become of it.
const (
	// RecoveredNow: it is active or waits again.
	RecoveredNow Recovered = "recovered"
	// RecoveredKnown: it was never lost.
	RecoveredKnown Recovered = "known"
	// RecoveredEnded: it has its end.
	RecoveredEnded Recovered = "ended"
	// RecoveredLater: another one waits in its place.
	RecoveredLater Recovered = "later"
	// RecoveredMissing: there is no such fabric.
	RecoveredMissing Recovered = "missing"
)

// RecoverSync brings an accepted sync back that Redis may have lost, as if it had just been accepted.
func (s *Store) RecoverSync(ctx context.Context, accepted *syncv1.Sync, traceparent string) (Recovered, error) {
	record := &syncv1.Sync{
		SyncId: accepted.GetSyncId(), FabricId: accepted.GetFabricId(), State: syncv1.State_STATE_PENDING,
		Trigger: accepted.GetTrigger(),
		Options: accepted.GetOptions(), RequestedBy: accepted.GetRequestedBy(), Progress: &syncv1.Progress{},
		AcceptedAt: accepted.GetAcceptedAt(), UpdatedAt: accepted.GetAcceptedAt(),
		CoalescedTriggers: accepted.GetCoalescedTriggers(), Restored: true,
		RequestedVia: accepted.GetRequestedVia(), AuditHeads: accepted.GetAuditHeads(),
		CorrelationId: accepted.GetCorrelationId(), EditSet: accepted.GetEditSet(),
		Edits: accepted.GetEditSet() != nil, RequestedByEmail: accepted.GetRequestedByEmail(),
	}
	raw, err := proto.Marshal(record)
	if err != nil {
		return "", fmt.Errorf("encode sync: %w", err)
	}
	id, syncID := record.GetFabricId(), record.GetSyncId()
	entry, err := workEntry(record, traceparent)
	if err != nil {
		return "", err
	}
	shard := events.ShardOf(id)
	keys := append([]string{
		FabricKey(id), RunKey(id), SyncKey(id, syncID), events.WorkStream(shard), historyKey(id),
		syncsKey(shard, record.GetTrigger(), outcomeActive),
	}, endedKeys(shard, record.GetTrigger())...)
	reply, err := s.conn.Run(ctx, s.scripts.recoverSync, keys, syncID, raw, record.GetAcceptedAt().AsTime().UnixMilli(),
		lane(record), entry,
		target(record))
	if err != nil {
		return "", fmt.Errorf("recover sync %s: %w", syncID, err)
	}
	verdict, _ := reply.(string)
	return Recovered(verdict), nil
}

// Active reads the active syncs of fabrics; fabrics without one are left out. One whose record was lost has its ids
// only.
func (s *Store) Active(ctx context.Context, ids []int32) ([]*Record, error) {
	active, err := s.activeIDs(ctx, ids)
	if err != nil || len(active) == 0 {
		return nil, err
	}
	replies, err := s.pipelined(ctx, func(p redis.Pipeliner) {
		for _, record := range active {
			p.HMGet(ctx, SyncKey(record.GetFabricId(), record.GetSyncId()), briefFields...)
		}
	})
	if err != nil {
		return nil, fmt.Errorf("read active syncs: %w", err)
	}
	for i, reply := range replies {
		record, err := decode(reply.(*redis.SliceCmd).Val(), nil)
		if err != nil {
			return nil, err
		}
		if record != nil {
			active[i] = record
		}
	}
	return active, nil
}

// activeIDs returns the active syncs of fabrics with nothing but their ids.
func (s *Store) activeIDs(ctx context.Context, fabrics []int32) ([]*Record, error) {
	if len(fabrics) == 0 {
		return nil, nil
	}
	runs, err := s.pipelined(ctx, func(p redis.Pipeliner) {
		for _, id := range fabrics {
			p.HMGet(ctx, RunKey(id), "active")
		}
	})
	if err != nil {
		return nil, fmt.Errorf("read runs: %w", err)
	}
	var out []*Record
	for i, reply := range runs {
		if syncID, is := reply.(*redis.SliceCmd).Val()[0].(string); is {
			out = append(out, &Record{Sync: &syncv1.Sync{SyncId: syncID, FabricId: fabrics[i]}})
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
	shard := events.ShardOf(fabricID)
	keys := []string{RunKey(fabricID), SyncKey(fabricID, syncID), events.WorkStream(shard)}
	for _, trigger := range triggers() {
		keys = append(keys, syncsKey(shard, trigger, outcomeActive))
	}
	reply, err := s.conn.Run(ctx, s.scripts.revive, keys, syncID)
	if err != nil {
		return "", fmt.Errorf("revive sync %s: %w", syncID, err)
	}
	verdict, _ := reply.(string)
	return Revived(verdict), nil
}
