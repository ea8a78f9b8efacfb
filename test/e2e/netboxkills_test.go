//go:build kills

package e2e

import (
	"net/http"
	"testing"

	"google.golang.org/protobuf/proto"

	"fgdsync.dev/libs/failpoint"
	fabricv1 "fgdsync.dev/proto/fgd/fabric/v1"
	"fgdsync.dev/test/fabric"
	"fgdsync.dev/test/system"
)

// netboxKey is where Redis has the NetBox of the installation.
const netboxKey = "fgd:{registry}:netbox"

// TestTheNetBoxIsKilled: the process is killed at each place where Redis or a ledger is told which NetBox that of the
// installation is. Afterwards it is the one of before or the one of the request, whole, what is shown outlives Redis,
// and what the installation is called has not changed.
func TestTheNetBoxIsKilled(t *testing.T) {
	t.Parallel()
	for name, how := range map[string]division{"one": system.Binaries.One, "ten": system.Binaries.Ten} {
		for _, point := range failpoint.OfNetBox() {
			t.Run(name+"/"+string(point), func(t *testing.T) {
				t.Parallel()
				netboxKilled(t, how, point)
			})
		}
	}
}

func netboxKilled(t *testing.T, how division, point failpoint.Point) {
	t.Helper()
	p := &mortal{host: newHost(t, fabric.PreInit(directory)), t: t, redis: system.Redis(t), keys: t.TempDir()}
	p.System = p.another(how)
	before, after := address("before"), address("after")
	p.putNetBox(before)
	first := p.storedNetBox()
	rearm(p.System, "FGD_FAILPOINT=kill:"+string(point))
	p.Try(http.MethodPatch, "/api/v1/netbox", after)
	p.Await("a process to die", p.revive)
	rearm(p.System, "FGD_FAILPOINT=") // the others have their death in wait
	shown := p.shownNetBox()
	if want := map[bool]string{true: before["url"], false: after["url"]}[point == failpoint.NetBoxBefore]; shown != want {
		t.Errorf("it is %q, not %q", shown, want)
	}
	p.emptied()
	if again := p.shownNetBox(); again != shown {
		t.Errorf("without what Redis had it is %q, and was %q", again, shown)
	}
	p.putNetBox(after)
	if last := p.storedNetBox(); last.GetUrl() != after["url"] || first.GetInstallationId() == "" ||
		last.GetInstallationId() != first.GetInstallationId() {
		t.Errorf("it was %v, and is %v", first, last)
	}
	p.audited()
}

func address(name string) map[string]string {
	return map[string]string{"url": "https://" + name + ".example.com", "token_ref": "file:" + name}
}

// putNetBox changes which one it is, and has that be answered.
func (p *mortal) putNetBox(netbox map[string]string) {
	p.t.Helper()
	p.Call(http.MethodPatch, "/api/v1/netbox", netbox, &map[string]any{})
}

// shownNetBox is which one people see.
func (p *mortal) shownNetBox() string {
	p.t.Helper()
	var shown struct{ URL string }
	p.Call(http.MethodGet, "/api/v1/netbox", nil, &shown)
	return shown.URL
}

// storedNetBox is what Redis has.
func (p *mortal) storedNetBox() *fabricv1.NetBox {
	p.t.Helper()
	raw, err := p.redis.Client().HGet(p.t.Context(), netboxKey, "record").Bytes()
	stored := &fabricv1.NetBox{}
	if err == nil {
		err = proto.Unmarshal(raw, stored)
	}
	if err != nil {
		p.t.Fatal(err)
	}
	return stored
}

// emptied has Redis lose what it knows of the NetBox, after every orchestrator has compared it with its ledger.
func (p *mortal) emptied() {
	p.t.Helper()
	p.Call(http.MethodPost, "/api/v1/state:rebuild", map[string]any{}, &map[string]any{})
	if err := p.redis.Client().Del(p.t.Context(), netboxKey).Err(); err != nil {
		p.t.Fatal(err)
	}
}
