package merge

import (
	"encoding/json"
	"slices"

	"fgdsync.dev/services/bridge/internal/jsonvalue"
)

// Value is what one side has at a path, if it has anything there. A null is a value.
type Value struct {
	Present bool
	JSON    any
}

func present(json any) Value { return Value{true, json} }

// object returns what a value has as an object. What is not there has nothing.
func (v Value) object() (map[string]any, bool) {
	object, is := v.JSON.(map[string]any)
	return object, is || !v.Present
}

// list returns what a value has as a list. What is not there has nothing.
func (v Value) list() ([]any, bool) {
	list, is := v.JSON.([]any)
	return list, is || !v.Present
}

func field(object map[string]any, name string) Value {
	value, there := object[name]
	return Value{there, value}
}

// equal reports whether two values mean the same. How they are written does not count, nor does the order in sets and
// lists by key, and what is empty is as if it were not there, unless its being there says something.
func (r *rule) equal(a, b Value) bool {
	if a.Present != b.Present {
		return r.void(a) && r.void(b)
	}
	switch own := a.JSON.(type) {
	case map[string]any:
		other, is := b.JSON.(map[string]any)
		return is && r.equalObjects(own, other)
	case []any:
		other, is := b.JSON.([]any)
		return is && r.equalLists(own, other)
	case string:
		return a.JSON == b.JSON
	}
	return jsonvalue.Equal(a.JSON, b.JSON)
}

func (r *rule) equalObjects(a, b map[string]any) bool {
	for name, value := range a {
		if !r.in(name).equal(present(value), field(b, name)) {
			return false
		}
	}
	for name, value := range b {
		if _, both := a[name]; !both && !r.in(name).void(present(value)) {
			return false
		}
	}
	return true
}

func (r *rule) equalLists(a, b []any) bool {
	if len(a) != len(b) {
		return false
	}
	inOrder := true
	for i := 0; inOrder && i < len(a); i++ {
		inOrder = r.item().equal(present(a[i]), present(b[i]))
	}
	if inOrder {
		return true
	}
	own, other := r.keys(a), r.keys(b)
	if own == nil || other == nil {
		return false
	}
	items := byKeys(b, other)
	for i, key := range own {
		if !r.item().equal(present(a[i]), field(items, key)) {
			return false
		}
	}
	return true
}

// void reports whether a value is as if it were not there.
func (r *rule) void(v Value) bool {
	if !v.Present {
		return true
	}
	if r != nil && r.fact {
		return false
	}
	switch value := v.JSON.(type) {
	case map[string]any:
		if r != nil && r.keyed {
			return false
		}
		for name := range value {
			if !r.in(name).void(field(value, name)) {
				return false
			}
		}
		return true
	case []any:
		return r != nil && r.keyed && len(value) == 0
	}
	return false
}

// real returns a value, and none for one that is as if it were not there.
func (r *rule) real(v Value) Value {
	if r.void(v) {
		return Value{}
	}
	return v
}

// keys returns the keys of a list's items; nil when the list is one value: it has none, an item has no key, or two
// have the same.
func (r *rule) keys(list []any) []string {
	if r == nil || !r.keyed {
		return nil
	}
	keys := make([]string, 0, len(list))
	var seen map[string]bool // of a long list: a short one is looked through quicker
	if len(list) > shortList {
		seen = make(map[string]bool, len(list))
	}
	for _, item := range list {
		key, is := keyOf(item, r.key)
		if !is || seen[key] || seen == nil && slices.Contains(keys, key) {
			return nil
		}
		if keys = append(keys, key); seen != nil {
			seen[key] = true
		}
	}
	return keys
}

// shortList is how many items a list has at most that is looked through from its beginning.
const shortList = 16

// keyOf returns a key as a text. A number's is the same however it is written.
func keyOf(item any, path []string) (string, bool) {
	for _, name := range path {
		object, _ := item.(map[string]any)
		item = object[name]
	}
	if text, is := item.(string); is {
		return text, true
	}
	if number, is := jsonvalue.Number(item); is {
		return number.RatString(), true
	}
	number, is := item.(json.Number)
	return number.String(), is
}

func byKeys(list []any, keys []string) map[string]any {
	items := make(map[string]any, len(list))
	for i, key := range keys {
		items[key] = list[i]
	}
	return items
}
