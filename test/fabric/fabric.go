// Package fabric writes synthetic fabrics: valid resources in the shapes and proportions of real wiring files.
package fabric

import (
	"fmt"
	"strings"
)

const (
	wiring = "wiring.githedgehog.com/v1beta1"
	vpc    = "vpc.githedgehog.com/v1beta1"
)

// podSize is the number of resources in a pod: one redundancy group, two leaves, a spine, four servers, seven
// connections, a VPC.
const podSize = 16

// Documents returns n different resources, the same ones each time.
func Documents(n int) []string {
	docs := make([]string, 0, n+podSize)
	for number := 1; len(docs) < n; number++ {
		docs = append(docs, pod(number)...)
	}
	return docs[:n]
}

// File joins documents into one file.
func File(docs []string) string { return strings.Join(docs, "---\n") }

// Files puts documents into files of so many each, below a folder.
func Files(folder string, docs []string, perFile int) map[string]string {
	files := map[string]string{}
	for i := 0; i < len(docs); i += perFile {
		files[fmt.Sprintf("%s/wiring-%04d.yaml", folder, i/perFile)] = File(docs[i:min(i+perFile, len(docs))])
	}
	return files
}

// PreInit is a directory as people have it before they register a fabric: 46 resources of wiring in one file at the
// root, and two files that declare one and the same VPC. A sync makes 47 resources of these 48 documents.
func PreInit(directory string) map[string]string {
	extra := VPC("extra", 4000)
	return map[string]string{
		directory + "/prepop.yaml": "---\n" + File(Documents(46)),
		directory + "/vpc.yaml":    extra,
		directory + "/vpc-2.yaml":  extra,
		directory + "/README.md":   "# A fabric\n",
	}
}

func head(apiVersion, kind, name string) string {
	return fmt.Sprintf("apiVersion: %s\nkind: %s\nmetadata:\n  name: %s\n", apiVersion, kind, name)
}

// VPC is a VPC with one subnet.
func VPC(name string, number int) string {
	return head(vpc, "VPC", name) +
		fmt.Sprintf("spec:\n  ipv4Namespace: default\n  vlanNamespace: default\n  subnets:\n    default: # the only one\n "+
			"     subnet: 10.%d.%d.0/24\n      vlan: %d\n",
			number>>8&0xff, number&0xff, 1+number%4000)
}

func pod(number int) []string {
	group := fmt.Sprintf("mclag-%d", number)
	left, right, spine := fmt.Sprintf("leaf-%d-a", number), fmt.Sprintf("leaf-%d-b", number), fmt.Sprintf("spine-%d",
		number)
	docs := []string{
		head(wiring, "SwitchGroup", group) + "spec: {}\n",
		leaf(left, group, number, 1), leaf(right, group, number, 2),
		head(wiring, "Switch", spine) +
			fmt.Sprintf("spec:\n  boot:\n    mac: %s\n  description: spine of pod %d\n  profile: vs\n  role: spine\n",
				mac(number, 3), number),
	}
	for i := range 4 {
		docs = append(docs, head(wiring, "Server", server(number,
			i))+fmt.Sprintf("spec:\n  description: server %d of pod %d\n", i, number))
	}
	docs = append(docs,
		connection(left+"--fabric--"+spine, "fabric", part{"links", link("leaf", left+"/E1/1", "spine", spine+"/E1/1")}),
		connection(right+"--fabric--"+spine, "fabric", part{"links", link("leaf", right+"/E1/1", "spine", spine+"/E1/2")}),
		connection(left+"--mclag-domain--"+right, "mclagDomain",
			part{"peerLinks", link("switch1", left+"/E1/2", "switch2", right+"/E1/2")},
			part{"sessionLinks", link("switch1", left+"/E1/3", "switch2", right+"/E1/3")}),
	)
	for i := range 4 {
		docs = append(docs, connection(server(number, i)+"--unbundled--"+left, "unbundled", part{"link", fmt.Sprintf(
			"      server:\n        port: %s/enp2s1\n      switch:\n        port: %s/E1/%d\n", server(number, i), left, 10+i)}))
	}
	return append(docs, VPC(fmt.Sprintf("vpc-%d", number), number))
}

func server(pod, number int) string { return fmt.Sprintf("server-%d-%d", pod, number) }

func mac(pod, number int) string {
	return fmt.Sprintf("0c:20:12:%02x:%02x:%02x", pod>>8&0xff, pod&0xff, number)
}

func leaf(name, group string, pod, number int) string {
	return head(wiring, "Switch", name) + fmt.Sprintf(`spec:
  boot:
    mac: %s
  description: leaf of pod %d
  groups:
  - %s
  profile: vs
  redundancy:
    group: %s
    type: mclag
  role: server-leaf
`, mac(pod, number), pod, group, group)
}

// part is a field of a connection and what it holds.
type part struct{ field, content string }

func connection(name, kind string, parts ...part) string {
	var b strings.Builder
	b.WriteString(head(wiring, "Connection", name))
	fmt.Fprintf(&b, "spec:\n  %s:\n", kind)
	for _, p := range parts {
		fmt.Fprintf(&b, "    %s:\n%s", p.field, p.content)
	}
	return b.String()
}

func link(from, fromPort, to, toPort string) string {
	return fmt.Sprintf("    - %s:\n        port: %s\n      %s:\n        port: %s\n", from, fromPort, to, toPort)
}
