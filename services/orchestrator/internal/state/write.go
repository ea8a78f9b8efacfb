package state

import (
	"context"
	"fmt"
	"iter"

	"github.com/google/uuid"
	"google.golang.org/protobuf/proto"

	"fgdsync.dev/libs/errs"
	"fgdsync.dev/libs/events"
	"fgdsync.dev/libs/lock"
	eventv1 "fgdsync.dev/proto/fgd/event/v1"
	syncv1 "fgdsync.dev/proto/fgd/sync/v1"
)

// Write stores a sync and tells of it. The record's state decides whether this is an end. An Error with code
// LOCK_LOST says that someone else is in charge by now, one with ILLEGAL_TRANSITION that the sync has ended.
func (s *Store) Write(ctx context.Context, v *Record, fence int64, told []*syncv1.SyncEvent,
	bus []*eventv1.Event,
) error {
	id, syncID := v.GetFabricId(), v.GetSyncId()
	if v.GetState() != v.stored && !CanTransition(v.stored, v.GetState()) {
		return errs.New(errs.IllegalTransition, "The sync %s can't go from %s to %s.", syncID, v.stored, v.GetState())
	}
	brief, rest, err := encode(v.Sync)
	if err != nil {
		return err
	}
	args := []any{
		syncID, fence, v.version, uuid.NewString(), brief, flag(Terminal(v.GetState())),
		s.limits.Load().Retention.Milliseconds(), 0,
		lock.Furthest.Microseconds(), rest, liveMemory.Milliseconds(),
	}
	standing, err := v.standing()
	if err != nil {
		return err
	}
	args = append(append(args, standing...), s.oldestDay()*dayLength)
	args, count, err := appendMessages(args, batches(told))
	if err != nil {
		return err
	}
	args[7] = count
	if args, _, err = appendMessages(args, bus); err != nil {
		return err
	}
	shard := events.ShardOf(id)
	keys := []string{
		SyncKey(id, syncID), RunKey(id), syncEventsKey(id, syncID), events.BusStream(shard),
		events.WorkStream(shard), historyKey(id), syncsKey(shard, v.GetTrigger(), outcomeActive),
		syncsKey(shard, v.GetTrigger(), outcomeOf(v.GetState())),
	}
	reply, err := s.conn.Run(ctx, s.scripts.write, keys, args...)
	if err != nil {
		return fmt.Errorf("write sync %s: %w", syncID, err)
	}
	return v.written(reply)
}

func (v *Record) written(reply any) error {
	answer, _ := reply.([]any)
	if len(answer) != 3 {
		return fmt.Errorf("write sync: the script answered %v", reply)
	}
	verdict, _ := answer[0].(string)
	version, _ := answer[1].(int64)
	cancel, _ := answer[2].(int64)
	switch verdict {
	case "ok":
		v.version, v.stored, v.CancelRequested = version, v.GetState(), cancel == 1
		return nil
	case "missing":
		return errs.New(errs.SyncNotFound, "There is no sync %s any more.", v.GetSyncId())
	case "ended":
		return errs.New(errs.IllegalTransition, "The sync %s has ended already.", v.GetSyncId())
	default:
		return errs.New(errs.LockLost, "Another worker has taken the sync %s over.", v.GetSyncId())
	}
}

const (
	batchSize = 100
	// maxEntry bounds a stream entry. Events say what happened and carry no contents, so one that is larger is a defect.
	maxEntry = 1 << 20
	// maxPart bounds what is put together into one entry. The rest is for what goes around it.
	maxPart = maxEntry / 2
)

// batches packs events so that thousands of them cost few stream entries.
func batches(told []*syncv1.SyncEvent) []*syncv1.WatchSyncResponse {
	var out []*syncv1.WatchSyncResponse
	for part := range Parts(told, batchSize) {
		out = append(out, &syncv1.WatchSyncResponse{Events: part})
	}
	return out
}

// Parts cuts a list into parts of so many messages at most, each of which fits into an entry of a stream: paths in a
// repository may be long. A message that is too large for that is alone.
func Parts[M proto.Message](list []M, most int) iter.Seq[[]M] {
	return func(yield func([]M) bool) {
		for len(list) > 0 {
			n, size := 1, proto.Size(list[0])
			for n < min(len(list), most) {
				if size += proto.Size(list[n]); size > maxPart {
					break
				}
				n++
			}
			if !yield(list[:n]) {
				return
			}
			list = list[n:]
		}
	}
}

func appendMessages[M proto.Message](args []any, messages []M) ([]any, int, error) {
	for _, m := range messages {
		raw, err := proto.Marshal(m)
		if err != nil {
			return nil, 0, fmt.Errorf("encode event: %w", err)
		}
		if len(raw) > maxEntry {
			return nil, 0, errs.New(errs.InternalError, "An event has %d bytes; the limit is %d.", len(raw), maxEntry)
		}
		args = append(args, raw)
	}
	return args, len(messages), nil
}

// RequestCancel marks a sync that has not ended; its worker acts on the mark.
func (s *Store) RequestCancel(ctx context.Context, syncID string) error {
	fabricID, err := FabricOfSync(syncID)
	if err != nil {
		return err
	}
	reply, err := s.conn.Run(ctx, s.scripts.cancel, []string{SyncKey(fabricID, syncID)})
	if err != nil {
		return fmt.Errorf("cancel sync %s: %w", syncID, err)
	}
	if reply == "missing" {
		return errs.NoSync(syncID)
	}
	return nil
}
