package yamldoc

import (
	"math"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"
)

// Type is what a scalar is to a cluster.
type Type int

// Types of scalars.
const (
	Null Type = iota
	Bool
	Int
	Float
	String
)

// Scalar is the value of a scalar node as a cluster sees it: YAML 1.1, then JSON. Text is set for strings only.
type Scalar struct {
	Type  Type
	Bool  bool
	Int   int64
	Float float64
	Text  string
}

// Resolve returns the value of a scalar node that has passed Parse.
func Resolve(n *yaml.Node) Scalar {
	s, err := scalar(n)
	if err != nil {
		return Scalar{Type: String, Text: n.Value}
	}
	return s
}

// Any returns the value as the decoders of Kubernetes do.
func (s Scalar) Any() any {
	switch s.Type {
	case Null:
		return nil
	case Bool:
		return s.Bool
	case Int:
		return s.Int
	case Float:
		return s.Float
	default:
		return s.Text
	}
}

func scalar(n *yaml.Node) (Scalar, error) {
	if err := checkCharacters(n); err != nil {
		return Scalar{}, err
	}
	if n.Style&yaml.TaggedStyle != 0 {
		return tagged(n)
	}
	if n.Style&(yaml.SingleQuotedStyle|yaml.DoubleQuotedStyle|yaml.LiteralStyle|yaml.FoldedStyle) != 0 || n.Tag == "!" {
		return Scalar{Type: String, Text: n.Value}, nil
	}
	return plain(n)
}

func checkCharacters(n *yaml.Node) error {
	for i := 0; i < len(n.Value); i++ {
		if b := n.Value[i]; (b < ' ' && b != '\t' && b != '\n' && b != '\r') || b == 0x7f {
			return fault(n, "control character in a value")
		}
	}
	return nil
}

func tagged(n *yaml.Node) (Scalar, error) {
	if n.Tag == "!!str" || n.Tag == "!!timestamp" {
		return Scalar{Type: String, Text: n.Value}, nil
	}
	s, err := plain(n)
	if err != nil {
		return Scalar{}, err
	}
	ok := false
	switch n.Tag {
	case "!!null":
		ok = s.Type == Null
	case "!!bool":
		ok = s.Type == Bool
	case "!!int":
		ok = s.Type == Int
	case "!!float":
		ok = s.Type == Int || s.Type == Float
	case "!!merge":
		ok = n.Value == "<<"
	default:
		return Scalar{}, fault(n, "tag %s is not allowed", n.Tag)
	}
	if !ok {
		return Scalar{}, fault(n, "value does not fit its tag %s", n.Tag)
	}
	return s, nil
}

// plain resolves an unquoted scalar by the rules of the decoder that Kubernetes uses.
func plain(n *yaml.Node) (Scalar, error) {
	text := n.Value
	if text == "" {
		return Scalar{Type: Null}, nil
	}
	switch c := text[0]; {
	case c >= '0' && c <= '9', c == '+', c == '-', c == '.':
		return number(n)
	case strings.IndexByte("yYnNtTfFoO~", c) >= 0:
		if s, found := word(text); found {
			return s, nil
		}
	}
	return Scalar{Type: String, Text: text}, nil
}

const longestWord = len("false")

// isItself reports, without a closer look, that a scalar means its own text: it begins like no number and is too long
// for a word that means something else.
func isItself(n *yaml.Node) bool {
	if n.Kind != yaml.ScalarNode || n.Style != 0 || n.Tag == "!" || len(n.Value) <= longestWord {
		return false
	}
	c := n.Value[0] | 0x20 // in lower case
	return c >= 'a' && c <= 'z'
}

func word(text string) (Scalar, bool) {
	switch text {
	case "~", "null", "Null", "NULL":
		return Scalar{Type: Null}, true
	case "y", "Y", "yes", "Yes", "YES", "true", "True", "TRUE", "on", "On", "ON":
		return Scalar{Type: Bool, Bool: true}, true
	case "n", "N", "no", "No", "NO", "false", "False", "FALSE", "off", "Off", "OFF":
		return Scalar{Type: Bool}, true
	}
	return Scalar{}, false
}

func number(n *yaml.Node) (Scalar, error) {
	text := n.Value
	switch text {
	case ".inf", ".Inf", ".INF", "+.inf", "+.Inf", "+.INF", "-.inf", "-.Inf", "-.INF", ".nan", ".NaN", ".NAN":
		return Scalar{}, fault(n, "%s can't be represented in JSON", text)
	}
	digits := strings.ReplaceAll(text, "_", "")
	if i, err := strconv.ParseInt(digits, 0, 64); err == nil {
		return Scalar{Type: Int, Int: i}, nil
	}
	if u, err := strconv.ParseUint(digits, 0, 64); err == nil {
		return Scalar{Type: Float, Float: float64(u)}, nil
	}
	if isFloat(digits) {
		if f, err := strconv.ParseFloat(digits, 64); err == nil {
			return fromFloat(f), nil
		}
	}
	return Scalar{Type: String, Text: text}, nil
}

// fromFloat makes whole numbers integers, as the way through JSON does.
func fromFloat(f float64) Scalar {
	if f == math.Trunc(f) && math.Abs(f) < 1<<63 {
		return Scalar{Type: Int, Int: int64(f)}
	}
	return Scalar{Type: Float, Float: f}
}

// isFloat reports whether a text is of the form [-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?
func isFloat(text string) bool {
	rest := strings.TrimLeft(text[:1], "+-") + text[1:]
	whole, rest := cutDigits(rest)
	fraction := 0
	if strings.HasPrefix(rest, ".") {
		fraction, rest = cutDigits(rest[1:])
		if whole+fraction == 0 {
			return false
		}
	} else if whole == 0 {
		return false
	}
	if rest == "" {
		return true
	}
	if rest[0] != 'e' && rest[0] != 'E' {
		return false
	}
	rest = rest[1:]
	if rest != "" && (rest[0] == '+' || rest[0] == '-') {
		rest = rest[1:]
	}
	exponent, rest := cutDigits(rest)
	return exponent > 0 && rest == ""
}

func cutDigits(text string) (int, string) {
	n := 0
	for n < len(text) && text[n] >= '0' && text[n] <= '9' {
		n++
	}
	return n, text[n:]
}

// keyText returns the text of a mapping key as JSON has it.
func keyText(key *yaml.Node) (string, error) {
	key = resolveAlias(key)
	if key.Kind != yaml.ScalarNode {
		return "", fault(key, "keys must be plain text")
	}
	if isMerge(key) {
		return "<<", nil
	}
	if isItself(key) {
		return key.Value, checkCharacters(key)
	}
	s, err := scalar(key)
	if err != nil {
		return "", err
	}
	switch s.Type {
	case Null:
		return "", fault(key, "a key must not be null")
	case Bool:
		return strconv.FormatBool(s.Bool), nil
	case Int:
		return strconv.FormatInt(s.Int, 10), nil
	case Float:
		return strconv.FormatFloat(s.Float, 'g', -1, 64), nil
	}
	return s.Text, nil
}
