package httpapi

import (
	"encoding/json"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/reflect/protoregistry"
	"google.golang.org/protobuf/types/dynamicpb"

	"fgdsync.dev/libs/errs"
	"fgdsync.dev/libs/rpc"
)

// unreadable is what is wrong with one field of a request. The gateway passes errors on as text: see badRequest.
type unreadable struct{ field, problem string }

func (u unreadable) Error() string { return fmt.Sprintf("field %q %s", u.field, u.problem) }

// explainJSON returns an error that names the first field of a message that the message's JSON form can't have. Where
// there is no such field, the whole can't be read, and the decoder's own error stands.
func explainJSON(message protoreflect.MessageDescriptor, raw []byte, err error) error {
	if found := misfit(message, raw, ""); found != nil {
		return *found
	}
	return err
}

// misfit looks through the fields of a message for one that is not known or has a value of another type.
func misfit(message protoreflect.MessageDescriptor, raw []byte, prefix string) *unreadable {
	var object map[string]json.RawMessage
	if json.Unmarshal(raw, &object) != nil {
		if prefix == "" {
			return nil
		}
		return &unreadable{strings.TrimSuffix(prefix, "."), "has to be an object"}
	}
	for _, key := range slices.Sorted(maps.Keys(object)) {
		field := message.Fields().ByTextName(key)
		if field == nil {
			field = message.Fields().ByJSONName(key)
		}
		if field == nil {
			return &unreadable{prefix + rpc.PrintableName(key), "is not a field of this request"}
		}
		if found := misfitValue(field, object[key], prefix+string(field.Name())); found != nil {
			return found
		}
	}
	return nil
}

func misfitValue(field protoreflect.FieldDescriptor, raw json.RawMessage, path string) *unreadable {
	if ours(field) && !field.IsList() && string(raw) != "null" {
		return misfit(field.Message(), raw, path+".")
	}
	alone, err := json.Marshal(map[string]json.RawMessage{field.TextName(): raw})
	if err == nil && protojson.Unmarshal(alone, dynamicpb.NewMessage(field.ContainingMessage())) == nil {
		return nil
	}
	return &unreadable{path, "has to be " + typeWords(field)}
}

// ours reports whether a field holds a message of the contract, and no type that has a JSON form of its own.
func ours(field protoreflect.FieldDescriptor) bool {
	return field.Message() != nil && strings.HasPrefix(string(field.Message().FullName()), "fgd.")
}

// typeWords says what values a field takes.
func typeWords(field protoreflect.FieldDescriptor) string {
	if field.IsList() {
		return "a list"
	}
	switch field.Kind() {
	case protoreflect.StringKind:
		return "a text"
	case protoreflect.BoolKind:
		return "true or false"
	case protoreflect.Int32Kind:
		return "a whole number of 32 bits"
	case protoreflect.Int64Kind:
		return "a whole number of 64 bits"
	case protoreflect.MessageKind:
		if !ours(field) {
			return "a date or a time, for example 2026-03-01 or 2026-03-01T12:00:00Z"
		}
		return "an object"
	default:
		return "of its type"
	}
}

var (
	fieldProblem  = regexp.MustCompile(`^field ("(?:[^"\\]|\\.)*") (.*)$`)
	repeatedField = regexp.MustCompile(`(?:duplicate|too many values for) field "([^"]*)"`)
	wrongArgument = regexp.MustCompile(`^(?:type mismatch, parameter: (\w+), error|parsing (?:field|list) "(\w+)"):`)
)

// badRequest puts what the decoder of a body, of a path or of a query says into the words of every other refusal. The
// method is that of the RPC; it is empty when none was found.
func badRequest(method, text string) error {
	if found := fieldProblem.FindStringSubmatch(text); found != nil {
		if name, err := strconv.Unquote(found[1]); err == nil {
			return errs.Field(name, "%s %s.", name, found[2])
		}
	}
	if found := repeatedField.FindStringSubmatch(text); found != nil {
		return errs.Field(found[1], "%s is given more than once.", found[1])
	}
	if found := wrongArgument.FindStringSubmatch(text); found != nil {
		name := found[1] + found[2]
		return errs.Field(name, "%s has to be %s.", name, argumentWords(method, name))
	}
	// The decoder puts a space of a kind that differs from build to build after its name.
	text = strings.TrimLeft(strings.TrimPrefix(text, "proto:"), " \u00a0")
	return errs.New(errs.InvalidRequest, "The request is not valid: %s.", text).
		WithRemedy("Send one JSON object; /docs has the fields of each request.")
}

// argumentWords says what values a parameter of a path or a query takes.
func argumentWords(method, name string) string {
	full := protoreflect.FullName(strings.ReplaceAll(strings.TrimPrefix(method, "/"), "/", "."))
	if found, err := protoregistry.GlobalFiles.FindDescriptorByName(full); err == nil {
		if called, ok := found.(protoreflect.MethodDescriptor); ok {
			if field := called.Input().Fields().ByTextName(name); field != nil {
				return typeWords(field)
			}
		}
	}
	return "of its type"
}
