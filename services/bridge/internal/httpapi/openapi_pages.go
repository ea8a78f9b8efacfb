package httpapi

// operationalTag groups the paths that are no RPCs.
const operationalTag = "Operations"

// addOperational adds the paths that are served beside the API.
func (d *document) addOperational() {
	d.Tags = append(d.Tags, object{
		"name": operationalTag, "description": "Health, metrics, live progress over WebSocket, and this document.",
	})
	health := object{"description": "Every service can take work.", "schema": reference("GetHealthResponse")}
	d.addPage("/healthz", "healthz", "Says that the process answers.", "application/json", object{
		"description": "It does.",
		"schema":      object{"type": "object", "properties": object{"status": object{"type": "string"}}},
	})
	d.addPage("/readyz", "readyz", "Says whether every service can take work.", "application/json", health)
	d.Paths["/readyz"]["get"].Responses["503"] = object{
		"description": "A service can't take work; the answer says which.", "schema": reference("GetHealthResponse"),
	}
	d.addPage("/metrics", "metrics", "Shows the metrics of the process, for Prometheus.", "text/plain", object{
		"description": "Metrics in the text format of Prometheus.", "schema": object{"type": "string"},
	})
	d.addPage("/openapi.json", "openapi", "Shows this document.", "application/json", object{
		"description": "An OpenAPI 2.0 document.", "schema": object{"type": "object"},
	})
	d.addPage("/docs", "docs", "Shows this document to people.", "text/html", object{
		"description": "A page.", "schema": object{"type": "string"},
	})
	d.addWebSocket("/ws/sync-progress/{sync_id}", "webSocket")
	d.addWebSocket("/ws/plugins/hedgehog/sync-progress/{sync_id}", "webSocket2")
}

func (d *document) addPage(path, id, summary, contentType string, ok object) {
	d.Paths[path] = map[string]*operation{"get": {
		Summary: summary, OperationID: id, Tags: []string{operationalTag}, Produces: []string{contentType},
		Responses: map[string]object{"200": ok, "default": errorResponse()},
	}}
}

func (d *document) addWebSocket(path, id string) {
	d.Paths[path] = map[string]*operation{"get": {
		Summary: "Streams the progress of a sync from its start to its end, over WebSocket.", OperationID: id,
		Description: "Each message is a text frame. The connection ends after the last one with status 1000.",
		Tags:        []string{operationalTag}, Schemes: []string{"ws", "wss"},
		Parameters: []object{{
			"name": "sync_id", "in": "path", "required": true, "type": "string", "description": "Which sync.",
		}},
		Responses: map[string]object{
			"101": {
				"description": "The connection speaks WebSocket from here on.", "schema": reference("StreamSyncEventsResponse"),
			},
			"default": errorResponse(),
		},
	}}
}
