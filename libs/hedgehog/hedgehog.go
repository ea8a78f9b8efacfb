// Package hedgehog knows the Hedgehog API: which groups are its, which kinds people write and which its operators do,
// and the definitions of the kinds that people write. The definitions are generated from the Go types below api/.
package hedgehog

import (
	"embed"
	"io/fs"
	"strings"
)

//go:generate go run sigs.k8s.io/controller-tools/cmd/controller-gen@v0.23.0 crd:maxDescLen=0 paths=./api/... output:crd:dir=crds

//go:embed crds/*.yaml
var builtin embed.FS

// BuiltinCRDs returns the CustomResourceDefinitions, a file each.
func BuiltinCRDs() fs.FS {
	sub, err := fs.Sub(builtin, "crds")
	if err != nil { // the folder is compiled in
		panic(err)
	}
	return sub
}

// Domain is what the names of all API groups end in.
const Domain = "githedgehog.com"

// IsHedgehogGroup reports whether an API group is Hedgehog's.
func IsHedgehogGroup(group string) bool {
	return group == Domain || strings.HasSuffix(group, "."+Domain)
}

// OperatorWritten reports whether a kind is written by Hedgehog's own operators and never by people.
func OperatorWritten(group, kind string) bool {
	switch kind + "." + group {
	case "Agent.agent." + Domain, "Catalog.agent." + Domain, "DHCPSubnet.dhcp." + Domain, "VPCInfo.gateway." + Domain,
		"GatewayAgent.gwint." + Domain:
		return true
	}
	return false
}

// CoreKindFolders returns the folders below managed/ that every fabric directory has.
func CoreKindFolders() []string {
	return []string{
		"connections", "servers", "switches", "switchgroups", "vlannamespaces", "vpcs", "externals", "externalattachments",
		"externalpeerings", "ipv4namespaces", "vpcattachments", "vpcpeerings",
	}
}
