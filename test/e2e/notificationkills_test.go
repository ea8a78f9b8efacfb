//go:build kills

package e2e

import (
	"net/http"
	"testing"

	"fgdsync.dev/libs/failpoint"
	"fgdsync.dev/test/fabric"
	"fgdsync.dev/test/system"
)

// TestNotificationsAreKilled: the process is killed at each place where something of a notification has an effect.
// After the next start the receiver has been told, and what it was told twice has the same id.
func TestNotificationsAreKilled(t *testing.T) {
	t.Parallel()
	for name, how := range map[string]division{"one": system.Binaries.One, "ten": system.Binaries.Ten} {
		for _, point := range failpoint.OfNotifications() {
			t.Run(name+"/"+string(point), func(t *testing.T) {
				t.Parallel()
				notificationKilled(t, how, point)
			})
		}
	}
}

func notificationKilled(t *testing.T, how division, point failpoint.Point) {
	t.Helper()
	news, env := receiver(t)
	p := &mortal{host: newHost(t, fabric.PreInit(directory)), t: t, redis: system.Redis(t), keys: t.TempDir()}
	p.System = p.another(how, append(env, "FGD_FAILPOINT=kill:"+string(point))...)
	definition := p.definition()
	definition["branch"] = "none" // of which the first sync complains
	p.Try(http.MethodPost, "/api/v1/fabrics", definition)
	p.Await("a process to die", p.revive)
	ids := map[string]bool{}
	p.Await("the receiver to be told", func() bool {
		p.revive()
		for len(news) > 0 {
			one := <-news
			if one.Type != "fabric.sync_failed" || one.Data.FabricID != 35 {
				t.Errorf("told %+v", one)
			}
			ids[one.id] = true
		}
		return len(ids) > 0
	})
	if len(ids) != 1 {
		t.Errorf("what was told has the ids %v", ids)
	}
}
