package references_test

import (
	"slices"
	"strings"
	"testing"

	"fgdsync.dev/libs/hedgehog"
	"fgdsync.dev/services/ingestion/internal/references"
	"fgdsync.dev/services/ingestion/internal/yamldoc"
)

// fabric is a small one in which everything is right.
const fabric = `kind: VLANNamespace
metadata: {name: default}
spec: {ranges: [{from: 1000, to: 1999}]}
---
kind: IPv4Namespace
metadata: {name: default}
spec: {subnets: [10.0.0.0/16]}
---
kind: SwitchGroup
metadata: {name: g}
spec: {}
---
kind: Switch
metadata: {name: leaf}
spec: {role: server-leaf, groups: [g], redundancy: {group: g}, vlanNamespaces: [default]}
---
kind: Switch
metadata: {name: spine}
spec: {role: spine}
---
kind: Server
metadata: {name: server}
spec: {}
---
kind: Connection
metadata: {name: up}
spec: {fabric: {links: [{leaf: {port: leaf/E1/1}, spine: {port: spine/E1/1}}]}}
---
kind: Connection
metadata: {name: down}
spec: {unbundled: {link: {server: {port: server/eth0}, switch: {port: leaf/E1/2}}}}
---
kind: Connection
metadata: {name: out}
spec: {gateway: {links: [{switch: {port: leaf/E1/3}, gateway: {port: gw/enp1}}]}}
---
kind: VPC
metadata: {name: a}
spec: {subnets: {x: {subnet: 10.0.1.0/24, vlan: 1001}, w: {subnet: 10.0.2.0/24}}}
---
kind: VPC
metadata: {name: b}
spec: {ipv4Namespace: default, vlanNamespace: default, subnets: {x: {subnet: 10.0.3.0/24, vlan: 1002}}}
---
kind: VPCAttachment
metadata: {name: at}
spec: {connection: down, subnet: a/x}
---
kind: VPCPeering
metadata: {name: p}
spec: {permit: [{a: {subnets: [w]}, b: {}}]}
---
kind: External
metadata: {name: e}
spec: {ipv4Namespace: default}
---
kind: ExternalAttachment
metadata: {name: ea}
spec: {connection: up, external: e, switch: {}, neighbor: {}}
---
kind: ExternalPeering
metadata: {name: ep}
spec: {permit: {vpc: {name: a, subnets: [x]}, external: {name: e}}}
---
kind: GatewayGroup
metadata: {name: gg}
spec: {}
---
kind: Gateway
metadata: {name: gw}
spec: {groups: [{name: gg}]}
---
kind: GatewayPeering
metadata: {name: gp}
spec: {gatewayGroup: gg, peering: {a: {}, ext.e: {}}}
`

// check returns what is found in a fabric, as "Kind name code message".
func check(t *testing.T, text string) []string {
	t.Helper()
	groups := map[string]string{
		"VPC": "vpc", "External": "vpc", "IPv4Namespace": "vpc", "Gateway": "gateway",
		"GatewayGroup": "gateway",
	}
	var resources []references.Resource
	index := map[hedgehog.ResourceID]int{}
	for _, doc := range yamldoc.Split([]byte(text)) {
		root, err := yamldoc.Parse(doc.Bytes, yamldoc.DefaultLimits())
		if err != nil {
			t.Fatalf("%v: %s", err, doc.Bytes)
		}
		_, metadata := yamldoc.Field(root, "metadata")
		id := hedgehog.ResourceID{
			Kind: yamldoc.Text(root, "kind"), Name: yamldoc.Text(metadata, "name"),
			Namespace: yamldoc.Text(metadata, "namespace"), Group: "wiring.githedgehog.com",
		}
		if group := groups[id.Kind]; group != "" {
			id.Group = group + ".githedgehog.com"
		}
		index[id] = len(resources)
		resources = append(resources, references.Resource{Identity: id, Facts: references.Of(id.Kind, root), Line: doc.Line})
	}
	var out []string
	found := references.Check(resources, func(id hedgehog.ResourceID) (int, bool) {
		at, there := index[id]
		return at,
			there
	})
	requireDangling(t, resources, index, found)
	for _, f := range found {
		if !f.Warning || f.Line == 0 || f.Column == 0 || f.Field == "" || f.RemedyText() == "" {
			t.Errorf("finding without a part: %+v", f)
		}
		id := resources[f.Resource].Identity
		out = append(out, id.Kind+" "+id.Name+" "+f.Code.Name+" "+f.Message)
	}
	return out
}

// requireDangling holds that what dangles is what the findings say is not there.
func requireDangling(t *testing.T, resources []references.Resource, index map[hedgehog.ResourceID]int,
	found []references.Finding,
) {
	t.Helper()
	told, dangling := []string{}, []string{}
	for _, f := range found {
		if missing, is := strings.CutPrefix(f.Message, "there is no "); is {
			told = append(told, resources[f.Resource].Identity.Name+" "+f.Field+" "+missing)
		}
	}
	there := func(id hedgehog.ResourceID) bool { _, there := index[id]; return there }
	for _, r := range resources {
		r.Facts.Dangling(r.Identity, there, func(d references.Dangling) {
			// a cluster has them by itself, which is told once
			if d.To.Name != "default" || !strings.HasSuffix(d.To.Kind, "Namespace") {
				dangling = append(dangling, d.From.Name+" "+d.Field+" "+d.To.Kind+" "+d.To.Name)
			}
		})
	}
	slices.Sort(told)
	slices.Sort(dangling)
	if !slices.Equal(told, dangling) {
		t.Errorf("dangling %q, told %q", dangling, told)
	}
}

func TestNothingFound(t *testing.T) {
	t.Parallel()
	if found := check(t, fabric); len(found) != 0 {
		t.Errorf("%q", found)
	}
}

const noType = "none of unbundled, bundled, eslag, mclag, mclagDomain, fabric, mesh, gateway, vpcLoopback, " +
	"external and staticExternal is there"

func TestFound(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		change []string // old and new texts, in turn
		want   []string
	}{
		"switch": {
			[]string{"port: spine/E1/1", "port: spine-9/E1/1"},
			[]string{"Connection up REFERENCE_MISSING there is no Switch spine-9"},
		},
		"server": {
			[]string{"port: server/eth0", "port: other/eth0"},
			[]string{"Connection down REFERENCE_MISSING there is no Server other"},
		},
		"a server no switch": {
			[]string{"port: leaf/E1/2", "port: server/E1/2"},
			[]string{"Connection down REFERENCE_MISSING there is no Switch server"},
		},
		"port": {
			[]string{"port: leaf/E1/2", "port: leaf/E1/1"},
			[]string{
				"Connection up PORT_CONFLICT the port leaf/E1/1 is used by the Connection down too",
				"Connection down PORT_CONFLICT the port leaf/E1/1 is used by the Connection up too",
			},
		},
		"a port twice in one": {
			[]string{"server: {port: server/eth0}", "server: {port: leaf/E1/2}, switch1: {port: server/eth0}"},
			[]string{
				"Connection down REFERENCE_MISSING there is no Server leaf",
				"Connection down REFERENCE_MISSING there is no Switch server",
				"Connection down PORT_CONFLICT the port leaf/E1/2 is used twice in this Connection",
			},
		},
		"ends of a gateway connection": {
			[]string{
				"{links: [{switch: {port: leaf/E1/3}, gateway: {port: gw/enp1}}]}",
				"{links: [{switch: {port: leaf-9/E1/1}, gateway: {port: gw-9/enp1}}]}",
			},
			[]string{
				"Connection out REFERENCE_MISSING there is no Switch leaf-9",
				"Connection out REFERENCE_MISSING there is no Gateway gw-9",
			},
		},
		"port of a gateway connection": {
			[]string{"switch: {port: leaf/E1/3}", "switch: {port: leaf/E1/1}"},
			[]string{
				"Connection up PORT_CONFLICT the port leaf/E1/1 is used by the Connection out too",
				"Connection out PORT_CONFLICT the port leaf/E1/1 is used by the Connection up too",
			},
		},
		"no type": {
			[]string{"unbundled: {link", "unbundeld: {link"},
			[]string{"Connection down CONNECTION_UNTYPED the Connection has no type: " + noType},
		},
		"a type that is null": {
			[]string{
				"{unbundled: {link: {server: {port: server/eth0}, switch: {port: leaf/E1/2}}}}", "{unbundled: ~}",
			},
			[]string{"Connection down CONNECTION_UNTYPED the Connection has no type: " + noType},
		},
		"group": {[]string{
			"groups: [g], redundancy: {group: g}",
			"groups: [h], redundancy: {group: g}",
		}, []string{"Switch leaf REFERENCE_MISSING there is no SwitchGroup h"}},
		"connection": {
			[]string{"connection: down, subnet", "connection: sideways, subnet"},
			[]string{"VPCAttachment at REFERENCE_MISSING there is no Connection sideways"},
		},
		"subnet": {
			[]string{"subnet: a/x", "subnet: a/z"},
			[]string{"VPCAttachment at REFERENCE_MISSING the VPC a has no subnet z"},
		},
		"VPC": {
			[]string{"subnet: a/x", "subnet: c/x"},
			[]string{"VPCAttachment at REFERENCE_MISSING there is no VPC c"},
		},
		"peer": {
			[]string{"{a: {subnets: [w]}, b: {}}", "{a: {subnets: [z]}, c: {}}"},
			[]string{
				"VPCPeering p REFERENCE_MISSING the VPC a has no subnet z",
				"VPCPeering p REFERENCE_MISSING there is no VPC c",
			},
		},
		"external": {
			[]string{"external: e, switch", "external: f, switch"},
			[]string{"ExternalAttachment ea REFERENCE_MISSING there is no External f"},
		},
		"external peering": {[]string{
			"{name: a, subnets: [x]}, external: {name: e}",
			"{name: a, subnets: [q]}, external: {name: f}",
		}, []string{"ExternalPeering ep REFERENCE_MISSING the VPC a has no " +
			"subnet q", "ExternalPeering ep REFERENCE_MISSING there is no External f"}},
		"gateway": {
			[]string{"groups: [{name: gg}]", "groups: [{name: hh}]"},
			[]string{"Gateway gw REFERENCE_MISSING there is no GatewayGroup hh"},
		},
		"gateway peering": {
			[]string{"peering: {a: {}, ext.e: {}}", "peering: {c: {}, ext.f: {}}"},
			[]string{
				"GatewayPeering gp REFERENCE_MISSING there is no VPC c",
				"GatewayPeering gp REFERENCE_MISSING there is no External f",
			},
		},
		"VLAN": {
			[]string{"vlan: 1002", "vlan: 2000"},
			[]string{"VPC b VLAN_OUT_OF_RANGE the VLAN 2000 of subnet x is in no range of the VLANNamespace default"},
		},
		"outside": {
			[]string{"10.0.3.0/24", "10.1.3.0/24"},
			[]string{"VPC b SUBNET_CONFLICT the subnet x (10.1.3.0/24) is in no range of the IPv4Namespace default"},
		},
		"overlap": {
			[]string{"10.0.3.0/24", "10.0.2.128/25"},
			[]string{
				"VPC a SUBNET_CONFLICT the subnet w (10.0.2.0/24) overlaps x (10.0.2.128/25) of the VPC b",
				"VPC b SUBNET_CONFLICT the subnet x (10.0.2.128/25) overlaps w (10.0.2.0/24) of the VPC a",
			},
		},
		"wide overlap": {
			[]string{"10.0.3.0/24", "10.0.0.0/22"},
			[]string{
				"VPC a SUBNET_CONFLICT the subnet x (10.0.1.0/24) overlaps x (10.0.0.0/22) of the VPC b",
				"VPC a SUBNET_CONFLICT the subnet w (10.0.2.0/24) overlaps x (10.0.0.0/22) of the VPC b",
				"VPC b SUBNET_CONFLICT the subnet x (10.0.0.0/22) overlaps x (10.0.1.0/24) of the VPC a",
			},
		},
		"attached to the default subnet": {
			[]string{"subnet: a/x", "subnet: a"},
			[]string{"VPCAttachment at REFERENCE_MISSING the VPC a has no subnet default"},
		},
		"relay": {[]string{
			"10.0.3.0/24, vlan: 1002",
			"10.0.3.0/24, vlan: 1002, dhcp: {relayVPC: c}",
		}, []string{"VPC b REFERENCE_MISSING there is no VPC c"}},
		"remote peering": {[]string{
			"{permit: [{a: {subnets: [w]}, b: {}}]}",
			"{remote: h, permit: [{a: {}, b: {}}]}",
		}, []string{"VPCPeering p REFERENCE_MISSING there is no SwitchGroup h"}},
		"gateway subnet": {[]string{
			"peering: {a: {}",
			"peering: {a: {expose: [{ips: [{vpcSubnet: w}, {vpcSubnet: q}, {cidr: " +
				"10.0.0.0/8}]}]}",
		}, []string{"GatewayPeering gp REFERENCE_MISSING the VPC a has no subnet q"}},
		"by an alias": {[]string{
			"{connection: up, external: e, switch: {}, neighbor: {}}",
			"{x: &x f, external: *x}",
		}, []string{"ExternalAttachment ea REFERENCE_MISSING there is no External f"}},
		"by a merge": {[]string{
			"{name: a, subnets: [x]}, external: {name: e}",
			"{name: a, subnets: [x]}, x: &x {name: f}, external: {<<: *x}",
		}, []string{"ExternalPeering ep REFERENCE_MISSING " +
			"there is no External f"}},
		"other namespace": {[]string{"ipv4Namespace: default, vlanNamespace: default, subnets: {x: " +
			"{subnet: 10.0.3.0/24", "ipv4Namespace: lab, vlanNamespace: default, subnets: {x: {subnet: " +
			"10.0.1.0/24"}, []string{"VPC b REFERENCE_MISSING there is no IPv4Namespace lab"}},
		"the cluster's own": {[]string{
			"kind: IPv4Namespace\nmetadata: {name: default}",
			"kind: IPv4Namespace\nmetadata: {name: lab}",
		}, []string{
			"VPC b REFERENCE_MISSING the IPv4Namespace default is not in the directory; it may exist in the cluster only",
		}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			text := fabric
			for i := 0; i < len(test.change); i += 2 {
				if strings.Count(text, test.change[i]) != 1 {
					t.Fatalf("%q is not there once", test.change[i])
				}
				text = strings.Replace(text, test.change[i], test.change[i+1], 1)
			}
			if found := check(t, text); !slices.Equal(found, test.want) {
				t.Errorf("found %q, not %q", found, test.want)
			}
		})
	}
}
