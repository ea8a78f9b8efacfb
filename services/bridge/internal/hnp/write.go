package hnp

import (
	"context"
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

// create makes a record. why goes to the change log.
func (c *Client) create(ctx context.Context, kind string, of Identity, content Content, why string) (written, error) {
	body := content.body(kind)
	maps.Copy(body, map[string]any{
		"fabric": of.Fabric, "namespace": of.Namespace, "name": of.Name, "changelog_message": message(why),
	})
	var made Record
	answered, err := c.call(ctx, http.MethodPost, root+endpoints()[kind], asked(), body, &made, nil)
	return written{made, answered.RequestID}, err
}

// update changes a record, if it still is as it was seen.
func (c *Client) update(ctx context.Context, kind string, seen Record, content Content, why string) (written, error) {
	body := content.body(kind)
	body["changelog_message"] = message(why)
	var changed Record
	answered, err := c.call(ctx, http.MethodPatch, at(kind, seen), asked(), body, &changed, unchanged(seen))
	return written{changed, answered.RequestID}, err
}

// remove deletes a record, if it still is as it was seen.
func (c *Client) remove(ctx context.Context, kind string, seen Record, why string) (written, error) {
	body := map[string]any{"changelog_message": message(why)}
	answered, err := c.call(ctx, http.MethodDelete, at(kind, seen), nil, body, nil, unchanged(seen))
	return written{seen, answered.RequestID}, err
}

func at(kind string, record Record) string {
	return fmt.Sprintf("%s%s/%d", root, endpoints()[kind], record.ID)
}

func asked() url.Values { return url.Values{"fields": {fields}} }

// unchanged makes a request conditional. NetBox before 4.6 does not look at it.
func unchanged(seen Record) http.Header { return http.Header{"If-Match": {seen.etag()}} }
