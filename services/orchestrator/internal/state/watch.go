package state

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/redis/go-redis/v9"
	"google.golang.org/protobuf/proto"

	"fgdsync.dev/libs/events"
	"fgdsync.dev/libs/redisconn"
	syncv1 "fgdsync.dev/proto/fgd/sync/v1"
)

// Watch reads the events of a sync from the first and calls for each batch, until the sync has ended, the call
// returns an error, or ctx ends. How far the sync is, is asked of get, before each wait.
func (s *Store) Watch(
	ctx context.Context, syncID string, get func(context.Context, string) (*Record, error),
	call func([]*syncv1.SyncEvent) error,
) error {
	fabricID, err := FabricOfSync(syncID)
	if err != nil {
		return err
	}
	key, last := syncEventsKey(fabricID, syncID), "0"
	for {
		record, err := get(ctx, syncID)
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
		return s.conn.Blocking.XRead(ctx, args).Result()
	})
	if errors.Is(err, redis.Nil) {
		return nil, nil
	}
	if err != nil || len(streams) == 0 {
		return nil, err
	}
	return streams[0].Messages, nil
}
