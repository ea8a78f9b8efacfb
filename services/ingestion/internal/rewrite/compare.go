package rewrite

import (
	"encoding/json"
	"maps"
	"slices"
	"strconv"
	"strings"
)

// equal reports whether two JSON trees say the same: numbers by their value, objects in any order.
func equal(a, b any) bool {
	switch a := a.(type) {
	case map[string]any:
		b, ok := b.(map[string]any)
		return ok && equalObjects(a, b)
	case []any:
		b, ok := b.([]any)
		return ok && slices.EqualFunc(a, b, equal)
	case json.Number:
		b, ok := b.(json.Number)
		return ok && (a == b || canonicalNumber(string(a)) == canonicalNumber(string(b)))
	case string:
		b, ok := b.(string)
		return ok && a == b
	case bool:
		b, ok := b.(bool)
		return ok && a == b
	default:
		return a == nil && b == nil
	}
}

func equalObjects(a, b map[string]any) bool {
	if len(a) != len(b) {
		return false
	}
	for key, value := range a {
		other, there := b[key]
		if !there || !equal(value, other) {
			return false
		}
	}
	return true
}

// canonical appends a text that two JSON trees share exactly when they say the same.
func canonical(out []byte, value any) []byte {
	switch v := value.(type) {
	case map[string]any:
		out = append(out, '{')
		for _, key := range slices.Sorted(maps.Keys(v)) {
			out = append(strconv.AppendQuote(out, key), ':')
			out = append(canonical(out, v[key]), ',')
		}
		return append(out, '}')
	case []any:
		out = append(out, '[')
		for _, item := range v {
			out = append(canonical(out, item), ',')
		}
		return append(out, ']')
	case json.Number:
		return append(out, canonicalNumber(string(v))...)
	case string:
		return strconv.AppendQuote(out, v)
	case bool:
		return strconv.AppendBool(out, v)
	}
	return append(out, "null"...)
}

// canonicalNumber returns the one form of a number: its digits without zeros around them, and an exponent. What is no
// number stays as it is.
func canonicalNumber(text string) string {
	rest, negative := strings.CutPrefix(text, "-")
	mantissa, exponent, scale := rest, "", int64(0)
	if i := strings.IndexAny(rest, "eE"); i >= 0 {
		mantissa, exponent = rest[:i], rest[i+1:]
	}
	if exponent != "" {
		var err error
		if scale, err = strconv.ParseInt(exponent, 10, 32); err != nil {
			return text
		}
	}
	whole, fraction, _ := strings.Cut(mantissa, ".")
	digits := strings.TrimLeft(whole+fraction, "0")
	short := strings.TrimRight(digits, "0")
	if short == "" {
		return "0"
	}
	scale += int64(len(digits) - len(short) - len(fraction))
	sign := ""
	if negative {
		sign = "-"
	}
	return sign + short + "e" + strconv.FormatInt(scale, 10)
}
