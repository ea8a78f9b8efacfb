package state

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/redis/go-redis/v9"

	"fgdsync.dev/libs/events"
	syncv1 "fgdsync.dev/proto/fgd/sync/v1"
)

// AllQuery says which syncs of all fabrics are wanted. What is zero lets everything pass.
type AllQuery struct {
	Query
	Active  bool           // only those that have not ended
	Fabrics map[int32]bool // only those of these; of all when it is nil
	After   Position       // only those that come after it in the list
}

// Position is the place of a sync in a list of syncs, newest first.
type Position struct {
	At int64 // when it was accepted, in milliseconds
	ID string
}

// AllPage is a part of the list of all syncs, without their details, newest first.
type AllPage struct {
	Syncs []*syncv1.Sync
	Next  *Position // what was read ends here, and more may follow; nil at the end
	Total *int      // how many match in all; nil where that was not counted
}

const (
	// mostLooked bounds the syncs that are looked at for one page. When few of them match the page is short.
	mostLooked = 5000
	// fewFabrics is how many histories are read at a time in the place of the index.
	fewFabrics = 100
	// firstWindow and widestWindow bound the time that is looked at in one step. It grows where there is little.
	firstWindow  = time.Hour
	widestWindow = 24 * time.Hour
)

// AllSyncs reads the part of the list of all syncs that a query asks for.
func (s *Store) AllSyncs(ctx context.Context, q AllQuery) (AllPage, error) {
	if q.Active || q.State != 0 && !Terminal(q.State) {
		q.Active = true
		return s.activeSyncs(ctx, q)
	}
	w := &walk{Store: s, q: q, most: mostLooked}
	err := w.run(ctx)
	return w.page, err
}

// activeSyncs reads all syncs that have not ended: there are never more of them than the system takes.
func (s *Store) activeSyncs(ctx context.Context, q AllQuery) (AllPage, error) {
	replies, err := s.pipelined(ctx, func(p redis.Pipeliner) {
		for _, key := range q.indexed() {
			p.ZRangeWithScores(ctx, key, 0, -1)
		}
	})
	if err != nil {
		return AllPage{}, fmt.Errorf("read the active syncs: %w", err)
	}
	var places []place
	for _, reply := range replies {
		places = append(places, placesOf(reply.(*redis.ZSliceCmd).Val())...)
	}
	records, err := s.readAll(ctx, q.sorted(places))
	if err != nil {
		return AllPage{}, err
	}
	records = slices.DeleteFunc(records, func(r *syncv1.Sync) bool { return !q.matches(r) })
	total := len(records)
	page := AllPage{Total: &total}
	for _, record := range records {
		at := positionOf(record)
		switch {
		case !q.After.before(at):
		case len(page.Syncs) == q.Limit:
			last := positionOf(page.Syncs[len(page.Syncs)-1])
			page.Next = &last
			return page, nil
		default:
			page.Syncs = append(page.Syncs, record)
		}
	}
	return page, nil
}

// matches reports whether a sync is wanted, wherever it is in the list.
func (q AllQuery) matches(s *syncv1.Sync) bool {
	at := s.GetAcceptedAt().AsTime().UnixMilli()
	return q.wants(s) && (!q.Active || !Terminal(s.GetState())) && q.wantsFabric(s.GetFabricId()) &&
		(q.From.IsZero() || at >= q.From.UnixMilli()) && (q.To.IsZero() || at < q.To.UnixMilli())
}

func (q AllQuery) wantsFabric(id int32) bool { return q.Fabrics == nil || q.Fabrics[id] }

// indexed returns the keys of the index that have what matches.
func (q AllQuery) indexed() []string {
	var keys []string
	for shard := range events.Shards {
		q.parts(func(trigger syncv1.Trigger, o outcome) { keys = append(keys, syncsKey(shard, trigger, o)) })
	}
	return keys
}

// parts calls for every part of the index that has what matches.
func (q AllQuery) parts(call func(syncv1.Trigger, outcome)) {
	outcomes := append(ends(), outcomeActive)
	switch {
	case q.Active:
		outcomes = []outcome{outcomeActive}
	case q.State != 0:
		outcomes = []outcome{outcomeOf(q.State)}
	}
	for _, trigger := range triggers() {
		for _, o := range outcomes {
			if q.Trigger == 0 || q.Trigger == trigger {
				call(trigger, o)
			}
		}
	}
}

// sorted returns the places of wanted fabrics, newest first, each once.
func (q AllQuery) sorted(places []place) []place {
	places = slices.DeleteFunc(places, func(p place) bool {
		id, err := FabricOfSync(p.id)
		return err != nil || !q.wantsFabric(id)
	})
	slices.SortFunc(places, func(a, b place) int { return cmp.Or(cmp.Compare(b.at, a.at), cmp.Compare(b.id, a.id)) })
	return slices.CompactFunc(places, func(a, b place) bool { return a.id == b.id })
}

func positionOf(s *syncv1.Sync) Position {
	return Position{At: s.GetAcceptedAt().AsTime().UnixMilli(), ID: s.GetSyncId()}
}

// before reports whether a position comes before another one. The zero one comes before all.
func (p Position) before(other Position) bool {
	return p.ID == "" || cmp.Or(cmp.Compare(p.At, other.At), cmp.Compare(p.ID, other.ID)) > 0
}

func placesOf(found []redis.Z) []place {
	out := make([]place, len(found))
	for i, z := range found {
		id, _ := z.Member.(string)
		out[i] = place{at: int64(z.Score), id: id}
	}
	return out
}
