package hnp

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
)

const (
	// pageRecords is how many records are asked for at once: NetBox gives no more.
	pageRecords = 1000
	// listTries is how often a list is begun again that others have changed meanwhile.
	listTries = 3
	// mostListed is how many objects of a list are read, and maxList how many bytes of it.
	mostListed = 200_000
	maxList    = 1 << 30
)

// page is a part of a list.
type page[T any] struct {
	Count   int
	Results []T
	size    int
}

// UnmarshalJSON reads a page. An answer that does not say how many objects there are, and which, is no empty list: it
// may come from something else.
func (p *page[T]) UnmarshalJSON(raw []byte) error {
	var read struct {
		Count   *int `json:"count"`
		Results *[]T `json:"results"`
	}
	if err := decode(raw, &read); err != nil {
		return err
	}
	if read.Count == nil || read.Results == nil {
		return errors.New("no list")
	}
	*p = page[T]{*read.Count, *read.Results, len(raw)}
	return nil
}

// List returns all records of a kind, of every fabric: the plugin does not filter (Q3).
func (c *Client) List(ctx context.Context, kind string) ([]Record, error) {
	return whole(ctx, c, kind, func(r Record) int64 { return r.ID }, func(offset int) (page[Record], error) {
		var p page[Record]
		_, err := c.call(ctx, http.MethodGet, root+endpoints()[kind], listed(fields, offset), nil, &p, nil)
		return p, err
	})
}

// whole reads a list by its pages, which overlap by an object, so that none is missed when others go meanwhile. A list
// that changed under way is begun again, and one that is larger than any that is meant is not read.
func whole[T any](
	ctx context.Context, c *Client, what string, id func(T) int64, read func(offset int) (page[T], error),
) ([]T, error) {
	for range listTries {
		size := 0
		objects, whole, err := wholeOnce(id, func(offset int) (page[T], error) {
			p, err := read(offset)
			if size += p.size; err == nil && (p.Count > mostListed || size > c.mostOfList) {
				err = &Error{Reason: Unusable, Detail: fmt.Sprintf(
					"the list of %s is too large: it says that it has %d objects, and %d or %d MiB are read at most", what, p.Count,
					mostListed, c.mostOfList>>20)}
			}
			return p, err
		})
		if err != nil || whole {
			return objects, err
		}
		if ctx.Err() != nil {
			break
		}
	}
	return nil, &Error{Reason: Away, Detail: "the list of " + what + " changes faster than it can be read"}
}

// wholeOnce reads the pages one after the other, and reports whether they are of one list.
func wholeOnce[T any](id func(T) int64, read func(offset int) (page[T], error)) (all []T, whole bool, err error) {
	first := -1
	for {
		p, err := read(max(0, len(all)-1))
		if err != nil {
			return nil, false, err
		}
		if first < 0 {
			first = p.Count
		}
		results := p.Results
		if len(all) > 0 {
			if len(results) == 0 || id(results[0]) != id(all[len(all)-1]) {
				return nil, false, nil
			}
			results = results[1:]
		}
		all = append(all, results...)
		switch {
		case p.Count != first || len(all) > p.Count:
			return nil, false, nil
		case len(all) == p.Count:
			return all, true, nil
		case len(results) == 0:
			return nil, false, nil
		}
	}
}

// listed is the query of a page. Without an order a list is an error of the server (Q1).
func listed(fields string, offset int) url.Values {
	return url.Values{
		"ordering": {"id"}, "fields": {fields}, "limit": {strconv.Itoa(pageRecords)}, "offset": {strconv.Itoa(offset)},
	}
}

// Get returns a record by its number, nil when it is gone.
func (c *Client) Get(ctx context.Context, kind string, id int64) (*Record, error) {
	var found Record
	_, err := c.call(ctx, http.MethodGet, at(kind, id), asked(), nil, &found, nil)
	if Is(err, Gone) {
		return nil, nil
	}
	if err == nil && found.ID != id {
		err = otherObject(http.MethodGet)
	}
	if err != nil {
		return nil, err
	}
	return &found, nil
}
