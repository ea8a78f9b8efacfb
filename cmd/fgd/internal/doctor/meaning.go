package doctor

import (
	"bytes"
	"errors"
	"io"
	"regexp"

	"go.yaml.in/yaml/v3"
)

// meaning is what a change of a file comes to, from least to most.
type meaning int

const (
	textOnly  meaning = iota // comments, blank lines, quotes, layout or the order of keys
	timesOnly                // and times in the same places
	realMeaning
)

// isTime matches a date, or a date with a time of day, as in RFC 3339 and the forms near it.
var isTime = regexp.MustCompile(`^\d{4}-\d{2}-\d{2}([Tt ]\d{2}:\d{2}(:\d{2}([.,]\d+)?)?( ?([Zz]|UTC|[+-]\d{2}:?\d{2}))?)?$`)

// compare returns what a change of a file comes to. What can't be parsed may mean anything.
func compare(before, after []byte) meaning {
	olds, oldErr := documents(before)
	news, newErr := documents(after)
	if oldErr != nil || newErr != nil || len(olds) != len(news) {
		return realMeaning
	}
	result := textOnly
	for i := range olds {
		result = max(result, compareNodes(olds[i], news[i]))
	}
	return result
}

// documents parses a file, and leaves out documents without content.
func documents(content []byte) ([]*yaml.Node, error) {
	decoder := yaml.NewDecoder(bytes.NewReader(content))
	var found []*yaml.Node
	for {
		var document yaml.Node
		err := decoder.Decode(&document)
		if errors.Is(err, io.EOF) {
			return found, nil
		}
		if err != nil {
			return nil, err
		}
		if len(document.Content) == 1 && document.Content[0].ShortTag() != "!!null" {
			found = append(found, document.Content[0])
		}
	}
}

func compareNodes(a, b *yaml.Node) meaning {
	switch {
	case a.Kind != b.Kind || a.Anchor != b.Anchor:
		return realMeaning
	case a.Kind == yaml.ScalarNode:
		return compareScalars(a, b)
	case a.Kind == yaml.AliasNode:
		return orReal(a.Value == b.Value)
	case a.ShortTag() != b.ShortTag() || len(a.Content) != len(b.Content):
		return realMeaning
	case a.Kind == yaml.MappingNode:
		return compareMappings(a, b)
	}
	result := textOnly
	for i := range a.Content {
		result = max(result, compareNodes(a.Content[i], b.Content[i]))
	}
	return result
}

func orReal(same bool) meaning {
	if same {
		return textOnly
	}
	return realMeaning
}

func compareScalars(a, b *yaml.Node) meaning {
	if a.Value == b.Value && a.ShortTag() == b.ShortTag() {
		return textOnly
	}
	if isTime.MatchString(a.Value) && isTime.MatchString(b.Value) {
		return timesOnly
	}
	return realMeaning
}

// compareMappings looks at the values of equal keys, whatever their order.
func compareMappings(a, b *yaml.Node) meaning {
	const pair = 2
	type key struct{ tag, value string }
	values := map[key]*yaml.Node{}
	for i := 0; i < len(b.Content); i += pair {
		values[key{b.Content[i].ShortTag(), b.Content[i].Value}] = b.Content[i+1]
	}
	if len(values) != len(b.Content)/pair {
		return realMeaning // a key that is there twice, or keys that are no scalars: that is not to be guessed at
	}
	result := textOnly
	for i := 0; i < len(a.Content); i += pair {
		k := a.Content[i]
		other, found := values[key{k.ShortTag(), k.Value}]
		if k.Kind != yaml.ScalarNode || !found {
			return realMeaning
		}
		delete(values, key{k.ShortTag(), k.Value})
		result = max(result, compareNodes(a.Content[i+1], other))
	}
	return result
}
