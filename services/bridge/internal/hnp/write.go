package hnp

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"strings"
)

// longestMessage is how long a message in the change log may be: one that is longer is an error of the server.
const longestMessage = 200

// message returns a text as the change log takes it.
func message(why string) string {
	if runes := []rune(printable(why)); len(runes) > longestMessage {
		return string(runes[:longestMessage-1]) + "…"
	}
	return strings.TrimSpace(printable(why))
}

// written is a record after a request, and how NetBox calls the request.
type written struct {
	Record
	RequestID string
}

// noted adds to a body why it is written, for the change log, where there is a place for it.
func noted(body map[string]any, g Generation, why string) map[string]any {
	if g.Messages {
		body["changelog_message"] = message(why)
	}
	return body
}

// newBody is what is sent of a record that is not there yet.
func newBody(kind string, of Identity, content Content) map[string]any {
	body := content.body(kind)
	maps.Copy(body, map[string]any{"fabric": of.Fabric, "namespace": of.Namespace, "name": of.Name})
	return body
}

// create makes a record. why goes to the change log.
func (c *Client) create(ctx context.Context, kind string, of Identity, content Content, why string) (written, error) {
	g, err := c.Generation(ctx)
	if err != nil {
		return written{}, err
	}
	var made Record
	body := noted(newBody(kind, of, content), g, why)
	answered, err := c.call(ctx, http.MethodPost, root+endpoints()[kind], asked(), body, &made, nil)
	if err == nil && (made.ID == 0 || made.Identity() != of) {
		err = otherObject(http.MethodPost)
	}
	return written{made, answered.RequestID}, err
}

// update changes a record, if it still is as it was seen.
func (c *Client) update(ctx context.Context, kind string, seen Record, content Content, why string) (written, error) {
	g, header, err := c.unchanged(ctx, kind, seen)
	if err != nil {
		return written{}, err
	}
	var changed Record
	body := noted(content.body(kind), g, why)
	answered, err := c.call(ctx, http.MethodPatch, at(kind, seen.ID), asked(), body, &changed, header)
	if err == nil && (changed.ID != seen.ID || changed.Identity() != seen.Identity()) {
		err = otherObject(http.MethodPatch)
	}
	return written{changed, answered.RequestID}, err
}

// remove deletes a record, if it still is as it was seen.
func (c *Client) remove(ctx context.Context, kind string, seen Record, why string) (written, error) {
	g, header, err := c.unchanged(ctx, kind, seen)
	if err != nil {
		return written{}, err
	}
	body := noted(map[string]any{}, g, why)
	answered, err := c.call(ctx, http.MethodDelete, at(kind, seen.ID), nil, body, nil, header)
	return written{seen, answered.RequestID}, err
}

// failsAt is the error of a request that NetBox itself fails at.
func failsAt(err error) error {
	var said *Error
	if !errors.As(err, &said) {
		return err
	}
	alone := *said
	alone.Answers = true
	return &alone
}

func at(kind string, id int64) string { return fmt.Sprintf("%s%s/%d", root, endpoints()[kind], id) }

func asked() url.Values { return url.Values{"fields": {fields}} }

// unchanged makes a request conditional. Where NetBox does not look at that, the record is read before it.
func (c *Client) unchanged(ctx context.Context, kind string, seen Record) (Generation, http.Header, error) {
	g, err := c.Generation(ctx)
	if err != nil {
		return g, nil, err
	}
	if g.Conditional {
		return g, http.Header{"If-Match": {seen.etag()}}, nil
	}
	now, err := c.Get(ctx, kind, seen.ID)
	switch {
	case HasStatus(err, http.StatusInternalServerError): // it can't show this record
		return g, nil, failsAt(err)
	case err != nil:
		return g, nil, err
	case now == nil:
		return g, nil, &Error{Reason: Gone, Detail: "the record is not there any more"}
	case now.LastUpdated != seen.LastUpdated:
		return g, nil, &Error{Reason: Changed, Detail: "the record has changed meanwhile"}
	}
	return g, nil, nil
}
