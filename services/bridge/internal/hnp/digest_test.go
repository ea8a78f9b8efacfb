package hnp_test

import (
	"encoding/json"
	"maps"
	"testing"

	"pgregory.net/rapid"

	"fgdsync.dev/services/bridge/internal/hnp"
)

// value draws a JSON value. There are few of them, so that two are often the same.
func value(depth int) *rapid.Generator[any] {
	kinds := []*rapid.Generator[any]{
		rapid.SampledFrom([]any{
			nil, true, false, "", "1", "a", 1, int64(1), 1.0, 0.1, json.Number("1"), json.Number("1.0"), json.Number("1e0"),
			json.Number("0.10"), json.Number("-0"), 0, json.Number("1e999999999"), json.Number("1e300"), 1e300,
		}),
	}
	if depth > 0 {
		kinds = append(kinds,
			rapid.Map(rapid.SliceOfN(value(depth-1), 0, 2), func(list []any) any { return list }),
			rapid.Map(object(depth-1), func(object map[string]any) any { return object }))
	}
	return rapid.OneOf(kinds...)
}

func object(depth int) *rapid.Generator[map[string]any] {
	return rapid.OneOf(
		rapid.Just[map[string]any](nil),
		rapid.MapOfN(rapid.SampledFrom([]string{"a", "b", "description", "fgd-empty"}), value(depth), 0, 2),
	)
}

// content draws one, of which a spec is often a placeholder.
func content() *rapid.Generator[hnp.Content] {
	return rapid.Custom(func(t *rapid.T) hnp.Content {
		placeholders := rapid.SampledFrom([]map[string]any{{"description": ""}, {"fgd-empty": true}, {}})
		return hnp.Content{
			Spec:   rapid.OneOf(object(2), placeholders).Draw(t, "spec"),
			Labels: object(0).Draw(t, "labels"), Annotations: object(0).Draw(t, "annotations"),
		}
	})
}

// TestDigestsAreEqualWhenMeaningsAre: a record says the same as a content exactly when the digests of both are equal.
func TestDigestsAreEqualWhenMeaningsAre(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		kind := rapid.SampledFrom([]string{"Server", "VPC"}).Draw(t, "kind")
		c, of := content().Draw(t, "content"), content().Draw(t, "record")
		if rapid.Bool().Draw(t, "same") {
			of = hnp.Content{Spec: maps.Clone(c.Spec), Labels: c.Labels, Annotations: c.Annotations}
		}
		r := hnp.Record{Labels: of.Labels, Annotations: of.Annotations, Spec: of.Spec}
		if rapid.IntRange(0, 9).Draw(t, "odd") == 0 {
			r.Spec = value(1).Draw(t, "spec")
		}
		if same := r.Content(kind).Digest(kind) == c.Digest(kind); same != r.Same(kind, c) {
			t.Fatalf("%v and %v: digests are equal: %v", r, c, same)
		}
		if !r.Same(kind, r.Content(kind)) {
			t.Fatalf("%v is not its content %v", r, r.Content(kind))
		}
	})
}

// TestWhatIsWrittenIsRead: what NetBox has after a write has the digest of what was written.
func TestWhatIsWrittenIsRead(t *testing.T) {
	t.Parallel()
	p := setup(t)
	for name, c := range map[string]hnp.Content{
		"empty": {}, "null": {Spec: map[string]any{"a": nil, "b": []any{1, 2.50, "ü"}}},
		"labels":  {Spec: map[string]any{"a": 1}, Labels: map[string]any{"a": "b"}, Annotations: map[string]any{"c/d": ""}},
		"numbers": {Spec: map[string]any{"a": json.Number("1.10"), "b": json.Number("9007199254740993"), "c": 1e30}},
	} {
		for _, kind := range []string{"Server", "VPC"} {
			made := p.put(kind, name, nil, c)
			read, err := p.Get(t.Context(), kind, made.Record.ID)
			if err != nil || read.Content(kind).Digest(kind) != c.Digest(kind) || len(c.Digest(kind)) != 64 {
				t.Errorf("%s: %v, %v", name, read, err)
			}
		}
	}
}

// TestOddRecords can be listed with all others, are not what a file says, and have digests of their own.
func TestOddRecords(t *testing.T) {
	t.Parallel()
	seen := map[string]string{}
	for _, raw := range []string{
		`{"id":1,"spec":[1],"labels":{},"annotations":{}}`, `{"id":2,"spec":{"a":1},"labels":["a"],"annotations":{}}`,
		`{"id":3,"spec":{"a":1},"labels":{},"annotations":"a"}`, `{"id":4,"spec":5,"labels":null,"annotations":null}`,
	} {
		var r hnp.Record
		if err := json.Unmarshal([]byte(raw), &r); err != nil || r.ID == 0 {
			t.Errorf("%s: %v, %v", raw, r, err)
		}
		digest := r.Content("VPC").Digest("VPC")
		if r.Same("VPC", spec(1)) || r.Same("VPC", hnp.Content{}) || seen[digest] != "" || digest == spec(1).Digest("VPC") {
			t.Errorf("%s is %s, and %v", raw, seen[digest], spec(1))
		}
		seen[digest] = raw
	}
}
