package e2e

import (
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"
	"testing"

	"fgdsync.dev/test/fabric"
	"fgdsync.dev/test/system"
	"fgdsync.dev/testkit/gitserver"
)

const peering = "apiVersion: vpc.githedgehog.com/v1beta1\nkind: VPCPeering\nmetadata:\n  name: a--b\nspec:\n  " +
	"permit:\n  - a: {}\n    b: {}\n"

// TestPlan: a dry run and the sync after it say the same of every resource and file: what is created, updated, moved,
// quarantined and deleted, by documents in raw/ and by people in managed/, and what a deletion leaves leading nowhere,
// also where a fabric doesn't want to be told of references.
func TestPlan(t *testing.T) {
	t.Parallel()
	for references, told := range map[string]string{"warn": "FGD_1015", "off": "FGD_1021"} {
		t.Run(references, func(t *testing.T) {
			h := newHost(t, map[string]string{directory + "/raw/all.yaml": fabric.VPC("a", 1) + "---\n" + fabric.VPC("b", 2) +
				"---\n" + peering})
			s := programs.Up(t, nil)
			var registered system.Accepted
			definition := h.fabric()
			definition["options"] = map[string]any{"references": references}
			s.Call(http.MethodPost, "/api/v1/fabrics", definition, &registered)
			first := s.Ended(registered.SyncID)
			requirePlan(t, s, "first", first, "create VPC a raw/all.yaml managed/vpcs/a.yaml",
				"create VPC b raw/all.yaml managed/vpcs/b.yaml",
				"create VPCPeering a--b raw/all.yaml managed/vpcpeerings/a--b.yaml")

			managed := below(h.Files(t, repository, branch), directory)
			h.Commit(t, repository, branch, map[string]string{
				directory + "/managed/vpcs/a.yaml": strings.Replace(managed["managed/vpcs/a.yaml"], "vlan: 2", "vlan: 7",
					1),
				directory + "/managed/vpcs/b.yaml":            gitserver.Removed,
				directory + "/managed/vpcpeerings/a--b.yaml":  gitserver.Removed,
				directory + "/managed/vpcs/strange-name.yaml": managed["managed/vpcpeerings/a--b.yaml"],
				directory + "/raw/c.yaml":                     fabric.VPC("c", 3) + "---\n" + fabric.VPC("c", 3),
				directory + "/raw/bad.yaml":                   "kind: [\n",
			})
			want := []string{
				"create VPC c raw/c.yaml managed/vpcs/c.yaml", "delete VPC b managed/vpcs/b.yaml ", "duplicate VPC c raw/c.yaml ",
				"move VPCPeering a--b managed/vpcs/strange-name.yaml managed/vpcpeerings/a--b.yaml",
				"orphan VPCPeering a--b spec.permit[0].b VPC b",
				"quarantine   raw/bad.yaml unmanaged/bad.yaml", "update VPC a managed/vpcs/a.yaml managed/vpcs/a.yaml",
			}
			for _, dry := range []bool{true, false} {
				var triggered system.Accepted
				s.Call(http.MethodPost, "/api/v1/fabrics/1/syncs", map[string]any{"options": map[string]any{"validate_only": dry}},
					&triggered)
				status := s.Ended(triggered.SyncID)
				requirePlan(t, s, fmt.Sprintf("dry %t", dry), status, want...)
				warnings := slices.DeleteFunc(status.Warnings, func(f system.Finding) bool {
					return strings.Contains(f.Message,
						"in the cluster only")
				})
				if status.State != "completed" || coded(warnings, told) != 1 {
					t.Errorf("dry %t: %s with %+v", dry, status.State, warnings)
				}
			}
		})
	}
}

// requirePlan holds what a sync says that it did, in lines of action, kind, name, from and to, and that it counts them.
func requirePlan(t *testing.T, s *system.System, what string, status system.Status, want ...string) {
	t.Helper()
	plan := s.Plan(status.SyncID)
	counts := map[string]int{
		"create": plan.Creates, "update": plan.Updates, "move": plan.Moves, "quarantine": plan.Quarantines,
		"delete":    plan.Deletes,
		"duplicate": plan.Duplicates, "release": plan.Releases,
	}
	counted := map[string]int{}
	var got []string
	for _, a := range plan.Actions {
		got = append(got, fmt.Sprintf("%s %s %s %s %s", a.Action, a.Kind, a.Name, a.From, a.To))
		counted[a.Action]++
	}
	for _, o := range plan.Orphans {
		got = append(got, fmt.Sprintf("orphan %s %s %s %s %s", o.Kind, o.Name, o.Field, o.MissingKind, o.MissingName))
	}
	slices.Sort(got)
	slices.Sort(want)
	if !slices.Equal(got, want) {
		t.Errorf("%s: the plan is\n%s\nnot\n%s", what, strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
	maps.DeleteFunc(counts, func(_ string, n int) bool { return n == 0 })
	if !maps.Equal(counts, counted) {
		t.Errorf("%s: counted are %v, not %v", what, counts, counted)
	}
}
