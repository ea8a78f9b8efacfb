package hnp

import (
	"maps"
	"slices"
)

// endpoints are the kinds of which the plugin has records.
func endpoints() map[string]string {
	return map[string]string{
		"VPC": "vpcs", "External": "externals", "ExternalAttachment": "external-attachments",
		"ExternalPeering": "external-peerings", "IPv4Namespace": "ipv4-namespaces", "VPCAttachment": "vpc-attachments",
		"VPCPeering": "vpc-peerings", "Connection": "connections", "Server": "servers", "Switch": "switches",
		"SwitchGroup": "switch-groups", "VLANNamespace": "vlan-namespaces",
	}
}

// Kinds returns the kinds of which the plugin has records, in order.
func Kinds() []string { return slices.Sorted(maps.Keys(endpoints())) }

// placeholder returns what a record has for a spec that is empty, which the plugin does not take (Q4). Of a Server it
// is one that its definition takes.
func placeholder(kind string) map[string]any {
	if kind == "Server" {
		return map[string]any{"description": ""}
	}
	return map[string]any{"fgd-empty": true}
}
