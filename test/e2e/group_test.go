package e2e

import (
	"fmt"
	"net/http"
	"strings"
	"sync"
	"testing"

	"fgdsync.dev/test/fabric"
	"fgdsync.dev/test/system"
	"fgdsync.dev/testkit/gitserver"
)

// TestAHundredFabricsOfOneRepository: a sync of each is triggered at once. All complete, with a commit each that
// touches its own directory, and few pushes.
func TestAHundredFabricsOfOneRepository(t *testing.T) {
	const fabrics, most = 100, 5
	h := newHost(t, map[string]string{"README.md": "# fabrics\n"})
	s := programs.Up(t, []string{fmt.Sprint("HEDGEHOG_FGD_SYNC_CONCURRENCY=", fabrics)})
	each := func(do func(i int)) {
		var all sync.WaitGroup
		for i := range fabrics {
			all.Go(func() { do(i) })
		}
		all.Wait()
	}
	directory := func(i int) string { return fmt.Sprintf("gitops/fabric-%d", i) }
	each(func(i int) {
		definition := h.fabric()
		definition["fabric_id"], definition["name"], definition["gitops_directory"] = i+1, fmt.Sprint("fabric-",
			i), directory(i)
		var registered system.Accepted
		s.Call(http.MethodPost, "/api/v1/fabrics", definition, &registered)
		if status := s.Ended(registered.SyncID); status.State != "completed" {
			t.Errorf("registered: %+v", status)
		}
	})
	wanted := map[string]string{}
	for i := range fabrics {
		wanted[directory(i)+"/raw/new.yaml"] = fabric.VPC(fmt.Sprint("vpc-", i), i)
	}
	before := h.Commit(t, repository, branch, wanted)
	pushed := h.Requests(gitserver.Receive)
	commits := make([]string, fabrics)
	each(func(i int) {
		var triggered system.Accepted
		s.Call(http.MethodPost, fmt.Sprintf("/api/v1/fabrics/%d/syncs", i+1), map[string]any{}, &triggered)
		status := s.Ended(triggered.SyncID)
		if commits[i] = status.Result.CommitSHA; status.State != "completed" || commits[i] == "" {
			t.Errorf("synced: %+v", status)
		}
	})
	pushes := h.Requests(gitserver.Receive) - pushed
	t.Logf("%d pushes", pushes)
	if pushes > most {
		t.Errorf("%d pushes for %d fabrics", pushes, fabrics)
	}
	if n := len(strings.Fields(h.Git(t, repository, "rev-list", before+".."+branch))); n != fabrics {
		t.Errorf("%d commits for %d fabrics", n, fabrics)
	}
	for i, commit := range commits {
		for path := range strings.FieldsSeq(h.Git(t, repository, "diff-tree", "--no-commit-id", "-r", "--name-only",
			commit)) {
			if !strings.HasPrefix(path, directory(i)+"/") {
				t.Errorf("the commit of %s touches %s", directory(i), path)
			}
		}
	}
	h.RequireSound(t, repository)
}
