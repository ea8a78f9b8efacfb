package schema

import (
	"strings"

	"go.yaml.in/yaml/v3"

	"fgdsync.dev/services/ingestion/internal/yamldoc"
)

// certainMetadata reports whether metadata is valid beyond doubt: name, namespace, labels and annotations of the common
// form.
func certainMetadata(n *yaml.Node) bool {
	if n.Kind != yaml.MappingNode {
		return false
	}
	for i := 0; i+1 < len(n.Content); i += 2 {
		name, ok := plainKey(n.Content[i])
		if !ok || !certainMetadataField(name, n.Content[i+1]) {
			return false
		}
	}
	return true
}

func certainMetadataField(name string, value *yaml.Node) bool {
	switch name {
	case "name":
		text, ok := plainKey(value)
		return ok && isSimpleName(text)
	case "namespace":
		text, ok := plainKey(value)
		return ok && len(text) <= 63 && isSimpleName(text) && !strings.Contains(text, ".")
	case "labels":
		return eachPair(value, func(key, text string) bool {
			return isSimpleLabelKey(key) && (text == "" || isSimpleLabel(text))
		})
	case "annotations":
		total := 0
		return eachPair(value, func(key, text string) bool {
			total += len(key) + len(text)
			return isSimpleLabelKey(key) && total < 128<<10
		})
	}
	return false
}

func eachPair(n *yaml.Node, allowed func(key, text string) bool) bool {
	if n.Kind != yaml.MappingNode || n.Style&yaml.TaggedStyle != 0 {
		return false
	}
	for i := 0; i+1 < len(n.Content); i += 2 {
		key, ok := plainKey(n.Content[i])
		if !ok {
			return false
		}
		value := n.Content[i+1]
		if value.Kind != yaml.ScalarNode || value.Style&yaml.TaggedStyle != 0 {
			return false
		}
		text := yamldoc.Resolve(value)
		if text.Type != yamldoc.String || !allowed(key, text.Text) {
			return false
		}
	}
	return true
}

// isSimpleName reports whether a text is a DNS-1123 subdomain: lower-case letters, digits, "-" and ".", each label
// begun and ended by the first two.
func isSimpleName(text string) bool {
	if text == "" || len(text) > 253 {
		return false
	}
	inner := false // the character before may stand inside of a label only
	begun := false
	for i := 0; i < len(text); i++ {
		switch c := text[i]; {
		case c >= 'a' && c <= 'z' || c >= '0' && c <= '9':
			inner, begun = false, true
		case c == '-' && begun:
			inner = true
		case c == '.' && begun && !inner:
			begun = false
		default:
			return false
		}
	}
	return begun && !inner
}

// isSimpleLabel reports whether a text can be a label value or the name part of a label key.
func isSimpleLabel(text string) bool {
	if text == "" || len(text) > 63 || !isAlphanumeric(text[0]) || !isAlphanumeric(text[len(text)-1]) {
		return false
	}
	for i := 0; i < len(text); i++ {
		if c := text[i]; !isAlphanumeric(c) && c != '-' && c != '_' && c != '.' {
			return false
		}
	}
	return true
}

func isAlphanumeric(c byte) bool {
	return c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9'
}

func isSimpleLabelKey(key string) bool {
	prefix, name, found := strings.Cut(key, "/")
	if !found {
		return isSimpleLabel(key)
	}
	return isSimpleName(prefix) && isSimpleLabel(name)
}
