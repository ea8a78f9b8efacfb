package httpapi

import (
	"encoding/json"
	"strings"
	"testing"

	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/reflect/protoregistry"
	"google.golang.org/protobuf/types/dynamicpb"
	"google.golang.org/protobuf/types/known/structpb"
	"google.golang.org/protobuf/types/known/timestamppb"
	"pgregory.net/rapid"
)

// drawn fills a message with anything that it can hold.
func drawn(t *rapid.T, message protoreflect.Message, depth int) {
	fields := message.Descriptor().Fields()
	for i := range fields.Len() {
		field := fields.Get(i)
		if !rapid.Bool().Draw(t, string(field.FullName())) || depth > 3 {
			continue
		}
		switch {
		case field.IsMap():
			entry := message.Mutable(field).Map()
			key := protoreflect.ValueOfString(rapid.String().Draw(t, "key")).MapKey()
			entry.Set(key, drawnValue(t, entry.NewValue(), field.MapValue(), depth))
		case field.IsList():
			list := message.Mutable(field).List()
			for range rapid.IntRange(0, 2).Draw(t, "entries") {
				list.Append(drawnValue(t, list.NewElement(), field, depth))
			}
		default:
			message.Set(field, drawnValue(t, message.NewField(field), field, depth))
		}
	}
}

func drawnValue(
	t *rapid.T, empty protoreflect.Value, field protoreflect.FieldDescriptor, depth int,
) protoreflect.Value {
	switch field.Kind() {
	case protoreflect.StringKind:
		return protoreflect.ValueOfString(rapid.String().Draw(t, "text"))
	case protoreflect.BoolKind:
		return protoreflect.ValueOfBool(rapid.Bool().Draw(t, "bool"))
	case protoreflect.Int32Kind:
		return protoreflect.ValueOfInt32(rapid.Int32().Draw(t, "number"))
	}
	if known := drawnKnown(t, field.Message().FullName()); known != nil {
		proto.Merge(empty.Message().Interface(), convert(known, empty.Message()))
		return empty
	}
	if field.Message().FullName() == (&structpb.Value{}).ProtoReflect().Descriptor().FullName() {
		value, err := structpb.NewValue(rapid.SampledFrom([]any{nil, true, 1.5, "x", []any{1, nil}}).Draw(t, "value"))
		if err != nil {
			t.Fatal(err)
		}
		proto.Merge(empty.Message().Interface(), convert(value, empty.Message()))
		return empty
	}
	drawn(t, empty.Message(), depth+1)
	return empty
}

// drawnKnown returns a message of a type that has a JSON form of its own; nil for all others.
func drawnKnown(t *rapid.T, name protoreflect.FullName) proto.Message {
	object := func() map[string]any {
		return map[string]any{
			rapid.String().Draw(t, "key"): rapid.String().Draw(t, "text"), "number": rapid.Int32().Draw(t, "number"),
			"list": []any{true, nil, map[string]any{"a": 1.5}},
		}
	}
	var drawn proto.Message
	var err error
	switch name {
	case (&timestamppb.Timestamp{}).ProtoReflect().Descriptor().FullName():
		drawn = &timestamppb.Timestamp{Seconds: rapid.Int64Range(0, 1<<34).Draw(t, "time")}
	case (&structpb.Struct{}).ProtoReflect().Descriptor().FullName():
		drawn, err = structpb.NewStruct(object())
	case (&structpb.Value{}).ProtoReflect().Descriptor().FullName():
		one := rapid.SampledFrom([]any{nil, true, 1.5, "text", []any{}, object()}).Draw(t, "value")
		drawn, err = structpb.NewValue(one)
	}
	if err != nil {
		t.Fatal(err)
	}
	return drawn
}

// convert returns a message in the Go type of another one.
func convert(m proto.Message, like protoreflect.Message) proto.Message {
	out := like.New().Interface()
	raw, err := proto.Marshal(m)
	if err == nil {
		err = proto.Unmarshal(raw, out)
	}
	if err != nil {
		panic(err)
	}
	return out
}

// TestWhatIsEncodedIsTheMessage: every message of the contract is read back as it was written, and its JSON has no
// spaces.
func TestWhatIsEncodedIsTheMessage(t *testing.T) {
	t.Parallel()
	n := 0
	protoregistry.GlobalFiles.RangeFilesByPackage(contract, func(file protoreflect.FileDescriptor) bool {
		for i := range file.Messages().Len() {
			n++
			descriptor := file.Messages().Get(i)
			rapid.Check(t, func(t *rapid.T) {
				message := dynamicpb.NewMessage(descriptor)
				drawn(t, message, 0)
				requireSame(t, message)
			})
		}
		return true
	})
	if n < 60 {
		t.Errorf("only %d messages", n)
	}
}

func requireSame(t *rapid.T, message *dynamicpb.Message) {
	raw, err := encode(message)
	if err != nil {
		t.Fatal(err)
	}
	if !json.Valid(raw) || strings.Contains(string(raw), "\n") {
		t.Fatalf("no JSON of one line: %s", raw)
	}
	back := dynamicpb.NewMessage(message.Descriptor())
	if err := protojson.Unmarshal(raw, back); err != nil || !proto.Equal(message, back) {
		t.Fatalf("%v: %s", err, raw)
	}
}

// TestTimesAreThoseOfProtojson: at any second and with any digits of it.
func TestTimesAreThoseOfProtojson(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		at := &timestamppb.Timestamp{
			Seconds: rapid.Int64Range(-62135596801, 253402300800).Draw(t, "seconds"),
			Nanos:   rapid.SampledFrom([]int32{1, 1_000, 1_000_000}).Draw(t, "unit") * rapid.Int32Range(-1, 999).Draw(t, "n"),
		}
		want, refused := protojson.Marshal(at)
		got, err := encode(at)
		if (err != nil) != (refused != nil) || err == nil && string(got) != string(want) {
			t.Fatalf("%s, %v; want %s, %v", got, err, want, refused)
		}
	})
}
