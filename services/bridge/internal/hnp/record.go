package hnp

import (
	"encoding/json"
	"math/big"
	"slices"
	"strings"
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
	LastUpdated string         `json:"last_updated"`
}

// Identity is which record it is.
type Identity struct {
	Fabric          int64
	Namespace, Name string
}

// Identity returns which record it is.
func (r Record) Identity() Identity { return Identity{r.Fabric, r.Namespace, r.Name} }

// etag returns what NetBox calls this version of the record: by when it was last updated, in UTC.
func (r Record) etag() string { return `W/"` + strings.Replace(r.LastUpdated, "Z", "+00:00", 1) + `"` }

// Content is what a file says of a resource, as far as a record has it.
type Content struct {
	Spec        map[string]any
	Labels      map[string]any
	Annotations map[string]any
}

// body is what is sent of it. A PATCH replaces each of these whole (Q7).
func (c Content) body(kind string) map[string]any {
	spec := c.Spec
	if len(spec) == 0 {
		spec = placeholder(kind)
	}
	return map[string]any{"spec": spec, "labels": orEmpty(c.Labels), "annotations": orEmpty(c.Annotations)}
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
// not count, and a map that is not there is an empty one.
func (r Record) Same(kind string, c Content) bool {
	spec := r.Spec
	if equal(spec, placeholder(kind)) && len(c.Spec) == 0 {
		spec = map[string]any{}
	}
	return equal(spec, orEmpty(c.Spec)) && equal(orEmpty(r.Labels), orEmpty(c.Labels)) &&
		equal(orEmpty(r.Annotations), orEmpty(c.Annotations))
}

func equal(a, b any) bool {
	switch a := a.(type) {
	case map[string]any:
		other, is := b.(map[string]any)
		if !is || len(a) != len(other) {
			return false
		}
		for key, value := range a {
			if inner, there := other[key]; !there || !equal(value, inner) {
				return false
			}
		}
		return true
	case []any:
		other, is := b.([]any)
		if !is || len(a) != len(other) {
			return false
		}
		for i := range a {
			if !equal(a[i], other[i]) {
				return false
			}
		}
		return true
	}
	if one, is := number(a); is {
		other, is := number(b)
		return is && one.Cmp(other) == 0
	}
	_, isNumber := number(b)
	_, isMap := b.(map[string]any)
	_, isList := b.([]any)
	return !isNumber && !isMap && !isList && a == b
}

// number returns the value of a number, however it came.
func number(value any) (*big.Rat, bool) {
	switch value := value.(type) {
	case json.Number:
		if len(value) > 400 { // exponents of JSON numbers are bounded by float64's
			return nil, false
		}
		return new(big.Rat).SetString(value.String())
	case int:
		return new(big.Rat).SetInt64(int64(value)), true
	case int64:
		return new(big.Rat).SetInt64(value), true
	case float64:
		return new(big.Rat).SetFloat64(value), true
	}
	return nil, false
}
