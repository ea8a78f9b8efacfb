package state

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/google/uuid"
	"github.com/redis/go-redis/v9"
	"google.golang.org/protobuf/proto"

	"fgdsync.dev/libs/errs"
	"fgdsync.dev/libs/events"
	"fgdsync.dev/libs/redisconn"
	"fgdsync.dev/libs/rediskey"
	eventv1 "fgdsync.dev/proto/fgd/event/v1"
	syncv1 "fgdsync.dev/proto/fgd/sync/v1"
)

const (
	requestMemory = 24 * time.Hour
	// fullRetry is when to ask again after a refusal: some of what waits is done by then.
	fullRetry = 10 * time.Second
)

// Store reads and writes what the orchestrator knows.
type Store struct {
	conn    *redisconn.Conn
	limits  Limits
	now     func() time.Time
	recover Recover
}

// Recover brings back what Redis has lost, if it has lost anything since the last time.
type Recover func(context.Context) error

// OnLoss sets who is asked before something is said to be missing.
func (s *Store) OnLoss(call Recover) { s.recover = call }

// Whole makes sure that nothing is missing because Redis has lost it.
func (s *Store) Whole(ctx context.Context) error {
	if s.recover == nil {
		return nil
	}
	return s.recover(ctx)
}

// unlessLost looks again for what is missing, if that may be because Redis has lost it.
func unlessLost[T any](ctx context.Context, s *Store, look func() (T, error)) (T, error) {
	found, err := look()
	if s.recover == nil || (!errs.HasCode(err, errs.FabricNotFound) && !errs.HasCode(err, errs.SyncNotFound)) {
		return found, err
	}
	if err := s.recover(ctx); err != nil {
		return found, err
	}
	return look() // also when it had been brought back already: that may have been after the first look
}

// New returns a store.
func New(conn *redisconn.Conn, limits Limits, now func() time.Time) *Store {
	return &Store{conn: conn, limits: limits, now: now}
}

// Limits bound what is kept.
type Limits struct {
	Retention time.Duration // of ended syncs
	Active    int           // syncs that run or wait for a worker, in the whole system
}

// perShard is the share of one work stream. Fabrics are spread evenly over them by their numbers.
func (l Limits) perShard() int { return max(1, l.Active/rediskey.Shards) }

// Verdict is the answer to a request for a sync.
type Verdict struct {
	SyncID  string
	Queued  bool
	Refused bool
}

// Start accepts a sync: it becomes the active one of its fabric, or waits, or joins the one that waits. The record
// holds the request; its id is chosen by the caller. Repeating a request id gives the first answer again.
func (s *Store) Start(ctx context.Context, record *syncv1.Sync, requestID, traceparent string) (Verdict, error) {
	id := record.GetFabricId()
	raw, err := proto.Marshal(record)
	if err != nil {
		return Verdict{}, fmt.Errorf("encode sync: %w", err)
	}
	entry, err := proto.Marshal(&eventv1.SyncRequested{SyncId: record.GetSyncId(), FabricId: id, Traceparent: traceparent})
	if err != nil {
		return Verdict{}, fmt.Errorf("encode work entry: %w", err)
	}
	keys := []string{
		rediskey.Fabric(id), rediskey.Run(id), rediskey.Sync(id, record.GetSyncId()),
		rediskey.Work(rediskey.Shard(id)), rediskey.History(id), rediskey.Request(id, requestID),
	}
	accepted := record.GetAcceptedAt().AsTime()
	args := []any{
		record.GetSyncId(), raw, accepted.UnixMilli(), class(record.GetOptions()),
		flag(record.GetOptions().GetRefuseIfRunning()), entry,
		strconv.Itoa(int(record.GetTrigger())), wishes(record.GetOptions()), requestMemory.Milliseconds(),
		accepted.Add(-s.limits.Retention).UnixMilli(),
		s.limits.perShard(), restores(record.GetOptions()),
	}
	return unlessLost(ctx, s, func() (Verdict, error) { return s.start(ctx, id, keys, args) })
}

func (s *Store) start(ctx context.Context, fabricID int32, keys []string, args []any) (Verdict, error) {
	reply, err := s.conn.Run(ctx, startScript, keys, args...)
	if err != nil {
		return Verdict{}, fmt.Errorf("start sync: %w", err)
	}
	pair, _ := reply.([]any)
	if len(pair) != 2 {
		return Verdict{}, fmt.Errorf("start sync: the script answered %v", reply)
	}
	verdict, _ := pair[0].(string)
	syncID, _ := pair[1].(string)
	switch verdict {
	case "missing":
		return Verdict{}, FabricMissing(fabricID)
	case "full":
		e := errs.New(errs.WorkerPoolExhausted, "Too many syncs wait for a worker.")
		e.RetryAfter = fullRetry
		return Verdict{}, e
	}
	return Verdict{SyncID: syncID, Queued: verdict == "queued", Refused: verdict == "refused"}, nil
}

// class tells which requests may share a run: a dry run can't stand in for a real one, and a restore is not for those
// who have not asked for it.
func class(o *syncv1.SyncOptions) string {
	switch {
	case o.GetRestoreCommit() != "" && o.GetValidateOnly():
		return "dry_restore"
	case o.GetRestoreCommit() != "":
		return "restore"
	case o.GetValidateOnly():
		return "dry"
	case o.GetScope() == syncv1.Scope_SCOPE_DIRECTORY:
		return "directory"
	default:
		return "full"
	}
}

// restores says what a restore restores, and whether it may take many resources away: only those who want just that
// share its run.
func restores(o *syncv1.SyncOptions) string {
	if o.GetRestoreCommit() == "" {
		return ""
	}
	paths := slices.Sorted(slices.Values(o.GetRestorePaths()))
	return strings.Join(append([]string{o.GetRestoreCommit(), flag(o.GetForce())}, slices.Compact(paths)...), "\n")
}

func flag(b bool) string {
	if b {
		return "1"
	}
	return "0"
}

// Versioned is a sync as it was read, for writing it back.
type Versioned struct {
	*syncv1.Sync
	version int64
	fence   int64
	stored  syncv1.State // as Redis has it
}

// Fence is the fencing number of the last one who wrote it.
func (v *Versioned) Fence() int64 { return v.fence }

// Get reads a sync.
func (s *Store) Get(ctx context.Context, syncID string) (*Versioned, error) {
	fabricID, err := FabricOfSync(syncID)
	if err != nil {
		return nil, err
	}
	return unlessLost(ctx, s, func() (*Versioned, error) {
		records, err := s.records(ctx, fabricID, []string{syncID})
		if err != nil {
			return nil, err
		}
		if records[0] == nil {
			return nil, errs.New(errs.SyncNotFound, "There is no sync %s.", syncID)
		}
		return records[0], nil
	})
}

// records reads syncs of one fabric in one round trip; unknown ones are nil.
func (s *Store) records(ctx context.Context, fabricID int32, ids []string) ([]*Versioned, error) {
	replies, err := redisconn.Repeat(ctx, func() ([]redis.Cmder, error) {
		return s.conn.Main.Pipelined(ctx, func(p redis.Pipeliner) error {
			p.HGetAll(ctx, rediskey.Run(fabricID))
			for _, id := range ids {
				p.HMGet(ctx, rediskey.Sync(fabricID, id), recordFields...)
			}
			return nil
		})
	})
	if err != nil {
		return nil, fmt.Errorf("read syncs: %w", err)
	}
	run := replies[0].(*redis.MapStringStringCmd).Val()
	out := make([]*Versioned, len(ids))
	for i := range ids {
		if out[i], err = decode(replies[i+1].(*redis.SliceCmd).Val(), run); err != nil {
			return nil, err
		}
	}
	return out, nil
}

// recordFields are what decode wants, in this order.
var recordFields = []string{"record", "version", "cancel", "fence"}

func decode(fields []any, run map[string]string) (*Versioned, error) {
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
	return &Versioned{Sync: record, version: version, fence: fence, stored: record.GetState()}, nil
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
	addWishes(record, run["wishes:"+record.GetSyncId()])
}

// Write stores a sync and tells of it. The record's state decides whether this is an end. An Error with code
// LOCK_LOST says that someone else is in charge by now, one with ILLEGAL_TRANSITION that the sync has ended.
func (s *Store) Write(ctx context.Context, v *Versioned, fence int64, told []*syncv1.SyncEvent,
	bus []*eventv1.Event,
) error {
	id, syncID := v.GetFabricId(), v.GetSyncId()
	if v.GetState() != v.stored && !Legal(v.stored, v.GetState()) {
		return errs.New(errs.IllegalTransition, "The sync %s can't go from %s to %s.", syncID, v.stored, v.GetState())
	}
	raw, err := proto.Marshal(v.Sync)
	if err != nil {
		return fmt.Errorf("encode sync: %w", err)
	}
	args := []any{
		syncID, fence, v.version, uuid.NewString(), raw, flag(Terminal(v.GetState())), s.limits.Retention.Milliseconds(), 0,
	}
	args, count, err := appendMessages(args, batches(told))
	if err != nil {
		return err
	}
	args[7] = count
	if args, _, err = appendMessages(args, bus); err != nil {
		return err
	}
	shard := rediskey.Shard(id)
	keys := []string{
		rediskey.Sync(id, syncID), rediskey.Run(id), rediskey.SyncEvents(id, syncID), rediskey.Events(shard),
		rediskey.Work(shard),
	}
	reply, err := s.conn.Run(ctx, writeScript, keys, args...)
	if err != nil {
		return fmt.Errorf("write sync %s: %w", syncID, err)
	}
	return v.written(reply)
}

func (v *Versioned) written(reply any) error {
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
)

// batches packs events so that thousands of them cost few stream entries.
func batches(told []*syncv1.SyncEvent) []*syncv1.WatchSyncResponse {
	var out []*syncv1.WatchSyncResponse
	for len(told) > 0 {
		n := min(len(told), batchSize)
		out = append(out, &syncv1.WatchSyncResponse{Events: told[:n]})
		told = told[n:]
	}
	return out
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
	reply, err := s.conn.Run(ctx, cancelScript, []string{rediskey.Sync(fabricID, syncID)})
	if err != nil {
		return fmt.Errorf("cancel sync %s: %w", syncID, err)
	}
	if reply == "missing" {
		return errs.New(errs.SyncNotFound, "There is no sync %s.", syncID)
	}
	return nil
}

// History reads all remembered syncs of a fabric that were accepted in a time span, newest first.
func (s *Store) History(ctx context.Context, fabricID int32, from, to time.Time) ([]*syncv1.Sync, error) {
	ids, err := redisconn.Repeat(ctx, func() ([]string, error) {
		return s.conn.Main.ZRevRangeByScore(ctx, rediskey.History(fabricID),
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

// Watch reads the events of a sync from the first and calls for each batch, until the sync has ended, the call
// returns an error, or ctx ends.
func (s *Store) Watch(ctx context.Context, syncID string, call func([]*syncv1.SyncEvent) error) error {
	fabricID, err := FabricOfSync(syncID)
	if err != nil {
		return err
	}
	key, last := rediskey.SyncEvents(fabricID, syncID), "0"
	for {
		record, err := s.Get(ctx, syncID)
		if err != nil {
			return err
		}
		ended := Terminal(record.GetState())
		messages, err := s.readEvents(ctx, key, last, ended)
		if err != nil {
			return fmt.Errorf("read events of sync %s: %w", syncID, err)
		}
		for _, message := range messages {
			batch := &syncv1.WatchSyncResponse{}
			text, _ := message.Values[events.Field].(string)
			if err := proto.Unmarshal([]byte(text), batch); err != nil {
				return fmt.Errorf("decode event %s: %w", message.ID, err)
			}
			if err := call(batch.GetEvents()); err != nil {
				return err
			}
			last = message.ID
		}
		if ended && len(messages) == 0 {
			return nil
		}
	}
}

const (
	watchBlock = time.Second
	watchBatch = 100
)

func (s *Store) readEvents(ctx context.Context, key, after string, ended bool) ([]redis.XMessage, error) {
	args := &redis.XReadArgs{Streams: []string{key, after}, Count: watchBatch, Block: watchBlock}
	if ended {
		args.Block = -1
	}
	streams, err := redisconn.Repeat(ctx, func() ([]redis.XStream, error) {
		return s.conn.Blocking.XRead(ctx, args).
			Result()
	})
	if errors.Is(err, redis.Nil) {
		return nil, nil
	}
	if err != nil || len(streams) == 0 {
		return nil, err
	}
	return streams[0].Messages, nil
}
