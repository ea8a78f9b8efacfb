package state

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/redis/go-redis/v9"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/timestamppb"

	"fgdsync.dev/libs/events"
	"fgdsync.dev/libs/redisconn"
	syncv1 "fgdsync.dev/proto/fgd/sync/v1"
)

// liveMemory is how long the live progress of a sync is kept after its end, for listeners that come late. After that
// they hear of its end alone.
const liveMemory = time.Hour

// Watch calls for the events of a sync from the first, until the sync has ended, the call returns an error, or ctx
// ends. How far the sync is, is asked of get. RESOURCE_EXHAUSTED (FGD_5012) when too many listen.
func (s *Store) Watch(
	ctx context.Context, syncID string, get func(context.Context, string) (*Record, error),
	call func([]*syncv1.SyncEvent) error,
) error {
	fabricID, err := FabricOfSync(syncID)
	if err != nil {
		return err
	}
	feed, err := s.feeds.join(ctx, syncID, func(ctx context.Context, f *feed) {
		if err := s.follow(ctx, f, syncEventsKey(fabricID, syncID), get); err != nil {
			s.feeds.failed(f, err)
			return
		}
		f.close(nil)
	})
	if err != nil {
		return err
	}
	defer s.feeds.leave(feed)
	return feed.pass(ctx, call)
}

// follow reads the events of a sync into its feed. It looks how far the sync is before each wait.
func (s *Store) follow(
	ctx context.Context, to *feed, key string, get func(context.Context, string) (*Record, error),
) error {
	for last := "0"; ; {
		record, err := get(ctx, to.syncID)
		if err != nil {
			return err
		}
		ended := Terminal(record.GetState())
		messages, err := s.readEvents(ctx, key, last, ended)
		if err != nil {
			return fmt.Errorf("read events of sync %s: %w", to.syncID, err)
		}
		for _, message := range messages {
			batch := &syncv1.WatchSyncResponse{}
			text, _ := message.Values[events.Field].(string)
			if err := proto.Unmarshal([]byte(text), batch); err != nil {
				return fmt.Errorf("decode event %s: %w", message.ID, err)
			}
			to.tell(batch.GetEvents())
		}
		switch {
		case len(messages) > 0:
			last = messages[len(messages)-1].ID
		case ended && last == "0": // they are gone
			to.tell([]*syncv1.SyncEvent{endOf(record.Sync)})
			return nil
		case ended:
			return nil
		}
	}
}

// endOf returns the last event of a sync, as its record has it.
func endOf(s *syncv1.Sync) *syncv1.SyncEvent {
	e := &syncv1.SyncEvent{
		Type: "sync." + StateWord(s.GetState()), SyncId: s.GetSyncId(), FabricId: s.GetFabricId(), State: s.GetState(),
		Progress: s.GetProgress(), Time: timestamppb.New(s.GetCompletedAt().AsTime()),
	}
	switch {
	case s.GetState() == syncv1.State_STATE_COMPLETED:
		e.Result = BriefResult(s.GetResult())
	case len(s.GetErrors()) > 0:
		e.Finding = s.GetErrors()[0]
	}
	return e
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
		return s.conn.Watching.XRead(ctx, args).Result()
	})
	if errors.Is(err, redis.Nil) {
		return nil, nil
	}
	if err != nil || len(streams) == 0 {
		return nil, err
	}
	return streams[0].Messages, nil
}
