package merge

import (
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

// TestPaths are written as people read them, and read as people write them.
func TestPaths(t *testing.T) {
	t.Parallel()
	for text, steps := range map[string][]Step{
		".":                         nil,
		"spec":                      {{"spec", false}},
		"spec.subnets.default.vlan": {{"spec", false}, {"subnets", false}, {"default", false}, {"vlan", false}},
		"spec.staticRoutes[10.0.0.0/8].nextHops": {
			{"spec", false}, {"staticRoutes", false}, {"10.0.0.0/8", true}, {"nextHops", false},
		},
		`annotations."example.com/owner"`: {{"annotations", false}, {"example.com/owner", false}},
		`spec.a["x]y"].""."a b"`:          {{"spec", false}, {"a", false}, {"x]y", true}, {"", false}, {"a b", false}},
		`spec.é."."`:                      {{"spec", false}, {"é", false}, {".", false}},
		`spec."\xff"`:                     {{"spec", false}, {"\xff", false}},
	} {
		path, err := ParsePath(text)
		if err != nil || string(path) != text || !slices.Equal(path.Steps(), steps) {
			t.Errorf("%s: %s, %v, %v", text, path, path.Steps(), err)
		}
	}
	if path, err := ParsePath(`"spec"."a"["b"]`); err != nil || path != "spec.a[b]" {
		t.Errorf("%s, %v", path, err)
	}
}

// TestNoPaths: each is refused with the place of what is wrong.
func TestNoPaths(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"": "byte 1", "spec.": "byte 5", "..": "byte 1", ".spec": "byte 1", "spec[a": "byte 5", "spec[]": "byte 5",
		"spec[a]b": "byte 8", "a b": "byte 2", `"a`: "byte 1", `"a"b`: "byte 4", "[a]": "byte 1", "spec.\xff": "byte 5",
		"spec.`a`.b c": "byte 11", "a]": "byte 2",
	} {
		if path, err := ParsePath(text); err == nil || !strings.Contains(err.Error(), want) || Path(text).Steps() != nil {
			t.Errorf("%q: %s, %v", text, path, err)
		}
	}
}

// TestCovers: a path covers what begins with its steps.
func TestCovers(t *testing.T) {
	t.Parallel()
	name := rapid.OneOf(rapid.String(), rapid.SampledFrom([]string{"a", "b", "", ".", "]", `"`, "a.b", "a]", "a[b]"}))
	steps := rapid.SliceOfN(rapid.Custom(func(t *rapid.T) Step {
		return Step{name.Draw(t, "name"), rapid.Bool().Draw(t, "item")}
	}), 0, 4)
	rapid.Check(t, func(t *rapid.T) {
		a, b := steps.Draw(t, "a"), steps.Draw(t, "b")
		if rapid.Bool().Draw(t, "within") {
			b = slices.Concat(a, b)
		}
		for _, steps := range [][]Step{a, b} {
			if len(steps) > 0 {
				steps[0].Item = false // a resource is no list
			}
		}
		one, other := pathOf(a), pathOf(b)
		is := len(a) <= len(b) && slices.Equal(a, b[:min(len(a), len(b))])
		if one.Covers(other) != is || (one == other) != slices.Equal(a, b) {
			t.Fatalf("%s covers %s: %v", one, other, !is)
		}
	})
}

func pathOf(steps []Step) Path {
	path := Whole
	for _, step := range steps {
		path = path.to(step)
	}
	return path
}

// FuzzParsePath: what is read is written so that it is read as the same.
func FuzzParsePath(f *testing.F) {
	for _, seed := range []string{
		".", "spec.subnets.default.vlan", "spec.staticRoutes[10.0.0.0/8].nextHops", `annotations."example.com/owner"`, `a["b\x00"]`,
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		path, err := ParsePath(text)
		if err != nil {
			return
		}
		again, err := ParsePath(string(path))
		if err != nil || again != path || pathOf(path.Steps()) != path || !path.Covers(again) || !Whole.Covers(path) {
			t.Errorf("%q is %s, and that is %s: %v", text, path, again, err)
		}
	})
}
