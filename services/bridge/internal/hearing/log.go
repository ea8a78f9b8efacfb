package hearing

import (
	"context"
	"slices"
	"strconv"
	"strings"
	"time"

	"fgdsync.dev/services/bridge/internal/hnp"
)

// hearLog reads the change log behind the place that is least far, and what may have turned up before it.
func (r *round) hearLog(ctx context.Context) error {
	if fresh := r.which(unmarked); len(fresh) > 0 {
		if err := r.beginLog(ctx, fresh); err != nil {
			return err
		}
	}
	from, began := leastNumber(r.places, (*place).from), r.deps.Now()
	ids, first, last, err := r.deps.Client.LogIDs(ctx, from)
	switch {
	case hnp.IsTooMuch(err):
		return r.beginLog(ctx, r.places)
	case err != nil:
		return err
	}
	there := momentOf(r.deps.Now(), last)
	newest := leastNumber(r.places, func(p *place) int64 { return p.newest().ID })
	if newest > 0 && !slices.Contains(ids, newest) { // it is another database's, or all of it is gone
		return r.beginLog(ctx, r.places)
	}
	unknown, err := r.unknown(ctx, ids, from)
	if err != nil {
		return err
	}
	for some := range slices.Chunk(unknown, logRows) {
		if err := r.keepLogged(ctx, some); err != nil {
			return err
		}
	}
	for _, p := range r.places {
		m := mark{there, 0}
		if len(ids) > 0 {
			m.ID = ids[len(ids)-1]
		}
		p.done = momentOf(began, first)
		p.mark(m)
		if err := r.keep(ctx, p, nil, nil, nil); err != nil {
			return err
		}
	}
	r.note(func(s *Status) { s.Heard = began })
	return nil
}

// unknown returns those numbers that not all places have seen.
func (r *round) unknown(ctx context.Context, ids []int64, from int64) ([]int64, error) {
	times := map[int64]int{}
	for _, p := range r.places {
		seen, err := r.seen(ctx, p, from)
		if err != nil {
			return nil, err
		}
		for id := range seen {
			times[id]++
		}
	}
	return slices.DeleteFunc(slices.Clone(ids), func(id int64) bool { return times[id] == len(r.places) }), nil
}

// keepLogged keeps entries of the change log, by their numbers.
func (r *round) keepLogged(ctx context.Context, ids []int64) error {
	changes, err := r.deps.Client.LogChanges(ctx, ids)
	if err != nil {
		return err
	}
	if err := r.step("read"); err != nil {
		return err
	}
	fabrics, err := r.fabrics(ctx)
	if err != nil {
		return err
	}
	for _, p := range r.places {
		seen, err := r.seen(ctx, p, ids[0])
		if err != nil {
			return err
		}
		var all []heard
		others := map[int64]bool{}
		for _, id := range ids {
			others[id] = !seen[id]
		}
		for _, c := range changes {
			if number := numberOf(c); others[number] {
				all = append(all, heard{source: fromLog, number: number, change: c})
				others[number] = false
			}
		}
		var rest []int64
		for _, id := range ids {
			if others[id] {
				rest = append(rest, id)
			}
		}
		if err := r.keep(ctx, p, fabrics, all, rest); err != nil {
			return err
		}
	}
	return nil
}

// numberOf returns the number of a change in the change log.
func numberOf(c Change) int64 {
	number, _ := strconv.ParseInt(strings.TrimPrefix(c.ID, "log:"), 10, 64) // 0 is none
	return number
}

// beginLog begins to hear the change log at its end. What happened before is compared.
func (r *round) beginLog(ctx context.Context, places []*place) error {
	marks, ids, err := r.end(ctx)
	if err != nil {
		return err
	}
	if err := r.compare(ctx, "gap"); err != nil {
		return err
	}
	for _, p := range places {
		p.marks, p.done = slices.Clone(marks), marks[0].moment
		seen := ids
		if p.feed != "" { // it may hold some of them back
			seen = nil
		}
		if err := r.keep(ctx, p, nil, nil, seen); err != nil {
			return err
		}
	}
	return nil
}

// end returns the marks of the end of the change log, and the numbers that are there of the window before it. The first
// mark is older than the window: a smaller number than the least in it may turn up still.
func (r *round) end(ctx context.Context) (marks []mark, ids []int64, err error) {
	began := r.deps.Now()
	_, clock, err := r.deps.Client.LogHead(ctx, time.Time{})
	if err != nil {
		return nil, nil, err
	}
	least, _, err := r.deps.Client.LogHead(ctx, clock.Add(-window))
	if err != nil {
		return nil, nil, err
	}
	ids, _, last, err := r.deps.Client.LogIDs(ctx, least)
	if err != nil {
		return nil, nil, err
	}
	newest := least
	if len(ids) > 0 {
		newest = ids[len(ids)-1]
	}
	return []mark{
		{momentOf(began.Add(-window), clock.Add(-window)), least}, {momentOf(r.deps.Now(), last), newest},
	}, ids, nil
}

// beginMarks notes where the change log ends that was not looked at yet. What is there of the window before may be held
// back in the feed, so that it does not count as seen.
func (r *round) beginMarks(ctx context.Context, places []*place) error {
	marks, _, err := r.end(ctx)
	if err != nil {
		return err
	}
	for _, p := range places {
		p.marks = slices.Clone(marks)
		if err := r.keep(ctx, p, nil, nil, nil); err != nil {
			return err
		}
	}
	return nil
}

// markLog notes where the change log is while the feed is heard, for when the feed is gone.
func (r *round) markLog(ctx context.Context) error {
	if r.Status().Log.State == On {
		r.found(logOf, Resting, nil)
	}
	fresh := r.which(unmarked)
	if !r.worthTrying(r.Status().Log) || len(fresh) == 0 && r.deps.Now().Sub(r.marked) < pollPeriod {
		return nil
	}
	r.marked = r.deps.Now()
	if len(fresh) > 0 {
		return r.logResult(r.beginMarks(ctx, fresh))
	}
	head, clock, err := r.deps.Client.LogHead(ctx, time.Time{})
	if err != nil {
		return r.logResult(err)
	}
	for _, p := range r.places {
		p.mark(mark{momentOf(r.deps.Now(), clock), head})
		if err := r.keep(ctx, p, nil, nil, nil); err != nil {
			return err
		}
	}
	return r.logResult(nil)
}

// logResult notes how it is with the change log beside the feed. It is no error that it can't be read.
func (r *round) logResult(err error) error {
	switch {
	case err == nil:
		r.found(logOf, Resting, nil)
	case isNetBox(err):
		r.found(logOf, stateAfter(err), err)
	default:
		return err
	}
	return nil
}
