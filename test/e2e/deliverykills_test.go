//go:build kills

package e2e

import (
	"net/http"
	"slices"
	"strings"
	"testing"

	"fgdsync.dev/libs/failpoint"
	"fgdsync.dev/libs/netboxserver"
	"fgdsync.dev/test/fabric"
	"fgdsync.dev/test/system"
	"fgdsync.dev/testkit/netboxtest"
)

// shownIn registers the fabric with a NetBox that shows it.
func (p *mortal) shownIn(n *netboxserver.Server, number int) {
	definition := p.definition()
	definition["netbox"] = map[string]any{"url": n.URL, "fabric": number, "token_ref": "env:" + netboxToken}
	p.Try(http.MethodPost, "/api/v1/fabrics", definition)
}

// TestDeliveryIsKilled: the process is killed at each place where something of a delivery has an effect, in its first
// pass and in a later one. After the next start every record is in NetBox, and was written once.
func TestDeliveryIsKilled(t *testing.T) {
	t.Parallel()
	for name, how := range map[string]division{"one": system.Binaries.One, "ten": system.Binaries.Ten} {
		for _, point := range failpoint.OfDelivery() {
			for _, times := range []string{"1", "3"} {
				t.Run(name+"/"+string(point)+"/"+times, func(t *testing.T) {
					t.Parallel()
					deliveryKilled(t, how, string(point)+":"+times)
				})
			}
		}
	}
}

func deliveryKilled(t *testing.T, how division, where string) {
	t.Helper()
	n := netboxtest.Start(t)
	number := n.AddFabric("fabric-1")
	p := &mortal{host: newHost(t, fabric.PreInit(directory)), t: t, redis: system.Redis(t), keys: t.TempDir()}
	host := strings.TrimPrefix(n.URL, "http://")
	p.System = p.another(how, "FGD_FAILPOINT=kill:"+where, netboxToken+"="+netboxserver.Token, netboxToken+"_HOSTS="+host)
	p.shownIn(n, number)
	p.Await("a process to die", p.revive)
	p.registerShown(n, number)
	p.Await("all records to be there", func() bool {
		p.revive()
		return p.provenIn(47)
	})
	p.revive()
	rearm(p.System, "FGD_FAILPOINT=") // the others have their death in wait
	p.Await("all records to be there still", func() bool { return p.provenIn(47) })
	if told := n.Changes() - 47; told < 0 || told > 3 { // the fabric's own record, which says how far it is
		t.Errorf("%d changes of NetBox more than records", told)
	}
}

// registerShown registers the fabric where nobody was told that it had been done.
func (p *mortal) registerShown(n *netboxserver.Server, number int) {
	p.Await("the fabric to be registered", func() bool {
		p.revive()
		code, _ := p.Try(http.MethodGet, fabricPath, nil)
		if code == http.StatusNotFound {
			p.shownIn(n, number)
		}
		return code == http.StatusOK
	})
}

// provenIn reports whether so many records are proven, and none is not.
func (p *mortal) provenIn(records int) bool {
	code, raw := p.Try(http.MethodGet, fabricPath+"/receipts?limit=1", nil)
	if code != http.StatusOK {
		return false
	}
	got := system.Read[struct {
		Delivery struct{ Proven, Pending, Undeliverable, Held int }
	}](p.t, string(raw)).Delivery
	return slices.Equal([]int{got.Proven, got.Pending, got.Undeliverable, got.Held}, []int{records, 0, 0, 0})
}
