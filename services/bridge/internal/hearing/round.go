package hearing

import (
	"cmp"
	"context"
	"errors"
	"maps"
	"net/http"
	"slices"
	"time"

	"fgdsync.dev/libs/events"
	"fgdsync.dev/services/bridge/internal/hnp"
)

// round is one look at what NetBox tells.
type round struct {
	*Hearing
	places []*place
	wait   time.Duration
	kept   map[int32]bool // fabrics of which something was kept
}

func (l linked) ours() []int32 { return slices.Sorted(maps.Values(l)) }

func (l linked) shards() []int {
	shards := map[int]bool{}
	for _, fabric := range l {
		shards[events.ShardOf(fabric)] = true
	}
	return slices.Sorted(maps.Keys(shards))
}

// hear hears from the feed, and where that is not to be had from the change log.
func (r *round) hear(ctx context.Context) (rest time.Duration, err error) {
	r.kept = map[int32]bool{}
	for _, p := range r.places {
		if feed, log := p.tooOld(); feed {
			p.feed = ""
		} else if log {
			p.marks = nil
		}
	}
	feedErr, logErr := error(nil), error(nil)
	if r.worthTrying(r.Status().Feed) {
		if rest, feedErr = r.hearFeed(ctx); feedErr == nil {
			r.found(feedOf, On, nil)
			return rest, r.markLog(ctx)
		}
		if !isNetBox(feedErr) {
			return 0, feedErr
		}
		r.found(feedOf, stateAfter(feedErr), feedErr)
	}
	if r.worthTrying(r.Status().Log) {
		if logErr = r.hearLog(ctx); logErr == nil {
			r.found(logOf, On, nil)
			return pollPeriod, nil
		}
		if !isNetBox(logErr) {
			return 0, logErr
		}
		r.found(logOf, stateAfter(logErr), logErr)
	}
	if err := cmp.Or(logErr, feedErr); err != nil && stateAfter(err) == Away {
		return 0, err
	}
	return pollPeriod, nil // what is missing is looked for again with the next compare
}

// which returns the places of which something is so.
func (r *round) which(is func(*place) bool) (out []*place) {
	for _, p := range r.places {
		if is(p) {
			out = append(out, p)
		}
	}
	return out
}

func unmarked(p *place) bool { return len(p.marks) == 0 }

// hearFeed reads the feed behind the place that is least far, and begins it where there is none.
func (r *round) hearFeed(ctx context.Context) (rest time.Duration, err error) {
	if fresh := r.which(func(p *place) bool { return p.feed == "" }); len(fresh) > 0 {
		return 0, r.beginFeed(ctx, fresh)
	}
	after := least(r.places, func(p *place) string { return p.feed }, hnp.ComparePlaces)
	began := r.deps.Now()
	page, err := r.deps.Client.Feed(ctx, after, feedRows, r.feedWait())
	switch {
	case hnp.HasStatus(err, http.StatusGone):
		return 0, r.beginFeed(ctx, r.places)
	case err != nil:
		return 0, err
	}
	if err := r.step("read"); err != nil {
		return 0, err
	}
	until := r.settled(page)
	fabrics, err := r.fabrics(ctx) // it may have taken long
	if err != nil {
		return 0, err
	}
	for _, p := range r.places {
		var all []heard
		for i, c := range page.Changes {
			if hnp.ComparePlaces(page.Places[i], p.feed) > 0 {
				all = append(all, heard{source: "feed", change: c})
			}
		}
		if hnp.ComparePlaces(page.Cursor, p.feed) > 0 {
			p.feed = page.Cursor
		}
		p.feedAt = r.deps.Now()
		if until != (moment{}) {
			p.done = until
		}
		if err := r.keep(ctx, p, fabrics, all, nil); err != nil {
			return 0, err
		}
	}
	r.note(func(s *Status) { s.Blocked = page.BlockedSince })
	r.deps.Metrics.blocked(page.BlockedSince, page.Clock)
	if len(page.Changes) > 0 {
		return 0, nil
	}
	r.note(func(s *Status) { s.Heard = began })
	if r.deps.Now().Sub(began) < wakePause { // somebody else waits there already
		return wakePause, nil
	}
	return 0, nil
}

// feedWait is how long the feed is asked to wait: not at all behind something, so that it is known where it ends.
func (r *round) feedWait() time.Duration {
	if r.Status().Feed.State != On || r.candidate == (moment{}) {
		return 0
	}
	return r.wait
}

// settled returns until when all was told that has taken effect; zero when that is not known. What a page said of that
// counts once another one has nothing more: in between a transaction may have ended that held something back.
func (r *round) settled(page hnp.FeedPage) (until moment) {
	if len(page.Changes) > 0 {
		r.candidate = moment{}
		return moment{}
	}
	until = r.candidate
	now, clock := r.deps.Now(), page.Clock
	if blocked := page.BlockedSince; !blocked.IsZero() && blocked.Before(clock) {
		now, clock = now.Add(blocked.Sub(clock)), blocked
	}
	r.candidate = momentOf(now, clock)
	return until
}

// beginFeed begins to hear the feed at its end. What happened before is heard from the change log where that was heard,
// and else compared.
func (r *round) beginFeed(ctx context.Context, places []*place) error {
	head, err := r.deps.Client.FeedHead(ctx)
	if err != nil {
		return err
	}
	if len(r.which(unmarked)) == 0 {
		if err := r.hearLog(ctx); err != nil && !isNetBox(err) {
			return err
		}
	}
	if err := r.compare(ctx, "gap"); err != nil {
		return err
	}
	r.candidate = moment{}
	for _, p := range places {
		p.feed, p.feedAt = head, r.deps.Now()
		if err := r.keep(ctx, p, nil, nil, nil); err != nil {
			return err
		}
	}
	return nil
}

// keep keeps what was told for the fabrics of a place, and moves the place.
func (r *round) keep(ctx context.Context, p *place, fabrics linked, all []heard, seen []int64) error {
	var out []heard
	for _, one := range all {
		if one.change.Branch != "" { // it is told again when the branch is merged
			r.deps.Metrics.heard(one.source, "other_branch")
			continue
		}
		one.fabrics = fabrics.of(one.change, p.shard)
		if len(one.fabrics) == 0 && one.number == 0 {
			r.deps.Metrics.heard(one.source, "elsewhere")
			continue
		}
		one.counts = len(one.fabrics) > 0
		mine, err := r.withoutEchoes(ctx, one)
		if err != nil {
			return err
		}
		out = append(out, mine)
	}
	if err := r.step("keep"); err != nil {
		return err
	}
	kept, err := r.commit(ctx, p, out, seen)
	if err != nil {
		r.told = false // it may have been kept
		return err
	}
	if err := r.step("kept"); err != nil {
		r.told = false
		return err
	}
	r.deps.Metrics.known(out, kept)
	for _, one := range kept {
		for _, fabric := range one.fabrics {
			r.kept[fabric] = true
			r.deps.Metrics.heard(one.source, "kept")
			if r.storms.storming(fabric, one.change, r.deps.Now()) {
				r.deps.Metrics.storm()
				r.deps.Storming(ctx, fabric, one.change)
			}
		}
	}
	return nil
}

// withoutEchoes takes away the fabrics for which a change is what we wrote ourselves.
func (r *round) withoutEchoes(ctx context.Context, one heard) (heard, error) {
	var others []int32
	for _, fabric := range one.fabrics {
		echo, err := r.deps.Echo(ctx, fabric, one.change)
		if err != nil {
			return one, err
		}
		if echo {
			r.deps.Metrics.heard(one.source, "echo")
			continue
		}
		others = append(others, fabric)
	}
	one.fabrics = others
	return one, nil
}

// tellSome tells of what was kept of some fabrics. What can't be told is told later.
func (h *Hearing) tellSome(ctx context.Context, fabrics map[int32]bool) error {
	var failed []error
	for _, fabric := range slices.Sorted(maps.Keys(fabrics)) {
		failed = append(failed, h.tell(ctx, fabric))
	}
	if err := errors.Join(failed...); err != nil {
		h.told = false
		return err
	}
	return nil
}
