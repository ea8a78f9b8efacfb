package auditapi

import (
	"encoding/json"
	"path"
	"strings"

	"fgdsync.dev/libs/app"
	"fgdsync.dev/libs/chain"
)

// Numbers of OCSF 1.3: API Activity of the category Application Activity.
const (
	ocsfVersion  = "1.3.0"
	ocsfCategory = 6
	ocsfClass    = 6003

	ocsfCreate = 1
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
	event := object{
		"category_uid": ocsfCategory, "category_name": "Application Activity",
		"class_uid": ocsfClass, "class_name": "API Activity",
		"activity_id": activity, "activity_name": name, "type_uid": ocsfClass*100 + activity,
		"time": l.Time.UnixMilli(), "severity_id": severity, "status_id": status, "status": statusName,
		"metadata": object{
			"version": ocsfVersion, "uid": l.Hash, "sequence": l.Seq, "log_name": l.Log, "correlation_uid": l.CorrelationID,
			"product": object{"name": "FGD Sync", "vendor_name": "FGD Sync", "version": app.Version},
		},
		"api": object{
			"operation": path.Base(l.Action), "service": object{"name": path.Dir(l.Action)}, "request": object{"uid": l.ID},
			"response": object{"code_string": l.Code, "message": l.Message},
		},
		"actor": actorOf(l), "src_endpoint": object{"ip": l.Source}, "status_code": l.Code, "status_detail": l.Message,
		"unmapped": object{
			"stage": l.Stage, "prev": l.Prev, "fabric_id": l.FabricID, "sync_id": l.SyncID, "trace_id": l.TraceID,
		},
	}
	if l.Count > 0 {
		event["count"] = l.Count
	}
	if o := l.Object; o != nil {
		event["resources"] = []object{{"type": o.Kind, "name": o.Name}}
	}
	return json.Marshal(event)
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

func activityOf(action string) (id int, name string) {
	verb := path.Base(action)
	switch {
	case strings.HasPrefix(verb, "Create"), strings.HasPrefix(verb, "Trigger"):
		return ocsfCreate, "Create"
	case strings.HasPrefix(verb, "Delete"), strings.HasPrefix(verb, "Revoke"):
		return ocsfDelete, "Delete"
	case strings.Contains(action, "fgd."):
		return ocsfUpdate, "Update"
	}
	return ocsfOther, "Other"
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
