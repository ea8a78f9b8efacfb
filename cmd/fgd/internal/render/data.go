package render

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/itchyny/gojq"
	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
	"sigs.k8s.io/yaml"

	"fgdsync.dev/libs/errs"
)

// Plain returns an answer as values of JSON, with the field names of the API. Of a response that has nothing but one
// message it is that message, and of a list its entries, as the API and people have them.
func Plain(answer any) (any, error) {
	var raw []byte
	var err error
	if message, is := answer.(proto.Message); is {
		raw, err = encoded(message)
	} else {
		raw, err = json.Marshal(answer)
	}
	if err != nil {
		return nil, fmt.Errorf("encode JSON: %w", err)
	}
	var value any
	decoder := json.NewDecoder(bytes.NewReader(raw))
	decoder.UseNumber()
	if err := decoder.Decode(&value); err != nil {
		return nil, fmt.Errorf("encode JSON: %w", err)
	}
	if message, is := answer.(proto.Message); is {
		if field := content(message.ProtoReflect().Descriptor()); field != nil {
			return value.(map[string]any)[string(field.Name())], nil //nolint:forcetypeassert // an object, of a message
		}
	}
	return value, nil
}

func encoded(m proto.Message) ([]byte, error) {
	return protojson.MarshalOptions{UseProtoNames: true, EmitDefaultValues: true}.Marshal(m)
}

// content returns the field that a response is all about: the entries of a list, or the only one, when that is a
// message; nil where there is none.
func content(of protoreflect.MessageDescriptor) protoreflect.FieldDescriptor {
	fields, name := of.Fields(), string(of.Name())
	if !strings.HasSuffix(name, "Response") {
		return nil
	}
	if strings.HasPrefix(name, "List") {
		for i := range fields.Len() {
			if field := fields.Get(i); field.IsList() && field.Message() != nil {
				return field
			}
		}
	}
	if fields.Len() == 1 && fields.Get(0).Message() != nil && !fields.Get(0).IsList() {
		return fields.Get(0)
	}
	return nil
}

// Document prints a value as JSON.
func Document(w io.Writer, v any) error {
	encoder := json.NewEncoder(w)
	encoder.SetEscapeHTML(false)
	encoder.SetIndent("", "  ")
	if err := encoder.Encode(v); err != nil {
		return fmt.Errorf("encode JSON: %w", err)
	}
	return nil
}

// YAML prints a value as YAML.
func YAML(w io.Writer, v any) error {
	raw, err := yaml.Marshal(v)
	if err == nil {
		_, err = w.Write(raw)
	}
	if err != nil {
		return fmt.Errorf("encode YAML: %w", err)
	}
	return nil
}

// Filtered prints what a jq expression makes of values of JSON, each result on a line; a text as it is.
func Filtered(w io.Writer, v any, expression string) error {
	query, err := gojq.Parse(expression)
	if err != nil {
		return errs.New(errs.InvalidRequest, "--jq is no expression: %v.", err)
	}
	results := query.Run(v)
	for {
		result, more := results.Next()
		if !more {
			return nil
		}
		if err, failed := result.(error); failed {
			var halt *gojq.HaltError
			if errors.As(err, &halt) && halt.Value() == nil {
				return nil
			}
			return errs.New(errs.InvalidRequest, "--jq can't be applied: %v.", err)
		}
		if err := line(w, result); err != nil {
			return err
		}
	}
}

func line(w io.Writer, result any) error {
	text, isText := result.(string)
	if !isText {
		raw, err := gojq.Marshal(result)
		if err != nil {
			return fmt.Errorf("encode JSON: %w", err)
		}
		text = string(raw)
	}
	_, err := fmt.Fprintln(w, text)
	return err
}

// nameFields are what people and commands call a thing, by the message that describes it.
var nameFields = map[protoreflect.Name]string{ //nolint:gochecknoglobals // read only
	"Fabric": "name", "SyncStatus": "sync_id", "QuarantinedFile": "path", "Commit": "commit_sha", "Resource": "name",
	"PastChange": "commit_sha", "Conflict": "conflict_id", "Token": "token_id", "DeadLetter": "id", "AuditLine": "seq",
}

// Names prints what the things of an answer are called, each on a line.
func Names(w io.Writer, data any, answer any) error {
	field := ""
	if message, is := answer.(proto.Message); is {
		described := message.ProtoReflect().Descriptor()
		if about := content(described); about != nil {
			described = about.Message()
		}
		field = nameFields[described.Name()]
	}
	if field == "" {
		return errs.New(errs.InvalidRequest, "What this command prints has no names for -o name.").
			WithRemedy("Use -o json, and --jq for a part of it.")
	}
	things, isList := data.([]any)
	if !isList {
		things = []any{data}
	}
	for _, thing := range things {
		if object, is := thing.(map[string]any); is {
			if _, err := fmt.Fprintln(w, object[field]); err != nil {
				return err
			}
		}
	}
	return nil
}
