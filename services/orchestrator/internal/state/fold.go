package state

import (
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"strconv"
	"time"

	"github.com/google/uuid"
	"github.com/redis/go-redis/v9"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/timestamppb"

	"fgdsync.dev/libs/events"
	"fgdsync.dev/libs/redisconn"
	syncv1 "fgdsync.dev/proto/fgd/sync/v1"
	"fgdsync.dev/services/orchestrator/internal/eventlog"
)

// Most syncs change nothing. An hour after such a one was accepted its details go, and after a day all but its outcome,
// which is kept with those of the same day. The newest sync of a fabric stays whole.
const (
	detailsMemory = time.Hour
	recordMemory  = 24 * time.Hour
	foldBatch     = 200
)

// Where folding has come to, in the run of a fabric.
const (
	thinnedField = "thinned"
	foldedField  = "folded"
)

// Fold makes the syncs of a fabric small that changed nothing. It may run at any time, in any number of orchestrators.
func (s *Store) Fold(ctx context.Context, fabricID int32) error {
	now := s.now()
	return errors.Join(
		s.settled(ctx, fabricID, thinnedField, now.Add(-detailsMemory), s.thin),
		s.settled(ctx, fabricID, foldedField, now.Add(-recordMemory), s.pack))
}

// settled calls for the syncs that changed nothing and were accepted between the last time and another one.
func (s *Store) settled(
	ctx context.Context, fabricID int32, field string, before time.Time,
	call func(ctx context.Context, fabricID int32, syncs []*syncv1.Sync, reached int64) error,
) error {
	from, newest, err := s.reached(ctx, fabricID, field)
	if err != nil {
		return err
	}
	for {
		places, err := s.batch(ctx, fabricID, from, before.UnixMilli())
		if err != nil || len(places) == 0 {
			return err
		}
		from = places[len(places)-1].at + 1
		if places[len(places)-1].id == newest {
			places, from = places[:len(places)-1], from-1
		}
		records, err := s.read(ctx, fabricID, places)
		if err != nil {
			return err
		}
		var syncs []*syncv1.Sync
		for _, record := range records {
			if ChangedNothing(record) {
				syncs = append(syncs, record)
			}
		}
		if err := call(ctx, fabricID, syncs, from); err != nil || len(places) < foldBatch {
			return err
		}
	}
}

// reached returns how far folding has come, and the newest sync of a fabric, which it does not pass.
func (s *Store) reached(ctx context.Context, fabricID int32, field string) (from int64, newest string, err error) {
	replies, err := s.pipelined(ctx, func(p redis.Pipeliner) {
		p.HMGet(ctx, RunKey(fabricID), field)
		p.ZRevRange(ctx, historyKey(fabricID), 0, 0)
	})
	if err != nil {
		return 0, "", fmt.Errorf("read how far fabric %d is folded: %w", fabricID, err)
	}
	if text, known := replies[0].(*redis.SliceCmd).Val()[0].(string); known {
		if from, err = strconv.ParseInt(text, 10, 64); err != nil {
			return 0, "", fmt.Errorf("read how far fabric %d is folded: %w", fabricID, err)
		}
	}
	if ids := replies[1].(*redis.StringSliceCmd).Val(); len(ids) > 0 {
		newest = ids[0]
	}
	return from, newest, nil
}

func (s *Store) batch(ctx context.Context, fabricID int32, from, before int64) ([]place, error) {
	found, err := redisconn.Repeat(ctx, func() ([]redis.Z, error) {
		return s.conn.Main.ZRangeByScoreWithScores(ctx, historyKey(fabricID), &redis.ZRangeBy{
			Min: strconv.FormatInt(from, 10), Max: "(" + strconv.FormatInt(before, 10), Count: foldBatch,
		}).Result()
	})
	if err != nil {
		return nil, fmt.Errorf("read history: %w", err)
	}
	out := make([]place, len(found))
	for i, z := range found {
		id, _ := z.Member.(string)
		out[i] = place{at: int64(z.Score), id: id}
	}
	return out, nil
}

// ChangedNothing reports whether a sync has ended and left everything as it was.
func ChangedNothing(s *syncv1.Sync) bool {
	o, r := s.GetOptions(), s.GetResult()
	plain := !o.GetValidateOnly() && o.GetRestoreCommit() == "" && o.GetScope() != syncv1.Scope_SCOPE_DIRECTORY
	files, plan := r.GetFiles(), proto.CloneOf(r.GetPlan().GetCounts())
	if plan != nil {
		plan.Duplicates = 0
	}
	return Terminal(s.GetState()) && plain && r.GetCommitSha() == "" && r.GetPullRequest() == nil &&
		files.GetCreated()+files.GetUpdated()+files.GetRemoved() == 0 && len(r.GetRepairsMade()) == 0 &&
		(s.GetState() != syncv1.State_STATE_COMPLETED || proto.Size(plan) == 0)
}

// thin takes the details away.
func (s *Store) thin(ctx context.Context, fabricID int32, syncs []*syncv1.Sync, reached int64) error {
	keys := []string{RunKey(fabricID)}
	for _, record := range syncs {
		keys = append(keys, SyncKey(fabricID, record.GetSyncId()))
	}
	if _, err := s.conn.Run(ctx, s.scripts.thin, keys, reached); err != nil {
		return fmt.Errorf("thin the history of fabric %d: %w", fabricID, err)
	}
	return nil
}

// pack puts outcomes in the place of records.
func (s *Store) pack(ctx context.Context, fabricID int32, syncs []*syncv1.Sync, reached int64) error {
	shard := events.ShardOf(fabricID)
	keys := []string{RunKey(fabricID), historyKey(fabricID), foldedHoursKey(shard)}
	args := []any{reached, s.oldestDay() * dayLength / hourLength}
	for _, record := range syncs {
		raw, err := fold(record)
		if err != nil {
			return err
		}
		number := record.GetAcceptedAt().AsTime().UnixMilli() / dayLength
		index := syncsKey(shard, record.GetTrigger(), outcomeOf(record.GetState()))
		list, hour, id := foldedSyncsOf(record)
		keys = append(keys, SyncKey(fabricID, record.GetSyncId()), foldedKey(fabricID, number), index, list)
		args = append(args, record.GetSyncId(), raw, s.foldedFor(record).Milliseconds(), id, hour)
	}
	if _, err := s.conn.Run(ctx, s.scripts.fold, keys, args...); err != nil {
		return fmt.Errorf("fold the history of fabric %d: %w", fabricID, err)
	}
	return nil
}

func fold(s *syncv1.Sync) ([]byte, error) {
	id, err := uuid.Parse(s.GetSyncId())
	if err != nil {
		return nil, fmt.Errorf("fold sync %s: %w", s.GetSyncId(), err)
	}
	accepted := s.GetAcceptedAt().AsTime()
	f := &syncv1.FoldedSync{
		SyncId: id[:], Trigger: s.GetTrigger(), ResourcesTotal: s.GetResult().GetResourcesTotal(),
		BaseCommit:    object(s.GetResult().GetBaseCommit()),
		WarningsTotal: s.GetWarningsTotal(), ErrorsTotal: s.GetErrorsTotal(),
		TotalFiles: s.GetProgress().GetTotalFiles(), CompletedAfter: after(accepted, s.GetCompletedAt()),
		StartedAfter: after(accepted, s.GetStartedAt()),
	}
	if s.GetRequestedBy() != eventlog.System {
		f.RequestedBy = s.GetRequestedBy()
	}
	f.RequestedVia = s.GetRequestedVia()
	if s.GetState() != syncv1.State_STATE_COMPLETED {
		f.State, f.Cause = s.GetState(), lastCause(s)
	}
	raw, err := proto.Marshal(f)
	if err != nil {
		return nil, fmt.Errorf("fold sync %s: %w", s.GetSyncId(), err)
	}
	return raw, nil
}

// object returns the bytes of a Git object id; none of what is none.
func object(id string) []byte {
	raw, err := hex.DecodeString(id)
	if err != nil {
		return nil
	}
	return raw
}

// after returns the milliseconds from one time to another, 0 for none.
func after(from time.Time, to *timestamppb.Timestamp) int64 {
	if to == nil {
		return 0
	}
	return max(to.AsTime().Sub(from).Milliseconds(), 1)
}

func before(from time.Time, ms int64) *timestamppb.Timestamp {
	if ms == 0 {
		return nil
	}
	return timestamppb.New(from.Add(time.Duration(ms) * time.Millisecond))
}

func lastCause(s *syncv1.Sync) string {
	if n := len(s.GetTransitions()); n > 0 {
		return s.GetTransitions()[n-1].GetCause()
	}
	return ""
}

// unfold returns a sync with what is remembered of it.
func unfold(fabricID int32, raw string) (*syncv1.Sync, error) {
	f := &syncv1.FoldedSync{}
	err := proto.Unmarshal([]byte(raw), f)
	id, idErr := uuid.FromBytes(f.GetSyncId())
	if err := errors.Join(err, idErr); err != nil {
		return nil, fmt.Errorf("unfold a sync of fabric %d: %w", fabricID, err)
	}
	accepted := timeOfSync(id)
	state := max(f.GetState(), syncv1.State_STATE_COMPLETED)
	out := &syncv1.Sync{
		SyncId: id.String(), FabricId: fabricID, State: state, Trigger: f.GetTrigger(), Options: &syncv1.SyncOptions{},
		RequestedBy: f.GetRequestedBy(), RequestedVia: f.GetRequestedVia(), AcceptedAt: timestamppb.New(accepted),
		StartedAt: before(accepted, f.GetStartedAfter()), CompletedAt: before(accepted, f.GetCompletedAfter()),
		UpdatedAt: before(accepted, f.GetCompletedAfter()),
		Progress:  &syncv1.Progress{FilesProcessed: f.GetTotalFiles(), TotalFiles: f.GetTotalFiles()},
		Result: &syncv1.Result{
			ResourcesTotal: f.GetResourcesTotal(), BaseCommit: hex.EncodeToString(f.GetBaseCommit()),
		},
		Folded: true, ErrorsTotal: f.GetErrorsTotal(), WarningsTotal: f.GetWarningsTotal(),
	}
	if out.GetRequestedBy() == "" {
		out.RequestedBy = eventlog.System
	}
	if state == syncv1.State_STATE_COMPLETED {
		out.Progress.PercentComplete = 100
	}
	if f.GetCause() != "" {
		out.Transitions = []*syncv1.Transition{{To: state, Time: out.GetCompletedAt(), Cause: f.GetCause()}}
	}
	return out, nil
}

// folded looks for a sync among those that were folded; nil when it is not there.
func (s *Store) folded(ctx context.Context, fabricID int32, syncID string) (*syncv1.Sync, error) {
	id, err := uuid.Parse(syncID)
	if err != nil {
		return nil, fmt.Errorf("look for sync %s: %w", syncID, err)
	}
	key := foldedKey(fabricID, timeOfSync(id).UnixMilli()/dayLength)
	list, err := redisconn.Repeat(ctx, func() ([]string, error) {
		return s.conn.Main.LRange(ctx, key, 0, -1).Result()
	})
	if err != nil {
		return nil, fmt.Errorf("read folded syncs: %w", err)
	}
	for _, raw := range list {
		record, err := unfold(fabricID, raw)
		if err != nil || record.GetSyncId() == syncID {
			return record, err
		}
	}
	return nil, nil //nolint:nilnil // most syncs that are not known were never there
}
