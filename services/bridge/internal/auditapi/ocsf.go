package auditapi

import (
	"cmp"
	"encoding/json"
	"maps"
	"net/netip"
	"path"
	"strings"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/reflect/protoregistry"

	"fgdsync.dev/libs/app"
	"fgdsync.dev/libs/chain"
	accessv1 "fgdsync.dev/proto/fgd/access/v1"
)

// Numbers of OCSF 1.3: API Activity of the category Application Activity.
const (
	ocsfVersion  = "1.3.0"
	ocsfCategory = 6
	ocsfClass    = 6003

	ocsfCreate = 1
	ocsfRead   = 2
	ocsfUpdate = 3
	ocsfDelete = 4
	ocsfOther  = 99

	ocsfUnknown = 0
	ocsfSuccess = 1
	ocsfFailure = 2

	ocsfInformational = 1
	ocsfLow           = 2
)

type object = map[string]any

// toOCSF returns a line as an event of OCSF. What that has no place for is in unmapped.
func toOCSF(l chain.Line) ([]byte, error) {
	activity, name := activityOf(l.Action)
	status, statusName := statusOf(l)
	severity := ocsfInformational
	if l.Stage == chain.Denied {
		severity = ocsfLow
	}
	unmapped := object{
		"stage": string(l.Stage), "prev": l.Prev, "fabric_id": l.FabricID, "sync_id": l.SyncID, "trace_id": l.TraceID,
	}
	if l.ValidateOnly {
		unmapped["validate_only"] = true
	}
	event := object{
		"category_uid": ocsfCategory, "category_name": "Application Activity",
		"class_uid": ocsfClass, "class_name": "API Activity",
		"activity_id": activity, "activity_name": name, "type_uid": ocsfClass*100 + activity,
		"time": l.Time.UnixMilli(), "severity_id": severity, "status_id": status, "status": statusName,
		"metadata": object{
			"version": ocsfVersion, "uid": l.Hash, "sequence": l.Seq, "log_name": l.Log, "correlation_uid": l.CorrelationID,
			"product": object{"name": "FGD Sync", "vendor_name": "FGD Sync", "version": app.Version},
		},
		"api": apiOf(l), "actor": actorOf(l), "src_endpoint": endpointOf(l.Source), "status_code": l.Code,
		"status_detail": l.Message,
		"unmapped":      unmapped,
	}
	if l.Count > 0 {
		event["count"] = l.Count
	}
	if o := l.Object; o != nil {
		event["resources"] = []object{{"type": o.Kind, "name": o.Name}}
	}
	return json.Marshal(filled(event))
}

// filled leaves out what is empty.
func filled(o object) object {
	maps.DeleteFunc(o, func(_ string, value any) bool {
		inner, is := value.(object)
		return value == "" || value == int32(0) || is && len(filled(inner)) == 0
	})
	return o
}

func actorOf(l chain.Line) object {
	p := l.Principal
	if p == nil {
		return object{"user": object{"name": "unknown", "type_id": ocsfUnknown}}
	}
	actor := object{"user": object{"name": p.Name, "uid": p.Subject, "credential_uid": p.TokenID}}
	if p.Via != "" {
		actor["app_name"] = p.Via
	}
	return actor
}

// apiOf returns what was called: an RPC, or a request that was refused before it was known which it is.
func apiOf(l chain.Line) object {
	api := object{
		"operation": l.Action, "request": object{"uid": l.ID},
		"response": object{"code_string": l.Code, "message": l.Message},
	}
	if isRPC(l.Action) {
		api["operation"], api["service"] = path.Base(l.Action), object{"name": path.Dir(l.Action)}
	}
	return api
}

// endpointOf returns where a call came from. What counts many calls has a network, and what the bridge does by itself
// has nothing.
func endpointOf(source string) object {
	if _, err := netip.ParseAddr(source); err == nil {
		return object{"ip": source}
	}
	return object{"name": cmp.Or(source, "bridge")}
}

func isRPC(action string) bool { return strings.HasPrefix(action, "fgd.") }

// changes reports whether an RPC changes something, as its contract says.
func changes(action string) bool {
	found, _ := protoregistry.GlobalFiles.FindDescriptorByName(protoreflect.FullName(strings.ReplaceAll(action, "/", ".")))
	rpc, is := found.(protoreflect.MethodDescriptor)
	if !is {
		return true // one of another version
	}
	mutates, _ := proto.GetExtension(rpc.Options(), accessv1.E_Mutates).(bool)
	return mutates
}

func activityOf(action string) (id int, name string) {
	verb := path.Base(action)
	switch {
	case strings.HasPrefix(action, "GET "), isRPC(action) && !changes(action):
		return ocsfRead, "Read"
	case !isRPC(action):
		return ocsfOther, "Other"
	case strings.HasPrefix(verb, "Create"), strings.HasPrefix(verb, "Trigger"):
		return ocsfCreate, "Create"
	case strings.HasPrefix(verb, "Delete"), strings.HasPrefix(verb, "Revoke"):
		return ocsfDelete, "Delete"
	}
	return ocsfUpdate, "Update"
}

func statusOf(l chain.Line) (id int, name string) {
	switch {
	case l.Code == chain.OK:
		return ocsfSuccess, "Success"
	case l.Code != "":
		return ocsfFailure, "Failure"
	}
	return ocsfUnknown, "Unknown"
}
