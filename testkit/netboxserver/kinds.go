package netboxserver

import (
	"maps"
	"slices"
	"strings"
)

// kind is an endpoint, and the records behind it.
type kind struct {
	endpoint string
	page     string // where its pages are, when it is not as the endpoint
	model    string // as messages call it
	verbose  string // the same in words
	misnamed bool   // NetBox does not find its page (Q2)
	fabric   bool   // it is the one of fabrics
	fields   []field
	records  []map[string]any
}

// field is one that can be written.
type field struct {
	name     string
	required bool
	initial  any
	read     func(s *Server, value any) (any, string) // a value as it is kept, or why it is refused
	hold     func(value any) string                   // what the model has against a value
}

// endpoints returns all kinds, without records.
func endpoints() map[string]*kind {
	all := map[string]*kind{"fabrics": {
		model: "HedgehogFabric", verbose: "hedgehog fabric", misnamed: true, fabric: true, fields: fabricFields(),
	}}
	for endpoint, model := range map[string]string{
		"vpcs": "VPC", "connections": "Connection", "servers": "Server", "switches": "Switch",
		"switch-groups": "SwitchGroup", "ipv4-namespaces": "IPv4Namespace", "vlan-namespaces": "VLANNamespace",
	} {
		all[endpoint] = &kind{model: model, fields: resourceFields()}
	}
	for endpoint, model := range map[string]string{
		"externals": "External", "external-attachments": "ExternalAttachment",
		"external-peerings": "ExternalPeering", "vpc-attachments": "VPCAttachment", "vpc-peerings": "VPCPeering",
	} {
		all[endpoint] = &kind{model: model, fields: resourceFields(), misnamed: true}
	}
	for endpoint, k := range all {
		k.endpoint = endpoint
	}
	all["ipv4-namespaces"].page = "ipv4namespaces"
	return all
}

func resourceFields() []field {
	return []field{
		{name: "fabric", required: true, read: fabricNumber},
		{name: "name", required: true, read: text(253), hold: name},
		{name: "namespace", initial: "default", read: text(253), hold: name},
		{name: "spec", required: true, read: anything, hold: jsonThatIs},
		{name: "labels", initial: map[string]any{}, read: anything, hold: jsonMaybe},
		{name: "annotations", initial: map[string]any{}, read: anything, hold: jsonMaybe},
		{
			name: "kubernetes_status", initial: "unknown",
			read: choice("unknown", "pending", "applied", "live", "error", "deleting"),
		},
		{name: "kubernetes_uid", initial: "", read: text(36)},
		{name: "kubernetes_resource_version", initial: "", read: text(50)},
		{name: "last_applied", read: moment},
		{name: "last_synced", read: moment},
		{name: "sync_error", initial: "", read: text(0)},
		{name: "auto_sync", initial: true, read: boolean},
	}
}

func fabricFields() []field {
	return []field{
		{name: "name", required: true, read: text(100)},
		{name: "description", initial: "", read: text(0)},
		{name: "status", initial: "planned", read: choice("planned", "active", "maintenance", "decommissioned")},
		{name: "connection_status", initial: "unknown", read: choice("unknown", "connected", "disconnected", "error")},
		{
			name: "sync_status", initial: "never_synced",
			read: choice("never_synced", "in_sync", "out_of_sync", "syncing", "error"),
		},
		{name: "kubernetes_server", initial: "", read: text(255)},
		{name: "kubernetes_token", initial: "", read: text(0)},
		{name: "kubernetes_ca_cert", initial: "", read: text(0)},
		{name: "kubernetes_namespace", initial: "default", read: text(253)},
		{name: "sync_enabled", initial: true, read: boolean},
		{name: "sync_interval", initial: 300, read: count},
		{name: "sync_error", initial: "", read: text(0)},
		{name: "connection_error", initial: "", read: text(0)},
		{name: "last_sync", read: moment},
		{name: "cached_crd_count", initial: 0, read: count},
		{name: "cached_vpc_count", initial: 0, read: count},
		{name: "cached_connection_count", initial: 0, read: count},
		{name: "connections_count", initial: 0, read: count},
		{name: "servers_count", initial: 0, read: count},
		{name: "switches_count", initial: 0, read: count},
		{name: "vpcs_count", initial: 0, read: count},
	}
}

// find returns the index of a record by its number as it is in a path, and -1 when there is none.
func (k *kind) find(id any) int {
	return slices.IndexFunc(k.records, func(record map[string]any) bool { return record["id"] == id })
}

// twin reports whether another record than that with a number has the identity of one (Q5).
func (k *kind) twin(record map[string]any) bool {
	return slices.ContainsFunc(k.records, func(other map[string]any) bool {
		return other["id"] != record["id"] && other["fabric"] == record["fabric"] && other["name"] == record["name"] &&
			other["namespace"] == record["namespace"]
	})
}

// shown returns of a record what is asked for; all where nothing is.
func shown(record map[string]any, fields string) map[string]any {
	if fields == "" {
		return maps.Clone(record)
	}
	out := map[string]any{}
	for name := range strings.SplitSeq(fields, ",") {
		if value, there := record[name]; there {
			out[name] = value
		}
	}
	return out
}
