package rpc

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"buf.build/gen/go/bufbuild/protovalidate/protocolbuffers/go/buf/validate"
	"buf.build/go/protovalidate"
	"google.golang.org/grpc"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/types/descriptorpb"

	"fgdsync.dev/libs/errs"
	"fgdsync.dev/libs/printable"
)

// unaryRules refuses requests that break a rule of the contracts, before anything else looks at them.
func unaryRules(ctx context.Context, req any, _ *grpc.UnaryServerInfo, next grpc.UnaryHandler) (any, error) {
	if err := checkRules(req); err != nil {
		return nil, err
	}
	return next(ctx, req)
}

// streamRules does so for streams of answers. The messages of a stream from a caller have no rules.
func streamRules(srv any, stream grpc.ServerStream, info *grpc.StreamServerInfo, next grpc.StreamHandler) error {
	if info.IsClientStream {
		return next(srv, stream)
	}
	return next(srv, checkedStream{stream})
}

// checkedStream is a stream of answers to one request.
type checkedStream struct{ grpc.ServerStream }

// RecvMsg receives the request, or says what is wrong with it.
func (s checkedStream) RecvMsg(m any) error {
	if err := s.ServerStream.RecvMsg(m); err != nil {
		return err
	}
	return checkRules(m)
}

// checkRules holds a request against the rules of its message. All servers of a process share what the library has
// compiled of them, each message when it first comes: an environment of CEL of its own is 1 MB and 1 ms for each.
func checkRules(req any) error {
	message, ok := req.(proto.Message)
	if !ok {
		return nil
	}
	err := protovalidate.Validate(message, protovalidate.WithFailFast())
	var broken *protovalidate.ValidationError
	if errors.As(err, &broken) && len(broken.Violations) > 0 {
		return newViolation(message, broken.Violations[0]).refusal()
	}
	if err != nil {
		return fmt.Errorf("judge %s: %w", message.ProtoReflect().Descriptor().FullName(), err)
	}
	return nil
}

// violation is a broken rule, and the field that it is about.
type violation struct {
	*protovalidate.Violation
	// name is the one that the caller used. A rule of several fields of the request has no path; what comes before the
	// dot in its id names the field to correct.
	name  string
	field protoreflect.FieldDescriptor // nil when the rule is one of the whole request
	rules *validate.FieldRules         // of the field, or of an entry of it
}

func newViolation(request proto.Message, broken *protovalidate.Violation) violation {
	v := violation{Violation: broken, name: protovalidate.FieldPathString(broken.Proto.GetField())}
	if v.name == "" {
		v.name, _, _ = strings.Cut(broken.Proto.GetRuleId(), ".")
	}
	message := request.ProtoReflect().Descriptor()
	for _, element := range broken.Proto.GetField().GetElements() {
		field := message.Fields().ByNumber(protoreflect.FieldNumber(element.GetFieldNumber()))
		if field == nil { // the rule is one of a oneof, which has a name alone
			break
		}
		v.field = field
		v.rules, _ = proto.GetExtension(fieldOptions(v.field), validate.E_Field).(*validate.FieldRules)
		if element.HasIndex() {
			v.rules = v.rules.GetRepeated().GetItems()
		}
		message = v.field.Message()
	}
	return v
}

// refusal puts the broken rule into words.
func (v violation) refusal() error { return errs.Field(v.name, "%s.", v.sentence()) }

func (v violation) sentence() string {
	id := v.Proto.GetRuleId()
	_, rule, _ := strings.Cut(id, ".")
	switch {
	case id == "required", rule == "min_items", v.missing():
		return v.name + " is needed"
	case !v.RuleValue.IsValid(): // a rule in CEL, which has its own words
		return v.Proto.GetMessage()
	case rule == "max_len":
		return fmt.Sprintf("%s is too long; allowed are at most %v characters", v.name, v.RuleValue.Interface())
	case rule == "max_items":
		return fmt.Sprintf("%s has %d entries; allowed are at most %v", v.name, v.FieldValue.List().Len(),
			v.RuleValue.Interface())
	}
	return fmt.Sprintf("%s is %s; allowed is %s", v.name, v.shown(), v.allowed(rule))
}

// missing reports whether a text that has to be there is not, whatever rule found it out: those in CEL are looked at
// before min_len.
func (v violation) missing() bool {
	text, is := v.FieldValue.Interface().(string)
	return is && strings.TrimSpace(text) == "" && v.rules.GetString().GetMinLen() > 0
}

// allowed says which values a field takes.
func (v violation) allowed(rule string) string {
	switch {
	case rule == "in":
		return list(v.RuleValue.List())
	case rule == "prefix":
		return fmt.Sprintf("what begins with %q", v.RuleValue.String())
	case rule == "pattern":
		return formWords(v.RuleValue.String())
	case strings.HasPrefix(rule, "gt"), strings.HasPrefix(rule, "lt"):
		return bounds(v.rules)
	}
	return v.Proto.GetMessage()
}

// formWords says in words what a pattern of the contracts demands. A test holds that there are words for each.
func formWords(pattern string) string {
	switch pattern {
	case "^[0-9a-f]{40}$":
		return "the 40 hex digits of a commit, in lower case"
	case "^[0-9a-f]{16}$":
		return "the 16 hex digits of a log, in lower case"
	case "^(HEAD|@|[0-9a-f]{4,40})([~^][0-9]{0,5})*$":
		return "4 to 40 hex digits of a commit, or HEAD, with ~N or ^N behind"
	case "^(env|file):[A-Za-z0-9_][A-Za-z0-9_.-]*$":
		return "env:NAME or file:NAME, with a name of letters, digits, _, . and -"
	case `^(|requester|committer|[^<>\x00-\x1f]+ <[^<>@ \x00-\x1f]+@[^<>@ \x00-\x1f]+>)$`:
		return "requester, committer, or NAME <ADDRESS>"
	case `^(|[^<>\x00-\x1f]+ <[^<>@ \x00-\x1f]+@[^<>@ \x00-\x1f]+>)$`:
		return "NAME <ADDRESS>"
	}
	return "what has the form " + pattern
}

// maxShown bounds what is repeated of a value, in characters.
const maxShown = 80

// shown repeats the value, unless it is a secret or stands where one is often put by mistake.
func (v violation) shown() string {
	if nearSecret(v.field) {
		return "[redacted]"
	}
	if text, ok := v.FieldValue.Interface().(string); ok {
		return fmt.Sprintf("%q", printable.Truncate(text, maxShown))
	}
	return fmt.Sprint(v.FieldValue.Interface())
}

// nearSecret reports whether a field, or another one of its message, holds a secret.
func nearSecret(field protoreflect.FieldDescriptor) bool {
	fields := field.ContainingMessage().Fields()
	for i := range fields.Len() {
		if fieldOptions(fields.Get(i)).GetDebugRedact() {
			return true
		}
	}
	return false
}

func fieldOptions(field protoreflect.FieldDescriptor) *descriptorpb.FieldOptions {
	options, _ := field.Options().(*descriptorpb.FieldOptions)
	return options
}

func list(values protoreflect.List) string {
	words := make([]string, values.Len())
	for i := range words {
		words[i] = values.Get(i).String()
	}
	return strings.Join(words, ", ")
}

// bounds says which numbers a field takes. Where there is a greatest one, 0 stands for a default.
func bounds(rules *validate.FieldRules) string {
	var least int64
	switch {
	case rules.GetInt32().HasGt():
		least = int64(rules.GetInt32().GetGt()) + 1
	case rules.GetInt64().HasGt():
		least = rules.GetInt64().GetGt() + 1
	default:
		least = max(int64(rules.GetInt32().GetGte()), rules.GetInt64().GetGte())
	}
	most := max(int64(rules.GetInt32().GetLte()), rules.GetInt64().GetLte())
	if most == 0 {
		return fmt.Sprintf("%d or more", least)
	}
	return fmt.Sprintf("%d to %d", max(least, 1), most)
}
