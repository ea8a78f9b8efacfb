package cli_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"fgdsync.dev/testkit/gitserver"
	"fgdsync.dev/testkit/redistest"
)

const vpcDocument = "apiVersion: vpc.githedgehog.com/v1beta1\nkind: VPC\nmetadata:\n  name: vpc-1\nspec:\n  subnets:\n" +
	"    default:\n      subnet: 10.0.1.0/24\n      vlan: 1\n"

// TestResources: what a running system's resources say is read and changed from the command line.
func TestResources(t *testing.T) {
	t.Parallel()
	host := gitserver.Start(t, gitserver.Options{})
	host.Create(t, "r.git", "main", map[string]string{"f/raw/a.yaml": vpcDocument})
	s, _ := up(t, nil, "--redis", redistest.Start(t).URL(), "--allow-http", "--allow-network=127.0.0.0/8")
	fgd := func(want int, args ...string) string {
		t.Helper()
		code, stdout, stderr := run(t.Context(), t, append(args, "--server", s.GRPC, "--token-file", s.tokenFile)...)
		if code != want {
			t.Fatalf("%v: exit %d, not %d\n%s%s", args, code, want, stdout, stderr)
		}
		return stdout + stderr
	}
	says := func(text string, wants ...string) {
		t.Helper()
		for _, want := range wants {
			if !strings.Contains(text, want) {
				t.Errorf("%q is not in\n%s", want, text)
			}
		}
	}
	fgd(0, "fabric", "register", "--repo", host.URL("r.git"), "--dir", "f", "--fabric-id", "1", "--name", "fabric-1")
	look := time.NewTicker(10 * time.Millisecond)
	for !strings.Contains(fgd(0, "resource", "list", "1"), "vpc-1") {
		<-look.C
	}
	says(fgd(0, "resource", "list", "1"), "KIND", "VPC", "managed/vpcs/vpc-1.yaml", "yes")
	says(fgd(0, "resource", "get", "1", "VPC", "vpc-1"), "blob", "spec:", "vlan: ")
	patch := `{"spec":{"subnets":{"default":{"vlan":1001}}}}`
	says(fgd(0, "resource", "patch", "1", "VPC", "vpc-1", "--patch", patch, "--dry-run"), "+", "vlan: 1001", "updated")
	says(fgd(0, "resource", "patch", "1", "VPC", "vpc-1", "--patch", patch), "updated", "commit")
	says(fgd(0, "resource", "get", "1", "VPC", "vpc-1"), "vlan: 1001")
	says(fgd(0, "resource", "history", "1", "VPC", "vpc-1"), "moved: ", "where   api",
		"raw/a.yaml -> managed/vpcs/vpc-1.yaml", "spec.subnets.default.vlan: 1 -> 1001", "created: ",
		"spec.subnets.default: - -> {")
	says(fgd(0, "resource", "history", "1", "VPC", "vpc-1", "--limit", "1"), "more: --page-token ")
	says(fgd(0, "resource", "history", "1", "VPC", "vpc-1", "-o=json"), `"origin"`, `"api"`, `"path_before"`)
	says(fgd(1, "resource", "history", "1", "VPC", "vpc-9"), "FGD_1067")
	says(fgd(1, "resource", "delete", "1", "VPC", "vpc-1", "--if-match", strings.Repeat("0", 40)), "FGD_1069")
	says(fgd(2, "resource", "patch", "1", "VPC", "vpc-1", "--patch", "x"), "no JSON object")
	file := filepath.Join(t.TempDir(), "new.yaml")
	two := "# two\n---\n" + strings.ReplaceAll(vpcDocument, "vpc-1", "vpc-2") + "---\n---\n" +
		strings.ReplaceAll(vpcDocument, "vpc-1", "vpc-3")
	if err := os.WriteFile(file, []byte(two), 0o600); err != nil {
		t.Fatal(err)
	}
	commits := host.Commits(t, "r.git", "main")
	says(fgd(0, "resource", "put", "1", "-f", file), "vpc-2", "vpc-3", "created")
	if n := host.Commits(t, "r.git", "main"); n != commits+1 {
		t.Errorf("%d commits for one file", n-commits)
	}
	says(fgd(0, "resource", "delete", "1", "VPC", "vpc-3"), "deleted")
	says(fgd(2, "resource", "get", "1", "VPC"), "needs a fabric's name or number, a kind and a name")
}
