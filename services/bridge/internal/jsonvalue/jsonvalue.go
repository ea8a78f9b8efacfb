// Package jsonvalue compares values of JSON by what they mean.
package jsonvalue

import (
	"cmp"
	"encoding/json"
	"math/big"
	"strconv"
	"strings"
)

// Equal reports whether two values mean the same: the order of keys and how a number is written do not count.
func Equal(a, b any) bool {
	switch a := a.(type) {
	case map[string]any:
		other, is := b.(map[string]any)
		if !is || len(a) != len(other) {
			return false
		}
		for key, value := range a {
			if inner, there := other[key]; !there || !Equal(value, inner) {
				return false
			}
		}
		return true
	case []any:
		other, is := b.([]any)
		if !is || len(a) != len(other) {
			return false
		}
		for i := range a {
			if !Equal(a[i], other[i]) {
				return false
			}
		}
		return true
	}
	if one, is := a.(json.Number); is {
		if other, is := b.(json.Number); is && one == other {
			return true
		}
	}
	if one, is := Number(a); is {
		other, is := Number(b)
		return is && one.Cmp(other) == 0
	}
	_, isNumber := Number(b)
	_, isMap := b.(map[string]any)
	_, isList := b.([]any)
	return !isNumber && !isMap && !isList && a == b
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
