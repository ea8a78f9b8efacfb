package hnp

import (
	"context"
	"errors"
	"slices"
)

// Outcome is what became of a record.
type Outcome int

const (
	// Unchanged is for a record that was so already: nothing was written.
	Unchanged Outcome = iota
	// Created is for one that was not there.
	Created
	// Updated is for one that was otherwise.
	Updated
	// Deleted is for one that is not there any more.
	Deleted
)

// Effect is what NetBox has after a write.
type Effect struct {
	Outcome   Outcome
	Record    Record // as it is now; as it was, when it was deleted
	RequestID string // how NetBox calls the request in its change log; empty when it is not known which one it was
}

// Put has NetBox hold a content for an identity, and nothing is written when it does. seen is the record that is known
// of it, nil for none; it is not overwritten when it has changed: the error is Changed then, and where there should be
// none the effect has the one that is there. A request of which nobody knows what came is looked up, so that the effect
// is there once.
func (c *Client) Put(
	ctx context.Context, kind string, of Identity, seen *Record, content Content, why string,
) (Effect, error) {
	if seen != nil && seen.Same(kind, content) {
		return Effect{Record: *seen}, nil
	}
	if why := content.unfit(); why != "" {
		return Effect{}, &Error{Reason: Refused, Detail: why}
	}
	outcome := Created
	if seen != nil {
		outcome = Updated
	}
	made, err := c.put(ctx, kind, of, seen, content, why)
	var said *Error
	if !errors.As(err, &said) || said.Reason != Unclear && (seen != nil || !said.twin()) {
		return Effect{Outcome: outcome, Record: made.Record, RequestID: made.RequestID}, err
	}
	found, lookErr := c.Find(ctx, kind, of)
	switch {
	case lookErr != nil:
		return Effect{}, errors.Join(err, lookErr)
	case seen == nil && found != nil:
		return taken(kind, content, *found, said)
	case found != nil && found.Same(kind, content):
		return Effect{Outcome: outcome, Record: *found}, nil
	case seen != nil && (found == nil || found.LastUpdated != seen.LastUpdated):
		return Effect{}, &Error{Reason: Changed, Detail: "the record has changed meanwhile", cause: err}
	}
	return Effect{}, undone(said)
}

// undone is the error of a request that had no effect, so that it can be made again; but not where the plugin's defect
// would have it fail again (Q2).
func undone(said *Error) error {
	if said.defect() {
		return &Error{
			Reason: Refused, Status: said.Status, Exception: said.Exception, cause: said,
			Detail: said.Detail + ": NetBox finds no page of records of this kind, and so can't write or delete them",
		}
	}
	nothing := nothingDone(said)
	nothing.Answers = true
	if nothing.Detail == notAnswered {
		nothing.Detail = "NetBox does not answer this request, and answers others"
	}
	return nothing
}

func nothingDone(said *Error) *Error {
	return &Error{
		Reason: Away, Status: said.Status, Detail: said.Detail, Exception: said.Exception, mute: said.mute, cause: said,
	}
}

func (c *Client) put(
	ctx context.Context, kind string, of Identity, seen *Record, content Content, why string,
) (written, error) {
	if seen == nil {
		return c.create(ctx, kind, of, content, why)
	}
	return c.update(ctx, kind, *seen, content, why)
}

// Delete deletes a record that was seen, unless it has changed. One that is not there any more is deleted.
func (c *Client) Delete(ctx context.Context, kind string, seen Record, why string) (Effect, error) {
	gone, err := c.remove(ctx, kind, seen, why)
	var said *Error
	switch {
	case Is(err, Gone):
		return Effect{Outcome: Deleted, Record: seen}, nil
	case !errors.As(err, &said) || said.Reason != Unclear:
		return Effect{Outcome: Deleted, Record: seen, RequestID: gone.RequestID}, err
	}
	found, err := c.Get(ctx, kind, seen.ID)
	switch {
	case err != nil:
		return Effect{}, errors.Join(said, err)
	case found == nil:
		return Effect{Outcome: Deleted, Record: seen}, nil
	case found.LastUpdated != seen.LastUpdated:
		return Effect{}, &Error{Reason: Changed, Detail: "the record has changed meanwhile", cause: said}
	}
	return Effect{}, undone(said)
}

// Find returns the record with an identity, nil when there is none. All of its kind are listed: the plugin does not
// filter.
func (c *Client) Find(ctx context.Context, kind string, of Identity) (*Record, error) {
	all, err := c.List(ctx, kind)
	if err != nil {
		return nil, err
	}
	if i := slices.IndexFunc(all, func(r Record) bool { return r.Identity() == of }); i >= 0 {
		return &all[i], nil
	}
	return nil, nil
}
