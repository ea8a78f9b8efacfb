package pipeline_test

import (
	"fmt"
	"strings"
)

// wiring writes n documents in the shapes and proportions of a real wiring diagram.
func wiring(n int) []string {
	docs := make([]string, n)
	for i := range docs {
		switch i % 10 {
		case 0:
			docs[i] = resource("wiring", "Switch", fmt.Sprintf("leaf-%05d", i), fmt.Sprintf(
				"  boot:\n    mac: 0c:20:12:%02x:%02x:00\n  description: VS-%02d MCLAG 1\n  ecmp: {}\n  profile: vs\n  "+
					"redundancy: {}\n  role: server-leaf\n", i>>8&255, i&255, i))
		case 1, 2:
			if i%100 == 1 {
				docs[i] = resource("wiring", "Switch", fmt.Sprintf("spine-%05d", i),
					"  description: VS-06\n  profile: vs\n  redundancy: {}\n  role: spine\n")
				continue
			}
			docs[i] = resource("wiring", "Server", fmt.Sprintf("server-%05d", i),
				fmt.Sprintf("  description: S-%d MCLAG leaf-01 leaf-02\n", i))
		case 3:
			docs[i] = resource("vpc", "VPC", fmt.Sprintf("vpc-%05d", i), fmt.Sprintf(
				"  ipv4Namespace: default\n  vlanNamespace: default\n  subnets:\n    default:\n      subnet: 10.%d.%d.0/24\n    "+
					"  gateway: 10.%d.%d.1\n      vlan: %d\n", i>>8&255, i&255, i>>8&255, i&255, 1000+i%3000))
		case 4:
			docs[i] = resource("vpc", "VPCAttachment", fmt.Sprintf("att-%05d", i),
				fmt.Sprintf("  connection: %s\n  subnet: vpc-%05d/default\n", cable(i+1), i-1))
		default:
			docs[i] = resource("wiring", "Connection", cable(i), "  fabric:\n    links:\n"+link(i, 0)+link(i, 1))
		}
	}
	return docs
}

func resource(group, kind, name, spec string) string {
	return fmt.Sprintf("apiVersion: %s.githedgehog.com/v1beta1\nkind: %s\nmetadata:\n  name: %s\nspec:\n%s", group, kind,
		name, spec)
}

// cable is the name of a connection, of which every leaf has five.
func cable(i int) string {
	return fmt.Sprintf("spine-%05d--fabric--leaf-%05d--%d", i-i%100+1, i-i%10, i)
}

func link(i, number int) string {
	return fmt.Sprintf("    - leaf:\n        port: leaf-%05d/E1/%d\n      spine:\n        port: spine-%05d/E1/%d\n",
		i-i%10, 2*(i%10)+number, i-i%100+1, 2*(i%100)+number)
}

// inRaw lays documents out as files of raw/, some in each.
func inRaw(docs []string, each int) map[string]string {
	files := map[string]string{}
	for i := 0; i < len(docs); i += each {
		files[fmt.Sprintf("raw/part-%05d.yaml", i/each)] = strings.Join(docs[i:min(i+each, len(docs))], "---\n")
	}
	return files
}
