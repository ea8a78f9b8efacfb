package state

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"time"

	"github.com/google/uuid"
	"github.com/redis/go-redis/v9"

	"fgdsync.dev/libs/events"
	syncv1 "fgdsync.dev/proto/fgd/sync/v1"
)

// walk goes back in time over the list of all syncs, window by window, until a page is full.
type walk struct {
	*Store
	q      AllQuery
	page   AllPage
	most   int // how many syncs may still be looked at
	to     int64
	oldest int64
}

func (w *walk) run(ctx context.Context) error {
	w.to, w.oldest = w.now().Add(time.Hour).UnixMilli(), w.oldestDay()*dayLength
	if !w.q.From.IsZero() {
		w.oldest = max(w.oldest, w.q.From.UnixMilli())
	}
	if !w.q.To.IsZero() {
		w.to = min(w.to, w.q.To.UnixMilli())
	}
	if w.q.After.ID != "" {
		w.to = min(w.to, w.q.After.At+1)
	}
	for window := firstWindow; w.to > w.oldest && w.page.Next == nil; window = min(2*window, widestWindow) {
		from := max(w.oldest, w.to-window.Milliseconds())
		places, from, err := w.window(ctx, from)
		if err != nil {
			return err
		}
		if err := w.take(ctx, places); err != nil {
			return err
		}
		w.to = from
	}
	return nil
}

// take reads syncs until the page is full, and one more, which says that the list goes on.
func (w *walk) take(ctx context.Context, places []place) error {
	places = slices.DeleteFunc(places, func(p place) bool { return !w.q.After.before(Position{p.at, p.id}) })
	for len(places) > 0 && w.page.Next == nil {
		some := places[:min(len(places), w.q.Limit+1)]
		places = places[len(some):]
		records, err := w.readAll(ctx, some)
		if err != nil {
			return err
		}
		for _, record := range records {
			w.add(record)
		}
		if w.most -= len(some); w.most <= 0 && w.page.Next == nil {
			last := some[len(some)-1]
			w.page.Next = &Position{last.at, last.id}
		}
	}
	return nil
}

func (w *walk) add(record *syncv1.Sync) {
	switch {
	case w.page.Next != nil || !w.q.matches(record):
	case len(w.page.Syncs) == w.q.Limit:
		last := positionOf(w.page.Syncs[len(w.page.Syncs)-1])
		w.page.Next = &last
	default:
		w.page.Syncs = append(w.page.Syncs, record)
	}
}

// window returns the syncs from a time on, or from a later one, which it returns too: a page takes only the newest.
func (w *walk) window(ctx context.Context, from int64) ([]place, int64, error) {
	keys, chunk := w.q.indexed(), int64(w.q.Limit+1)
	if w.few() {
		keys = keys[:0]
		for id := range w.q.Fabrics {
			keys = append(keys, historyKey(id))
		}
	}
	for ; ; chunk *= 2 {
		places, reached, err := w.newest(ctx, keys, from, chunk)
		if err != nil {
			return nil, 0, err
		}
		if reached >= w.to {
			continue // all of a key were accepted in one moment
		}
		folded, err := w.folded(ctx, reached)
		return w.q.sorted(append(places, folded...)), reached, err
	}
}

// few reports whether the histories of the fabrics are read, and not the index.
func (w *walk) few() bool { return w.q.Fabrics != nil && len(w.q.Fabrics) <= fewFabrics }

// newest reads so many of each key, and returns from which time on it has all.
func (w *walk) newest(ctx context.Context, keys []string, from, chunk int64) ([]place, int64, error) {
	replies, err := w.pipelined(ctx, func(p redis.Pipeliner) {
		for _, key := range keys {
			p.ZRevRangeByScoreWithScores(ctx, key, &redis.ZRangeBy{
				Min: strconv.FormatInt(from, 10), Max: "(" + strconv.FormatInt(w.to, 10), Count: chunk,
			})
		}
	})
	if err != nil {
		return nil, 0, fmt.Errorf("read the list of syncs: %w", err)
	}
	var out []place
	for _, reply := range replies {
		found := placesOf(reply.(*redis.ZSliceCmd).Val())
		if int64(len(found)) == chunk { // there may be more of the last moment
			from = max(from, found[len(found)-1].at+1)
		}
		out = append(out, found...)
	}
	return slices.DeleteFunc(out, func(p place) bool { return p.at < from }), from, nil
}

// folded reads what was folded of the time from one on.
func (w *walk) folded(ctx context.Context, from int64) ([]place, error) {
	keys, err := w.foldedKeys(ctx, from)
	if err != nil || len(keys) == 0 {
		return nil, err
	}
	replies, err := w.pipelined(ctx, func(p redis.Pipeliner) {
		for _, key := range keys {
			p.LRange(ctx, key, 0, -1)
		}
	})
	if err != nil {
		return nil, fmt.Errorf("read the list of folded syncs: %w", err)
	}
	var out []place
	for _, reply := range replies {
		for _, raw := range reply.(*redis.StringSliceCmd).Val() {
			p, err := w.foldedPlace(raw)
			if err != nil {
				return nil, err
			}
			if p.at >= from && p.at < w.to {
				out = append(out, p)
			}
		}
	}
	return out, nil
}

// foldedKeys returns where that is which was folded of a time: in the index by hours, and in the histories by days.
func (w *walk) foldedKeys(ctx context.Context, from int64) ([]string, error) {
	if w.few() {
		var keys []string
		for day := from / dayLength; day <= (w.to-1)/dayLength; day++ {
			for id := range w.q.Fabrics {
				keys = append(keys, foldedKey(id, day))
			}
		}
		return keys, nil
	}
	replies, err := w.pipelined(ctx, func(p redis.Pipeliner) {
		for shard := range events.Shards {
			p.ZRangeByScoreWithScores(ctx, foldedHoursKey(shard), &redis.ZRangeBy{
				Min: strconv.FormatInt(from/hourLength, 10), Max: strconv.FormatInt((w.to-1)/hourLength, 10),
			})
		}
	})
	if err != nil {
		return nil, fmt.Errorf("read when syncs were folded: %w", err)
	}
	var keys []string
	for shard, reply := range replies {
		for _, z := range reply.(*redis.ZSliceCmd).Val() {
			if list, _ := z.Member.(string); w.matching(shard, int64(z.Score), list) {
				keys = append(keys, list)
			}
		}
	}
	return keys, nil
}

// matching reports whether a list of the syncs of an hour that were folded is of those that are wanted.
func (w *walk) matching(shard int, hour int64, list string) (is bool) {
	w.q.parts(func(trigger syncv1.Trigger, o outcome) {
		is = is || list == foldedSyncsKey(shard, trigger, o, hour)
	})
	return is
}

// foldedPlace returns the place of a sync that was folded: the index has its id, and a history its outcome too.
func (w *walk) foldedPlace(raw string) (place, error) {
	if id, err := uuid.FromBytes([]byte(raw)); err == nil {
		return place{at: timeOfSync(id).UnixMilli(), id: id.String()}, nil
	}
	record, err := unfold(0, raw)
	if err != nil {
		return place{}, err
	}
	id, err := FabricOfSync(record.GetSyncId())
	record.FabricId = id
	return place{at: record.GetAcceptedAt().AsTime().UnixMilli(), id: record.GetSyncId(), record: record}, err
}
