// Package jsonvalue compares values of JSON by what they mean.
package jsonvalue

import (
	"cmp"
	"encoding/json"
	"math/big"
	"slices"
	"strconv"
	"strings"
)

// Equal reports whether two values mean the same: the order of keys and how a number is written do not count.
func Equal(a, b any) bool {
	switch a := a.(type) {
	case map[string]any:
		other, is := b.(map[string]any)
		return is && equalObjects(a, other)
	case []any:
		other, is := b.([]any)
		return is && slices.EqualFunc(a, other, Equal)
	case json.Number:
		if other, is := b.(json.Number); is && (a == other || isPlain(string(a)) && isPlain(string(other))) {
			return a == other
		}
	}
	if one, is := Number(a); is {
		other, is := Number(b)
		return is && one.Cmp(other) == 0
	}
	return isScalar(b) && a == b
}

func equalObjects(a, b map[string]any) bool {
	if len(a) != len(b) {
		return false
	}
	for key, value := range a {
		if other, there := b[key]; !there || !Equal(value, other) {
			return false
		}
	}
	return true
}

// isScalar reports whether a value is neither an object, nor a list, nor a number.
func isScalar(value any) bool {
	switch value.(type) {
	case map[string]any, []any:
		return false
	}
	_, isNumber := Number(value)
	return !isNumber
}

// isPlain reports whether a number is written as an integer has to be, which is in one way.
func isPlain(number string) bool {
	digits := strings.TrimPrefix(number, "-")
	if digits == "" || digits[0] == '0' && number != "0" {
		return false
	}
	for i := range len(digits) {
		if digits[i] < '0' || digits[i] > '9' {
			return false
		}
	}
	return true
}

// Number returns the value of a number, however it came.
func Number(value any) (*big.Rat, bool) {
	switch value := value.(type) {
	case json.Number:
		return rational(value.String())
	case int:
		return new(big.Rat).SetInt64(int64(value)), true
	case int64:
		return new(big.Rat).SetInt64(value), true
	case float64:
		return rational(strconv.FormatFloat(value, 'g', -1, 64)) // what is meant is what is written of it
	}
	return nil, false
}

// longestNumber is how many digits of a number are looked at, and how many its exponent may add: the largest float64
// has 309. A number beyond that is compared as it is written.
const longestNumber = 400

func rational(text string) (*big.Rat, bool) {
	_, exponent, _ := strings.Cut(strings.ToLower(text), "e")
	if size, err := strconv.Atoi(cmp.Or(exponent, "0")); err != nil || max(size, -size, len(text)) > longestNumber {
		return nil, false
	}
	return new(big.Rat).SetString(text)
}
