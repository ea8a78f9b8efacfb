package outbox

import (
	"context"
	"errors"
	"strconv"

	"github.com/redis/go-redis/v9"

	"fgdsync.dev/libs/redisconn"
)

func askedKey(fabricID int32) string { return prefixOf(fabricID) + "asked" }

// ask notes what somebody wants of a delivery, under a number of its own. What was asked for before and not done yet
// counts too: deletions are confirmed for the commit that was named with that, whoever asks for something else since.
func (s *Store) ask(ctx context.Context, fabricID int32, a Asked) error {
	at := askedKey(fabricID)
	_, err := s.redis.Main.TxPipelined(ctx, func(p redis.Pipeliner) error {
		p.HSet(ctx, at, "number", a.Number)
		if a.Overwrite {
			p.HSet(ctx, at, "overwrite", a.Number, "by", a.By)
		}
		if a.ConfirmDeletions {
			p.HSet(ctx, at, "confirm", a.Commit)
		}
		if a.Calm {
			p.HSet(ctx, at, "calm", a.Number)
		}
		return nil
	})
	return redisconn.Error(err)
}

// asked reads what is wanted of deliveries, in one round trip.
func (s *Store) asked(ctx context.Context, fabricIDs []int32) (map[int32]Asked, error) {
	replies := make([]*redis.SliceCmd, len(fabricIDs))
	wishes := make([]*redis.MapStringStringCmd, len(fabricIDs))
	_, err := s.redis.Main.Pipelined(ctx, func(p redis.Pipeliner) error {
		for i, id := range fabricIDs {
			replies[i] = p.HMGet(ctx, askedKey(id), "number", "overwrite", "confirm", "by", "calm")
			wishes[i] = p.HGetAll(ctx, resolutionsKey(id))
		}
		return nil
	})
	if err != nil && !errors.Is(err, redis.Nil) {
		return nil, redisconn.Error(err)
	}
	all := map[int32]Asked{}
	for i, id := range fabricIDs {
		values := replies[i].Val()
		all[id] = Asked{Resolutions: resolutions(wishes[i].Val())}
		if text, is := values[0].(string); is {
			number, _ := strconv.ParseInt(text, 10, 64)
			commit, confirmed := values[2].(string)
			by, _ := values[3].(string)
			word, overwrite := values[1].(string)
			said, _ := strconv.ParseInt(word, 10, 64)
			_, calm := values[4].(string)
			all[id] = Asked{
				Number: number, Commit: commit, By: by, Overwrite: overwrite, Said: said, ConfirmDeletions: confirmed,
				Calm: calm, Resolutions: all[id].Resolutions,
			}
		}
	}
	return all, nil
}

// answered forgets what was asked for and is noted. What somebody has asked for since stays.
func (s *Store) answered(ctx context.Context, fabricID int32, a Asked) error {
	at := askedKey(fabricID)
	return redisconn.Error(s.redis.Main.Watch(ctx, func(tx *redis.Tx) error {
		number, err := tx.HGet(ctx, at, "number").Int64()
		if errors.Is(err, redis.Nil) {
			return nil
		}
		if err != nil {
			return err
		}
		said, err := tx.HGet(ctx, at, "overwrite").Int64()
		if err != nil && !errors.Is(err, redis.Nil) {
			return err
		}
		_, err = tx.TxPipelined(ctx, func(p redis.Pipeliner) error {
			if said <= a.Number {
				p.HDel(ctx, at, "overwrite", "by")
			}
			if number == a.Number {
				p.HDel(ctx, at, "confirm", "calm")
			}
			return nil
		})
		return err
	}, at))
}
