// Package tail follows what happens in a running system: the events of all syncs that a caller may see, each once. The
// API has a stream for each sync, which begins at its start whenever it is asked for; that is what makes up for a
// connection that was cut, because who counts what it has heard knows where to go on.
package tail

import (
	"context"
	"errors"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/types/known/timestamppb"

	"fgdsync.dev/libs/rpc"
	bridgev1 "fgdsync.dev/proto/fgd/bridge/v1"
)

const (
	// look is how often it is looked for new syncs, and how long it is waited before a connection is tried again.
	look = time.Second
	// overlap is how far back it is looked: a sync may come to the list after one that was accepted later.
	overlap = time.Minute
	// mostStreams bounds how many syncs are followed at the same time; the others are told of from their start later. A
	// bridge lets one caller have 1000 by default.
	mostStreams = 500
	// pageSize is the most syncs that a page holds.
	pageSize = 500
)

// Event is something that happened in a sync.
type Event struct {
	Sync *bridgev1.SyncStatus // as it was when it was first seen: whose it is, and what started it
	*bridgev1.StreamSyncEventsResponse
}

// Follower follows the syncs of a system.
type Follower struct {
	Syncs    bridgev1.SyncServiceClient
	FabricID int32             // of this fabric alone; 0 for all
	Tell     func(Event) error // is told every event, one at a time; an error of it ends the following
	Lost     func(error)       // is told each time that the system can't be reached, or sends the caller away for now

	telling sync.Mutex
	known   map[string]time.Time // syncs that were seen, by when they were accepted
	since   time.Time            // when the newest of them was
}

// Follow tells every event of the syncs that are active when it begins, from their start, and of all that are accepted
// afterwards, until ctx ends; that is its error then. A system that can't be reached at first is an error; afterwards
// it is asked again until it answers, and nothing is lost or told twice.
func (f *Follower) Follow(ctx context.Context) error {
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(mostStreams + 1)
	found, err := f.begin(ctx)
	if err != nil {
		return err
	}
	group.Go(func() error {
		for {
			for _, one := range found {
				group.Go(func() error { return f.follow(ctx, one) })
			}
			if err := pause(ctx); err != nil {
				return err
			}
			if found, err = f.accepted(ctx); err != nil && !f.passes(ctx, err) {
				return err
			}
		}
	})
	return group.Wait()
}

// begin notes the syncs that there are, and returns those that are active.
func (f *Follower) begin(ctx context.Context) ([]*bridgev1.SyncStatus, error) {
	f.known = map[string]time.Time{}
	newest, err := f.Syncs.ListAllSyncs(ctx, &bridgev1.ListAllSyncsRequest{FabricId: f.FabricID, Limit: 1})
	if err != nil {
		return nil, err
	}
	for _, one := range newest.GetSyncs() {
		f.since = one.GetAcceptedAt().AsTime()
	}
	before := f.since
	active, err := f.list(ctx, &bridgev1.ListAllSyncsRequest{FabricId: f.FabricID, Active: true})
	if err != nil {
		return nil, err
	}
	active = f.fresh(active)
	found, err := f.accepted(ctx)
	for _, one := range found {
		if one.GetCompletedAt() == nil || one.GetAcceptedAt().AsTime().After(before) {
			active = append(active, one)
		}
	}
	return active, err
}

// accepted returns the syncs that were accepted since it was asked last.
func (f *Follower) accepted(ctx context.Context) ([]*bridgev1.SyncStatus, error) {
	ask := &bridgev1.ListAllSyncsRequest{FabricId: f.FabricID}
	from := f.since.Add(-overlap)
	if !f.since.IsZero() {
		ask.StartDate = timestamppb.New(from)
	}
	syncs, err := f.list(ctx, ask)
	if err != nil {
		return nil, err
	}
	found := f.fresh(syncs)
	for id, at := range f.known {
		if at.Before(from) {
			delete(f.known, id) // no list has it any more
		}
	}
	return found, nil
}

// list returns all pages of a list.
func (f *Follower) list(
	ctx context.Context, ask *bridgev1.ListAllSyncsRequest,
) (all []*bridgev1.SyncStatus, err error) {
	ask.Limit = pageSize
	for {
		page, err := f.Syncs.ListAllSyncs(ctx, ask)
		if err != nil {
			return nil, err
		}
		all = append(all, page.GetSyncs()...)
		if ask.PageToken = page.GetNextPageToken(); ask.GetPageToken() == "" {
			return all, nil
		}
	}
}

// fresh notes syncs, and returns those that were not known.
func (f *Follower) fresh(syncs []*bridgev1.SyncStatus) (found []*bridgev1.SyncStatus) {
	for _, one := range syncs {
		at := one.GetAcceptedAt().AsTime()
		if _, known := f.known[one.GetSyncId()]; !known {
			found = append(found, one)
		}
		f.known[one.GetSyncId()] = at
		if at.After(f.since) {
			f.since = at
		}
	}
	return found
}

// follow tells the events of a sync until its last one.
func (f *Follower) follow(ctx context.Context, one *bridgev1.SyncStatus) error {
	told, ended := 0, false
	for {
		heard := 0
		err := rpc.Collect(ctx, f.Syncs.StreamSyncEvents, &bridgev1.StreamSyncEventsRequest{SyncId: one.GetSyncId()},
			func(event *bridgev1.StreamSyncEventsResponse) error {
				if heard++; heard <= told {
					return nil
				}
				told, ended = heard, isLast(event.GetType())
				return f.tell(Event{one, event})
			})
		switch {
		case ended && err == nil, status.Code(err) == codes.NotFound: // its record is gone
			return nil
		case err != nil && !f.passes(ctx, err):
			return err
		}
		if err := pause(ctx); err != nil {
			return err
		}
	}
}

func (f *Follower) tell(event Event) error {
	f.telling.Lock()
	defer f.telling.Unlock()
	if err := f.Tell(event); err != nil {
		return untold{err}
	}
	return nil
}

// untold is an error of who is told, which no other connection would mend.
type untold struct{ error }

// Unwrap returns the error itself.
func (u untold) Unwrap() error { return u.error }

func isLast(kind string) bool {
	return kind == "sync.completed" || kind == "sync.failed" || kind == "sync.cancelled"
}

// passes reports whether an error is one after which it is worth asking again, and says so to who wants to know.
func (f *Follower) passes(ctx context.Context, err error) bool {
	var of untold
	if ctx.Err() != nil || errors.As(err, &of) {
		return false
	}
	switch status.Code(err) {
	case codes.Unavailable, codes.Canceled, codes.DeadlineExceeded, codes.ResourceExhausted, codes.Internal, codes.Unknown:
		f.telling.Lock()
		defer f.telling.Unlock()
		f.Lost(err)
		return true
	}
	return false
}

func pause(ctx context.Context) error {
	timer := time.NewTimer(look)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-timer.C:
		return nil
	}
}
