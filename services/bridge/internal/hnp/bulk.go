package hnp

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
)

const (
	// maxItems is how many records one request makes.
	maxItems = 100
	// mostFailed is how many records in a row NetBox may fail at, each by itself, before no others are tried.
	mostFailed = 5
)

// Draft is a record that shall be there, and why, for the change log.
type Draft struct {
	Identity Identity
	Content  Content
	Why      string
}

// Made is what became of one. With an error of reason Changed, the effect has the record that is there in its place.
type Made struct {
	Effect Effect
	Err    error
}

// Create makes many records of a kind, by requests of bounded size. Each has an outcome of its own, in the order of
// what was given: one that NetBox refuses stops no other, and one that is there already is Changed, unless it says the
// same. What concerns all, such as a NetBox that is away, is the error; those that were not made because of it have it.
func (c *Client) Create(ctx context.Context, kind string, drafts []Draft) ([]Made, error) {
	b := &batch{
		client: c, kind: kind, drafts: drafts, bodies: make([]json.RawMessage, len(drafts)), out: make([]Made, len(drafts)),
		open: make([]bool, len(drafts)),
	}
	for i := range drafts {
		b.open[i] = true
	}
	g, err := c.Generation(ctx)
	if err == nil {
		b.encode(g)
		err = b.createAll(ctx)
	}
	for i := range drafts {
		if b.open[i] {
			b.out[i].Err = err
		}
	}
	return b.out, err
}

// batch is what Create is asked for, and what became of it. Records are numbered as they were given.
type batch struct {
	client *Client
	kind   string
	drafts []Draft
	bodies []json.RawMessage
	out    []Made
	open   []bool // whether it is not known yet what becomes of it
	failed int    // how many records in a row NetBox failed at
	rights rights
}

// rights is whether the token may make records at all, as far as NetBox was asked.
type rights struct{ asked, makes bool }

func (b *batch) decide(i int, effect Effect, err error) {
	b.out[i], b.open[i] = Made{effect, err}, false
}

// encode makes what is sent, and refuses what NetBox could not store.
func (b *batch) encode(g Generation) {
	for i, item := range b.drafts {
		if why := item.Content.unfit(); why != "" {
			b.decide(i, Effect{}, &Error{Reason: Refused, Detail: why})
			continue
		}
		raw, err := json.Marshal(noted(newBody(b.kind, item.Identity, item.Content), g, item.Why))
		if err == nil && len(raw)+len("[]") > maxRequest {
			err = tooLarge()
		}
		if err != nil {
			b.decide(i, Effect{}, err)
		}
		b.bodies[i] = raw
	}
}

// createAll sends all that is open. Its error is of what concerns all.
func (b *batch) createAll(ctx context.Context) error {
	for {
		var next []int
		size := len("[]")
		for i := range b.drafts {
			if !b.open[i] {
				continue
			}
			if size += len(b.bodies[i]) + len(","); size > maxRequest+len(",") || len(next) == maxItems {
				break
			}
			next = append(next, i)
		}
		if len(next) == 0 {
			return nil
		}
		if err := b.create(ctx, next); err != nil {
			return err
		}
	}
}

// create makes some records in one request, and those of them that are right in others when it is refused.
func (b *batch) create(ctx context.Context, some []int) error {
	if len(some) == 0 {
		return nil
	}
	bodies := make([]json.RawMessage, len(some))
	for n, i := range some {
		bodies[n] = b.bodies[i]
	}
	var made []Record
	path := root + endpoints()[b.kind]
	answered, err := b.client.call(ctx, http.MethodPost, path, asked(), bodies, &made, nil)
	if err == nil && !b.meant(some, made) {
		err = &Error{Reason: Unclear, Detail: "the answer of NetBox is about other records than were sent"}
	}
	var said *Error
	switch {
	case err == nil:
		for n, i := range some {
			b.decide(i, Effect{Created, made[n], answered.RequestID}, nil)
		}
		b.failed = 0
		return nil
	case !errors.As(err, &said):
		return err
	case said.Reason == Unclear || said.twin():
		return b.lookUp(ctx, some, said)
	case said.Reason == Refused, said.Reason == Forbidden && b.makes(ctx):
		return b.sort(ctx, some, said)
	}
	return err
}

// makes reports whether the token may make records of the kind: a permission can hold for some of them only.
func (b *batch) makes(ctx context.Context) bool {
	if !b.rights.asked {
		makes, _, err := b.client.MayWriteRecords(ctx, b.kind)
		b.rights = rights{true, err == nil && makes} // who can't know takes it for what concerns all
	}
	return b.rights.makes
}

// meant reports whether an answer is about the records that were sent.
func (b *batch) meant(some []int, made []Record) bool {
	if len(made) != len(some) {
		return false
	}
	for n, i := range some {
		if made[n].ID == 0 || made[n].Identity() != b.drafts[i].Identity {
			return false
		}
	}
	return true
}

// sort takes out those that NetBox refuses, and makes the others. Where it does not say which, halves are tried.
func (b *batch) sort(ctx context.Context, some []int, said *Error) error {
	if len(some) == 1 {
		if fields := said.items[0]; fields != nil {
			said = &Error{Reason: Refused, Status: said.Status, Fields: fields}
		}
		b.decide(some[0], Effect{}, said)
		return nil
	}
	var left []int
	for n, i := range some {
		if fields := said.items[n]; fields != nil {
			b.decide(i, Effect{}, &Error{Reason: Refused, Status: said.Status, Fields: fields})
			continue
		}
		left = append(left, i)
	}
	if len(left) < len(some) {
		return b.create(ctx, left)
	}
	return b.halves(ctx, some)
}

func (b *batch) halves(ctx context.Context, some []int) error {
	half := len(some) / 2
	if err := b.create(ctx, some[:half]); err != nil {
		return err
	}
	return b.create(ctx, some[half:])
}

// lookUp decides what became of a request that nobody answered well, by what is there. What is not was not made; it is
// tried in halves, because one of them may have made NetBox fail, or what is before it. A NetBox that is away can't be
// looked at either, and one that fails at each record is left alone.
func (b *batch) lookUp(ctx context.Context, some []int, said *Error) error {
	all, err := b.client.List(ctx, b.kind)
	if err != nil {
		for _, i := range some {
			b.decide(i, Effect{}, errors.Join(said, err))
		}
		return err
	}
	there := make(map[Identity]Record, len(all))
	for _, record := range all {
		there[record.Identity()] = record
	}
	var left []int
	for _, i := range some {
		found, is := there[b.drafts[i].Identity]
		if !is {
			left = append(left, i)
			continue
		}
		effect, err := taken(b.kind, b.drafts[i].Content, found, said)
		b.decide(i, effect, err)
	}
	switch {
	case len(left) == 0:
		return nil
	case said.defect():
		for _, i := range left {
			b.decide(i, Effect{}, undone(said))
		}
		return nil
	case len(left) < len(some):
		return b.create(ctx, left)
	case len(left) > 1:
		return b.halves(ctx, left)
	}
	if b.failed++; b.failed > mostFailed {
		return nothingDone(said)
	}
	b.decide(left[0], Effect{}, undone(said))
	return nil
}

// taken is what became of a record that is there after a request to make it.
func taken(kind string, content Content, found Record, said *Error) (Effect, error) {
	switch {
	case !found.Same(kind, content):
		return Effect{Record: found}, &Error{Reason: Changed, Detail: "there is such a record already", cause: said}
	case said.twin():
		return Effect{Outcome: Unchanged, Record: found}, nil // nothing of that request was done
	}
	return Effect{Outcome: Created, Record: found}, nil
}

func tooLarge() error {
	return &Error{Reason: Refused, Detail: fmt.Sprintf("it is larger than %d KiB", maxRequest>>10)}
}
