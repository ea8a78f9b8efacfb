package hearing

import (
	"cmp"
	"context"
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
	page, err := r.readFeed(ctx, after)
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
	if err := r.join(ctx, fabrics, after); err != nil {
		return 0, err
	}
	for _, p := range r.places {
		var all []heard
		for i, c := range page.Changes {
			if hnp.ComparePlaces(page.Places[i], p.feed) > 0 {
				all = append(all, heard{source: fromFeed, place: page.Places[i], change: c})
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

// join has the feed heard from where a page begins for shards whose first fabrics were linked while the page was waited
// for. Begun later, it would not tell of what people did until then, and who they are.
func (r *round) join(ctx context.Context, fabrics linked, after string) error {
	var fresh []*place
	for _, shard := range fabrics.shards() {
		if slices.ContainsFunc(r.places, func(p *place) bool { return p.shard == shard }) {
			continue
		}
		found, err := r.load(ctx, []int{shard})
		if err != nil {
			return err
		}
		for _, p := range found {
			if p.version == 0 { // others go on where they were left
				p.feed = after
				fresh = append(fresh, p)
			}
		}
	}
	if len(fresh) == 0 {
		return nil
	}
	if err := r.beginFabrics(ctx, fabrics.ours()); err != nil {
		return err
	}
	r.places = append(r.places, fresh...)
	return r.compare(ctx, "gap")
}

// readFeed reads a page of the feed, with fewer rows where they are more than is read at once.
func (r *round) readFeed(ctx context.Context, after string) (page hnp.FeedPage, err error) {
	for rows := feedRows; ; rows /= 2 {
		page, err = r.deps.Client.Feed(ctx, after, rows, r.feedWait())
		if !hnp.IsTooMuch(err) || rows == 1 {
			return page, err
		}
	}
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

// beginFeed begins to hear the feed. What happened before is heard from the change log where that was heard,
// and else compared.
func (r *round) beginFeed(ctx context.Context, places []*place) error {
	head, err := r.beginning(ctx, places)
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

// freshFeed is how long ago the feed was read at most where others have come to something just now.
const freshFeed = 2 * feedWait

// beginning returns where places begin in the feed: where others have just come to, which was before a fabric of theirs
// was linked, or else at its end.
func (r *round) beginning(ctx context.Context, fresh []*place) (string, error) {
	others := r.which(func(p *place) bool {
		return p.feed != "" && r.deps.Now().Sub(p.feedAt) < freshFeed && !slices.Contains(fresh, p)
	})
	if len(others) > 0 && !slices.ContainsFunc(fresh, func(p *place) bool { return p.version > 0 }) {
		return least(others, func(p *place) string { return p.feed }, hnp.ComparePlaces), nil
	}
	return r.deps.Client.FeedHead(ctx)
}

// keep keeps what was told for the fabrics of a place, and moves the place. What is too much for one script is kept in
// several parts.
func (r *round) keep(ctx context.Context, p *place, fabrics linked, all []heard, seen []int64) error {
	page := r.relevant(p, fabrics, all)
	theirs, err := r.judge(ctx, page)
	if err != nil {
		return err
	}
	for i := range page {
		if err := page[i].encode(); err != nil {
			return err
		}
	}
	all = page
	end := p.feed
	for first := true; first || len(page) > 0; first = false {
		part := page[:partOf(page)]
		page = page[len(part):]
		p.feed = end
		if len(page) > 0 && part[0].source == fromFeed { // the rest is read again, should it not be kept
			p.feed = part[len(part)-1].place
		}
		if err := r.keepPart(ctx, p, part, seen); err != nil {
			r.forgetAbout(all) // some of it may have been kept
			return err
		}
	}
	maps.Copy(r.theirs, theirs)
	return nil
}

// forgetAbout has it looked anew what is kept about the fabrics that changes are about.
func (r *round) forgetAbout(page []heard) {
	for _, one := range page {
		for _, fabric := range one.fabrics {
			delete(r.begun, fabric)
		}
	}
}

// relevant returns what of a page concerns somebody here.
func (r *round) relevant(p *place, fabrics linked, all []heard) []heard {
	var page []heard
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
		page = append(page, one)
	}
	return page
}

// keepPart keeps a part of a page, and counts it.
func (r *round) keepPart(ctx context.Context, p *place, part []heard, seen []int64) error {
	if err := r.step("keep"); err != nil {
		return err
	}
	fresh, err := r.commit(ctx, p, part, seen)
	if err == nil {
		err = r.step("kept")
	}
	if err != nil {
		return err
	}
	for i, one := range part {
		for _, fabric := range one.fabrics {
			if !fresh[i] {
				r.deps.Metrics.heard(one.source, "known")
				continue
			}
			r.kept[fabric] = true
			r.deps.Metrics.heard(one.source, "kept")
		}
	}
	return nil
}
