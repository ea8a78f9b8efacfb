package rpc

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"google.golang.org/grpc"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/reflect/protoregistry"

	accessv1 "fgdsync.dev/proto/fgd/access/v1"
)

// CheckAudience reports the first RPC of a server that its contract does not give to the audience: one for other
// services on a server for callers, one for callers on a server for services, or one without a role.
func CheckAudience(services map[string]grpc.ServiceInfo, audience Audience) error {
	for _, service := range slices.Sorted(maps.Keys(services)) {
		if strings.HasPrefix("/"+service, ownService) {
			continue
		}
		for _, method := range services[service].Methods {
			role, err := roleOf(service, method.Name)
			if err != nil {
				return err
			}
			internal := role == accessv1.Role_ROLE_SERVICE
			if role == accessv1.Role_ROLE_UNSPECIFIED || internal != (audience == Services) {
				return fmt.Errorf("%s/%s has %s and can't be served to %s", service, method.Name, role, audience)
			}
		}
	}
	return nil
}

// roleOf returns the least role that an RPC takes.
func roleOf(service, method string) (accessv1.Role, error) {
	found, err := contractOf(service, method)
	if err != nil {
		return 0, err
	}
	role, _ := proto.GetExtension(found.Options(), accessv1.E_Role).(accessv1.Role)
	return role, nil
}

// contractOf returns what the contracts say of an RPC.
func contractOf(service, method string) (protoreflect.Descriptor, error) {
	found, err := protoregistry.GlobalFiles.FindDescriptorByName(protoreflect.FullName(service + "." + method))
	if err != nil {
		return nil, fmt.Errorf("find the contract of %s/%s: %w", service, method, err)
	}
	return found, nil
}
