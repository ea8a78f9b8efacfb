package merge

import (
	"encoding/json"
	"fmt"
	"io/fs"
	"maps"
	"slices"
	"strings"
	"testing"

	"go.yaml.in/yaml/v3"
	"pgregory.net/rapid"

	"fgdsync.dev/libs/hedgehog"
)

// definition is of a kind, what its CustomResourceDefinition says of a place in a spec.
type definition struct {
	Type       string                 `yaml:"type"`
	Enum       []string               `yaml:"enum"`
	Properties map[string]*definition `yaml:"properties"`
	Additional *definition            `yaml:"additionalProperties"`
	Items      *definition            `yaml:"items"`
}

// definitions returns the specs of the kinds of the key table, as the built-in definitions have them.
func definitions(t testing.TB) map[string]*definition {
	t.Helper()
	files := hedgehog.BuiltinCRDs()
	paths, err := fs.Glob(files, "*.yaml")
	if err != nil {
		t.Fatal(err)
	}
	specs := map[string]*definition{}
	for _, path := range paths {
		raw, err := fs.ReadFile(files, path)
		if err != nil {
			t.Fatal(err)
		}
		var crd struct {
			Spec struct {
				Names    struct{ Kind string }
				Versions []struct {
					Schema struct {
						OpenAPIV3Schema definition `yaml:"openAPIV3Schema"`
					}
				}
			}
		}
		if err := yaml.Unmarshal(raw, &crd); err != nil {
			t.Fatalf("%s: %v", path, err)
		}
		kind := crd.Spec.Names.Kind
		if _, known := keyTable()[kind]; known {
			specs[kind] = crd.Spec.Versions[0].Schema.OpenAPIV3Schema.Properties["spec"]
		}
	}
	if len(specs) != len(keyTable()) {
		t.Fatalf("definitions of %v", slices.Sorted(maps.Keys(specs)))
	}
	return specs
}

// drawn draws values that a definition allows and, unless it is tame, now and then others.
type drawn struct {
	*rapid.T
	tame bool
}

// one reports whether something happens that does so once in so many times.
func (t drawn) one(in int) bool { return rapid.IntRange(0, in-1).Draw(t.T, "one in") == in-1 }

func (t drawn) pick(of ...string) string { return rapid.SampledFrom(of).Draw(t.T, "text") }

func (t drawn) key() string { return t.pick("default", "E1/1", "a.b", "x y", "10.0.0.0/8", "", "7") }

func (t drawn) value(d *definition) any {
	if !t.tame && t.one(60) {
		return rapid.SampledFrom([]any{
			nil, "odd", map[string]any{}, []any{}, map[string]any{"odd": map[string]any{}}, []any{"a"},
		}).Draw(t.T, "odd")
	}
	switch d.Type {
	case "object":
		return t.object(d)
	case "array":
		list := []any{}
		for range rapid.IntRange(0, 3).Draw(t.T, "items") {
			list = append(list, t.value(d.Items))
		}
		return list
	case "boolean":
		return rapid.Bool().Draw(t.T, "boolean")
	case "integer", "number":
		return json.Number(t.pick("1", "1.0", "1e0", "2", "3", "4"))
	}
	if d.Enum != nil {
		return t.pick(d.Enum...)
	}
	return t.pick("a", "b", "c", "1", "10.0.0.0/8", "leaf-1/E1/1", "leaf-2/E1/1", "x]y")
}

func (t drawn) object(d *definition) map[string]any {
	object := map[string]any{}
	for _, name := range slices.Sorted(maps.Keys(d.Properties)) {
		if !t.one(3) {
			object[name] = t.value(d.Properties[name])
		}
	}
	if d.Additional != nil {
		for range rapid.IntRange(0, 3).Draw(t.T, "entries") {
			object[t.key()] = t.value(d.Additional)
		}
	}
	return object
}

// edited returns a value in which something is changed.
func (t drawn) edited(d *definition, value any) any {
	switch value := value.(type) {
	case map[string]any:
		if d.Type == "object" && (len(d.Properties) > 0 || d.Additional != nil) {
			return t.editedObject(d, value)
		}
	case []any:
		if d.Type == "array" {
			return t.editedList(d, value)
		}
	}
	return t.value(d)
}

func (t drawn) editedObject(d *definition, value map[string]any) any {
	object := map[string]any{}
	maps.Copy(object, value)
	names := slices.Sorted(maps.Keys(d.Properties))
	if d.Additional != nil {
		names = append(slices.Sorted(maps.Keys(value)), t.key())
	}
	name := rapid.SampledFrom(names).Draw(t.T, "name")
	inner := d.Properties[name]
	if inner == nil {
		inner = d.Additional
	}
	was, there := object[name]
	switch {
	case !there:
		object[name] = t.value(inner)
	case t.one(4):
		delete(object, name)
	default:
		object[name] = t.edited(inner, was)
	}
	return object
}

func (t drawn) editedList(d *definition, value []any) any {
	list := slices.Clone(value)
	at := rapid.IntRange(0, len(list)).Draw(t.T, "at")
	switch {
	case at == len(list) || t.one(3):
		list = slices.Insert(list, at, t.value(d.Items))
	case t.one(3):
		list = slices.Delete(list, at, at+1)
	case t.one(4):
		slices.Reverse(list)
	default:
		list[at] = t.edited(d.Items, list[at])
	}
	return list
}

// texts is what labels and annotations are.
func texts() *definition { return &definition{Type: "object", Additional: &definition{Type: "string"}} }

// content draws one of a kind, seldom none.
func (t drawn) content(d *definition) *Content {
	if t.one(12) {
		return nil
	}
	return &Content{Spec: t.object(d), Labels: t.object(texts()), Annotations: t.object(texts())}
}

// side draws what a side made of a content.
func (t drawn) side(d *definition, base *Content) *Content {
	if base == nil || t.one(8) {
		return t.content(d)
	}
	c := *base
	for range rapid.IntRange(0, 3).Draw(t.T, "edits") {
		if !t.one(4) {
			c.Spec = t.asObject(t.edited(d, c.Spec))
			continue
		}
		c.Labels = t.asObject(t.edited(texts(), c.Labels))
	}
	return &c
}

func (t drawn) asObject(value any) map[string]any {
	object, _ := value.(map[string]any)
	return object
}

func accept(Content) error { return nil }

func merger(t testing.TB, policies ...Policy) *Merger {
	t.Helper()
	m, err := New(policies...)
	if err != nil {
		t.Fatal(err)
	}
	return m
}

func text(value any) string {
	raw, err := json.Marshal(value)
	if err != nil {
		return fmt.Sprint(value)
	}
	return string(raw)
}

// at returns what a value has at a path.
func (r *rule) at(path Path, v Value) Value {
	for _, step := range path.Steps() {
		switch {
		case !v.Present:
			return v
		case step.Item:
			v, r = field(r.ordered(v).items, step.Name), r.item()
		default:
			object, _ := v.object()
			v, r = field(object, step.Name), r.in(step.Name)
		}
	}
	return v
}

// ruleAt returns what is known of a path.
func (r *rule) ruleAt(path Path) *rule {
	for _, step := range path.Steps() {
		if step.Item {
			r = r.item()
		} else {
			r = r.in(step.Name)
		}
	}
	return r
}

// bare returns a value without anything that is as if it were not there.
func (r *rule) bare(v Value) Value {
	switch value := v.JSON.(type) {
	case map[string]any:
		object := map[string]any{}
		for name := range value {
			inner := r.in(name).bare(field(value, name))
			if filled, _ := inner.object(); len(filled) > 0 || !r.in(name).void(inner) {
				object[name] = inner.JSON
			}
		}
		return present(object)
	case []any:
		list := []any{}
		for _, item := range value {
			list = append(list, r.item().bare(present(item)).JSON)
		}
		return present(list)
	}
	return v
}

// read returns what a JSON says, with numbers as they are written.
func read(t testing.TB, raw string) any {
	t.Helper()
	decoder := json.NewDecoder(strings.NewReader(raw))
	decoder.UseNumber()
	var value any
	if err := decoder.Decode(&value); err != nil {
		t.Fatalf("%s: %v", raw, err)
	}
	return value
}

// resource returns a content whose spec is a JSON; none for "-".
func resource(t testing.TB, raw string) *Content {
	t.Helper()
	if raw == "-" {
		return nil
	}
	spec, _ := read(t, raw).(map[string]any)
	return &Content{Spec: spec}
}
