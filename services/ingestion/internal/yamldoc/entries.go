package yamldoc

import "go.yaml.in/yaml/v3"

// Lookup finds the value of a key in a mapping as a decoder sees it: through aliases and merges; nil when it is not
// there.
func Lookup(n *yaml.Node, name string) *yaml.Node {
	if n = Follow(n); n == nil || n.Kind != yaml.MappingNode {
		return nil
	}
	if _, value := Field(n, name); value != nil {
		return Follow(value)
	}
	for i := 0; i+1 < len(n.Content); i += 2 {
		if !isMerge(n.Content[i]) {
			continue
		}
		for _, source := range merged(n.Content[i+1]) {
			if value := Lookup(source, name); value != nil {
				return value
			}
		}
	}
	return nil
}

// Entries calls for every entry of a mapping as a decoder sees it: through aliases, its own first, then what it merges.
func Entries(n *yaml.Node, visit func(name string, key, value *yaml.Node)) {
	if n = Follow(n); n == nil || n.Kind != yaml.MappingNode {
		return
	}
	merges := false
	for i := 0; i+1 < len(n.Content); i += 2 {
		merges = merges || isMerge(n.Content[i])
	}
	if !merges {
		own(n, visit)
		return
	}
	seen := map[string]bool{}
	once := func(name string, key, value *yaml.Node) {
		if !seen[name] {
			seen[name] = true
			visit(name, key, value)
		}
	}
	own(n, once)
	for i := 0; i+1 < len(n.Content); i += 2 {
		if isMerge(n.Content[i]) {
			for _, source := range merged(n.Content[i+1]) {
				Entries(source, once)
			}
		}
	}
}

func own(n *yaml.Node, visit func(name string, key, value *yaml.Node)) {
	for i := 0; i+1 < len(n.Content); i += 2 {
		if isMerge(n.Content[i]) {
			continue
		}
		if name, err := keyText(n.Content[i]); err == nil {
			visit(name, n.Content[i], Follow(n.Content[i+1]))
		}
	}
}

// merged returns the mappings that a merge names.
func merged(value *yaml.Node) []*yaml.Node {
	if value = Follow(value); value.Kind == yaml.SequenceNode {
		return value.Content
	}
	return []*yaml.Node{value}
}

// Follow returns what an alias stands for; any other node is returned as it is.
func Follow(n *yaml.Node) *yaml.Node {
	if n == nil {
		return nil
	}
	return resolveAlias(n)
}
