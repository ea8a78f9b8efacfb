package hnp

import (
	"slices"
	"strings"
	"time"

	"fgdsync.dev/services/bridge/internal/jsonvalue"
)

// Record is one of NetBox, without what it has for NetBox alone.
type Record struct {
	ID          int64          `json:"id"`
	Fabric      int64          `json:"fabric"`
	Namespace   string         `json:"namespace"`
	Name        string         `json:"name"`
	Spec        any            `json:"spec"`
	Labels      map[string]any `json:"labels"`
	Annotations map[string]any `json:"annotations"`
	AutoSync    bool           `json:"auto_sync"`
	// LastUpdated is when it was, in UTC: NetBox writes times in a zone of its own.
	LastUpdated string `json:"last_updated"`

	odd odd
}

// odd is what is no object where one should be. The plugin takes any JSON, and people may have written it.
type odd struct{ spec, labels, annotations any }

// UnmarshalJSON reads a record, whatever its labels and annotations are: one that is odd does not stop a list.
func (r *Record) UnmarshalJSON(raw []byte) error {
	type plain Record
	read := struct {
		*plain
		Labels      any `json:"labels"`
		Annotations any `json:"annotations"`
	}{plain: (*plain)(r)}
	if err := decode(raw, &read); err != nil {
		return err
	}
	r.Labels, r.odd.labels = objectOf(read.Labels)
	r.Annotations, r.odd.annotations = objectOf(read.Annotations)
	at, err := time.Parse(time.RFC3339Nano, r.LastUpdated)
	if r.LastUpdated = ""; err == nil { // what is no time is not kept
		r.LastUpdated = at.UTC().Format(time.RFC3339Nano)
	}
	return nil
}

// objectOf returns a value that is an object, or the value beside it when it is none.
func objectOf(value any) (map[string]any, any) {
	if object, is := value.(map[string]any); is {
		return object, nil
	}
	return nil, value
}

// Identity is which record it is.
type Identity struct {
	Fabric          int64
	Namespace, Name string
}

// Identity returns which record it is.
func (r Record) Identity() Identity { return Identity{r.Fabric, r.Namespace, r.Name} }

// etag returns what NetBox calls this version of the record: by when it was last updated, as Python writes that in UTC.
func (r Record) etag() string {
	at, err := time.Parse(time.RFC3339Nano, r.LastUpdated)
	if err != nil {
		return `W/"` + r.LastUpdated + `"`
	}
	layout := "2006-01-02T15:04:05.000000-07:00"
	if at.Nanosecond() == 0 {
		layout = "2006-01-02T15:04:05-07:00"
	}
	return `W/"` + at.UTC().Format(layout) + `"`
}

// Content is what a file says of a resource, as far as a record has it.
type Content struct {
	Spec        map[string]any
	Labels      map[string]any
	Annotations map[string]any

	odd odd
}

// body is what is sent of it. A PATCH replaces each of these whole (Q7).
func (c Content) body(kind string) map[string]any {
	return map[string]any{"spec": specOf(kind, c), "labels": orEmpty(c.Labels), "annotations": orEmpty(c.Annotations)}
}

// unfit says why NetBox could not store a content; empty when it can.
func (c Content) unfit() string {
	if hasNUL(c.Spec) || hasNUL(c.Labels) || hasNUL(c.Annotations) {
		return "a text in it has a NUL, which NetBox's database does not take"
	}
	return ""
}

func hasNUL(value any) bool {
	switch value := value.(type) {
	case string:
		return strings.Contains(value, "\x00")
	case []any:
		return slices.ContainsFunc(value, hasNUL)
	case map[string]any:
		for key, inner := range value {
			if hasNUL(key) || hasNUL(inner) {
				return true
			}
		}
	}
	return false
}

func orEmpty(values map[string]any) map[string]any {
	if values == nil {
		return map[string]any{}
	}
	return values
}

// Same reports whether a record of a kind says what a content does: the order of keys and how a number is written do
// not count, a map that is not there is an empty one, and a placeholder is an empty spec.
func (r Record) Same(kind string, c Content) bool {
	own := r.Content(kind)
	return jsonvalue.Equal(specOf(kind, own), specOf(kind, c)) &&
		jsonvalue.Equal(orEmpty(own.Labels), orEmpty(c.Labels)) &&
		jsonvalue.Equal(orEmpty(own.Annotations), orEmpty(c.Annotations)) && jsonvalue.Equal(own.odd.spec, c.odd.spec) &&
		jsonvalue.Equal(own.odd.labels, c.odd.labels) && jsonvalue.Equal(own.odd.annotations, c.odd.annotations)
}

// specOf returns the spec that a record of a content has.
func specOf(kind string, c Content) map[string]any {
	if len(c.Spec) == 0 {
		return placeholder(kind)
	}
	return c.Spec
}

// Plain reports whether a content is one that a file can have: people may have put there what is no object.
func (c Content) Plain() bool {
	return c.odd.spec == nil && c.odd.labels == nil && c.odd.annotations == nil
}
