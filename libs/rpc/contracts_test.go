package rpc_test

import (
	"errors"
	"testing"

	"buf.build/gen/go/bufbuild/protovalidate/protocolbuffers/go/buf/validate"
	"buf.build/go/protovalidate"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/reflect/protoregistry"

	accessv1 "fgdsync.dev/proto/fgd/access/v1"
	_ "fgdsync.dev/proto/fgd/admin/v1"
	_ "fgdsync.dev/proto/fgd/bridge/v1"
	_ "fgdsync.dev/proto/fgd/directory/v1"
	_ "fgdsync.dev/proto/fgd/fabric/v1"
	_ "fgdsync.dev/proto/fgd/git/v1"
	_ "fgdsync.dev/proto/fgd/health/v1"
	_ "fgdsync.dev/proto/fgd/ingestion/v1"
	_ "fgdsync.dev/proto/fgd/sync/v1"
)

const publicPackage = "fgd.bridge.v1"

// rpcs calls visit with every RPC of the suite.
func rpcs(visit func(protoreflect.MethodDescriptor)) {
	protoregistry.GlobalFiles.RangeFiles(func(file protoreflect.FileDescriptor) bool {
		for i := range file.Services().Len() {
			service := file.Services().Get(i)
			if service.FullName().Parent().Parent().Parent() != "fgd" {
				continue
			}
			for j := range service.Methods().Len() {
				visit(service.Methods().Get(j))
			}
		}
		return true
	})
}

// TestEveryRPCHasARole: those of the public package one that a person can have, all others that of a service.
func TestEveryRPCHasARole(t *testing.T) {
	t.Parallel()
	count := 0
	rpcs(func(method protoreflect.MethodDescriptor) {
		count++
		role, _ := proto.GetExtension(method.Options(), accessv1.E_Role).(accessv1.Role)
		public := method.ParentFile().Package() == publicPackage
		if role == accessv1.Role_ROLE_UNSPECIFIED || public == (role == accessv1.Role_ROLE_SERVICE) {
			t.Errorf("%s has %s", method.FullName(), role)
		}
	})
	if count < 60 {
		t.Errorf("only %d RPCs were looked at", count)
	}
}

// TestEveryRuleIsSound: each is compiled here, and not only when the first request meets it.
func TestEveryRuleIsSound(t *testing.T) {
	t.Parallel()
	var requests []protoreflect.MessageDescriptor
	rpcs(func(method protoreflect.MethodDescriptor) { requests = append(requests, method.Input()) })
	validator, err := protovalidate.New(protovalidate.WithDisableLazy(), protovalidate.WithMessageDescriptors(requests...))
	if err != nil {
		t.Fatal(err)
	}
	for _, request := range requests {
		kind, err := protoregistry.GlobalTypes.FindMessageByName(request.FullName())
		if err != nil {
			t.Fatal(err)
		}
		var broken *protovalidate.ValidationError
		if err := validator.Validate(kind.New().Interface()); err != nil && !errors.As(err, &broken) {
			t.Errorf("%s: %v", request.FullName(), err)
		}
	}
}

// TestStreamsFromCallersHaveNoRules: nothing would look at them.
func TestStreamsFromCallersHaveNoRules(t *testing.T) {
	t.Parallel()
	rpcs(func(method protoreflect.MethodDescriptor) {
		if method.IsStreamingClient() {
			if field := ruled(method.Input(), map[protoreflect.FullName]bool{}); field != "" {
				t.Errorf("%s is a stream from a caller, and %s has a rule", method.FullName(), field)
			}
		}
	})
}

// ruled returns the first field of a message, or of one in it, that has a rule.
func ruled(message protoreflect.MessageDescriptor, seen map[protoreflect.FullName]bool) protoreflect.FullName {
	if seen[message.FullName()] {
		return ""
	}
	seen[message.FullName()] = true
	if proto.HasExtension(message.Options(), validate.E_Message) {
		return message.FullName()
	}
	for i := range message.Fields().Len() {
		field := message.Fields().Get(i)
		if proto.HasExtension(field.Options(), validate.E_Field) {
			return field.FullName()
		}
		if field.Message() != nil {
			if found := ruled(field.Message(), seen); found != "" {
				return found
			}
		}
	}
	return ""
}
