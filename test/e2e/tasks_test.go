package e2e

import (
	"net/http"
	"strings"
	"testing"

	"fgdsync.dev/test/fabric"
	"fgdsync.dev/test/system"
	"fgdsync.dev/testkit/gitserver"
)

// operator is somebody at a terminal who has nothing but the client, and Git.
type operator struct {
	*paired

	steps int // commands that were run, and changes that were pushed
}

// run runs a command on the system. It ends with a code, and its output is what the next one is made of.
func (o *operator) run(code int, args ...string) string {
	o.t.Helper()
	o.steps++
	result := programs.Run(o.t, nil, append(args, "--server", o.GRPC, "--token-file", o.TokenFile)...)
	if result.Code != code {
		o.t.Fatalf("fgd %s: exit %d\n%s", strings.Join(args, " "), result.Code, result.Output())
	}
	return result.Output()
}

// push is a step in Git.
func (o *operator) push(message string, files map[string]string) {
	o.t.Helper()
	o.steps++
	o.CommitSaying(o.t, repository, branch, message, files)
}

// says holds what a command said.
func (o *operator) says(output string, words ...string) {
	o.t.Helper()
	for _, word := range words {
		if !strings.Contains(output, word) {
			o.t.Errorf("it does not say %q:\n%s", word, output)
		}
	}
}

// task tries a task from its beginning. docs/tasks.md says of each how many steps it takes: seven at most.
func task(t *testing.T, steps int, try func(o *operator), env ...string) {
	t.Helper()
	t.Parallel()
	o := &operator{paired: newPaired(t, env...)}
	try(o)
	if o.steps != steps {
		t.Errorf("it took %d steps, not the %d that are written down", o.steps, steps)
	}
}

// TestTaskADocumentWasRefused: why, and how it is mended.
func TestTaskADocumentWasRefused(t *testing.T) {
	task(t, 5, func(o *operator) {
		broken := strings.Replace(fabric.VPC("vpc-9", 9), "vlan: ", "vlan: many", 1)
		o.CommitSaying(o.t, repository, branch, "Add a VPC", map[string]string{directory + "/raw/new.yaml": broken})
		o.run(3, "sync", "start", "fabric-1", "--wait")
		list := o.run(0, "quarantine", "list", "fabric-1")
		o.says(list, "unmanaged/new.yaml", "FGD_1004")
		shown := o.run(0, "quarantine", "show", "fabric-1", "unmanaged/new.yaml")
		o.says(shown, "vlan", "many")
		mended := strings.Replace(o.Files(o.t, repository, branch)[directory+"/unmanaged/new.yaml"], "many", "", 1)
		o.push("Mend it", map[string]string{directory + "/unmanaged/new.yaml": mended})
		o.run(0, "sync", "start", "fabric-1", "--wait")
		if o.Files(o.t, repository, branch)[directory+"/managed/vpcs/vpc-9.yaml"] == "" {
			o.t.Error("the VPC is not there")
		}
	})
}

// TestTaskAFabricRunsAway: it is stopped.
func TestTaskAFabricRunsAway(t *testing.T) {
	task(t, 3, func(o *operator) {
		o.says(o.run(0, "sync", "list", "fabric-1"), "completed")
		o.run(0, "fabric", "suspend", "fabric-1", "--reason", "It publishes every minute")
		o.says(o.run(0, "fabric", "show", "fabric-1"), "It publishes every minute")
		status, said := o.Try(http.MethodPost, "/api/v1/fabrics/1/syncs", map[string]any{})
		if status < http.StatusBadRequest || !strings.Contains(string(said), "every minute") {
			o.t.Errorf("a sync starts all the same: %d %s", status, said)
		}
	})
}

// TestTaskAVPCIsGone: who deleted it, and how it comes back.
func TestTaskAVPCIsGone(t *testing.T) {
	task(t, 3, func(o *operator) {
		gone := directory + "/managed/vpcs/vpc-2.yaml"
		before := o.Files(o.t, repository, branch)[gone]
		o.CommitSaying(o.t, repository, branch, "Clean up", map[string]string{gone: gitserver.Removed})
		var started system.Accepted
		o.Call(http.MethodPost, "/api/v1/fabrics/1/syncs", map[string]any{}, &started)
		o.Ended(started.SyncID)
		history := o.run(0, "resource", "history", "fabric-1", "VPC", "vpc-2")
		o.says(history, "deleted", "Clean up")
		dry := o.run(0, "restore", "fabric-1", "--commit", "HEAD~1", "--dry-run", "managed/vpcs/vpc-2.yaml")
		o.says(dry, "vpc-2")
		o.run(0, "restore", "fabric-1", "--commit", "HEAD~1", "managed/vpcs/vpc-2.yaml")
		if now := o.Files(o.t, repository, branch)[gone]; now != before {
			o.t.Errorf("it is\n%s\nand was\n%s", now, before)
		}
	})
}

// TestTaskAConflict: somebody settles it, and both sides say the same.
func TestTaskAConflict(t *testing.T) {
	task(t, 4, func(o *operator) {
		path := directory + "/managed/vpcs/vpc-2.yaml"
		text := o.Files(o.t, repository, branch)[path]
		at := strings.Index(text, "vlan: ")
		end := at + strings.IndexByte(text[at:], '\n')
		o.CommitSaying(o.t, repository, branch, "Another VLAN", map[string]string{path: text[:at] + "vlan: 601" + text[end:]})
		o.people.setVLAN("alice", "vpc-2", 602)
		var listed struct {
			Conflicts []struct {
				ID string `json:"conflict_id"`
			}
		}
		o.Await("a conflict", func() bool {
			o.Call(http.MethodGet, "/api/v1/fabrics/1/conflicts", nil, &listed)
			return len(listed.Conflicts) == 1
		})
		id := listed.Conflicts[0].ID
		o.says(o.run(0, "conflicts", "list", "fabric-1"), "vpc-2")
		o.says(o.run(0, "conflicts", "show", "fabric-1", id), "spec.subnets.default.vlan", "601", "602")
		o.says(o.run(0, "conflicts", "resolve", "fabric-1", id, "--take", "netbox", "--dry-run"), "602")
		o.run(0, "conflicts", "resolve", "fabric-1", id, "--take", "netbox")
		o.Await("both sides to say the same", func() bool {
			return strings.Contains(o.Files(o.t, repository, branch)[path], "vlan: 602")
		})
		o.same(3)
	})
}

// TestTaskANewRepository: it is connected, looked at before anything is published, and published.
func TestTaskANewRepository(t *testing.T) {
	const other, secret = "other.git", "HEDGEHOG_FGD_GIT_OTHER"
	host := gitserver.Start(t, gitserver.Options{User: "x-access-token", Password: password})
	host.Create(t, other, branch, map[string]string{"pods/7/vpcs.yaml": fabric.VPC("vpc-1", 1)})
	task(t, 4, func(o *operator) {
		o.run(0, "fabric", "register", "--repo", host.URL(other), "--dir", "pods/7", "--name", "pod-7",
			"--credentials-ref", "env:"+secret, "--suspended", "to be looked at")
		before := host.Commits(o.t, other, branch)
		o.says(o.run(0, "sync", "start", "pod-7", "--dry-run", "--wait"), "managed/vpcs/vpc-1.yaml")
		if host.Commits(o.t, other, branch) != before {
			o.t.Error("something was published before anybody said so")
		}
		o.run(0, "fabric", "resume", "pod-7")
		o.run(0, "wait", "fabric", "pod-7")
		if host.Files(o.t, other, branch)["pods/7/managed/vpcs/vpc-1.yaml"] == "" {
			o.t.Error("the VPC is not there")
		}
	}, secret+"="+password, secret+"_HOSTS="+host.Address())
}
