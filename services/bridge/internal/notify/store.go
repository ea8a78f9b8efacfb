package notify

import (
	"context"
	_ "embed"
	"errors"
	"fmt"
	"strconv"
	"time"

	"github.com/google/uuid"
	"github.com/redis/go-redis/v9"
	"google.golang.org/protobuf/proto"

	"fgdsync.dev/libs/events"
	"fgdsync.dev/libs/failpoint"
	"fgdsync.dev/libs/redisconn"
	eventv1 "fgdsync.dev/proto/fgd/event/v1"
)

//go:embed write.lua
var writeLua string

var writeScript = redis.NewScript(writeLua)

// mostWaiting bounds what waits for one target.
const mostWaiting = 10_000

// store keeps what is the matter with fabrics, and what targets are to be told.
type store struct {
	redis   *redisconn.Conn
	targets []Target
}

// read returns what is the matter with a fabric, and its form in Redis.
func (s *store) read(ctx context.Context, fabricID int32) (*eventv1.FabricCauses, string, error) {
	raw, err := redisconn.Repeat(ctx, func() (string, error) {
		return s.redis.Main.HGet(ctx, events.NotificationStates(), field(fabricID)).Result()
	})
	if err != nil && !errors.Is(err, redis.Nil) {
		return nil, "", fmt.Errorf("read what is the matter with fabric %d: %w", fabricID, err)
	}
	state := &eventv1.FabricCauses{}
	if err := proto.Unmarshal([]byte(raw), state); err != nil {
		return nil, "", fmt.Errorf("decode what is the matter with fabric %d: %w", fabricID, err)
	}
	return state, raw, nil
}

// all returns what is the matter with each fabric.
func (s *store) all(ctx context.Context) (map[int32]*eventv1.FabricCauses, error) {
	fields, err := redisconn.Repeat(ctx, func() (map[string]string, error) {
		return s.redis.Main.HGetAll(ctx, events.NotificationStates()).Result()
	})
	if err != nil {
		return nil, fmt.Errorf("read what is the matter with fabrics: %w", err)
	}
	all := map[int32]*eventv1.FabricCauses{}
	for id, raw := range fields {
		number, err := strconv.ParseInt(id, 10, 32)
		if err != nil {
			return nil, fmt.Errorf("read what is the matter with fabrics: %w", err)
		}
		state := &eventv1.FabricCauses{}
		if err := proto.Unmarshal([]byte(raw), state); err != nil {
			return nil, fmt.Errorf("decode what is the matter with fabric %d: %w", number, err)
		}
		all[int32(number)] = state
	}
	return all, nil
}

func field(fabricID int32) string { return strconv.FormatInt(int64(fabricID), 10) }

// waiting returns how much waits for a target.
func (s *store) waiting(ctx context.Context, target string) (int64, error) {
	n, err := redisconn.Repeat(ctx, func() (int64, error) {
		return s.redis.Main.XLen(ctx, events.NotificationStream(target)).Result()
	})
	if err != nil {
		return 0, fmt.Errorf("count what waits for the target %s: %w", target, err)
	}
	return n, nil
}

// write writes what is the matter with a fabric, unless it is not as it was read any more, and what is told of it; nil
// for nothing. It returns the targets that had no room.
func (s *store) write(
	ctx context.Context, fabricID int32, before string, state *eventv1.FabricCauses, about *eventv1.Notification,
) (written bool, full []string, err error) {
	after, err := proto.MarshalOptions{Deterministic: true}.Marshal(state)
	if err != nil {
		return false, nil, fmt.Errorf("encode what is the matter with fabric %d: %w", fabricID, err)
	}
	keys := []string{events.NotificationStates(), events.NotificationDeadLetters(0)}
	args := []any{fabricID, before, after, mostWaiting}
	var told []string
	for _, t := range s.targets {
		if about == nil || !t.wants(about) {
			continue
		}
		about.NotificationId, about.Target = uuid.NewString(), t.Name
		raw, err := proto.Marshal(about)
		if err != nil {
			return false, nil, fmt.Errorf("encode a notification about fabric %d: %w", fabricID, err)
		}
		keys, args, told = append(keys, events.NotificationStream(t.Name)), append(args, raw), append(told, t.Name)
	}
	if len(told) == 0 && before == string(after) {
		return true, nil, nil
	}
	failpoint.Hit(failpoint.NoticeBefore)
	reply, err := s.redis.Run(ctx, writeScript, keys, args...)
	if err != nil {
		return false, nil, fmt.Errorf("write what is the matter with fabric %d: %w", fabricID, err)
	}
	failpoint.Hit(failpoint.NoticeStored)
	answer, written := reply.([]any)
	for i, number := range answer {
		if at, ok := number.(int64); ok && i > 0 {
			full = append(full, told[at-1])
		}
	}
	return written, full, nil
}

// start returns from when on events are told: from the first time that somebody was to be told anything. It is noted by
// whoever is the first.
func (s *store) start(ctx context.Context, now time.Time) (time.Time, error) {
	text, err := redisconn.Repeat(ctx, func() (string, error) {
		if err := s.redis.Main.SetNX(ctx, events.NotificationStart(), now.UnixMilli(), 0).Err(); err != nil {
			return "", err
		}
		return s.redis.Main.Get(ctx, events.NotificationStart()).Result()
	})
	if err != nil {
		return time.Time{}, fmt.Errorf("read from when on events are told: %w", err)
	}
	ms, err := strconv.ParseInt(text, 10, 64)
	if err != nil {
		return time.Time{}, fmt.Errorf("read from when on events are told: %w", err)
	}
	return time.UnixMilli(ms), nil
}

// letGo takes the groups away that would keep events from being trimmed.
func (s *store) letGo(ctx context.Context) error {
	_, err := redisconn.Repeat(ctx, func() (int64, error) {
		for shard := range events.Shards {
			err := s.redis.Main.XGroupDestroy(ctx, events.BusStream(shard), group).Err()
			if err != nil && !redis.HasErrorPrefix(err, "ERR The XGROUP subcommand requires the key to exist") {
				return 0, err
			}
		}
		return s.redis.Main.Del(ctx, events.NotificationStart()).Result()
	})
	if err != nil {
		return fmt.Errorf("let go of events: %w", err)
	}
	return nil
}
