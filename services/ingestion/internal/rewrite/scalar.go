package rewrite

import (
	"encoding/json"
	"regexp"
	"strconv"
	"strings"
	"unicode"

	"go.yaml.in/yaml/v3"

	"fgdsync.dev/services/ingestion/internal/splice"
	"fgdsync.dev/services/ingestion/internal/yamldoc"
)

// scalarText writes a scalar in one line, such that YAML 1.1 and YAML 1.2 read the same. A text has the style of the
// one before it where that is possible.
func scalarText(value any, old yaml.Style, flow bool) string {
	switch v := value.(type) {
	case bool:
		return strconv.FormatBool(v)
	case json.Number:
		return numberText(string(v))
	case string:
		return quoted(v, old, flow)
	case map[string]any:
		return "{}"
	case []any:
		return "[]"
	}
	return "null"
}

// numberText writes a number. YAML 1.1 takes an exponent for a text unless there are a point and a sign.
func numberText(text string) string {
	i := strings.IndexAny(text, "eE")
	if i < 0 {
		return text
	}
	mantissa, exponent := text[:i], text[i+1:]
	if !strings.Contains(mantissa, ".") {
		mantissa += ".0"
	}
	if !strings.HasPrefix(exponent, "+") && !strings.HasPrefix(exponent, "-") {
		exponent = "+" + exponent
	}
	return mantissa + "e" + exponent
}

func quoted(text string, old yaml.Style, flow bool) string {
	switch {
	case old&yaml.DoubleQuotedStyle != 0, !isPrintable(text):
		return splice.DoubleQuote(text)
	case old&yaml.SingleQuotedStyle != 0, !isPlain(text, flow):
		return "'" + strings.ReplaceAll(text, "'", "''") + "'"
	}
	return text
}

func keyText(name string, flow, json bool) string {
	if json {
		return splice.DoubleQuote(name)
	}
	return quoted(name, 0, flow)
}

func isPrintable(text string) bool {
	for _, r := range text {
		if r == unicode.ReplacementChar || r == '\ufeff' || !unicode.IsPrint(r) {
			return false
		}
	}
	return true
}

// special is what one of the versions of YAML takes for a number or a time, and more.
var special = regexp.MustCompile(`^(?:` +
	`[-+]?(?:0b[01_]*|0o[0-7_]*|0x[0-9a-fA-F_]*|[0-9][0-9_]*)` + // whole numbers
	`|[-+]?[0-9][0-9_]*(?::[0-9]+)+(?:\.[0-9_]*)?` + // with base 60, and what looks so
	`|[-+]?(?:\.[0-9_]+|[0-9][0-9_]*(?:\.[0-9_]*)?)(?:[eE][-+]?[0-9]+)?` +
	`|[-+]?\.(?i:inf|nan)` +
	`|[0-9]{4}-[0-9]{1,2}-[0-9]{1,2}.*` +
	`|(?i:y|n|yes|no|on|off|true|false|null)|~|=|<<` +
	`)$`)

// isPlain reports whether a text that can be printed needs no quotes.
func isPlain(text string, flow bool) bool {
	if text == "" || strings.HasPrefix(text, " ") || strings.HasSuffix(text, " ") {
		return false
	}
	if strings.IndexByte("-?:,[]{}#&*!|>'\"%@`=<~", text[0]) >= 0 || strings.HasSuffix(text, ":") {
		return false
	}
	if strings.Contains(text, ": ") || strings.Contains(text, " #") || flow && strings.ContainsAny(text, ",[]{}:?") {
		return false
	}
	n := yaml.Node{Kind: yaml.ScalarNode, Value: text}
	return !special.MatchString(text) && yamldoc.Resolve(&n).Type == yamldoc.String
}

// blockText writes a text of lines as a literal scalar or, where it was one and can be, as a folded one. It reports
// whether that is possible with certainty: what ends in one line break at most, without blanks that can't be seen.
func blockText(text string, old yaml.Style, column int) (header string, lines []string, ok bool) {
	body, ends := strings.CutSuffix(text, "\n")
	if body == "" || isBlank(body[0]) || strings.HasSuffix(body, "\n") {
		return "", nil, false
	}
	indent, folds := strings.Repeat(" ", column), old&yaml.FoldedStyle != 0
	for line := range strings.SplitSeq(body, "\n") {
		if !isPrintable(line) || strings.HasSuffix(line, " ") {
			return "", nil, false
		}
		folds = folds && !strings.HasPrefix(line, " ")
		if line != "" {
			line = indent + line
		}
		lines = append(lines, line)
	}
	header = "|"
	if folds {
		header, lines = ">", spread(lines)
	}
	if !ends {
		header += "-"
	}
	return header, lines, true
}

// spread puts an empty line for each line break of a folded scalar, which alone means a blank.
func spread(lines []string) []string {
	out := lines[:1:1]
	for _, line := range lines[1:] {
		if out = append(out, ""); line != "" {
			out = append(out, line)
		}
	}
	return out
}
