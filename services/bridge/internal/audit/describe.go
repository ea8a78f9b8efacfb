package audit

import (
	"net/netip"
	"strings"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"

	"fgdsync.dev/libs/chain"
	"fgdsync.dev/libs/secret"
)

// actionOf returns what a full method is called in the audit.
func actionOf(method string) string { return strings.TrimPrefix(method, "/") }

func addressText(from netip.Addr) string {
	if !from.IsValid() {
		return ""
	}
	return from.String()
}

// describe adds what a request or an answer is about. Nothing else of it is looked at: what else it has may be a
// secret.
func describe(line *chain.Line, m proto.Message) {
	if m == nil {
		return
	}
	message := m.ProtoReflect()
	if !message.IsValid() {
		return
	}
	ids(line, message)
	for _, name := range []protoreflect.Name{"fabric", "status", "token", "conflict"} {
		if field := message.Descriptor().Fields().ByName(name); field != nil && field.Message() != nil &&
			!field.IsList() && !field.IsMap() && message.Has(field) {
			ids(line, message.Get(field).Message())
		}
	}
	objects(line, message)
	if isDry(message) {
		line.ValidateOnly = true
	}
}

// isDry reports whether a request, or its options, ask to be shown what would be done alone.
func isDry(message protoreflect.Message) bool {
	fields := message.Descriptor().Fields()
	if f := fields.ByName("include_github_sync"); f != nil && message.Has(f) && !message.Get(f).Bool() {
		return true // nothing is pushed
	}
	if f := fields.ByName("validate_only"); f != nil && f.Kind() == protoreflect.BoolKind {
		return message.Get(f).Bool()
	}
	f := fields.ByName("options")
	return f != nil && f.Message() != nil && !f.IsList() && !f.IsMap() && message.Has(f) && isDry(message.Get(f).Message())
}

// ids adds the numbers and names by which a message says what it is about.
func ids(line *chain.Line, message protoreflect.Message) {
	fields := message.Descriptor().Fields()
	if f := fields.ByName("fabric_id"); f != nil && f.Kind() == protoreflect.Int32Kind && !f.IsList() {
		if id := int32(message.Get(f).Int()); id != 0 {
			line.FabricID = id
		}
	}
	if text := textOf(message, "sync_id"); text != "" {
		line.SyncID = text
	}
	for _, kind := range []string{"token", "conflict"} {
		if text := textOf(message, protoreflect.Name(kind+"_id")); text != "" {
			line.Object = &chain.Object{Kind: kind, Name: text}
		}
	}
}

// objects adds how much a message names, and which commit.
func objects(line *chain.Line, message protoreflect.Message) {
	fields := message.Descriptor().Fields()
	for name, kind := range map[protoreflect.Name]string{"path": "paths", "paths": "paths", "ids": "ids"} {
		if f := fields.ByName(name); f != nil && f.IsList() && message.Get(f).List().Len() > 0 {
			line.Object = &chain.Object{Kind: kind, Count: message.Get(f).List().Len()}
		}
	}
	if text := textOf(message, "commit"); text != "" {
		line.Object = &chain.Object{Kind: "commit", Name: text}
	}
}

func textOf(message protoreflect.Message, name protoreflect.Name) string {
	f := message.Descriptor().Fields().ByName(name)
	if f == nil || f.Kind() != protoreflect.StringKind || f.IsList() {
		return ""
	}
	return secret.Scrub(message.Get(f).String()) // who revokes a token may give the whole of it for its id
}
