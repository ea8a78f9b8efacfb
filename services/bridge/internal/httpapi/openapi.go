package httpapi

import (
	"cmp"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
)

type object = map[string]any

// description is the API's OpenAPI document, and what the gateway needs to know of it.
type description struct {
	json    []byte
	queries queryNames // all parameters
	times   queryNames // those that are times
}

// lazyDescription returns the description, which is made when it is first asked for: that takes 10 ms.
type lazyDescription func() (*description, error)

// describe completes the generated OpenAPI document: its title and version, the rules that the contract states for
// requests, what absent fields mean, examples, the error that every operation can answer with, the shape of the live
// messages, which the generator takes for the gateway's own streams, and the paths beside the API.
func describe(generated []byte, version string) (*description, error) {
	var document document
	if err := json.Unmarshal(generated, &document); err != nil {
		return nil, fmt.Errorf("decode: %w", err)
	}
	document.Info = object{
		"title": "FGD Sync", "version": version,
		"description": "Keeps the GitOps directories of Hedgehog fabrics in order. Every path answers with and without a " +
			"slash at its end. What is not described is refused. Of an answer, texts and times that have nothing to say are " +
			"absent; paths that take GET take HEAD.",
	}
	if err := document.addRules(); err != nil {
		return nil, err
	}
	if err := document.addExamples(); err != nil {
		return nil, err
	}
	document.Definitions["Error"] = errorDefinition()
	document.Definitions["Failure"] = failureDefinition()
	queries, times := queryNames{}, queryNames{}
	for path, operations := range document.Paths {
		for method, operation := range operations {
			operation.Responses["default"] = errorResponse()
			switch {
			case operation.is("SyncService_StreamSyncEvents"):
				describeStream(operation)
			case operation.is("AuditService_ExportAudit"):
				describeExport(operation)
			case operation.is("FabricService_WatchFabrics"):
				describeWatch(operation)
			}
			key := operationKey(strings.ToUpper(method), path)
			queries[key], times[key] = operation.namesIn("query"), operation.times()
		}
	}
	document.addOperational()
	document.sortTags()
	raw, err := json.MarshalIndent(document, "", "  ")
	if err != nil {
		return nil, fmt.Errorf("encode: %w", err)
	}
	return &description{json: raw, queries: queries, times: times}, nil
}

// document is an OpenAPI 2.0 document.
type document struct {
	Swagger     string                           `json:"swagger"`
	Info        object                           `json:"info"`
	Tags        []object                         `json:"tags"`
	Consumes    []string                         `json:"consumes"`
	Produces    []string                         `json:"produces"`
	Paths       map[string]map[string]*operation `json:"paths"`
	Definitions map[string]*schema               `json:"definitions"`
}

// operation is what a method does at a path.
type operation struct {
	Summary     string            `json:"summary,omitempty"`
	Description string            `json:"description,omitempty"`
	OperationID string            `json:"operationId"`
	Responses   map[string]object `json:"responses"`
	Parameters  []object          `json:"parameters,omitempty"`
	Produces    []string          `json:"produces,omitempty"`
	Schemes     []string          `json:"schemes,omitempty"`
	Tags        []string          `json:"tags"`
}

// schema is the description of a message.
type schema struct {
	Type        string            `json:"type"`
	Properties  map[string]object `json:"properties,omitempty"`
	Description string            `json:"description,omitempty"`
	Required    []string          `json:"required,omitempty"`
	Example     any               `json:"example,omitempty"`
}

// is reports whether the operation is a binding of an RPC. Additional bindings have a number at the end of their id.
func (o *operation) is(id string) bool { return o.rpc() == id }

func (o *operation) rpc() string { return strings.TrimRight(o.OperationID, "0123456789") }

// namesIn returns the names of the parameters in a part of the request.
func (o *operation) namesIn(part string) []string {
	var names []string
	for _, parameter := range o.Parameters {
		if name, ok := parameter["name"].(string); ok && parameter["in"] == part {
			names = append(names, name)
		}
	}
	return names
}

// times returns the names of the parameters that are times, and says that dates are taken too.
func (o *operation) times() []string {
	var names []string
	for _, parameter := range o.Parameters {
		if name, ok := parameter["name"].(string); ok && parameter["format"] == "date-time" {
			names = append(names, name)
			parameter["description"] = fmt.Sprint(parameter["description"], " A date alone, such as 2026-03-01, is taken too.")
		}
	}
	return names
}

func describeStream(o *operation) {
	o.Produces = []string{"application/x-ndjson", "text/event-stream"}
	o.Responses["200"] = object{
		"description": "One message a line; as server-sent events when the request accepts text/event-stream. The same " +
			"messages come as text frames over WebSocket at /ws/sync-progress/{sync_id}/.",
		"schema": reference("StreamSyncEventsResponse"),
	}
}

func describeExport(o *operation) {
	o.Produces = []string{ndjson}
	o.Responses["200"] = object{
		"description": "One line of the audit a line, as it is in the file, or as an event of OCSF.",
		"schema":      object{"type": "string", "format": "binary"},
	}
}

func describeWatch(o *operation) {
	o.Produces = []string{ndjson}
	o.Responses["200"] = object{"description": "One fabric a line, until the caller goes.", "schema": reference("Fabric")}
}

// sortTags puts the groups of operations into the order in which people need them.
func (d *document) sortTags() {
	order := []string{
		"FabricService", "SyncService", "ResourceService", "DirectoryService", "QuarantineService", "HistoryService",
		"HealthService", "MaintenanceService", "AccessService", "AuditService", "WebhookService", "NetBoxService",
		"ConflictService", "NotificationService", operationalTag,
	}
	place := func(tag object) int {
		if i := slices.IndexFunc(order, func(name string) bool { return tag["name"] == name }); i >= 0 {
			return i
		}
		return len(order)
	}
	slices.SortStableFunc(d.Tags, func(a, b object) int { return cmp.Compare(place(a), place(b)) })
}

func reference(definition string) object { return object{"$ref": "#/definitions/" + definition} }

func errorResponse() object {
	return object{"description": "What went wrong, and what to do.", "schema": reference("Error")}
}

func errorDefinition() *schema {
	return &schema{
		Type: "object", Description: "The form of every error.", Required: []string{"error"},
		Properties: map[string]object{"error": reference("Failure")},
		Example: object{"error": object{
			"code": "FGD_1010", "name": "INVALID_REQUEST", "message": "name is needed.",
			"remedy": "Correct the named argument.", "details": object{"field": "name"},
			"timestamp": "2026-03-01T12:00:00Z", "correlation_id": "9f0c1d8e-6a55-4a53-9c7e-0d9d1a3b5c7f",
		}},
	}
}

func failureDefinition() *schema {
	text := func(description string) object { return object{"type": "string", "description": description} }
	return &schema{
		Type: "object", Description: "What went wrong, and what to do.",
		Required: []string{"code", "name", "message", "remedy", "details", "timestamp", "correlation_id"},
		Properties: map[string]object{
			"code":    text("Stable code, for example FGD_3001."),
			"name":    text("Name of the code, for example SYNC_ALREADY_IN_PROGRESS."),
			"message": text("What is the matter."),
			"remedy":  text("What to do."),
			"details": {
				"type": "object", "additionalProperties": object{"type": "string"},
				"description": "Particulars. Of a request that is not as it has to be, \"field\" names the field to correct.",
			},
			"timestamp":      {"type": "string", "format": "date-time", "description": "When it happened."},
			"correlation_id": text("Joins the answer with the log; the same as the header X-Correlation-Id."),
		},
	}
}
