//go:build kills

package e2e

import (
	"net/http"
	"strings"
	"testing"

	"fgdsync.dev/libs/failpoint"
	"fgdsync.dev/test/fabric"
	"fgdsync.dev/test/system"
)

// TestAnEditIsKilled: the process is killed on the way of an edit. After the next start it was made, once, or who asked
// has no answer, asks again for the file that he saw, and it was made once.
func TestAnEditIsKilled(t *testing.T) {
	t.Parallel()
	for _, point := range []failpoint.Point{
		failpoint.AcceptBefore, failpoint.AcceptStored, failpoint.AcceptKept, failpoint.LockHeld, failpoint.PushBefore,
		failpoint.PushDone, failpoint.PushConfirmed, failpoint.PushStored, failpoint.ResourcesStored,
	} {
		t.Run(string(point), func(t *testing.T) {
			t.Parallel()
			editKilled(t, point)
		})
	}
}

func editKilled(t *testing.T, point failpoint.Point) {
	t.Helper()
	p := &mortal{host: newHost(t, fabric.PreInit(directory)), t: t, redis: system.Redis(t), keys: t.TempDir()}
	p.System = p.another(system.Binaries.One)
	p.registered()
	const resource, file = "/api/v1/fabrics/35/resources/VPC/default/", directory + "/managed/vpcs/"
	before := p.Commits(t, repository, branch)
	var name string
	for path := range p.Files(t, repository, branch) {
		if vpc, is := strings.CutPrefix(path, file); is && strings.HasSuffix(vpc, ".yaml") {
			name = strings.TrimSuffix(vpc, ".yaml")
		}
	}
	var seen shown
	p.Call(http.MethodGet, resource+name, nil, &seen)
	rearm(p.System, "FGD_FAILPOINT=kill:"+string(point))
	wish := map[string]any{"patch": map[string]any{"labels": map[string]any{"edited": "yes"}}, "if_match": seen.BlobID}
	p.Try(http.MethodPatch, resource+name, wish)
	p.Await("the process to die", p.revive)
	p.settled()
	p.Await("the edit to be made", func() bool {
		code, _ := p.Try(http.MethodPatch, resource+name, wish)
		return code == http.StatusOK || code == http.StatusPreconditionFailed
	})
	if text := p.Files(t, repository, branch)[file+name+".yaml"]; strings.Count(text, "edited: 'yes'") != 1 {
		t.Errorf("the file is\n%s", text)
	}
	p.requireCommits(before + 1)
}
