package bridge_test

import (
	"slices"
	"strings"
	"testing"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/reflect/protoregistry"

	accessv1 "fgdsync.dev/proto/fgd/access/v1"
	_ "fgdsync.dev/proto/fgd/directory/v1"
	_ "fgdsync.dev/proto/fgd/ingestion/v1"
)

const publicPackage = "fgd.bridge.v1"

// rpcs returns every RPC of the suite's contracts.
func rpcs() []protoreflect.MethodDescriptor {
	var out []protoreflect.MethodDescriptor
	protoregistry.GlobalFiles.RangeFiles(func(file protoreflect.FileDescriptor) bool {
		if !strings.HasPrefix(string(file.Package()), "fgd.") {
			return true
		}
		for i := range file.Services().Len() {
			methods := file.Services().Get(i).Methods()
			for j := range methods.Len() {
				out = append(out, methods.Get(j))
			}
		}
		return true
	})
	return out
}

func isPublic(rpc protoreflect.MethodDescriptor) bool {
	return rpc.ParentFile().Package() == publicPackage
}

// TestEveryRPCNamesItsRole: what a caller of the suite may call takes a role of people, and what only services may call
// takes that of services.
func TestEveryRPCNamesItsRole(t *testing.T) {
	t.Parallel()
	people := []accessv1.Role{accessv1.Role_ROLE_VIEWER, accessv1.Role_ROLE_OPERATOR, accessv1.Role_ROLE_ADMIN}
	packages := map[protoreflect.FullName]bool{}
	for _, rpc := range rpcs() {
		packages[rpc.ParentFile().Package()] = true
		role, _ := proto.GetExtension(rpc.Options(), accessv1.E_Role).(accessv1.Role)
		switch {
		case isPublic(rpc) && !slices.Contains(people, role):
			t.Errorf("%s takes %v, which no person has", rpc.FullName(), role)
		case !isPublic(rpc) && role != accessv1.Role_ROLE_SERVICE:
			t.Errorf("%s takes %v, and is for services only", rpc.FullName(), role)
		}
	}
	if len(packages) != 9 {
		t.Errorf("looked through %d packages: %v", len(packages), packages)
	}
}
