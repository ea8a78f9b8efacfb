package httpapi

import (
	"encoding/json"
	"errors"
	"fmt"
)

type object = map[string]any

// describe completes the generated OpenAPI document: its title and version, the error that every operation can answer
// with, and the shape of the live messages, which the generator takes for the gateway's own streams.
func describe(generated []byte, version string) ([]byte, error) {
	var document object
	if err := json.Unmarshal(generated, &document); err != nil {
		return nil, fmt.Errorf("decode: %w", err)
	}
	paths, ok := document["paths"].(object)
	definitions, defined := document["definitions"].(object)
	if !ok || !defined {
		return nil, errors.New("it has no paths or definitions")
	}
	document["info"] = object{
		"title": "FGD Sync", "version": version,
		"description": "Keeps the GitOps directories of Hedgehog fabrics in order. Every path answers with and without a " +
			"slash at its end.",
	}
	definitions["Error"] = errorDefinition()
	for path, raw := range paths {
		operations, _ := raw.(object)
		for method, raw := range operations {
			operation, _ := raw.(object)
			responses, ok := operation["responses"].(object)
			if !ok {
				return nil, fmt.Errorf("%s %s has no responses", method, path)
			}
			responses["default"] = object{
				"description": "What went wrong, and what to do.",
				"schema":      object{"$ref": "#/definitions/Error"},
			}
			if operation["operationId"] == "BridgeService_StreamSyncEvents" {
				describeStream(operation, responses)
			}
		}
	}
	return json.MarshalIndent(document, "", "  ")
}

func describeStream(operation, responses object) {
	operation["produces"] = []string{"application/x-ndjson", "text/event-stream"}
	responses["200"] = object{
		"description": "One message a line; as server-sent events when the request accepts text/event-stream. The same " +
			"messages come as text frames over WebSocket at /ws/sync-progress/{sync_id}/.",
		"schema": object{"$ref": "#/definitions/StreamSyncEventsResponse"},
	}
}

func errorDefinition() object {
	text := func(description string) object { return object{"type": "string", "description": description} }
	return object{"type": "object", "description": "The form of every error.", "properties": object{
		"error": object{"type": "object", "properties": object{
			"code":    text("Stable code, for example FGD_3001."),
			"name":    text("Name of the code, for example SYNC_ALREADY_IN_PROGRESS."),
			"message": text("What is the matter."),
			"remedy":  text("What to do."),
			"details": object{
				"type": "object", "additionalProperties": object{"type": "string"},
				"description": "Particulars, such as the name of a field.",
			},
			"timestamp":      object{"type": "string", "format": "date-time", "description": "When it happened."},
			"correlation_id": text("Joins the answer with the log; the same as the header X-Correlation-Id."),
		}},
	}}
}
