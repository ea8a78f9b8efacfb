package httpapi

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/types/known/timestamppb"
)

// alwaysThere is the one text of the contract that is shown when it is empty: it then says that nothing follows.
const alwaysThere protoreflect.Name = "next_page_token"

// encode returns a message as the JSON of the contract: the names of the fields as in the contracts, without spaces, so
// that equal answers are equal bytes; zeros and empty lists present; absent messages absent, and texts that say nothing
// too.
func encode(message proto.Message) ([]byte, error) {
	// Most of a large answer is text, of which some characters are escaped.
	return appendMessage(make([]byte, 0, proto.Size(message)*5/4), message.ProtoReflect())
}

func appendMessage(out []byte, message protoreflect.Message) ([]byte, error) {
	if at, ok := message.Interface().(*timestamppb.Timestamp); ok {
		return appendTime(out, at)
	}
	if strings.HasPrefix(string(message.Descriptor().FullName()), "google.protobuf.") { // texts, and objects of any fields
		raw, err := protojson.Marshal(message.Interface())
		if err != nil {
			return nil, err
		}
		whole := bytes.NewBuffer(out)
		err = json.Compact(whole, raw)
		return whole.Bytes(), err
	}
	out = append(out, '{')
	start := len(out)
	fields := message.Descriptor().Fields()
	for i := range fields.Len() {
		field := fields.Get(i)
		if saysNothing(message, field) {
			continue
		}
		if len(out) > start {
			out = append(out, ',')
		}
		out = append(appendText(out, field.TextName()), ':')
		var err error
		if out, err = appendField(out, field, message.Get(field)); err != nil {
			return nil, err
		}
	}
	return append(out, '}'), nil
}

// appendTime appends a time as protojson writes it: in UTC, with 0, 3, 6 or 9 digits of a second. A status has a dozen,
// and protojson takes as long for one as all else of it takes.
func appendTime(out []byte, at *timestamppb.Timestamp) ([]byte, error) {
	if err := at.CheckValid(); err != nil {
		return nil, err
	}
	out = at.AsTime().AppendFormat(append(out, '"'), "2006-01-02T15:04:05.000000000")
	for range 3 {
		out = bytes.TrimSuffix(out, []byte("000"))
	}
	return append(bytes.TrimSuffix(out, []byte(".")), 'Z', '"'), nil
}

// saysNothing reports whether a field has no place in the JSON of its message.
func saysNothing(message protoreflect.Message, field protoreflect.FieldDescriptor) bool {
	if message.Has(field) {
		return false
	}
	single := !field.IsList() && !field.IsMap()
	return field.HasPresence() || single && field.Kind() == protoreflect.StringKind && field.Name() != alwaysThere
}

func appendField(out []byte, field protoreflect.FieldDescriptor, value protoreflect.Value) ([]byte, error) {
	switch {
	case field.IsMap():
		return appendMap(out, field, value.Map())
	case field.IsList():
		return appendList(out, field, value.List())
	}
	return appendSingle(out, field, value)
}

func appendList(out []byte, field protoreflect.FieldDescriptor, list protoreflect.List) ([]byte, error) {
	out = append(out, '[')
	for i := range list.Len() {
		if i > 0 {
			out = append(out, ',')
		}
		var err error
		if out, err = appendSingle(out, field, list.Get(i)); err != nil {
			return nil, err
		}
	}
	return append(out, ']'), nil
}

func appendMap(out []byte, field protoreflect.FieldDescriptor, entries protoreflect.Map) ([]byte, error) {
	byKey := map[string]protoreflect.Value{}
	entries.Range(func(key protoreflect.MapKey, value protoreflect.Value) bool {
		byKey[key.String()] = value
		return true
	})
	out = append(out, '{')
	for i, key := range slices.Sorted(maps.Keys(byKey)) {
		if i > 0 {
			out = append(out, ',')
		}
		out = append(appendText(out, key), ':')
		var err error
		if out, err = appendSingle(out, field.MapValue(), byKey[key]); err != nil {
			return nil, err
		}
	}
	return append(out, '}'), nil
}

func appendSingle(out []byte, field protoreflect.FieldDescriptor, value protoreflect.Value) ([]byte, error) {
	switch field.Kind() {
	case protoreflect.MessageKind:
		return appendMessage(out, value.Message())
	case protoreflect.StringKind:
		return appendText(out, value.String()), nil
	case protoreflect.BoolKind:
		return strconv.AppendBool(out, value.Bool()), nil
	case protoreflect.Int32Kind:
		return strconv.AppendInt(out, value.Int(), 10), nil
	}
	return nil, fmt.Errorf("%s is of kind %v, which the JSON contract does not have", field.FullName(), field.Kind())
}

const hexDigits = "0123456789abcdef"

// appendText appends a JSON text. What a message holds is UTF-8.
func appendText(out []byte, text string) []byte {
	out = append(out, '"')
	done := 0
	for i := range len(text) {
		c := text[i]
		if c >= ' ' && c != '"' && c != '\\' {
			continue
		}
		out = append(out, text[done:i]...)
		done = i + 1
		switch c {
		case '"', '\\':
			out = append(out, '\\', c)
		case '\n':
			out = append(out, '\\', 'n')
		case '\t':
			out = append(out, '\\', 't')
		case '\r':
			out = append(out, '\\', 'r')
		default:
			out = append(out, '\\', 'u', '0', '0', hexDigits[c>>4], hexDigits[c&0xf])
		}
	}
	return append(append(out, text[done:]...), '"')
}
