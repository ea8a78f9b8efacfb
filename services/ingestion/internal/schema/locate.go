package schema

import (
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"
)

// locate finds the node that a field path means, or the deepest one on the way to it. Keys may hold dots and brackets,
// so the longest key that fits is taken.
func locate(root *yaml.Node, path string) *yaml.Node {
	found, at := root, root
	for at != nil {
		for at.Kind == yaml.AliasNode {
			at = at.Alias
		}
		path = strings.TrimPrefix(path, ".")
		if path == "" {
			break
		}
		var place *yaml.Node
		switch at.Kind {
		case yaml.MappingNode:
			place, at, path = stepKey(at, path)
		case yaml.SequenceNode:
			at, path = stepIndex(at, path)
			place = at
		default:
			at = nil
		}
		if at != nil {
			found = place
		}
	}
	return found
}

func stepKey(mapping *yaml.Node, path string) (key, value *yaml.Node, rest string) {
	for i := 0; i+1 < len(mapping.Content); i += 2 {
		candidate := mapping.Content[i]
		if key != nil && len(candidate.Value) <= len(key.Value) {
			continue
		}
		if after, ok := afterKey(path, candidate.Value); ok {
			key, value, rest = candidate, mapping.Content[i+1], after
		}
	}
	return key, value, rest
}

func afterKey(path, name string) (string, bool) {
	if after, ok := strings.CutPrefix(path, "["+name+"]"); ok {
		return after, true
	}
	after, ok := strings.CutPrefix(path, name)
	return after, ok && name != "" && (after == "" || after[0] == '.' || after[0] == '[')
}

func stepIndex(list *yaml.Node, path string) (*yaml.Node, string) {
	inside, rest, ok := strings.Cut(strings.TrimPrefix(path, "["), "]")
	index, err := strconv.Atoi(inside)
	if !ok || err != nil || index < 0 || index >= len(list.Content) {
		return nil, ""
	}
	return list.Content[index], rest
}
