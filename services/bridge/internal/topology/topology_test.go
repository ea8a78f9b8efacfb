package topology_test

import (
	"fmt"
	"strings"
	"testing"

	bridgev1 "fgdsync.dev/proto/fgd/bridge/v1"
	reportv1 "fgdsync.dev/proto/fgd/report/v1"
	"fgdsync.dev/services/bridge/internal/topology"
)

// resource returns a resource that names others, each as "FIELD KIND NAME[/PORT]" or "FIELD VPC NAME:SUBNET".
func resource(kind, name, spec string, names ...string) *reportv1.ResourceContent {
	r := &reportv1.ResourceContent{
		Key: &reportv1.ResourceKey{Kind: kind, Namespace: "default", Name: name}, Spec: []byte(spec),
	}
	for _, one := range names {
		words := strings.Fields(one)
		device, port, _ := strings.Cut(words[2], "/")
		other, subnet, _ := strings.Cut(device, ":")
		r.References = append(r.References,
			&reportv1.Reference{Field: words[0], Kind: words[1], Name: other, Subnet: subnet, Port: port})
	}
	return r
}

func sample() []*reportv1.ResourceContent {
	return []*reportv1.ResourceContent{
		resource("Connection", "external-1", "", "spec.external.link.switch.port Switch leaf-1/E1/9"),
		resource("Connection", "fabric-1", "",
			"spec.fabric.links[0].spine.port Switch spine-1/E1/1", "spec.fabric.links[0].leaf.port Switch leaf-1/E1/1",
			"spec.fabric.links[1].spine.port Switch spine-1/E1/2", "spec.fabric.links[1].leaf.port Switch leaf-1/E1/2"),
		resource("Connection", "loop", "", "spec.vpcLoopback.links[0].switch1.port Switch leaf-1/E1/3",
			"spec.vpcLoopback.links[0].switch2.port Switch leaf-1/E1/4"),
		resource("Connection", "mclag-1", "",
			"spec.mclag.links[0].server.port Server server-1/enp1", "spec.mclag.links[0].switch.port Switch leaf-1/E1/5",
			"spec.mclag.links[1].server.port Server server-1/enp2", "spec.mclag.links[1].switch.port Switch leaf-2/E1/5"),
		resource("External", "internet", `{"ipv4Namespace":"default"}`),
		resource("ExternalAttachment", "at-1", "",
			"spec.external External internet", "spec.connection Connection external-1"),
		resource("Server", "server-1", `{"description":"a server"}`),
		resource("Switch", "leaf-1", `{"role":"server-leaf","redundancy":{"group":"m-1","type":"mclag"}}`),
		resource("Switch", "spine-1", `{"role":"spine"}`),
		resource("VPCAttachment", "a-1", "", "spec.connection Connection mclag-1", "spec.subnet VPC vpc-1:default"),
	}
}

// TestOf: devices with what they say and what is missing, a link for each two devices with its cables, and externals
// where attachments say that they are.
func TestOf(t *testing.T) {
	t.Parallel()
	answer := topology.Of(sample())
	var got []string
	for _, d := range answer.GetDevices() {
		got = append(got, fmt.Sprintf("%s %s %s %s/%s %s missing:%t", d.GetKind(), d.GetName(), d.GetRole(),
			d.GetRedundancyType(), d.GetRedundancyGroup(), d.GetDescription(), d.GetMissing()))
	}
	for _, l := range answer.GetLinks() {
		got = append(got, fmt.Sprintf("%s %s: %s %s - %s %s, %s", l.GetType(), l.GetConnection(), l.GetFromKind(),
			l.GetFrom(), l.GetToKind(), l.GetTo(), cables(l)))
	}
	for _, a := range answer.GetAttachments() {
		got = append(got, fmt.Sprintf("%s: %s/%s at %s", a.GetName(), a.GetVpc(), a.GetSubnet(), a.GetConnection()))
	}
	want := `External internet  /  missing:false
Server server-1  / a server missing:false
Switch leaf-1 server-leaf mclag/m-1  missing:false
Switch leaf-2  /  missing:true
Switch spine-1 spine /  missing:false
external external-1: Switch leaf-1 - External internet, E1/9=
fabric fabric-1: Switch leaf-1 - Switch spine-1, E1/1=E1/1 E1/2=E1/2
vpcLoopback loop: Switch leaf-1 - Switch leaf-1, E1/3=E1/4
mclag mclag-1: Server server-1 - Switch leaf-1, enp1=E1/5
mclag mclag-1: Server server-1 - Switch leaf-2, enp2=E1/5
a-1: vpc-1/default at mclag-1`
	if text := strings.Join(got, "\n"); text != want {
		t.Errorf("%s\nwant\n%s", text, want)
	}
}

func cables(l *bridgev1.Link) string {
	var all []string
	for _, c := range l.GetCables() {
		all = append(all, c.GetFromPort()+"="+c.GetToPort())
	}
	return strings.Join(all, " ")
}

// TestReferencesOf: both ways, with what is not there.
func TestReferencesOf(t *testing.T) {
	t.Parallel()
	answer, there := topology.ReferencesOf(sample(), "Connection", "default", "mclag-1")
	if !there || answer.GetReferencesTotal() != 4 || !answer.GetReferences()[3].GetMissing() ||
		answer.GetReferences()[0].GetMissing() || answer.GetReferences()[0].GetPort() != "enp1" {
		t.Errorf("there: %t, %v", there, answer)
	}
	if by := answer.GetReferencedBy(); len(by) != 1 || by[0].GetName() != "a-1" || by[0].GetField() != "spec.connection" {
		t.Errorf("referenced by %v", by)
	}
	answer, there = topology.ReferencesOf(sample(), "Switch", "default", "leaf-2")
	if there || len(answer.GetReferencedBy()) != 1 {
		t.Errorf("there: %t, %v", there, answer)
	}
	answer, there = topology.ReferencesOf(sample(), "Switch", "other", "leaf-1")
	if there || len(answer.GetReferencedBy()) != 0 {
		t.Errorf("in another namespace: %t, %v", there, answer)
	}
}
