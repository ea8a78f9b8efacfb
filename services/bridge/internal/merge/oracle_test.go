package merge

import (
	"encoding/json"
	"maps"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"
	"sigs.k8s.io/structured-merge-diff/v6/fieldpath"
	"sigs.k8s.io/structured-merge-diff/v6/schema"
	"sigs.k8s.io/structured-merge-diff/v6/typed"
	"sigs.k8s.io/structured-merge-diff/v6/value"

	"fgdsync.dev/services/bridge/internal/jsonvalue"
)

// itemKey is the key of an item for the oracle, which knows of no key within an item.
const itemKey = "@key"

// typeOf returns a rule as the oracle has it.
func typeOf(r *rule) schema.TypeRef {
	untyped := schema.Untyped
	atom := schema.Atom{
		Scalar: &untyped, List: &schema.List{ElementRelationship: schema.Atomic},
		Map: &schema.Map{ElementRelationship: schema.Separable},
	}
	atom.List.ElementType.NamedType, atom.Map.ElementType.NamedType = new("any"), new("any")
	switch {
	case r == nil:
		return schema.TypeRef{NamedType: new("any")}
	case r.keyed:
		atom.List.ElementRelationship, atom.List.ElementType = schema.Associative, typeOf(r.each)
		if len(r.key) > 0 {
			atom.Keys = []string{itemKey}
		}
	case r.each != nil:
		atom.Map.ElementType = typeOf(r.each)
	}
	for _, name := range slices.Sorted(maps.Keys(r.fields)) {
		atom.Fields = append(atom.Fields, schema.StructField{Name: name, Type: typeOf(r.fields[name])})
	}
	return schema.TypeRef{Inlined: atom}
}

// oracle returns which paths are new, gone and changed for structured-merge-diff.
func oracle(t fataler, rules *rule, base, side Value) map[string]bool {
	ref := typeOf(rules)
	types := &schema.Schema{Types: []schema.TypeDef{{Name: "any", Atom: typeOf(&rule{}).Inlined}}}
	var both [2]*typed.TypedValue
	for i, v := range []Value{base, side} {
		plain := value.NewValueInterface(forOracle(rules, rules.bare(v).JSON))
		of, err := typed.AsTyped(plain, types, ref)
		if err != nil {
			t.Fatalf("%s: %v", text(v), err)
		}
		both[i] = of
	}
	compared, err := both[0].Compare(both[1])
	if err != nil {
		t.Fatalf("%v", err)
	}
	all := map[string]bool{}
	for op, set := range map[Op]*fieldpath.Set{Insert: compared.Added, Remove: compared.Removed, Set: compared.Modified} {
		for path := range set.Leaves().All() {
			if last := path[len(path)-1].FieldName; last == nil || *last != itemKey {
				all[string(op)+" "+string(fromOracle(path))] = true
			}
		}
	}
	return all
}

// forOracle returns a value whose items have keys that the oracle finds, whose sets are in order, and with its numbers.
func forOracle(r *rule, v any) any {
	switch v := v.(type) {
	case map[string]any:
		object := map[string]any{}
		for name, inner := range v {
			object[name] = forOracle(r.in(name), inner)
		}
		return object
	case []any:
		list, keys := []any{}, r.keys(v)
		for i, item := range v {
			list = append(list, forOracle(r.item(), item))
			if object, is := list[i].(map[string]any); is && keys != nil {
				object[itemKey] = keys[i]
			}
		}
		if keys != nil && len(r.key) == 0 {
			slices.SortFunc(list, func(a, b any) int { return strings.Compare(text(a), text(b)) })
		}
		return list
	case json.Number:
		number, _ := jsonvalue.Number(v)
		float, _ := number.Float64()
		return float
	}
	return v
}

func fromOracle(steps fieldpath.Path) Path {
	path := Whole
	for _, step := range steps {
		switch {
		case step.FieldName != nil:
			path = path.field(*step.FieldName)
		case step.Key != nil:
			path = path.item((*step.Key)[0].Value.AsString())
		case step.Value != nil:
			key, _ := keyOf((*step.Value).Unstructured(), nil)
			path = path.item(key)
		}
	}
	return path
}

// leaves returns the paths of edits as the oracle has them: of what is new or gone as a whole, each value in it.
func leaves(rules *rule, edits []Edit) map[string]bool {
	all := map[string]bool{}
	for _, e := range edits {
		own, of := rules.ruleAt(e.Path), e.From
		switch e.Op() {
		case Set:
			all["set "+string(e.Path)] = true
			continue
		case Insert:
			of = e.To
		case Remove:
		}
		for _, path := range within(e.Path, own, own.bare(of).JSON) {
			all[string(e.Op())+" "+string(path)] = true
		}
	}
	return all
}

func within(at Path, r *rule, v any) (paths []Path) {
	if object, is := v.(map[string]any); is {
		for name, inner := range object {
			paths = append(paths, within(at.field(name), r.in(name), inner)...)
		}
	}
	if list, is := v.([]any); is {
		for i, key := range r.keys(list) {
			paths = append(paths, within(at.item(key), r.item(), list[i])...)
		}
	}
	if paths == nil {
		paths = []Path{at}
	}
	return paths
}

// TestTheOracleAgrees: structured-merge-diff, told of the key table, finds the same paths changed.
func TestTheOracleAgrees(t *testing.T) {
	t.Parallel()
	m := merger(t)
	for kind, d := range definitions(t) {
		t.Run(kind, func(t *testing.T) {
			t.Parallel()
			rules := m.rulesFor(kind)
			rapid.Check(t, func(rt *rapid.T) {
				draw := drawn{rt, true}
				content := func(spec any) Value {
					return tree(&Content{Spec: draw.asObject(unique(rules.in("spec"), spec)), Labels: draw.object(texts())})
				}
				spec := any(draw.object(d))
				base := content(spec)
				for range rapid.IntRange(0, 4).Draw(rt, "edits") {
					spec = draw.edited(d, spec)
				}
				side := content(spec)
				own, other := leaves(rules, script(rules, base, side, base)), oracle(rt, rules, base, side)
				if !maps.Equal(own, other) {
					rt.Fatalf("%s to %s: %v, and for the oracle %v", text(base.JSON), text(side.JSON), own, other)
				}
			})
		})
	}
}

// unique returns a value without the items of lists by key whose key another one has, or that have none.
func unique(r *rule, v any) any {
	switch v := v.(type) {
	case map[string]any:
		object := map[string]any{}
		for name, inner := range v {
			object[name] = unique(r.in(name), inner)
		}
		return object
	case []any:
		list := []any{}
		for _, item := range v {
			list = append(list, unique(r.item(), item))
			if r != nil && r.keyed && r.keys(list) == nil {
				list = list[:len(list)-1]
			}
		}
		return list
	}
	return v
}
