package yamldoc

import "go.yaml.in/yaml/v3"

// Value decodes a tree that has passed Parse as a Kubernetes API server would: YAML 1.1 words are booleans, whole
// numbers are int64, keys are text, merges are carried out.
func Value(n *yaml.Node) any {
	switch n.Kind {
	case yaml.AliasNode:
		return Value(n.Alias)
	case yaml.MappingNode:
		out := make(map[string]any, len(n.Content)/2)
		fill(out, n)
		return out
	case yaml.SequenceNode:
		out := make([]any, len(n.Content))
		for i, item := range n.Content {
			out[i] = Value(item)
		}
		return out
	default:
		return Resolve(n).Any()
	}
}

// fill adds the entries of a mapping that are not there yet: its own first, then what it merges.
func fill(out map[string]any, n *yaml.Node) {
	for i := 0; i+1 < len(n.Content); i += 2 {
		if isMerge(n.Content[i]) {
			continue
		}
		text, err := keyText(n.Content[i])
		if err != nil {
			continue
		}
		if _, taken := out[text]; !taken {
			out[text] = Value(n.Content[i+1])
		}
	}
	for i := 0; i+1 < len(n.Content); i += 2 {
		if !isMerge(n.Content[i]) {
			continue
		}
		source := resolveAlias(n.Content[i+1])
		if source.Kind == yaml.MappingNode {
			fill(out, source)
			continue
		}
		for _, item := range source.Content {
			fill(out, resolveAlias(item))
		}
	}
}

// Field finds the value of a key in a mapping, without looking into merges; both results are nil when it is not there.
func Field(n *yaml.Node, name string) (key, value *yaml.Node) {
	if n == nil || n.Kind != yaml.MappingNode {
		return nil, nil
	}
	for i := 0; i+1 < len(n.Content); i += 2 {
		if k := n.Content[i]; k.Kind == yaml.ScalarNode && k.Value == name {
			return k, n.Content[i+1]
		}
	}
	return nil, nil
}

// Text returns the string a field holds; empty when it is absent or no string.
func Text(n *yaml.Node, name string) string {
	_, value := Field(n, name)
	if value == nil {
		return ""
	}
	value = resolveAlias(value)
	if value.Kind != yaml.ScalarNode {
		return ""
	}
	if s := Resolve(value); s.Type == String {
		return s.Text
	}
	return ""
}
