// Package upgrade runs the programs of two versions together, as it is while one replaces the other. make test-upgrade
// builds both.
package upgrade

import (
	"encoding/json"
	"flag"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"fgdsync.dev/test/fabric"
	"fgdsync.dev/test/system"
	"fgdsync.dev/testkit/gitserver"
)

var before = flag.String("before", "", "a folder with the programs of before, without which nothing is tested")

const (
	repository = "fabrics.git"
	branch     = "main"
	fabrics    = 10
)

// rolling is a system of which one program after the other is replaced while it works.
type rolling struct {
	*gitserver.Server
	*system.System

	t         *testing.T
	installed string // a folder that has each program, of one version or the other
	rounds    int    // in each of which every fabric is synced
}

// TestTwoVersionsTogether: whichever service is replaced first, forth and back again, every sync that was accepted
// meanwhile is done, and what people have committed is there.
func TestTwoVersionsTogether(t *testing.T) {
	if *before == "" {
		t.Skip("make test-upgrade builds the version before and runs this")
	}
	now, err := system.Build(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	inwards := []string{"bridge", "orchestrator", "ingestion", "directory", "github-sync"}
	outwards := slices.Clone(inwards)
	slices.Reverse(outwards)
	for name, order := range map[string][]string{"the bridge first": inwards, "the bridge last": outwards} {
		t.Run(name, func(t *testing.T) {
			r := start(t)
			for _, version := range []string{string(now), *before} {
				for _, service := range order {
					r.replace(service, version)
				}
			}
			r.requireEverything()
			t.Logf("%d syncs, all completed", r.rounds*fabrics)
		})
	}
}

// start runs the version before, with fabrics.
func start(t *testing.T) *rolling {
	t.Helper()
	r := &rolling{Server: gitserver.Start(t, gitserver.Options{}), t: t, installed: t.TempDir()}
	for _, service := range system.Services() {
		r.install(service, *before)
	}
	files := map[string]string{}
	for i := range fabrics {
		files[folder(i)+"/first.yaml"] = fabric.VPC(vpc(i, 0), number(i, 0))
	}
	r.Create(t, repository, branch, files)
	r.System = system.Binaries(r.installed).Five(t, system.Redis(t).URL(), nil)
	for i := range fabrics {
		var registered system.Accepted
		r.Call(http.MethodPost, "/api/v1/fabrics", map[string]any{
			"fabric_id": i + 1, "name": fmt.Sprint("fabric-", i+1), "repository_url": r.URL(repository), "branch": branch,
			"gitops_directory": folder(i),
		}, &registered)
		r.awaitCompleted(registered.SyncID)
	}
	return r
}

func folder(i int) string { return fmt.Sprint("sites/fabric-", i+1) }

// vpc is the name of what is committed for a fabric in a round, and number makes its subnet its own.
func vpc(i, round int) string { return fmt.Sprintf("v%d-%d", i, round) }

func number(i, round int) int { return 100*i + round }

// install has a service be of a version when it is started next.
func (r *rolling) install(service, version string) {
	r.t.Helper()
	place := filepath.Join(r.installed, service)
	if err := os.RemoveAll(place); err != nil {
		r.t.Fatal(err)
	}
	if err := os.Symlink(filepath.Join(version, service), place); err != nil {
		r.t.Fatal(err)
	}
}

// replace has a service be of a version, while half of the fabrics are synced and the others are asked for.
func (r *rolling) replace(service, version string) {
	r.t.Helper()
	r.rounds++
	files := map[string]string{}
	for i := range fabrics {
		files[folder(i)+"/raw/more.yaml"] = fabric.VPC(vpc(i, r.rounds), number(i, r.rounds))
	}
	r.Commit(r.t, repository, branch, files)
	var started []string
	for i := range fabrics / 2 {
		started = append(started, r.trigger(i))
	}
	r.Processes[service].Stop()
	r.install(service, version)
	r.Restart(service)
	for i := fabrics / 2; i < fabrics; i++ {
		started = append(started, r.trigger(i))
	}
	for _, id := range started {
		r.awaitCompleted(id)
	}
	if slices.Sort(started); len(slices.Compact(started)) != fabrics {
		r.t.Errorf("round %d had other syncs than one for each fabric", r.rounds)
	}
}

// trigger starts a sync of a fabric. Whoever gets no answer asks again, by the same id.
func (r *rolling) trigger(i int) string {
	r.t.Helper()
	var accepted system.Accepted
	r.Await("a sync to be accepted", func() bool {
		code, raw := r.Try(http.MethodPost, fmt.Sprintf("/api/v1/fabrics/%d/syncs", i+1), map[string]any{
			"trigger": "manual", "request_id": fmt.Sprintf("round-%d-%d", r.rounds, i),
		})
		if code == http.StatusOK {
			return json.Unmarshal(raw, &accepted) == nil
		}
		if code != 0 && code < http.StatusInternalServerError {
			r.t.Fatalf("a sync is refused: %d %s", code, raw)
		}
		return false
	})
	return accepted.SyncID
}

func (r *rolling) awaitCompleted(id string) {
	r.t.Helper()
	r.Await("the sync "+id+" to complete", func() bool {
		code, raw := r.Try(http.MethodGet, "/api/sync-status/"+id+"/", nil)
		if code == http.StatusNotFound {
			r.t.Fatalf("the sync %s is lost", id)
		}
		var status system.Status
		if code != http.StatusOK || json.Unmarshal(raw, &status) != nil {
			return false
		}
		if status.State == "failed" || status.State == "cancelled" {
			r.t.Fatalf("round %d: %s", r.rounds, raw)
		}
		return status.State == "completed"
	})
}

// requireEverything makes sure that all that was committed is where a sync puts it.
func (r *rolling) requireEverything() {
	r.t.Helper()
	files := r.Files(r.t, repository, branch)
	for i := range fabrics {
		for round := range r.rounds + 1 {
			if path := folder(i) + "/managed/vpcs/" + vpc(i, round) + ".yaml"; files[path] == "" {
				r.t.Errorf("there is no %s", path)
			}
		}
	}
	r.RequireSound(r.t, repository)
}
