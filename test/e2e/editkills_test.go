//go:build kills

package e2e

import (
	"net/http"
	"strings"
	"testing"

	"fgdsync.dev/libs/failpoint"
	syncv1 "fgdsync.dev/proto/fgd/sync/v1"
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

// TestAProposedEditIsKilled: the process is killed between the push and the opening of the pull request, or after it.
// After the next start there is one pull request, of one commit, and the same edit again finds it.
func TestAProposedEditIsKilled(t *testing.T) {
	t.Parallel()
	for _, point := range append(failpoint.OfProposal(), failpoint.Before(syncv1.State_STATE_RECONCILING)) {
		t.Run(string(point), func(t *testing.T) {
			t.Parallel()
			proposedEditKilled(t, point)
		})
	}
}

func proposedEditKilled(t *testing.T, point failpoint.Point) {
	t.Helper()
	git, api := newHub(t, map[string]string{directory + "/raw/all.yaml": fabric.VPC("vpc-1", 1)})
	p := &mortal{host: &host{git, t, nil}, t: t, redis: system.Redis(t), keys: t.TempDir()}
	where := hubs(git, api)
	p.System = p.another(system.Binaries.One, where)
	definition := proposing(git)
	definition["fabric_id"] = 35
	p.Try(http.MethodPost, "/api/v1/fabrics", definition)
	p.settled()
	var files proposed
	p.Call(http.MethodGet, fabricPath, nil, &files)
	merge(t, git, api, files)
	p.start()
	p.settled()
	commits := git.Commits(t, owned, branch)
	rearm(p.System, where, "FGD_FAILPOINT=kill:"+string(point))
	const resource = fabricPath + "/resources/VPC/default/vpc-1"
	p.Try(http.MethodPatch, resource, map[string]any{"patch": spec(1001)})
	p.Await("the process to die", func() bool { return p.Revive(where, "FGD_FAILPOINT=") })
	p.Await("the service to be ready", func() bool { return p.Ready() })
	ended := p.settled()
	var again struct {
		edited
		proposed
	}
	p.Call(http.MethodPatch, resource, map[string]any{"patch": spec(1001)}, &again)
	pull := again.PullRequest
	if api.Opened() != 2 || pull.State != "open" || git.Commits(t, owned, pull.Branch) != commits+1 ||
		!strings.HasSuffix(pull.Branch, "/"+ended[0].SyncID) {
		t.Errorf("%d were opened; %+v has %d commits more", api.Opened(), pull, git.Commits(t, owned, pull.Branch)-commits)
	}
	git.RequireSound(t, owned)
}
