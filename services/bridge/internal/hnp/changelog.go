package hnp

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"fgdsync.dev/services/bridge/internal/jsonvalue"
)

const (
	logPath = "/api/core/object-changes"
	// logFields leave out what NetBox would have to look for the page of a record for (Q2).
	logFields = "id,time,user_name,request_id,action,changed_object_type,changed_object_id,message,prechange_data," +
		"postchange_data"
	// logBatch is how many entries are read whole at once: each has a record twice.
	logBatch = 100
	// mostLogged is how many numbers of entries are read.
	mostLogged = 1_000_000
	// app is what NetBox puts before the names of the plugin's models.
	app = "netbox_hedgehog."
)

// LogHead returns the largest number of the change log about records of the plugin, 0 when there is none, and what time
// it is for NetBox. With a time it is the largest of those that are older.
func (c *Client) LogHead(ctx context.Context, before time.Time) (id int64, clock time.Time, err error) {
	query := logQuery("id", "-id", 1)
	if !before.IsZero() {
		query.Set("time_before", before.UTC().Format(time.RFC3339Nano))
	}
	var p page[logPlace]
	answered, err := c.call(ctx, http.MethodGet, logPath, query, nil, &p, nil)
	if err != nil || len(p.Results) == 0 {
		return 0, answered.At, err
	}
	return p.Results[0].ID, answered.At, nil
}

// LogIDs returns the numbers of the change log about records of the plugin from one on, in order, and what time it was
// for NetBox when the first and the last page of them were read. Numbers are given before what is done takes effect, so
// that smaller ones can turn up later. Where there are more than anybody reads, IsTooMuch is so of the error.
func (c *Client) LogIDs(ctx context.Context, from int64) (ids []int64, first, last time.Time, err error) {
	for {
		query := logQuery("id", "id", pageRecords)
		if len(ids) > 0 {
			from = ids[len(ids)-1] + 1
		}
		query.Set("id__gte", strconv.FormatInt(from, 10))
		var p page[logPlace]
		answered, err := c.call(ctx, http.MethodGet, logPath, query, nil, &p, nil)
		if err != nil {
			return nil, first, last, err
		}
		if last = answered.At; first.IsZero() {
			first = last
		}
		for _, place := range p.Results {
			if place.ID < from || len(ids) > 0 && place.ID <= ids[len(ids)-1] {
				return nil, first, last, &Error{Reason: Away, Detail: "the numbers of the change log are not in their order"}
			}
			ids = append(ids, place.ID)
		}
		if p.Count > mostLogged || len(ids) > mostLogged {
			return nil, first, last, &Error{Reason: Unusable, cause: errTooMuch, Detail: fmt.Sprintf(
				"the change log has more than the %d entries that are read", mostLogged)}
		}
		if len(p.Results) == 0 || p.Count <= len(p.Results) {
			return ids, first, last, nil
		}
	}
}

// LogChanges returns what the entries of the change log with some numbers say, in order of the numbers. Entries that
// say of a record nothing that a file says are left out.
func (c *Client) LogChanges(ctx context.Context, ids []int64) ([]Change, error) {
	var out []Change
	for some := range slices.Chunk(ids, logBatch) {
		entries, err := c.logEntries(ctx, some)
		if err != nil {
			return nil, err
		}
		for _, entry := range entries {
			change, err := entry.change(c)
			if err != nil {
				return nil, &Error{Reason: Unusable, Detail: fmt.Sprintf("entry %d of the change log: %s", entry.ID, err)}
			}
			if change != nil {
				out = append(out, *change)
			}
		}
	}
	return out, nil
}

// logEntries reads entries, in halves where they are more than is read at once.
func (c *Client) logEntries(ctx context.Context, ids []int64) ([]logEntry, error) {
	query := logQuery(logFields, "id", logBatch)
	for _, id := range ids {
		query.Add("id", strconv.FormatInt(id, 10))
	}
	var p page[logEntry]
	_, err := c.call(ctx, http.MethodGet, logPath, query, nil, &p, nil)
	if !errors.Is(err, errTooMuch) || len(ids) == 1 {
		return p.Results, err
	}
	first, err := c.logEntries(ctx, ids[:len(ids)/2])
	if err != nil {
		return nil, err
	}
	second, err := c.logEntries(ctx, ids[len(ids)/2:])
	return append(first, second...), err
}

func logQuery(fields, ordering string, limit int) url.Values {
	query := url.Values{"fields": {fields}, "ordering": {ordering}, "limit": {strconv.Itoa(limit)}}
	for _, kind := range append(Kinds(), FabricKind) {
		query.Add("changed_object_type", app+strings.ToLower(kind))
	}
	return query
}

// logPlace is where an entry is in the change log.
type logPlace struct {
	ID int64 `json:"id"`
}

// logEntry is an entry of the change log.
type logEntry struct {
	ID        int64     `json:"id"`
	Time      time.Time `json:"time"`
	User      string    `json:"user_name"`
	RequestID string    `json:"request_id"`
	Action    struct {
		Value string `json:"value"`
	} `json:"action"`
	Type     string          `json:"changed_object_type"`
	RecordID int64           `json:"changed_object_id"`
	Message  string          `json:"message"`
	Before   json.RawMessage `json:"prechange_data"`
	After    json.RawMessage `json:"postchange_data"`
}

// change returns what the entry says; nil when it is nothing about what a file says.
func (e logEntry) change(from *Client) (*Change, error) {
	kind := kindOf(e.Type)
	before, err := logged(e.Before)
	if err != nil {
		return nil, err
	}
	after, err := logged(e.After)
	if err != nil {
		return nil, err
	}
	c := Change{
		ID: "log:" + strconv.FormatInt(e.ID, 10), Kind: kind, RecordID: e.RecordID, User: from.printable(e.User),
		RequestID: from.requestID(e.RequestID), Message: from.printable(e.Message), Time: e.Time,
	}
	switch e.Action.Value {
	case "create":
		c.Action, before = RecordCreated, nil
	case "update":
		c.Action = RecordUpdated
	case "delete":
		c.Action, after = RecordDeleted, nil
	}
	now := after
	if now == nil {
		now = before
	}
	if kind == "" || c.Action == "" || now == nil {
		return nil, nil
	}
	if before != nil && after != nil && before.same(after) {
		return nil, nil
	}
	c.Identity = now.identity(kind, e.RecordID)
	if before != nil && before.identity(kind, e.RecordID) != c.Identity {
		was := before.identity(kind, e.RecordID)
		c.Was = &was
	}
	c.Before, c.After = before.content(kind), after.content(kind)
	return &c, nil
}

// kindOf returns the kind of a model of the plugin, by the name that NetBox has for it; empty for another one.
func kindOf(model string) string {
	name, is := strings.CutPrefix(model, app)
	if is && name == strings.ToLower(FabricKind) {
		return FabricKind
	}
	for kind := range endpoints() {
		if is && strings.ToLower(kind) == name {
			return kind
		}
	}
	return ""
}

// loggedRecord is a record as the change log has it: its fields by name.
type loggedRecord map[string]any

// loggedFields are those that count: what a file says, and whether it may be changed.
var loggedFields = []string{
	"fabric", "namespace", "name", "spec", "labels", "annotations", "auto_sync", "description", "status",
}

func logged(raw json.RawMessage) (loggedRecord, error) {
	if len(raw) == 0 {
		return nil, nil
	}
	var record loggedRecord
	if err := decode(raw, &record); err != nil {
		return nil, fmt.Errorf("what it says of the record is no object")
	}
	return record, nil
}

// same reports whether two states of a record differ in nothing that counts.
func (r loggedRecord) same(other loggedRecord) bool {
	for _, field := range loggedFields {
		if !jsonvalue.Equal(r[field], other[field]) {
			return false
		}
	}
	return true
}

// identity returns which record it is. A fabric is in itself.
func (r loggedRecord) identity(kind string, id int64) Identity {
	name, _ := r["name"].(string)
	if kind == FabricKind {
		return Identity{Fabric: id, Name: name}
	}
	namespace, _ := r["namespace"].(string)
	number, _ := r["fabric"].(json.Number)
	fabric, _ := number.Int64() // 0 is nobody's
	return Identity{Fabric: fabric, Namespace: namespace, Name: name}
}

// content returns what it says, as far as a file says it; nil of a fabric.
func (r loggedRecord) content(kind string) *Content {
	if r == nil || kind == FabricKind {
		return nil
	}
	return contentOf(kind, r["spec"], r["labels"], r["annotations"])
}

// contentOf returns what parts of a record say, whatever people have put there.
func contentOf(kind string, spec, labels, annotations any) *Content {
	record := Record{Spec: spec}
	record.Labels, record.odd.labels = objectOf(labels)
	record.Annotations, record.odd.annotations = objectOf(annotations)
	content := record.Content(kind)
	return &content
}
