package state

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"time"

	"github.com/google/uuid"
	"github.com/redis/go-redis/v9"

	"fgdsync.dev/libs/events"
	"fgdsync.dev/libs/redisconn"
	syncv1 "fgdsync.dev/proto/fgd/sync/v1"
)

// The index of a shard has the syncs of all its fabrics, by trigger and outcome, in the order of their acceptance, so
// that a list over fabrics reads what matches and little else. The scripts that keep the histories keep it too. Of a
// sync that was folded it has the 16 bytes of its id, with those of the same hour; one that was deleted with its fabric
// stays there until its time is over, and whoever reads finds nothing behind it.

// outcome is the part of the index that a sync is in.
type outcome string

// outcomeActive is that of all syncs that have not ended; others are words of their ends.
const outcomeActive outcome = "active"

func outcomeOf(s syncv1.State) outcome {
	if Terminal(s) {
		return outcome(StateWord(s))
	}
	return outcomeActive
}

// ends returns the outcomes of syncs that have ended.
func ends() []outcome {
	return []outcome{
		outcomeOf(syncv1.State_STATE_COMPLETED), outcomeOf(syncv1.State_STATE_FAILED),
		outcomeOf(syncv1.State_STATE_CANCELLED),
	}
}

func triggers() []syncv1.Trigger {
	out := make([]syncv1.Trigger, len(syncv1.Trigger_name))
	for i := range out {
		out[i] = syncv1.Trigger(i)
	}
	return out
}

// syncsKey orders the syncs of a shard with a trigger and an outcome by the time they were accepted.
func syncsKey(shard int, trigger syncv1.Trigger, o outcome) string {
	return fmt.Sprintf("%s:syncs:%s:%s", events.Prefix(shard), TriggerWord(trigger), o)
}

// foldedSyncsKey holds those of an hour that were folded; hours count from 1970.
func foldedSyncsKey(shard int, trigger syncv1.Trigger, o outcome, hour int64) string {
	return fmt.Sprintf("%s:folded:%d", syncsKey(shard, trigger, o), hour)
}

// foldedHoursKey holds which of those keys there are in a shard, in the order of their hours.
func foldedHoursKey(shard int) string { return events.Prefix(shard) + ":syncs:folded" }

// indexedKey says that the index of a shard has all its syncs. It is not there where an older program kept none.
func indexedKey(shard int) string { return events.Prefix(shard) + ":syncs:complete" }

const hourLength = int64(time.Hour / time.Millisecond)

// endedKeys returns the keys of the index that a sync with a trigger can be in once it has ended.
func endedKeys(shard int, trigger syncv1.Trigger) []string {
	var keys []string
	for _, o := range ends() {
		keys = append(keys, syncsKey(shard, trigger, o))
	}
	return keys
}

// indexKeys returns all keys of the index of a shard but those of folded syncs.
func indexKeys(shard int) []string {
	var keys []string
	for _, trigger := range triggers() {
		keys = append(append(keys, syncsKey(shard, trigger, outcomeActive)), endedKeys(shard, trigger)...)
	}
	return keys
}

// IndexSyncs makes the index of each shard that has none yet, from the histories of its fabrics.
func (s *Store) IndexSyncs(ctx context.Context) error {
	replies, err := s.pipelined(ctx, func(p redis.Pipeliner) {
		for shard := range events.Shards {
			p.Exists(ctx, indexedKey(shard))
		}
	})
	if err != nil {
		return fmt.Errorf("ask which syncs are indexed: %w", err)
	}
	for shard, reply := range replies {
		if reply.(*redis.IntCmd).Val() == 0 {
			err = errors.Join(err, s.indexShard(ctx, shard))
		}
	}
	return err
}

func (s *Store) indexShard(ctx context.Context, shard int) error {
	members, err := redisconn.Repeat(ctx, func() ([]string, error) {
		return s.conn.Main.SMembers(ctx, fabricsKey(shard)).Result()
	})
	if err != nil {
		return fmt.Errorf("list the fabrics of shard %d: %w", shard, err)
	}
	for _, text := range members {
		id, err := strconv.ParseInt(text, 10, 32)
		if err != nil {
			return fmt.Errorf("fabric id %q: %w", text, err)
		}
		if err := s.indexFabric(ctx, int32(id)); err != nil {
			return err
		}
	}
	_, err = redisconn.Repeat(ctx, func() (string, error) {
		return s.conn.Main.Set(ctx, indexedKey(shard), "1", 0).Result()
	})
	if err != nil {
		return fmt.Errorf("say that the syncs of shard %d are indexed: %w", shard, err)
	}
	return nil
}

// indexFabric enters all syncs of a fabric. One that has changed since it was read is read again.
func (s *Store) indexFabric(ctx context.Context, fabricID int32) error {
	for from := int64(0); ; {
		places, err := s.batch(ctx, fabricID, from, s.now().Add(time.Hour).UnixMilli())
		if err != nil {
			return err
		}
		changed, err := s.indexPlaces(ctx, fabricID, places)
		if err != nil {
			return err
		}
		if changed > 0 {
			continue
		}
		if len(places) < foldBatch {
			return s.indexFolded(ctx, fabricID)
		}
		from = max(from+1, places[len(places)-1].at)
	}
}

// indexPlaces enters syncs as they are, and returns how many have changed since they were read.
func (s *Store) indexPlaces(ctx context.Context, fabricID int32, places []place) (changed int64, err error) {
	ids := make([]string, len(places))
	for i, p := range places {
		ids[i] = p.id
	}
	records, err := s.records(ctx, fabricID, ids, briefFields)
	if err != nil {
		return 0, err
	}
	keys, args := []string{historyKey(fabricID)}, []any{}
	for _, r := range records {
		if r == nil {
			continue
		}
		shard := events.ShardOf(fabricID)
		keys = append(keys, SyncKey(fabricID, r.GetSyncId()), syncsKey(shard, r.GetTrigger(), outcomeOf(r.GetState())))
		args = append(args, r.GetSyncId(), r.version)
	}
	reply, err := s.conn.Run(ctx, s.scripts.indexSyncs, keys, args...)
	if err != nil {
		return 0, fmt.Errorf("index the syncs of fabric %d: %w", fabricID, err)
	}
	changed, _ = reply.(int64)
	return changed, nil
}

// indexFolded enters what was folded. What is entered twice counts once for whoever reads.
func (s *Store) indexFolded(ctx context.Context, fabricID int32) error {
	days := s.days(Query{})
	replies, err := s.pipelined(ctx, func(p redis.Pipeliner) {
		for _, d := range days {
			p.LRange(ctx, foldedKey(fabricID, d.number), 0, -1)
		}
	})
	if err != nil {
		return fmt.Errorf("read folded syncs: %w", err)
	}
	for _, reply := range replies {
		var records []*syncv1.Sync
		for _, raw := range reply.(*redis.StringSliceCmd).Val() {
			record, err := unfold(fabricID, raw)
			if err != nil {
				return err
			}
			records = append(records, record)
		}
		if err := s.enterFolded(ctx, records); err != nil {
			return err
		}
	}
	return nil
}

func (s *Store) enterFolded(ctx context.Context, records []*syncv1.Sync) error {
	if len(records) == 0 {
		return nil
	}
	_, err := s.pipelined(ctx, func(p redis.Pipeliner) {
		for _, record := range records {
			list, hour, id := foldedSyncsOf(record)
			p.RPush(ctx, list, id)
			p.PExpire(ctx, list, s.foldedFor(record))
			p.ZAdd(ctx, foldedHoursKey(events.ShardOf(record.GetFabricId())), redis.Z{Score: float64(hour), Member: list})
		}
	})
	if err != nil {
		return fmt.Errorf("index folded syncs: %w", err)
	}
	return nil
}

// foldedSyncsOf returns where in the index a sync is that was folded, of which hour, and as what.
func foldedSyncsOf(record *syncv1.Sync) (list string, hour int64, id []byte) {
	raw := uuid.MustParse(record.GetSyncId())
	hour = record.GetAcceptedAt().AsTime().UnixMilli() / hourLength
	shard := events.ShardOf(record.GetFabricId())
	return foldedSyncsKey(shard, record.GetTrigger(), outcomeOf(record.GetState()), hour), hour, raw[:]
}

// foldedFor returns how long it is remembered what was folded of the day of a sync.
func (s *Store) foldedFor(record *syncv1.Sync) time.Duration {
	number := record.GetAcceptedAt().AsTime().UnixMilli() / dayLength
	kept := time.UnixMilli((number + 1) * dayLength).Add(s.limits.Load().Retention).Sub(s.now())
	return max(kept, time.Millisecond)
}
