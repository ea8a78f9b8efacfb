package rewrite

import (
	"bytes"
	"encoding/json"
	"fmt"
	"slices"
	"sort"
)

func number(text string) json.Number { return json.Number(text) }

// decode reads JSON as a tree.
func decode(text []byte) (any, error) {
	decoder := json.NewDecoder(bytes.NewReader(text))
	decoder.UseNumber()
	var out any
	if err := decoder.Decode(&out); err != nil {
		return nil, fmt.Errorf("decode: %w", err)
	}
	return out, nil
}

// collections returns the paths of all objects and lists in a tree, itself the first.
func collections(value any, path []any) [][]any {
	var out [][]any
	switch v := value.(type) {
	case map[string]any:
		out = append(out, path)
		names := make([]string, 0, len(v))
		for name := range v {
			names = append(names, name)
		}
		sort.Strings(names)
		for _, name := range names {
			out = append(out, collections(v[name], append(slices.Clone(path), name))...)
		}
	case []any:
		out = append(out, path)
		for i, item := range v {
			out = append(out, collections(item, append(slices.Clone(path), i))...)
		}
	}
	return out
}

func lookup(value any, path []any) any {
	for _, name := range path {
		switch name := name.(type) {
		case string:
			value = value.(map[string]any)[name]
		case int:
			value = value.([]any)[name]
		}
	}
	return value
}

func clone(value any) any {
	switch v := value.(type) {
	case map[string]any:
		out := make(map[string]any, len(v))
		for name, inner := range v {
			out[name] = clone(inner)
		}
		return out
	case []any:
		out := make([]any, len(v))
		for i, item := range v {
			out[i] = clone(item)
		}
		return out
	}
	return value
}
