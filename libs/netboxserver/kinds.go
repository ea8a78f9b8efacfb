package netboxserver

import (
	"cmp"
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
	records  []map[string]any // by their numbers

	numbers map[identity]any // of the records; nil when it has to be made anew
}

// identity is which record it is, among those of a kind.
type identity struct{ fabric, namespace, name any }

func identityOf(record map[string]any) identity {
	return identity{record["fabric"], record["namespace"], record["name"]}
}

// add adds a record, which is newer than all others.
func (k *kind) add(record map[string]any) {
	k.records = append(k.records, record)
	if k.numbers != nil {
		k.numbers[identityOf(record)] = record["id"]
	}
}

// change puts a record in the place of one.
func (k *kind) change(i int, record map[string]any) {
	if identityOf(k.records[i]) != identityOf(record) {
		k.numbers = nil
	}
	k.records[i] = record
}

// replace puts records in the place of all.
func (k *kind) replace(records []map[string]any) { k.records, k.numbers = records, nil }

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

// find returns the index of a record by its number, and -1 when there is none.
func (k *kind) find(id any) int {
	number, is := id.(int)
	if !is {
		return -1
	}
	i, found := slices.BinarySearchFunc(k.records, number, func(record map[string]any, number int) int {
		own, _ := record["id"].(int)
		return cmp.Compare(own, number)
	})
	if !found {
		return -1
	}
	return i
}

// twin reports whether another record than that with a number has the identity of one (Q5).
func (k *kind) twin(record map[string]any) bool {
	if k.numbers == nil {
		k.numbers = make(map[identity]any, len(k.records))
		for _, other := range k.records {
			k.numbers[identityOf(other)] = other["id"]
		}
	}
	other, there := k.numbers[identityOf(record)]
	return there && other != record["id"]
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
