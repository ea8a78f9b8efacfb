package state

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/redis/go-redis/v9"

	syncv1 "fgdsync.dev/proto/fgd/sync/v1"
)

// Query says which syncs of a fabric are wanted. What is zero lets everything pass.
type Query struct {
	From, To time.Time // accepted at or after, and before, to the millisecond
	State    syncv1.State
	Trigger  syncv1.Trigger
	Offset   int
	Limit    int
}

func (q Query) filters() bool { return q.State != 0 || q.Trigger != 0 }

func (q Query) wants(s *syncv1.Sync) bool {
	return (q.State == 0 || q.State == s.GetState()) && (q.Trigger == 0 || q.Trigger == s.GetTrigger())
}

// Page is a part of the history of a fabric: syncs without their details, newest first, and how many match in all.
type Page struct {
	Syncs []*syncv1.Sync
	Total int
}

// place is where a sync stands in the history.
type place struct {
	at     int64 // accepted, in milliseconds
	id     string
	record *syncv1.Sync // nil until it is read
}

// History reads the part of a fabric's history that a query asks for. It goes from day to day, and reads only what it
// has to see.
func (s *Store) History(ctx context.Context, fabricID int32, q Query) (Page, error) {
	days := s.days(q)
	counts, err := s.count(ctx, fabricID, days)
	if err != nil {
		return Page{}, err
	}
	var page []place
	total := 0
	for i, d := range days {
		beyond := total >= q.Offset+q.Limit || total+counts[i] <= q.Offset
		if counts[i] == 0 || (beyond && d.whole && !q.filters()) {
			total += counts[i]
			continue
		}
		places, err := s.places(ctx, fabricID, d, q)
		if err != nil {
			return Page{}, err
		}
		from := min(max(q.Offset-total, 0), len(places))
		page = append(page, places[from:min(from+q.Limit-len(page), len(places))]...)
		total += len(places)
	}
	syncs, err := s.read(ctx, fabricID, page)
	return Page{Syncs: syncs, Total: total}, err
}

const dayLength = int64(24 * time.Hour / time.Millisecond)

// day is the part of a day that a query asks for, in milliseconds, without its end.
type day struct {
	number   int64
	from, to int64
	whole    bool
}

// days returns the days of which something may be remembered and is wanted, newest first.
func (s *Store) days(q Query) []day {
	newest, oldest := s.now().UnixMilli()/dayLength+1, s.oldestDay()
	var out []day
	for n := newest; n >= oldest; n-- {
		d := day{number: n, from: n * dayLength, to: (n + 1) * dayLength}
		if !q.From.IsZero() {
			d.from = max(d.from, q.From.UnixMilli())
		}
		if !q.To.IsZero() {
			d.to = min(d.to, q.To.UnixMilli())
		}
		d.whole = d.to-d.from == dayLength
		if d.from < d.to {
			out = append(out, d)
		}
	}
	return out
}

func (s *Store) oldestDay() int64 {
	return s.now().Add(-s.limits.Load().Retention).UnixMilli() / dayLength
}

// count returns how many syncs each day has: an upper bound where only a part of it is wanted.
func (s *Store) count(ctx context.Context, fabricID int32, days []day) ([]int, error) {
	replies, err := s.pipelined(ctx, func(p redis.Pipeliner) {
		for _, d := range days {
			p.ZCount(ctx, historyKey(fabricID), fmt.Sprint(d.from), fmt.Sprintf("(%d", d.to))
			p.LLen(ctx, foldedKey(fabricID, d.number))
		}
	})
	if err != nil {
		return nil, fmt.Errorf("count syncs: %w", err)
	}
	counts := make([]int, len(days))
	for i, reply := range replies {
		counts[i/2] += int(reply.(*redis.IntCmd).Val())
	}
	return counts, nil
}

// places returns the syncs of a day that match, newest first.
func (s *Store) places(ctx context.Context, fabricID int32, d day, q Query) ([]place, error) {
	replies, err := s.pipelined(ctx, func(p redis.Pipeliner) {
		p.ZRangeByScoreWithScores(ctx, historyKey(fabricID),
			&redis.ZRangeBy{Min: fmt.Sprint(d.from), Max: fmt.Sprintf("(%d", d.to)})
		p.LRange(ctx, foldedKey(fabricID, d.number), 0, -1)
	})
	if err != nil {
		return nil, fmt.Errorf("read history: %w", err)
	}
	var out []place
	for _, z := range replies[0].(*redis.ZSliceCmd).Val() {
		id, _ := z.Member.(string)
		out = append(out, place{at: int64(z.Score), id: id})
	}
	if q.filters() {
		if out, err = s.matching(ctx, fabricID, out, q); err != nil {
			return nil, err
		}
	}
	for _, raw := range replies[1].(*redis.StringSliceCmd).Val() {
		record, err := unfold(fabricID, raw)
		if err != nil {
			return nil, err
		}
		at := record.GetAcceptedAt().AsTime().UnixMilli()
		if at >= d.from && at < d.to && q.wants(record) {
			out = append(out, place{at: at, id: record.GetSyncId(), record: record})
		}
	}
	slices.SortFunc(out, func(a, b place) int { return cmp.Or(cmp.Compare(b.at, a.at), cmp.Compare(b.id, a.id)) })
	return out, nil
}

// matching reads syncs and returns those that match.
func (s *Store) matching(ctx context.Context, fabricID int32, places []place, q Query) ([]place, error) {
	ids := make([]string, len(places))
	for i, p := range places {
		ids[i] = p.id
	}
	records, err := s.records(ctx, fabricID, ids, briefFields)
	if err != nil {
		return nil, err
	}
	var out []place
	for i, record := range records {
		if record != nil && q.wants(record.Sync) {
			places[i].record = record.Sync
			out = append(out, places[i])
		}
	}
	return out, nil
}

// read reads the syncs of a page that are not read yet. One that was forgotten meanwhile is left out.
func (s *Store) read(ctx context.Context, fabricID int32, page []place) ([]*syncv1.Sync, error) {
	var ids []string
	for _, p := range page {
		if p.record == nil {
			ids = append(ids, p.id)
		}
	}
	records, err := s.records(ctx, fabricID, ids, briefFields)
	if err != nil {
		return nil, err
	}
	var out []*syncv1.Sync
	for _, p := range page {
		if p.record == nil {
			if records[0] != nil {
				p.record = records[0].Sync
			}
			records = records[1:]
		}
		if p.record != nil {
			out = append(out, p.record)
		}
	}
	return out, nil
}
