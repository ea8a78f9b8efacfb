//go:build kills

package e2e

import (
	"slices"
	"strings"
	"testing"

	"fgdsync.dev/libs/failpoint"
	"fgdsync.dev/test/fabric"
	"fgdsync.dev/test/system"
	"fgdsync.dev/testkit/netboxtest"
)

// TestAnEditInNetBoxIsKilled: the process is killed at each place between what is heard of an edit in NetBox and what
// is known of its commit. After the next start the edit is in Git, once, under the name of who made it, and NetBox was
// not written.
func TestAnEditInNetBoxIsKilled(t *testing.T) {
	t.Parallel()
	points := append(failpoint.OfEdits(), failpoint.ReceiptBefore, failpoint.ReceiptKept, failpoint.ReceiptStored,
		failpoint.AcceptBefore, failpoint.AcceptStored, failpoint.AcceptKept, failpoint.LockHeld, failpoint.PushBefore,
		failpoint.PushDone, failpoint.PushConfirmed, failpoint.PushStored)
	for _, point := range points {
		t.Run(string(point), func(t *testing.T) {
			t.Parallel()
			netboxEditKilled(t, point)
		})
	}
}

func netboxEditKilled(t *testing.T, point failpoint.Point) {
	t.Helper()
	n := netboxtest.Start(t)
	p := &mortal{
		host: newHost(t, map[string]string{directory + "/raw/all.yaml": fabric.File([]string{
			fabric.VPC("vpc-1", 1), fabric.VPC("vpc-2", 2),
		})}), t: t, redis: system.Redis(t), keys: t.TempDir(),
	}
	p.System = p.another(system.Binaries.One, netboxEnv(n)...)
	p.shownIn(n, n.AddFabric("fabric-1"))
	at := func() bool { return p.provenIn(2) }
	p.Await("all records to be there", at)
	before := p.Commits(t, repository, branch)
	rearm(p.System, "FGD_FAILPOINT=kill:"+string(point))
	p.Await("to be heard again", func() bool { return p.Died() || at() })
	users := people{n, t}
	users.setVLAN("alice", "vpc-2", 77)
	saved := users.vpc("vpc-2")
	p.Await("the process to die", p.revive)
	p.settled()
	p.Await("the edit to be in Git, and known to be", func() bool {
		p.revive()
		return p.Commits(t, repository, branch) > before && at()
	})
	if text := p.Files(t, repository, branch)[directory+"/managed/vpcs/vpc-2.yaml"]; !strings.Contains(text, "vlan: 77") {
		t.Errorf("the file is\n%s", text)
	}
	authors := strings.Fields(p.Git(t, repository, "log", "--format=%an", branch))
	if now := users.vpc("vpc-2"); !slices.Contains(authors, "alice") || now.LastUpdated != saved.LastUpdated {
		t.Errorf("commits by %v; the record is of %s, and was of %s", authors, now.LastUpdated, saved.LastUpdated)
	}
	p.requireCommits(before + 1)
}
