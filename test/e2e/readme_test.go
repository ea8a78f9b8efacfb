package e2e

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"fgdsync.dev/test/fabric"
	"fgdsync.dev/test/system"
	"fgdsync.dev/testkit/gitserver"
)

// asOnThePage lets commands of the README run as they stand there: curl fails where the answer is an error, and keeps
// the id of the sync that an answer has, as its reader does.
const asOnThePage = `set -euo pipefail
curl() {
  local answer
  answer=$(command curl --fail-with-body "$@") || { echo "$answer"; return 1; }
  echo "$answer"
  SYNC=$(sed -n 's/.*"sync_id": *"\([^"]*\)".*/\1/p' <<< "$answer" | head -1)
}
`

// TestTheREADMECanBeFollowed: what it has somebody type does what it says, on a repository of their own, one chapter
// after the other. What it calls 127.0.0.1:8080 is a system that runs already.
func TestTheREADMECanBeFollowed(t *testing.T) {
	t.Parallel()
	root, err := system.Root()
	if err != nil {
		t.Fatal(err)
	}
	readme := filepath.Join(root, "README.md")
	requireChapters(t, readme, "Two commands", "Sync your own repository", "Serve")
	git := gitserver.Start(t, gitserver.Options{User: "x-access-token", Password: password})
	git.Create(t, "gitops.git", branch, map[string]string{
		"gitops/fabric-1/raw/all.yaml": fabric.File([]string{fabric.VPC("vpc-1", 1), fabric.VPC("vpc-2", 2)}),
	})
	s := programs.Up(t, nil)
	folder := reader(t, s)
	replaced := strings.NewReplacer("https://github.com/you/gitops.git", git.URL("gitops.git"), "localhost:8080",
		strings.TrimPrefix(s.Base, "http://"), "…", password)
	run := func(chapter string) string {
		t.Helper()
		command := exec.CommandContext(t.Context(), "bash", "-c",
			asOnThePage+replaced.Replace(strings.Join(shellOf(t, readme, chapter), "")))
		command.Dir = folder
		command.Env = []string{"PATH=" + filepath.Join(folder, "bin") + ":" + os.Getenv("PATH"), "HOME=" + folder}
		said, err := command.CombinedOutput()
		if err != nil {
			t.Fatalf("%s: %v\n%s", chapter, err, said)
		}
		return string(said)
	}
	requireTargets(t, root, shellOf(t, readme, "Two commands"))
	if said := run("Sync your own repository"); !strings.Contains(said, "+++ b/managed/vpcs/vpc-1.yaml") {
		t.Errorf("the dry run shows no diff:\n%s", said)
	}
	if n := git.Commits(t, "gitops.git", branch); n != 2 {
		t.Errorf("there are %d commits, not the one of the sync", n)
	}
	if said := run("Serve"); !strings.Contains(said, `"completed"`) {
		t.Errorf("no sync completes:\n%s", said)
	}
	if files := git.Files(t, "gitops.git", branch); files["gitops/fabric-1/managed/vpcs/vpc-2.yaml"] == "" {
		t.Errorf("there is no vpc-2 in %v", files)
	}
}

// reader makes the folder of somebody who has built fgd, which reaches a Git host of a test: "fgd up" is at work
// already, and what doctor finds is no failure.
func reader(t *testing.T, s *system.System) string {
	t.Helper()
	folder := t.TempDir()
	if err := os.Mkdir(filepath.Join(folder, "bin"), 0o700); err != nil {
		t.Fatal(err)
	}
	fgd := fmt.Sprintf(`if [ "$1" = up ]; then exit 0; fi
%s "$@" --allow-http --allow-network=127.0.0.0/8
code=$?
if [ "$1" = doctor ] && [ $code = 3 ]; then exit 0; fi
exit $code
`, filepath.Join(string(programs), "fgd"))
	for name, script := range map[string]string{"fgd": fgd, "make": ""} {
		path := filepath.Join(folder, "bin", name)
		if err := os.WriteFile(path, []byte("#!/bin/sh\n"+script), 0o700); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Symlink(s.Data, filepath.Join(folder, "fgd-data")); err != nil {
		t.Fatal(err)
	}
	return folder
}

// requireChapters holds that a page has commands in no other chapters.
func requireChapters(t *testing.T, page string, chapters ...string) {
	t.Helper()
	text, err := os.ReadFile(page)
	if err != nil {
		t.Fatal(err)
	}
	known := 0
	for _, chapter := range chapters {
		known += len(shellOf(t, page, chapter))
	}
	if all := strings.Count(string(text), "\n```sh\n"); all != known {
		t.Errorf("%s has %d blocks of commands, and %d in %q", filepath.Base(page), all, known, chapters)
	}
}

// requireTargets holds that the Makefile has what blocks have somebody make.
func requireTargets(t *testing.T, root string, blocks []string) {
	t.Helper()
	makefile, err := os.ReadFile(filepath.Join(root, "Makefile"))
	if err != nil {
		t.Fatal(err)
	}
	for _, target := range regexp.MustCompile(`(?m)^make (\S+)`).FindAllStringSubmatch(strings.Join(blocks, ""), -1) {
		if !strings.Contains(string(makefile), "\n"+target[1]+": ") {
			t.Errorf("there is no target %s", target[1])
		}
	}
}
