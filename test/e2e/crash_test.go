//go:build kills

package e2e

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"

	"github.com/redis/go-redis/v9"

	"fgdsync.dev/libs/failpoint"
	syncv1 "fgdsync.dev/proto/fgd/sync/v1"
	"fgdsync.dev/test/fabric"
	"fgdsync.dev/test/system"
	"fgdsync.dev/testkit/gitserver"
)

// crashing are the programs with failpoints, built when the first test wants them.
var crashing = sync.OnceValues(func() (system.Binaries, error) {
	folder := filepath.Join(string(programs), "failpoints")
	if err := os.Mkdir(folder, 0o700); err != nil {
		return "", err
	}
	return system.Build(folder, "failpoints")
})

// manyRotations has the audit begin another file with every few calls.
const manyRotations = "HEDGEHOG_FGD_AUDIT_ROTATE_BYTES=1024"

// mortal is a fabric in a system that dies.
type mortal struct {
	*host
	*system.System
	t     *testing.T
	redis *system.RedisServer
	keys  string // a folder of what all systems share: the key of the credentials, the peppers, the first token
}

// admit starts a system in which a point is armed, as "kill:NAME" or "stop:NAME".
func admit(t *testing.T, how division, armed string) *mortal {
	t.Helper()
	p := &mortal{
		host: newHost(t, fabric.PreInit(directory)), t: t, redis: system.Redis(t),
		keys: t.TempDir(),
	}
	if !strings.Contains(armed, ":audit.") {
		p.System = p.another(how, "FGD_FAILPOINT="+armed)
		return p
	}
	p.System = p.another(how) // that the first token is made is in the audit too
	rearm(p.System, "FGD_FAILPOINT="+armed)
	return p
}

// rearm starts all processes again, with more of an environment.
func rearm(s *system.System, env ...string) {
	for name, p := range s.Processes {
		p.Kill()
		s.Restart(name, env...)
	}
	s.Await("the services to be ready, or one to die", func() bool { return s.Died() || s.Ready() })
}

// another starts one more system on the same Redis and the same Git host: an orchestrator, a github-sync and all.
func (p *mortal) another(how division, env ...string) *system.System {
	p.t.Helper()
	binaries, err := crashing()
	if err != nil {
		p.t.Fatal(err)
	}
	return how(binaries, p.t, p.redis.URL(), append(env, shortLease, manyRotations,
		"HEDGEHOG_FGD_CREDENTIALS_KEY_FILE="+filepath.Join(p.keys, "key"),
		"HEDGEHOG_FGD_TOKEN_PEPPER_FILE="+filepath.Join(p.keys, "peppers"),
		"HEDGEHOG_FGD_BOOTSTRAP_TOKEN_FILE="+filepath.Join(p.keys, "bootstrap.token")))
}

func (p *mortal) definition() map[string]any {
	definition := p.fabric()
	definition["fabric_id"] = 35
	return definition
}

// register asks for the registration, and bears that nobody answers.
func (p *mortal) register() { p.Try(http.MethodPost, "/api/v1/fabrics", p.definition()) }

// registered registers the fabric and waits for its first sync.
func (p *mortal) registered() {
	p.register()
	p.settled()
}

// settled waits until every sync has its end, and there is one at least.
func (p *mortal) settled() []system.Status {
	p.t.Helper()
	var history struct {
		Syncs []system.Status `json:"syncs"`
	}
	p.Await("every sync to have its end", func() bool {
		p.revive()
		code, body := p.Try(http.MethodGet, fabricPath+"/syncs", nil)
		if code != http.StatusOK {
			return false
		}
		history.Syncs = nil
		if err := json.Unmarshal(body, &history); err != nil {
			p.t.Fatal(err)
		}
		return len(history.Syncs) > 0 && !slices.ContainsFunc(history.Syncs, func(s system.Status) bool {
			return !slices.Contains([]string{"completed", "failed", "cancelled"}, s.State)
		})
	})
	return history.Syncs
}

// scenario is what leads to a point, and how it has to end. Without a scenario of its own a point is on the way of a
// registration to the end of its first sync.
type scenario struct {
	before func(*mortal)      // what goes ahead, in a system that does not die of it
	act    func(p *mortal)    // what it dies of
	ends   []syncv1.State     // of syncs, the newest first; empty for one that completed
	gone   func(*mortal) bool // whether the fabric is not registered any more
}

func scenarios() map[failpoint.Point]scenario {
	update := scenario{
		before: (*mortal).registered,
		act:    func(p *mortal) { p.Try(http.MethodPatch, fabricPath, map[string]any{"name": "renamed"}) },
	}
	remove := scenario{
		before: (*mortal).registered,
		act:    func(p *mortal) { p.Try(http.MethodDelete, fabricPath, nil) },
		gone: func(p *mortal) bool {
			code, _ := p.Try(http.MethodGet, fabricPath, nil)
			return code == http.StatusNotFound
		},
	}
	completed := syncv1.State_STATE_COMPLETED
	cancel := scenario{
		before: (*mortal).registered, act: (*mortal).cancelled,
		ends: []syncv1.State{syncv1.State_STATE_CANCELLED, completed},
	}
	retry := scenario{
		before: (*mortal).registered,
		act: func(p *mortal) {
			p.Break(gitserver.Fault{On: gitserver.Refs, Times: 1, Status: http.StatusServiceUnavailable})
			p.start()
		},
		ends: []syncv1.State{completed, completed},
	}
	fail := scenario{
		before: (*mortal).registered,
		act: func(p *mortal) {
			p.Git(p.t, repository, "branch", "-m", branch, "away")
			p.start()
		},
		ends: []syncv1.State{syncv1.State_STATE_FAILED, completed},
	}
	rotate := scenario{act: func(p *mortal) {
		p.register()
		for range 5 {
			p.Try(http.MethodPatch, fabricPath, map[string]any{"name": "fabric-1"})
		}
	}}
	bury := scenario{before: (*mortal).registered, act: func(p *mortal) { p.poison() }}
	out := map[failpoint.Point]scenario{
		failpoint.UpdateStored: update, failpoint.UpdateKept: update,
		failpoint.DeleteBefore: remove, failpoint.DeleteStored: remove, failpoint.DeleteKept: remove,
		failpoint.CancelMarked:    cancel,
		failpoint.AuditSignBefore: rotate, failpoint.AuditSigned: rotate, failpoint.AuditRotated: rotate,
		failpoint.AuditPutAside: rotate,
		failpoint.BuryBefore:    bury, failpoint.BuryTold: bury, failpoint.BuryStored: bury,
	}
	for state, s := range map[syncv1.State]scenario{
		syncv1.State_STATE_CANCELLED: cancel, syncv1.State_STATE_RETRYING: retry, syncv1.State_STATE_FAILED: fail,
	} {
		out[failpoint.Before(state)], out[failpoint.After(state)] = s, s
	}
	return out
}

// start asks for a sync, and bears that nobody answers.
func (p *mortal) start() { p.Try(http.MethodPost, fabricPath+"/syncs", map[string]any{}) }

// cancelled cancels a sync while it asks what there is.
func (p *mortal) cancelled() {
	p.t.Helper()
	held := p.hold(gitserver.Refs)
	var started system.Accepted
	p.Call(http.MethodPost, fabricPath+"/syncs", map[string]any{}, &started)
	<-held.began
	p.Try(http.MethodPost, "/api/v1/syncs/"+started.SyncID+":cancel", map[string]any{})
	p.t.Cleanup(held.release)
}

// poison puts an entry into the work stream that nobody can read.
func (p *mortal) poison() {
	p.t.Helper()
	if err := p.redis.Client().XAdd(p.t.Context(), &redis.XAddArgs{Stream: "fgd:{3}:work", Values: []any{"e", "\xff"}}).
		Err(); err != nil {
		p.t.Fatal(err)
	}
}

// TestKilledAtEveryPoint (W1): the process is killed at each point, before and after every effect, and started again.
// Every sync comes to one end, with one commit at most and nothing lost; the lock is free and no work entry is left.
// With two replicas of each service one dies of it, and the other one too when it takes over what leads there.
func TestKilledAtEveryPoint(t *testing.T) {
	t.Parallel()
	for name, how := range map[string]division{"one": system.Binaries.One, "ten": system.Binaries.Ten} {
		for _, point := range failpoint.All() {
			elsewhere := slices.Concat(failpoint.OfIdentity(), failpoint.OfDelivery(), failpoint.OfEdits(),
				failpoint.OfProposal(), failpoint.OfNetBox(), failpoint.OfNotifications())
			if slices.Contains(elsewhere, point) {
				// TestTheFirstTokenIsKilled, TestTokensAreKilled, TestDeliveryIsKilled, TestAnEditInNetBoxIsKilled,
				// TestAProposedEditIsKilled, TestTheNetBoxIsKilled, TestNotificationsAreKilled
				continue
			}
			t.Run(name+"/"+string(point), func(t *testing.T) {
				t.Parallel()
				killed(t, how, point)
			})
		}
	}
	t.Run("one/"+string(afterRegistration), func(t *testing.T) {
		t.Parallel()
		killed(t, system.Binaries.One, afterRegistration)
	})
}

func killed(t *testing.T, how division, point failpoint.Point) {
	t.Helper()
	s := scenarios()[point]
	p := admit(t, how, "kill:"+string(point))
	if s.before != nil { // a point that is its own is not on its way
		s.before(p)
	}
	if s.act == nil {
		s.act = (*mortal).register
	}
	s.act(p)
	p.Await("a process to die", p.revive)
	p.recovered(s)
}

// revive starts again what has died, without another death in wait, and says whether there was anything.
func (p *mortal) revive() bool { return p.Revive("FGD_FAILPOINT=") }

// recovered holds what is so after a crash, whatever it was.
func (p *mortal) recovered(s scenario) {
	p.t.Helper()
	defer p.audited()
	p.Await("somebody to say what there is", func() bool {
		p.revive()
		code, _ := p.Try(http.MethodGet, fabricPath, nil)
		return code == http.StatusOK || code == http.StatusNotFound
	})
	if s.gone != nil && s.gone(p) {
		p.requireCommits(2)
		p.quiet()
		return
	}
	p.registerAgain()
	syncs := p.settled()
	p.quiet()
	if len(s.ends) == 0 {
		p.requireIngested(p.onlyCommit(syncs))
	}
	for i, want := range s.ends {
		if word := "STATE_" + strings.ToUpper(syncs[i].State); len(syncs) != len(s.ends) || word != want.String() {
			p.t.Errorf("syncs ended %v, want %v", syncs, s.ends)
		}
	}
	for _, status := range syncs {
		p.endedOnce(status)
	}
}

// registerAgain registers the fabric where that did not come to its end: nobody was told that it had been done.
func (p *mortal) registerAgain() {
	p.t.Helper()
	p.Await("the fabric to be registered", func() bool {
		p.revive()
		code, _ := p.Try(http.MethodGet, fabricPath, nil)
		if code == http.StatusNotFound {
			p.register()
		}
		return code == http.StatusOK
	})
}

// onlyCommit returns the sync that has published, which is one.
func (p *mortal) onlyCommit(syncs []system.Status) system.Status {
	p.t.Helper()
	var published []system.Status
	for _, status := range syncs {
		if status.Result.CommitSHA != "" {
			published = append(published, status)
		}
	}
	if len(published) != 1 {
		p.t.Fatalf("%d syncs say that they have published: %+v", len(published), syncs)
	}
	trailer := strings.TrimSpace(p.Git(p.t, repository, "log", "-1", "--format=%(trailers:key=Fgd-Sync-Id,valueonly)%H",
		branch))
	if want := published[0].SyncID + "\n" + published[0].Result.CommitSHA; trailer != want {
		p.t.Errorf("the commit says %q, the sync %q", trailer, want)
	}
	return published[0]
}

func (p *mortal) endedOnce(status system.Status) {
	p.t.Helper()
	told := p.Follow(status.SyncID)
	ends := slices.DeleteFunc(slices.Clone(told), func(word string) bool {
		return !slices.Contains([]string{"sync.completed", "sync.failed", "sync.cancelled"}, word)
	})
	if len(ends) != 1 || told[len(told)-1] != "sync."+status.State {
		p.t.Errorf("sync %s is %s and told %v", status.SyncID, status.State, told)
	}
}

// quiet waits until nothing is held and nothing waits.
func (p *mortal) quiet() {
	p.t.Helper()
	client := p.redis.Client()
	p.Await("the lock to be free, and the work stream to be empty", func() bool {
		p.revive()
		ctx := context.WithoutCancel(p.t.Context())
		held, err1 := client.Exists(ctx, "fgd:{3}:fabric:35:lock").Result()
		entries, err2 := client.XLen(ctx, "fgd:{3}:work").Result()
		return err1 == nil && err2 == nil && held+entries == 0
	})
	if groups, err := client.XInfoGroups(p.t.Context(), "fgd:{3}:work").Result(); err != nil || len(groups) != 1 ||
		groups[0].Pending != 0 {
		p.t.Errorf("groups %v, %v", groups, err)
	}
}

// afterRegistration is the second time that a snapshot is opened: a registration looks at the directory, and the first
// sync has what it has fetched.
const afterRegistration = failpoint.SnapshotOpen + ":2"

// late are the points of a registration and its first sync that come before an effect.
func late() []failpoint.Point {
	points := []failpoint.Point{
		failpoint.LockHeld, failpoint.FetchBefore, failpoint.SnapshotOpen, afterRegistration, failpoint.TreeWritten,
		failpoint.PushBefore, failpoint.PushDone,
		failpoint.ResourcesBefore, failpoint.AckBefore, failpoint.LockReleased,
	}
	for number := range syncv1.State_name {
		switch state := syncv1.State(number); state {
		case syncv1.State_STATE_UNSPECIFIED, syncv1.State_STATE_PENDING, syncv1.State_STATE_RETRYING,
			syncv1.State_STATE_FAILED, syncv1.State_STATE_CANCELLED:
		default:
			points = append(points, failpoint.Before(state))
		}
	}
	slices.Sort(points)
	return points
}

// TestStoppedAtEveryPoint (L2, L3): a system is stopped before an effect until its lease is over and another one has
// ended the sync. Then it goes on, and nothing of what it does has an effect any more.
func TestStoppedAtEveryPoint(t *testing.T) {
	t.Parallel()
	for _, point := range late() {
		t.Run(string(point), func(t *testing.T) {
			t.Parallel()
			p := admit(t, system.Binaries.One, "stop:"+string(point))
			first, stopped := p.System, p.Processes["fgd"]
			answered := make(chan struct{})
			go func() { // the answer may come after the stop only
				defer close(answered)
				first.Try(http.MethodPost, "/api/v1/fabrics", p.definition())
			}()
			stopped.AwaitStop()
			p.System = p.another(system.Binaries.One)
			p.registerAgain()
			status := p.onlyCommit(p.settled())
			p.requireIngested(status)
			written := p.records()
			stopped.Signal(syscall.SIGCONT)
			<-answered
			p.quiet()
			stopped.Stop()
			if after := p.records(); after != written {
				t.Errorf("records were written after the end:\n%s\n%s", written, after)
			}
			p.requireIngested(status)
			for _, status := range p.settled() {
				p.endedOnce(status)
			}
			p.quiet()
		})
	}
}

// records is what Redis has of the syncs of the fabric: each record with the number of its version.
func (p *mortal) records() string {
	p.t.Helper()
	var all []string
	for _, status := range p.settled() {
		fields, err := p.redis.Client().HGetAll(p.t.Context(), "fgd:{3}:fabric:35:sync:"+status.SyncID).Result()
		if err != nil {
			p.t.Fatal(err)
		}
		all = append(all, fmt.Sprint(status.SyncID, fields))
	}
	return strings.Join(all, "\n")
}

// audited holds that the audit is whole: each line follows the one before, each call has an end, and what commits name
// is there.
func (p *mortal) audited() {
	p.t.Helper()
	var verified struct {
		Intact   bool             `json:"intact"`
		Problems []map[string]any `json:"problems"`
	}
	p.Call(http.MethodGet, "/api/v1/audit:verify", nil, &verified)
	if !verified.Intact {
		p.t.Errorf("the audit: %v", verified.Problems)
	}
	var listed struct {
		Lines []struct{ ID, Stage string } `json:"lines"`
	}
	p.Call(http.MethodGet, "/api/v1/audit?limit=1000", nil, &listed)
	open := map[string]bool{}
	for _, line := range slices.Backward(listed.Lines) {
		open[line.ID] = line.Stage == "requested"
	}
	for id, is := range open {
		if is {
			p.t.Errorf("nobody wrote what came of the call %s", id)
		}
	}
}
