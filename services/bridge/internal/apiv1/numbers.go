package apiv1

import (
	"fmt"
	"maps"
	"math"
	"slices"

	"google.golang.org/protobuf/types/known/structpb"
)

// firstInexact is the first whole number that another one may have been rounded to: values of JSON are floating-point
// numbers here, as they are for most who read it.
const firstInexact = 1 << 53

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
