package migrate

import (
	"strings"
	"testing"

	bridgev1 "fgdsync.dev/proto/fgd/bridge/v1"
)

// TestAnotherFabricIsNotThePlans: what is registered where a directory of the plan is, and is another one than the plan
// would register, is not taken for that.
func TestAnotherFabricIsNotThePlans(t *testing.T) {
	t.Parallel()
	ours := func() *bridgev1.Fabric {
		return &bridgev1.Fabric{
			FabricId: 7, Name: "edge", RepositoryUrl: "https://git.example/r.git", Branch: "main", GitopsDirectory: "f/",
			Netbox: &bridgev1.NetBoxLink{Url: "https://netbox.example/", Fabric: 7},
		}
	}
	f := Fabric{FabricID: 7, Name: "edge", RepositoryURL: "https://git.example/r.git", Branch: "main", Directory: "f"}
	for _, c := range []struct {
		change       func(*bridgev1.Fabric)
		says, remedy string
	}{
		{func(*bridgev1.Fabric) {}, "", ""},
		{func(k *bridgev1.Fabric) { k.FabricId = 8 }, `as fabric 8, "edge"`, "plan anew"},
		{func(k *bridgev1.Fabric) { k.Name = "core" }, `as fabric 7, "core"`, "plan anew"},
		{func(k *bridgev1.Fabric) { k.Netbox = nil }, "not linked", "fgd fabric update 7 --netbox"},
		{func(k *bridgev1.Fabric) { k.Netbox.Fabric = 9 }, "not linked", "fgd fabric update 7 --netbox"},
		{func(k *bridgev1.Fabric) { k.Netbox.Url = "https://other.example" }, "not linked", "fgd fabric update 7 --netbox"},
		{
			func(k *bridgev1.Fabric) {
				k.Suspension = &bridgev1.Suspension{SuspendedBy: "alice", Reason: "it moves"}
			},
			"alice has suspended it: it moves", "fgd fabric resume 7",
		},
	} {
		k := ours()
		c.change(k)
		a := &applying{
			plan: &Plan{NetBox: &NetBox{URL: "https://netbox.example"}}, known: []*bridgev1.Fabric{k},
		}
		if a.registered(f) != k {
			t.Fatal("it is not found where it is")
		}
		reason, remedy := a.differs(k, f)
		if !strings.Contains(reason, c.says) || !strings.Contains(remedy, c.remedy) || (reason == "") != (c.says == "") {
			t.Errorf("%v: %q, %q", k, reason, remedy)
		}
	}
	unlinked := &applying{plan: &Plan{}}
	if reason, _ := unlinked.differs(ours(), Fabric{}); reason != "" {
		t.Errorf("of a plan that says nothing of it: %s", reason)
	}
}
