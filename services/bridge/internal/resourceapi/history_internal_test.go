package resourceapi

import (
	"fmt"
	"strings"
	"testing"

	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/types/known/structpb"

	bridgev1 "fgdsync.dev/proto/fgd/bridge/v1"
	fabricv1 "fgdsync.dev/proto/fgd/fabric/v1"
	reportv1 "fgdsync.dev/proto/fgd/report/v1"
	"fgdsync.dev/services/bridge/internal/merge"
)

func contentWith(spec string) *reportv1.ResourceContent {
	return &reportv1.ResourceContent{Spec: []byte(spec)}
}

func shownValue(t *testing.T, value *structpb.Value) string {
	t.Helper()
	if value == nil {
		return "<nil>"
	}
	raw, err := protojson.Marshal(value)
	if err != nil {
		t.Fatal(err)
	}
	return string(raw)
}

// TestFieldsOfAChange: what was not there is absent and no null, the order of what has none is no change, and a number
// comes as it is written where a reader would round it.
func TestFieldsOfAChange(t *testing.T) {
	t.Parallel()
	merger, err := merge.New()
	if err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		before, after *reportv1.ResourceContent
		want          string
	}{
		"nothing":     {contentWith(`{"a":1}`), contentWith(`{"a":1.0}`), ``},
		"another":     {contentWith(`{"a":1}`), contentWith(`{"a":2.5}`), `spec.a: 1 2.5;`},
		"inserted":    {contentWith(`{"a":1}`), contentWith(`{"a":1,"b":null}`), `spec.b: <nil> null;`},
		"removed":     {contentWith(`{"a":1,"b":[true]}`), contentWith(`{"a":1}`), `spec.b: [true] <nil>;`},
		"made":        {nil, contentWith(`{"a":0.1}`), `spec.a: <nil> 0.1;`},
		"gone":        {contentWith(`{"a":"x"}`), nil, `spec.a: "x" <nil>;`},
		"large":       {contentWith(`{"a":9007199254740993}`), contentWith(`{"a":9007199254740992}`), `spec.a: "9007199254740993" 9007199254740992;`},
		"very large":  {nil, contentWith(`{"a":[1e400]}`), `spec.a: <nil> ["1e400"];`},
		"many digits": {nil, contentWith(`{"a":0.12345678901234567890}`), `spec.a: <nil> "0.12345678901234567890";`},
	} {
		past := &bridgev1.PastChange{}
		err := addFields(past, merger, "VPC", &fabricv1.ResourceChange{Before: c.before, After: c.after})
		got := ""
		for _, field := range past.GetFields() {
			got += field.GetPath() + ":"
			got += " " + shownValue(t, field.GetFrom()) + " " + shownValue(t, field.GetTo()) + ";"
		}
		if err != nil || got != c.want {
			t.Errorf("%s: %q, not %q; %v", name, got, c.want, err)
		}
	}
}

// TestManyFieldsOfAChange: they are cut, and it is said how many are missing.
func TestManyFieldsOfAChange(t *testing.T) {
	t.Parallel()
	merger, err := merge.New()
	if err != nil {
		t.Fatal(err)
	}
	var fields []string
	for i := range mostFields + 3 {
		fields = append(fields, fmt.Sprintf(`"f%d":%d`, i, i))
	}
	past := &bridgev1.PastChange{}
	after := contentWith("{" + strings.Join(fields, ",") + "}")
	if err := addFields(past, merger, "VPC", &fabricv1.ResourceChange{After: after}); err != nil {
		t.Fatal(err)
	}
	if len(past.GetFields()) != mostFields || past.GetFieldsLeftOut() != 3 {
		t.Errorf("%d fields, and %d left out", len(past.GetFields()), past.GetFieldsLeftOut())
	}
}

// TestLargeValuesOfAChange: they are left out, which is said, and is not taken for what is not there.
func TestLargeValuesOfAChange(t *testing.T) {
	t.Parallel()
	merger, err := merge.New()
	if err != nil {
		t.Fatal(err)
	}
	whole, over := strings.Repeat("x", valueBytes-len(`""`)), strings.Repeat("x", valueBytes)
	for name, c := range map[string]struct {
		before, after *reportv1.ResourceContent
		from, to      bool
	}{
		"as large as may be": {contentWith(`{"a":1}`), contentWith(`{"a":"` + whole + `"}`), false, false},
		"too large since":    {contentWith(`{"a":1}`), contentWith(`{"a":"` + over + `"}`), false, true},
		"too large before":   {contentWith(`{"a":"` + over + `"}`), nil, true, false},
	} {
		past := &bridgev1.PastChange{}
		err := addFields(past, merger, "VPC", &fabricv1.ResourceChange{Before: c.before, After: c.after})
		if err != nil || len(past.GetFields()) != 1 {
			t.Fatalf("%s: %d fields, %v", name, len(past.GetFields()), err)
		}
		field := past.GetFields()[0]
		if field.GetFromLeftOut() != c.from || (field.GetFrom() == nil) != c.from ||
			field.GetToLeftOut() != c.to || (field.GetTo() == nil) != (c.to || c.after == nil) {
			t.Errorf("%s: left out are %t and %t", name, field.GetFromLeftOut(), field.GetToLeftOut())
		}
	}
}
