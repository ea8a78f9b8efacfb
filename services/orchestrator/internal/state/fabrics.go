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
	eventv1 "fgdsync.dev/proto/fgd/event/v1"
	fabricv1 "fgdsync.dev/proto/fgd/fabric/v1"
	gitv1 "fgdsync.dev/proto/fgd/git/v1"
	syncv1 "fgdsync.dev/proto/fgd/sync/v1"
)

// deleteMemory is longer than the repetitions of a call take.
const deleteMemory = time.Minute

// FabricMissing is the error of a fabric that is not registered.
func FabricMissing(id int32) error {
	return errs.NoFabric(id)
}

// MayPublish returns the error of a sync that would publish for a fabric of which none may: FGD_3011 where it is
// suspended, FGD_3030 where its mode is not on. It is nil for all others.
func MayPublish(f *fabricv1.Fabric, options *syncv1.SyncOptions) error {
	s := f.GetSuspension()
	switch {
	case options.GetValidateOnly():
		return nil
	case s == nil && IsOn(f):
		return nil
	case s == nil:
		return notOn(f)
	}
	return errs.New(errs.FabricSuspended, "Fabric %d is suspended by %s since %s: %s", f.GetFabricId(), s.GetSuspendedBy(),
		s.GetSuspendedAt().AsTime().Format(time.RFC3339), s.GetReason())
}

// IsOn reports whether the mode of a fabric lets its syncs publish.
func IsOn(f *fabricv1.Fabric) bool {
	mode := f.GetOptions().GetMode()
	return mode == fabricv1.Mode_MODE_UNSPECIFIED || mode == fabricv1.Mode_MODE_ON
}

// ByItself returns how a sync of a fabric runs that nobody has asked for: as a dry run in the mode dry_run, and not at
// all, FGD_3030, in the mode off.
func ByItself(f *fabricv1.Fabric, options *syncv1.SyncOptions) (*syncv1.SyncOptions, error) {
	switch f.GetOptions().GetMode() {
	case fabricv1.Mode_MODE_OFF:
		return nil, notOn(f)
	case fabricv1.Mode_MODE_DRY_RUN:
		dry := &syncv1.SyncOptions{}
		proto.Merge(dry, options)
		dry.ValidateOnly = true
		return dry, nil
	}
	return options, nil
}

// IsHeld reports whether a sync was refused because syncs of its fabric may not run, or not publish.
func IsHeld(err error) bool {
	return errs.HasCode(err, errs.FabricSuspended) || errs.HasCode(err, errs.FabricNotOn)
}

func notOn(f *fabricv1.Fabric) error {
	return errs.New(errs.FabricNotOn, "The mode of fabric %d is %s: no sync of it may publish.", f.GetFabricId(),
		ModeWord(f))
}

// ModeWord returns what the API calls the mode of a fabric.
func ModeWord(f *fabricv1.Fabric) string {
	if IsOn(f) {
		return "on"
	}
	return strings.ToLower(strings.TrimPrefix(f.GetOptions().GetMode().String(), "MODE_"))
}

// LocationOf returns where the directory of a fabric lives, for github-sync: with the number of the fabric, which its
// credentials are bound to.
func LocationOf(f *fabricv1.Fabric) *gitv1.Location {
	location := proto.CloneOf(f.GetLocation())
	if location != nil {
		location.FabricId = f.GetFabricId()
	}
	return location
}

// CreateFabric registers a fabric. Callers hold the register's lock.
func (s *Store) CreateFabric(ctx context.Context, f *fabricv1.Fabric, event *eventv1.Event) error {
	return s.putFabric(ctx, "create", f, event)
}

// UpdateFabric replaces a definition. Callers hold the register's lock.
func (s *Store) UpdateFabric(ctx context.Context, f *fabricv1.Fabric, event *eventv1.Event) error {
	return s.putFabric(ctx, "update", f, event)
}

func (s *Store) putFabric(ctx context.Context, mode string, f *fabricv1.Fabric, event *eventv1.Event) error {
	id := f.GetFabricId()
	args, _, err := appendMessages([]any{mode, id}, []proto.Message{f, event})
	if err != nil {
		return err
	}
	shard := events.ShardOf(id)
	reply, err := s.conn.Run(ctx, s.scripts.putFabric, []string{
		FabricKey(id), fabricsKey(shard),
		events.BusStream(shard),
	}, args...)
	switch {
	case err != nil:
		return fmt.Errorf("store fabric %d: %w", id, err)
	case reply == "exists":
		return errs.New(errs.FabricExists, "Fabric %d is registered already.", id)
	case reply == "missing":
		return FabricMissing(id)
	}
	return nil
}

// NextFabricID returns a number that no fabric has had.
func (s *Store) NextFabricID(ctx context.Context) (int32, error) {
	n, err := redisconn.Repeat(ctx, func() (int64, error) { return s.conn.Main.Incr(ctx, nextFabricKey).Result() })
	if err != nil {
		return 0, fmt.Errorf("choose a fabric id: %w", err)
	}
	return int32(n), nil
}

// Fabric reads a definition.
func (s *Store) Fabric(ctx context.Context, id int32) (*fabricv1.Fabric, error) {
	raw, err := redisconn.Repeat(ctx, func() (string, error) { return s.conn.Main.Get(ctx, FabricKey(id)).Result() })
	if errors.Is(err, redis.Nil) {
		return nil, FabricMissing(id)
	}
	if err != nil {
		return nil, fmt.Errorf("read fabric %d: %w", id, err)
	}
	return decodeFabric(raw)
}

func decodeFabric(raw string) (*fabricv1.Fabric, error) {
	f := &fabricv1.Fabric{}
	if err := proto.Unmarshal([]byte(raw), f); err != nil {
		return nil, fmt.Errorf("decode fabric: %w", err)
	}
	return f, nil
}

// Fabrics reads all definitions, by number.
func (s *Store) Fabrics(ctx context.Context) ([]*fabricv1.Fabric, error) {
	members, err := s.pipelined(ctx, func(p redis.Pipeliner) {
		for shard := range events.Shards {
			p.SMembers(ctx, fabricsKey(shard))
		}
	})
	if err != nil {
		return nil, fmt.Errorf("list fabrics: %w", err)
	}
	parts, err := definitionKeys(members)
	if err != nil {
		return nil, err
	}
	out, err := sideBySide(ctx, parts, s.definitions)
	if err != nil {
		return nil, err
	}
	slices.SortFunc(out, func(a, b *fabricv1.Fabric) int { return int(a.GetFabricId()) - int(b.GetFabricId()) })
	return out, nil
}

// definitionKeys returns the keys of the definitions in parts, each of one shard.
func definitionKeys(members []redis.Cmder) ([][]string, error) {
	var out [][]string
	for _, reply := range members {
		var keys []string
		for _, text := range reply.(*redis.StringSliceCmd).Val() {
			id, err := strconv.ParseInt(text, 10, 32)
			if err != nil {
				return nil, fmt.Errorf("fabric id %q: %w", text, err)
			}
			keys = append(keys, FabricKey(int32(id)))
		}
		out = slices.AppendSeq(out, slices.Chunk(keys, readAtOnce))
	}
	return out, nil
}

func (s *Store) definitions(ctx context.Context, keys []string) ([]*fabricv1.Fabric, error) {
	values, err := redisconn.Repeat(ctx, func() ([]any, error) { return s.conn.Main.MGet(ctx, keys...).Result() })
	if err != nil {
		return nil, fmt.Errorf("read fabrics: %w", err)
	}
	return appendFabrics(make([]*fabricv1.Fabric, 0, len(keys)), values)
}

func appendFabrics(out []*fabricv1.Fabric, values []any) ([]*fabricv1.Fabric, error) {
	for _, value := range values {
		raw, ok := value.(string)
		if !ok {
			continue // deleted between the two reads
		}
		f, err := decodeFabric(raw)
		if err != nil {
			return nil, err
		}
		out = append(out, f)
	}
	return out, nil
}

// Activity is what a schedule has to know of a fabric.
type Activity struct {
	// LastFull is when the last sync was accepted that does all there is to do, or that was scheduled; other dry runs and
	// repairs do not count. Zero
	// when there was none.
	LastFull time.Time
	// Busy reports whether a sync is active.
	Busy bool
	// Synced reports whether any sync was ever accepted.
	Synced bool
}

// Activities reads the activity of fabrics, in their order.
func (s *Store) Activities(ctx context.Context, ids []int32) ([]Activity, error) {
	if len(ids) == 0 {
		return nil, nil
	}
	replies, err := s.pipelined(ctx, func(p redis.Pipeliner) {
		for _, id := range ids {
			p.HMGet(ctx, RunKey(id), "last_full", "active", "synced")
		}
	})
	if err != nil {
		return nil, fmt.Errorf("read the activity of fabrics: %w", err)
	}
	out := make([]Activity, len(ids))
	for i, reply := range replies {
		fields := reply.(*redis.SliceCmd).Val()
		if out[i], err = activityOf(fields[0], fields[1], fields[2]); err != nil {
			return nil, fmt.Errorf("last sync of fabric %d: %w", ids[i], err)
		}
	}
	return out, nil
}

// activityOf returns what fields of a run say of the activity.
func activityOf(lastFull, active, synced any) (Activity, error) {
	out := Activity{Busy: active != nil, Synced: synced != nil}
	text, known := lastFull.(string)
	if !known {
		return out, nil
	}
	ms, err := strconv.ParseInt(text, 10, 64)
	out.LastFull = time.UnixMilli(ms)
	return out, err
}

// DeleteFabric forgets a fabric that has no active sync; else it answers that sync's id. The generation is one above
// all that the fabric had. Without an event nobody is told.
func (s *Store) DeleteFabric(ctx context.Context, id int32, generation int64, event *eventv1.Event) (active string,
	err error,
) {
	args, _, err := appendMessages([]any{id}, []*eventv1.Event{event})
	if err != nil {
		return "", err
	}
	shard := events.ShardOf(id)
	keys := []string{
		FabricKey(id), RunKey(id), resourcesKey(id), historyKey(id),
		requestKey(id, "delete:"+uuid.NewString()), fabricsKey(shard), events.BusStream(shard),
		deletedKey(shard), followedKey(id),
	}
	index := indexKeys(shard)
	keys = append(keys, index...)
	for _, d := range s.days(Query{}) {
		keys = append(keys, foldedKey(id, d.number))
	}
	reply, err := s.conn.Run(ctx, s.scripts.deleteFabric, keys, append(args, deleteMemory.Milliseconds(), generation,
		len(index))...)
	if err != nil {
		return "", fmt.Errorf("delete fabric %d: %w", id, err)
	}
	if reply == "missing" {
		return "", FabricMissing(id)
	}
	active, _ = reply.(string)
	return active, nil
}
