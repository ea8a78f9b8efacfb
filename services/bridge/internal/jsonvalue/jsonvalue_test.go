package jsonvalue_test

import (
	"encoding/json"
	"testing"

	"fgdsync.dev/services/bridge/internal/jsonvalue"
)

// TestEqual: what means the same is the same however it is written, and nothing else is.
func TestEqual(t *testing.T) {
	t.Parallel()
	list := func(values ...any) []any { return values }
	same := [][]any{
		{json.Number("1"), json.Number("1.0"), json.Number("1e0"), json.Number("0.1e1"), 1, int64(1), 1.0},
		{json.Number("0"), json.Number("-0"), 0},
		{json.Number("0.1"), 0.1},
		{json.Number("1e999999999")},
		{json.Number("1e999999998")},
		{json.Number("9007199254740993"), int64(9007199254740993)},
		{json.Number("9007199254740992"), float64(9007199254740992)},
		{"1"},
		{""},
		{nil},
		{true},
		{false},
		{list()},
		{map[string]any{}},
		{list(nil)},
		{map[string]any{"a": nil}},
		{list(json.Number("1"), "b"), list(1, "b")},
		{list("b", json.Number("1"))},
		{map[string]any{"a": json.Number("1"), "b": list()}, map[string]any{"b": list(), "a": 1.0}},
	}
	for i, group := range same {
		for _, a := range group {
			for j, other := range same {
				for _, b := range other {
					if jsonvalue.Equal(a, b) != (i == j) {
						t.Errorf("%T %v and %T %v are equal: %v", a, a, b, b, i != j)
					}
				}
			}
		}
	}
}
