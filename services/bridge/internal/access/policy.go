package access

import (
	"fmt"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/reflect/protoregistry"

	accessv1 "fgdsync.dev/proto/fgd/access/v1"
)

// policy is what the contracts say of each RPC, by its full method.
type policy map[string]rule

// rule is what an RPC takes.
type rule struct {
	role    accessv1.Role
	scope   accessv1.Scope
	mutates bool
	audited bool                         // it has lines in the audit
	starts  bool                         // syncs
	fabric  protoreflect.FieldDescriptor // of the request; nil where the scope needs none
	sync    protoreflect.FieldDescriptor
	rights  []rightField
}

// rightField is a field of the request that takes a right when something is in it.
type rightField struct {
	path  []protoreflect.FieldDescriptor // from the request
	right accessv1.Right
}

// newPolicy reads the contracts of a package. An RPC of which they do not say enough is an error.
func newPolicy(name protoreflect.FullName) (policy, error) {
	p := policy{}
	var flaw error
	protoregistry.GlobalFiles.RangeFilesByPackage(name, func(file protoreflect.FileDescriptor) bool {
		for i := range file.Services().Len() {
			methods := file.Services().Get(i).Methods()
			for j := range methods.Len() {
				method := methods.Get(j)
				r, err := newRule(method)
				if err != nil {
					flaw = fmt.Errorf("the contract of %s: %w", method.FullName(), err)
					return false
				}
				p[fmt.Sprintf("/%s/%s", method.Parent().FullName(), method.Name())] = r
			}
		}
		return true
	})
	return p, flaw
}

// isPublic reports whether an RPC is for whoever reaches the bridge.
func (p policy) isPublic(method string) bool { return p[method].scope == accessv1.Scope_SCOPE_PUBLIC }

func newRule(method protoreflect.MethodDescriptor) (rule, error) {
	options := method.Options()
	r := rule{}
	r.role, _ = proto.GetExtension(options, accessv1.E_Role).(accessv1.Role)
	r.scope, _ = proto.GetExtension(options, accessv1.E_Scope).(accessv1.Scope)
	r.mutates, _ = proto.GetExtension(options, accessv1.E_Mutates).(bool)
	tells, _ := proto.GetExtension(options, accessv1.E_Audited).(bool)
	r.audited = r.mutates || tells
	r.starts, _ = proto.GetExtension(options, accessv1.E_StartsSyncs).(bool)
	if r.role < accessv1.Role_ROLE_VIEWER || r.role > accessv1.Role_ROLE_ADMIN {
		return rule{}, fmt.Errorf("%s is no role of callers", r.role)
	}
	fields := method.Input().Fields()
	switch r.scope {
	case accessv1.Scope_SCOPE_FABRIC:
		r.fabric = fields.ByName("fabric_id")
		if r.fabric == nil || r.fabric.Kind() != protoreflect.Int32Kind {
			return rule{}, fmt.Errorf("%s, and the request has no int32 fabric_id", r.scope)
		}
	case accessv1.Scope_SCOPE_SYNC:
		r.sync = fields.ByName("sync_id")
		if r.sync == nil || r.sync.Kind() != protoreflect.StringKind {
			return rule{}, fmt.Errorf("%s, and the request has no string sync_id", r.scope)
		}
	case accessv1.Scope_SCOPE_ANY, accessv1.Scope_SCOPE_ALL:
	case accessv1.Scope_SCOPE_PUBLIC:
		if r.audited {
			return rule{}, fmt.Errorf("%s, and it changes something or hands out a secret", r.scope)
		}
	case accessv1.Scope_SCOPE_UNSPECIFIED:
		return rule{}, fmt.Errorf("%s", r.scope)
	}
	r.rights = rightFields(method.Input(), nil)
	return r, nil
}

// rightFields finds the fields of a message that take a right, at any depth. Requests do not hold themselves.
func rightFields(message protoreflect.MessageDescriptor, path []protoreflect.FieldDescriptor) []rightField {
	var found []rightField
	fields := message.Fields()
	for i := range fields.Len() {
		field := fields.Get(i)
		here := append(path[:len(path):len(path)], field)
		if right, _ := proto.GetExtension(field.Options(), accessv1.E_Right).(accessv1.Right); right != 0 {
			found = append(found, rightField{here, right})
		}
		if field.Message() != nil && !field.IsList() && !field.IsMap() {
			found = append(found, rightFields(field.Message(), here)...)
		}
	}
	return found
}

// isAsked reports whether a request has something in the field.
func (f rightField) isAsked(request protoreflect.Message) bool {
	for i, field := range f.path {
		if !request.Has(field) {
			return false
		}
		if i < len(f.path)-1 {
			request = request.Get(field).Message()
		}
	}
	last := f.path[len(f.path)-1]
	if last.Kind() == protoreflect.BoolKind && last.HasPresence() {
		return request.Get(last).Bool() // false is no wish
	}
	return true
}

// name returns what the field is called in a request, as JSON has it.
func (f rightField) name() string {
	name := ""
	for i, field := range f.path {
		if i > 0 {
			name += "."
		}
		name += string(field.Name())
	}
	return name
}
