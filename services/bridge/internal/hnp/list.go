package hnp

import (
	"context"
	"net/http"
	"net/url"
	"strconv"
)

const (
	// pageRecords is how many records are asked for at once: NetBox gives no more.
	pageRecords = 1000
	// listTries is how often a list is begun again that others have changed meanwhile.
	listTries = 3
)

type page struct {
	Count   int      `json:"count"`
	Results []Record `json:"results"`
}

// List returns all records of a kind, of every fabric: the plugin does not filter (Q3). Pages overlap by a record, so
// that none is missed when others go meanwhile; a list that changed under way is begun again.
func (c *Client) List(ctx context.Context, kind string) ([]Record, error) {
	for range listTries {
		records, whole, err := c.listOnce(ctx, kind)
		if err != nil || whole {
			return records, err
		}
	}
	return nil, &Error{Reason: Away, Detail: "the list of " + kind + " changes faster than it can be read"}
}

// listOnce reads the pages one after the other, and reports whether they are of one list.
func (c *Client) listOnce(ctx context.Context, kind string) (records []Record, whole bool, err error) {
	first := -1
	for {
		p, err := c.page(ctx, kind, max(0, len(records)-1))
		if err != nil {
			return nil, false, err
		}
		if first < 0 {
			first = p.Count
		}
		results := p.Results
		if len(records) > 0 {
			if len(results) == 0 || results[0].ID != records[len(records)-1].ID {
				return nil, false, nil
			}
			results = results[1:]
		}
		records = append(records, results...)
		switch {
		case p.Count != first || len(records) > p.Count:
			return nil, false, nil
		case len(records) == p.Count:
			return records, true, nil
		case len(results) == 0:
			return nil, false, nil
		}
	}
}

func (c *Client) page(ctx context.Context, kind string, offset int) (page, error) {
	query := url.Values{
		"ordering": {"id"}, "fields": {fields}, "limit": {strconv.Itoa(pageRecords)}, "offset": {strconv.Itoa(offset)},
	}
	var p page
	_, err := c.call(ctx, http.MethodGet, root+endpoints()[kind], query, nil, &p, nil)
	return p, err
}
