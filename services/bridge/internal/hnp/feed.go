package hnp

import (
	"cmp"
	"context"
	"errors"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"
)

// feedRoot is where the plugin netbox-fgd-sync is, below the address of NetBox.
const feedRoot = "/api/plugins/fgd-sync/"

// FeedPage is what has changed after a place in the feed of the plugin netbox-fgd-sync.
type FeedPage struct {
	Changes []Change
	Places  []string // of the changes
	Cursor  string   // behind them
	// BlockedSince is since when somebody's transaction holds back what others have done; zero when none does.
	BlockedSince time.Time
	Clock        time.Time // what time it is for NetBox
}

// Feed returns what has changed after a place in the feed, at most a number of changes, in an order in which nothing
// turns up behind a place later. It waits for a change, at most a time of 25 s. An error with status 410 says that what
// came after the place is not all there, and one with 404 that there is no feed.
func (c *Client) Feed(ctx context.Context, after string, limit int, wait time.Duration) (FeedPage, error) {
	query := url.Values{"after": {after}, "limit": {strconv.Itoa(limit)}}
	if seconds := int(wait / time.Second); seconds > 0 {
		query.Set("wait", strconv.Itoa(seconds))
	}
	var said struct {
		Results []feedRow  `json:"results"`
		Cursor  string     `json:"cursor"`
		Blocked *time.Time `json:"blocked_since"`
	}
	answered, err := c.call(ctx, http.MethodGet, feedRoot+"changes", query, nil, &said, nil)
	if err == nil && said.Cursor == "" {
		err = errNoFeed()
	}
	if err != nil {
		return FeedPage{}, err
	}
	page := FeedPage{Cursor: said.Cursor, Clock: answered.At}
	if said.Blocked != nil {
		page.BlockedSince = *said.Blocked
	}
	for _, row := range said.Results {
		page.Changes = append(page.Changes, row.change(c))
		page.Places = append(page.Places, row.Cursor)
	}
	return page, nil
}

// FeedHead returns the place at the end of the feed: what comes after it has not taken effect yet, or not for long.
func (c *Client) FeedHead(ctx context.Context) (cursor string, err error) {
	var said struct {
		Cursor string `json:"cursor"`
	}
	_, err = c.call(ctx, http.MethodGet, feedRoot+"probe", nil, nil, &said, nil)
	if err == nil && said.Cursor == "" {
		err = errNoFeed()
	}
	return said.Cursor, err
}

// errNoFeed is for an answer that names no place in a feed.
func errNoFeed() error { return &Error{Reason: Away, Detail: "the answer is none of the feed's"} }

// HasStatus reports whether an error is an answer of NetBox with a status of HTTP.
func HasStatus(err error, status int) bool {
	var e *Error
	return errors.As(err, &e) && e.Status == status
}

// feedRow is a change as the feed tells it.
type feedRow struct {
	Cursor    string    `json:"cursor"`
	Time      time.Time `json:"time"`
	Action    Action    `json:"action"`
	Type      string    `json:"object_type"`
	RecordID  int64     `json:"object_id"`
	Fabric    int64     `json:"fabric"`
	Kind      string    `json:"kind"`
	Namespace string    `json:"namespace"`
	Name      string    `json:"name"`
	Content   struct {
		Spec        any `json:"spec"`
		Labels      any `json:"labels"`
		Annotations any `json:"annotations"`
	} `json:"content"`
	User *struct {
		Name  string `json:"name"`
		Email string `json:"email"`
	} `json:"user"`
	RequestID  string `json:"request_id"`
	Branch     string `json:"branch"`
	Superseded bool   `json:"superseded"`
}

func (r feedRow) change(from *Client) Change {
	c := Change{
		ID: "feed:" + r.Cursor, Kind: r.Kind, RecordID: r.RecordID, Action: r.Action, RequestID: from.requestID(r.RequestID),
		Identity: Identity{Fabric: r.Fabric, Namespace: r.Namespace, Name: r.Name}, Branch: from.printable(r.Branch),
		Time: r.Time, Superseded: r.Superseded,
	}
	if r.User != nil {
		c.User, c.Email = from.printable(r.User.Name), from.printable(r.User.Email)
	}
	if r.Kind == FabricKind {
		return c
	}
	content := contentOf(r.Kind, r.Content.Spec, r.Content.Labels, r.Content.Annotations)
	if c.Action == RecordDeleted {
		c.Before = content
	} else {
		c.After = content
	}
	return c
}

// ComparePlaces compares two places in the feed, as cmp.Compare does. What is none is before all others.
func ComparePlaces(a, b string) int {
	at, an := placeOf(a)
	bt, bn := placeOf(b)
	return cmp.Or(cmp.Compare(at, bt), cmp.Compare(an, bn))
}

func placeOf(text string) (transaction, number int64) {
	first, second, _ := strings.Cut(text, ".")
	transaction, err1 := strconv.ParseInt(first, 10, 64)
	number, err2 := strconv.ParseInt(second, 10, 64)
	if err1 != nil || err2 != nil {
		return -1, -1
	}
	return transaction, number
}
