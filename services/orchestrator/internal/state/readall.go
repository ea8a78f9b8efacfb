package state

import (
	"context"
	"errors"
	"fmt"

	"github.com/google/uuid"
	"github.com/redis/go-redis/v9"

	syncv1 "fgdsync.dev/proto/fgd/sync/v1"
)

// readAll reads syncs of any fabrics that are not read yet, without their details, in two round trips. One that was
// forgotten meanwhile is left out.
func (s *Store) readAll(ctx context.Context, places []place) ([]*syncv1.Sync, error) {
	if err := s.readRecords(ctx, places); err != nil {
		return nil, err
	}
	if err := s.readFolded(ctx, places); err != nil {
		return nil, err
	}
	out := make([]*syncv1.Sync, 0, len(places))
	for _, p := range places {
		if p.record != nil {
			out = append(out, p.record)
		}
	}
	return out, nil
}

// readRecords reads those that were not folded.
func (s *Store) readRecords(ctx context.Context, places []place) error {
	missing, err := missingOf(places)
	if err != nil || len(missing) == 0 {
		return err
	}
	replies, err := s.pipelined(ctx, func(p redis.Pipeliner) {
		for _, m := range missing {
			p.HMGet(ctx, SyncKey(m.fabric, m.id), briefFields...)
			p.HMGet(ctx, RunKey(m.fabric), "shared:"+m.id, "coalesced:"+m.id)
		}
	})
	if err != nil {
		return fmt.Errorf("read syncs: %w", err)
	}
	for i, m := range missing {
		fields, waiting := replies[2*i].(*redis.SliceCmd).Val(), replies[2*i+1].(*redis.SliceCmd).Val()
		run := map[string]string{}
		run["shared:"+m.id], _ = waiting[0].(string)
		run["coalesced:"+m.id], _ = waiting[1].(string)
		record, err := decode(fields, run)
		if err != nil {
			return err
		}
		if record != nil {
			m.record = record.Sync
		}
	}
	return nil
}

// missingPlace is a place whose sync is not read yet.
type missingPlace struct {
	*place
	fabric int32
}

func missingOf(places []place) ([]missingPlace, error) {
	var out []missingPlace
	for i := range places {
		if places[i].record != nil {
			continue
		}
		fabric, err := FabricOfSync(places[i].id)
		if err != nil {
			return nil, err
		}
		out = append(out, missingPlace{&places[i], fabric})
	}
	return out, nil
}

// readFolded reads those that were folded: all of a fabric and a day are in one place.
func (s *Store) readFolded(ctx context.Context, places []place) error {
	missing, err := missingOf(places)
	if err != nil || len(missing) == 0 {
		return err
	}
	replies := map[string]*redis.StringSliceCmd{}
	_, err = s.pipelined(ctx, func(p redis.Pipeliner) {
		clear(replies)
		for _, m := range missing {
			if key := m.foldedKey(); replies[key] == nil {
				replies[key] = p.LRange(ctx, key, 0, -1)
			}
		}
	})
	if err != nil {
		return fmt.Errorf("read folded syncs: %w", err)
	}
	for _, m := range missing {
		for _, raw := range replies[m.foldedKey()].Val() {
			record, unfoldErr := unfold(m.fabric, raw)
			if err = errors.Join(err, unfoldErr); record.GetSyncId() == m.id {
				m.record = record
			}
		}
	}
	return err
}

func (m missingPlace) foldedKey() string {
	id, _ := uuid.Parse(m.id) // FabricOfSync has read it
	return foldedKey(m.fabric, timeOfSync(id).UnixMilli()/dayLength)
}
