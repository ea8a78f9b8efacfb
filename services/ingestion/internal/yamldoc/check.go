package yamldoc

import (
	"fmt"
	"slices"

	"go.yaml.in/yaml/v3"
)

// checker walks a tree the way a decoder would, following aliases, and stops at the first breach.
type checker struct {
	limits  Limits
	nodes   int
	aliases int
	open    []*yaml.Node // what the aliases that led here stand for
}

func fault(n *yaml.Node, format string, args ...any) *SyntaxError {
	return &SyntaxError{Line: n.Line, Column: n.Column, Message: fmt.Sprintf(format, args...)}
}

func (c *checker) node(n *yaml.Node, depth int) error {
	if c.nodes++; c.nodes > c.limits.Nodes {
		return fault(n, "more than %d nodes", c.limits.Nodes)
	}
	if depth > c.limits.Depth {
		return fault(n, "nested deeper than %d levels", c.limits.Depth)
	}
	switch n.Kind {
	case yaml.AliasNode:
		if c.aliases++; c.aliases > c.limits.Aliases {
			return fault(n, "more than %d aliases", c.limits.Aliases)
		}
		return c.alias(n, depth)
	case yaml.MappingNode:
		return c.mapping(n, depth)
	case yaml.SequenceNode:
		if n.Style&yaml.TaggedStyle != 0 && n.Tag != "!!seq" {
			return fault(n, "tag %s is not allowed", n.Tag)
		}
		for _, item := range n.Content {
			if err := c.node(item, depth+1); err != nil {
				return err
			}
		}
		return nil
	default:
		_, err := scalar(n)
		return err
	}
}

// alias checks what an alias stands for, unless the alias is part of it.
func (c *checker) alias(n *yaml.Node, depth int) error {
	if slices.Contains(c.open, n.Alias) {
		return fault(n, "the alias *%s stands for something that it is part of", n.Value)
	}
	c.open = append(c.open, n.Alias)
	defer func() { c.open = c.open[:len(c.open)-1] }()
	return c.node(n.Alias, depth+1)
}

func (c *checker) mapping(n *yaml.Node, depth int) error {
	if n.Style&yaml.TaggedStyle != 0 && n.Tag != "!!map" {
		return fault(n, "tag %s is not allowed", n.Tag)
	}
	if err := c.keys(n); err != nil {
		return err
	}
	for i := 1; i < len(n.Content); i += 2 {
		value := n.Content[i]
		if isMerge(n.Content[i-1]) {
			if err := checkMerge(value); err != nil {
				return err
			}
		}
		if err := c.node(value, depth+1); err != nil {
			return err
		}
	}
	return nil
}

// keys refuses keys that occur twice, by their text or by what a cluster makes of it.
func (c *checker) keys(n *yaml.Node) error {
	const few = 12
	var seen map[string]struct{}
	if len(n.Content) > 2*few {
		seen = make(map[string]struct{}, len(n.Content))
	}
	for i := 0; i < len(n.Content); i += 2 {
		key := n.Content[i]
		c.nodes++
		text, err := keyText(key)
		if err != nil {
			return err
		}
		if seen == nil {
			for j := 0; j < i; j += 2 {
				if sameKey(n.Content[j], key, text) {
					return fault(key, "key %q occurs twice", key.Value)
				}
			}
			continue
		}
		for _, k := range distinct(text, key.Value) {
			if _, twice := seen[k]; twice {
				return fault(key, "key %q occurs twice", key.Value)
			}
			seen[k] = struct{}{}
		}
	}
	return nil
}

func distinct(a, b string) []string {
	if a == b {
		return []string{a}
	}
	return []string{a, b}
}

func sameKey(earlier, key *yaml.Node, text string) bool {
	if earlier.Value == key.Value || earlier.Value == text {
		return true
	}
	if isItself(earlier) {
		return false
	}
	other, err := keyText(earlier)
	return err == nil && (other == text || other == key.Value)
}

// checkMerge allows what "<<" may stand for: a mapping, or a list of mappings.
func checkMerge(value *yaml.Node) error {
	target := resolveAlias(value)
	if target.Kind == yaml.SequenceNode {
		for _, item := range target.Content {
			if resolveAlias(item).Kind != yaml.MappingNode {
				return fault(item, "only mappings can be merged")
			}
		}
		return nil
	}
	if target.Kind != yaml.MappingNode {
		return fault(value, "only mappings can be merged")
	}
	return nil
}

func resolveAlias(n *yaml.Node) *yaml.Node {
	for n.Kind == yaml.AliasNode {
		n = n.Alias
	}
	return n
}

func isMerge(key *yaml.Node) bool {
	return key.Kind == yaml.ScalarNode && key.Value == "<<" && key.Tag == "!!merge"
}
