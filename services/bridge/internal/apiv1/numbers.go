package apiv1

import (
	"encoding/json"
	"fmt"
	"maps"
	"math"
	"slices"
	"strconv"

	"google.golang.org/protobuf/types/known/structpb"

	"fgdsync.dev/libs/errs"
	"fgdsync.dev/services/bridge/internal/jsonvalue"
)

// firstInexact is the first whole number that another one may have been rounded to: values of JSON are floating-point
// numbers here, as they are for most who read it.
const firstInexact = 1 << 53

// CheckExact refuses a value with a number that may have been rounded on its way, by the path of that number.
func CheckExact(path string, value *structpb.Value) error {
	at := inexactIn(path, value)
	if at == "" {
		return nil
	}
	return errs.Field(at, "%s is a number of 9007199254740992 or more, or of as much below zero: it may have been "+
		"rounded on its way.", at).
		WithRemedy("Edit the file itself, in Git, or give a smaller number.")
}

// inexactIn returns the path of a number in a value that may have been rounded; empty when there is none.
func inexactIn(path string, value *structpb.Value) string {
	switch kind := value.GetKind().(type) {
	case *structpb.Value_NumberValue:
		if math.Abs(kind.NumberValue) >= firstInexact {
			return path
		}
	case *structpb.Value_ListValue:
		for i, item := range kind.ListValue.GetValues() {
			if at := inexactIn(fmt.Sprintf("%s[%d]", path, i), item); at != "" {
				return at
			}
		}
	case *structpb.Value_StructValue:
		fields := kind.StructValue.GetFields()
		for _, name := range slices.Sorted(maps.Keys(fields)) {
			if at := inexactIn(path+"."+name, fields[name]); at != "" {
				return at
			}
		}
	}
	return ""
}

// ValueToAPI shows a value of JSON that was decoded with json.Number.
func ValueToAPI(value any) (*structpb.Value, error) { return structpb.NewValue(unrounded(value)) }

// unrounded makes texts of the numbers that a float64 can't hold: a reader would see others.
func unrounded(value any) any {
	switch value := value.(type) {
	case map[string]any:
		out := make(map[string]any, len(value))
		for key, inner := range value {
			out[key] = unrounded(inner)
		}
		return out
	case []any:
		out := make([]any, len(value))
		for i, inner := range value {
			out[i] = unrounded(inner)
		}
		return out
	case json.Number:
		number, err := strconv.ParseFloat(value.String(), 64)
		if err != nil || !jsonvalue.Equal(value, number) {
			return value.String()
		}
		return number
	}
	return value
}
