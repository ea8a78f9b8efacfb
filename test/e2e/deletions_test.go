package e2e

import (
	"fmt"
	"net/http"
	"strings"
	"testing"

	"fgdsync.dev/test/fabric"
	"fgdsync.dev/test/system"
	"fgdsync.dev/testkit/gitserver"
)

// TestMassDelete: a few resources may be removed, many only by force, and until then nothing is published or forgotten.
func TestMassDelete(t *testing.T) {
	t.Parallel()
	var docs []string
	for i := range 40 {
		docs = append(docs, fabric.VPC(fmt.Sprintf("vpc-%02d", i), i+1))
	}
	h := newHost(t, map[string]string{directory + "/raw/all.yaml": fabric.File(docs)})
	s := programs.Up(t, nil)
	var registered system.Accepted
	s.Call(http.MethodPost, "/api/v1/fabrics", h.fabric(), &registered)
	s.Ended(registered.SyncID)
	trigger := func(options map[string]any) system.Status {
		t.Helper()
		var triggered system.Accepted
		s.Call(http.MethodPost, "/api/v1/fabrics/1/syncs", map[string]any{"options": options}, &triggered)
		return s.Ended(triggered.SyncID)
	}
	h.remove(0, 5)
	if few := trigger(nil); few.State != "completed" || few.Result.ResourcesTotal != 35 {
		t.Errorf("few: %+v", few)
	}
	h.remove(5, 20)
	commits := h.Commits(t, repository, branch)
	for range 2 { // it does not wear off
		many := trigger(nil)
		if many.State != "failed" || many.Errors[0].Code != "FGD_3005" ||
			!strings.Contains(many.Errors[0].Message, "15 of 35") || len(many.Errors) != 16 ||
			!strings.HasSuffix(many.Errors[1].File, "managed/vpcs/vpc-05.yaml") || many.Errors[1].Remedy == "" {
			t.Errorf("many: %+v", many)
		}
	}
	if dry := trigger(map[string]any{"validate_only": true}); dry.State != "completed" ||
		coded(dry.Warnings, "FGD_3005") != 15 {
		t.Errorf("dry: %+v", dry)
	}
	h.requireCommits(commits)
	if forced := trigger(map[string]any{"force": true}); forced.State != "completed" ||
		forced.Result.ResourcesTotal != 20 {
		t.Errorf("forced: %+v", forced)
	}
	if after := trigger(nil); after.State != "completed" {
		t.Errorf("after: %+v", after)
	}
}

func coded(findings []system.Finding, code string) int {
	n := 0
	for _, f := range findings {
		if f.Code == code {
			n++
		}
	}
	return n
}

// remove takes managed files away, as a person does.
func (h *host) remove(from, to int) {
	h.t.Helper()
	files := map[string]string{}
	for i := from; i < to; i++ {
		files[fmt.Sprintf("%s/managed/vpcs/vpc-%02d.yaml", directory, i)] = gitserver.Removed
	}
	h.Commit(h.t, repository, branch, files)
}
