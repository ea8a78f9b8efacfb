package httpapi

import (
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"

	"buf.build/gen/go/bufbuild/protovalidate/protocolbuffers/go/buf/validate"
	"buf.build/go/protovalidate"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/reflect/protoregistry"
	"google.golang.org/protobuf/types/dynamicpb"

	"fgdsync.dev/services/bridge/internal/apiv1"
)

// contract is the package that the document describes.
const contract = "fgd.bridge.v1"

// addRules adds what the contract demands of requests, which is what the server checks.
func (d *document) addRules() error {
	defaults := apiv1.Defaults()
	for name, definition := range d.Definitions {
		if name == unusedNull {
			delete(d.Definitions, name)
			continue
		}
		message, err := messageOf(name)
		if err != nil {
			return err
		}
		required, err := requiredOf(message)
		if err != nil {
			return err
		}
		for name, property := range definition.Properties {
			addFieldRules(property, message.Fields().ByTextName(name))
			addDefault(property, defaults[message.FullName()][protoreflect.Name(name)])
			if slices.Contains(required, name) {
				definition.Required = append(definition.Required, name)
			}
		}
		slices.Sort(definition.Required)
		definition.Description = strings.Join(append([]string{definition.Description}, sentencesOf(message)...), " ")
	}
	for _, operations := range d.Paths {
		for _, operation := range operations {
			if err := operation.addRules(defaults); err != nil {
				return err
			}
		}
	}
	return nil
}

// addRules is document.addRules for the parameters of a path or a query.
func (o *operation) addRules(defaults map[protoreflect.FullName]map[protoreflect.Name]any) error {
	message, err := requestOf(o.rpc())
	if err != nil {
		return err
	}
	required, err := requiredOf(message)
	if err != nil {
		return err
	}
	for _, parameter := range o.Parameters {
		name, _ := parameter["name"].(string)
		if parameter["in"] == "body" {
			continue
		}
		addFieldRules(parameter, message.Fields().ByTextName(name))
		addDefault(parameter, defaults[message.FullName()][protoreflect.Name(name)])
		if slices.Contains(required, name) {
			parameter["required"] = true
		}
	}
	if sentences := sentencesOf(message); len(sentences) > 0 && len(o.namesIn("body")) == 0 {
		o.Description = strings.Join(sentences, " ")
	}
	return nil
}

// unusedNull is the definition that comes along with objects of any fields, and that nothing refers to.
const unusedNull = "NullValue"

// messageOf returns the message of a definition. What a body holds beside its path is named after the request.
func messageOf(definition string) (protoreflect.MessageDescriptor, error) {
	name := definition
	if request, ok := strings.CutSuffix(name, "Body"); ok {
		name = request + "Request"
	}
	found, err := protoregistry.GlobalFiles.FindDescriptorByName(protoreflect.FullName(contract + "." + name))
	if err != nil {
		return nil, fmt.Errorf("find the message of %s: %w", definition, err)
	}
	message, ok := found.(protoreflect.MessageDescriptor)
	if !ok {
		return nil, fmt.Errorf("%s is no message", definition)
	}
	return message, nil
}

// requestOf returns the request of an RPC that an operation is named after.
func requestOf(operationID string) (protoreflect.MessageDescriptor, error) {
	name := protoreflect.FullName(contract + "." + strings.ReplaceAll(operationID, "_", "."))
	found, err := protoregistry.GlobalFiles.FindDescriptorByName(name)
	if err != nil {
		return nil, fmt.Errorf("find the RPC of %s: %w", operationID, err)
	}
	method, ok := found.(protoreflect.MethodDescriptor)
	if !ok {
		return nil, fmt.Errorf("%s is no RPC", operationID)
	}
	return method.Input(), nil
}

// requiredOf returns the fields of a message that are needed: those for which an empty one is refused.
func requiredOf(message protoreflect.MessageDescriptor) ([]string, error) {
	broken, err := violations(dynamicpb.NewMessage(message))
	if err != nil {
		return nil, fmt.Errorf("judge an empty %s: %w", message.FullName(), err)
	}
	required := map[string]bool{}
	for _, v := range broken {
		if path := v.Proto.GetField().GetElements(); len(path) == 1 {
			required[path[0].GetFieldName()] = true
		}
	}
	return slices.Sorted(maps.Keys(required)), nil
}

// violations returns every rule of the contract that a message breaks.
func violations(message proto.Message) ([]*protovalidate.Violation, error) {
	err := protovalidate.Validate(message)
	if broken, ok := err.(*protovalidate.ValidationError); ok { //nolint:errorlint // it is never wrapped
		return broken.Violations, nil
	}
	return nil, err
}

// sentencesOf returns what is demanded of several fields of a message together.
func sentencesOf(message protoreflect.MessageDescriptor) []string {
	rules, _ := proto.GetExtension(message.Options(), validate.E_Message).(*validate.MessageRules)
	var sentences []string
	for _, rule := range rules.GetCel() {
		text := rule.GetMessage()
		sentences = append(sentences, strings.ToUpper(text[:1])+text[1:]+".")
	}
	return sentences
}

func addDefault(target object, value any) {
	if value != nil {
		target["default"] = value
	}
}

// addFieldRules adds the rules of a field to a property or a parameter.
func addFieldRules(target object, field protoreflect.FieldDescriptor) {
	if field == nil {
		return
	}
	rules, _ := proto.GetExtension(field.Options(), validate.E_Field).(*validate.FieldRules)
	addValueRules(target, rules)
	items, isList := target["items"].(object)
	if list := rules.GetRepeated(); list != nil && isList {
		addNumber(target, "minItems", list.HasMinItems(), list.GetMinItems())
		addNumber(target, "maxItems", list.HasMaxItems(), list.GetMaxItems())
		addValueRules(items, list.GetItems())
	}
}

func addValueRules(target object, rules *validate.FieldRules) {
	if text := rules.GetString(); text != nil {
		addTextRules(target, text)
	}
	// Numbers of 64 bits are texts in JSON, and have no bounds there.
	if number := rules.GetInt32(); number != nil {
		addNumber(target, "minimum", number.HasGte(), number.GetGte())
		addNumber(target, "minimum", number.HasGt(), number.GetGt()+1)
		addNumber(target, "maximum", number.HasLte(), number.GetLte())
	}
}

func addTextRules(target object, text *validate.StringRules) {
	if len(text.GetIn()) > 0 {
		target["enum"] = text.GetIn()
	}
	addNumber(target, "minLength", text.HasMinLen(), text.GetMinLen())
	addNumber(target, "maxLength", text.HasMaxLen(), text.GetMaxLen())
	if text.HasPattern() {
		target["pattern"] = text.GetPattern()
	}
	if text.HasPrefix() {
		target["pattern"] = "^" + regexp.QuoteMeta(text.GetPrefix())
	}
}

func addNumber[N int32 | uint64](target object, key string, given bool, value N) {
	if given {
		target[key] = value
	}
}
