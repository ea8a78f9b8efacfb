package e2e

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"fgdsync.dev/test/system"
)

// runbooks are the pages that say what to do about alerts.
func runbooks(t *testing.T) []string {
	t.Helper()
	root, err := system.Root()
	if err != nil {
		t.Fatal(err)
	}
	pages, err := filepath.Glob(filepath.Join(root, "docs", "runbooks", "FGD*.md"))
	if err != nil || len(pages) < 20 {
		t.Fatalf("the runbooks are %q, %v", pages, err)
	}
	return pages
}

// shellOf returns the blocks of a chapter of a page that are for a shell.
func shellOf(t *testing.T, page, chapter string) []string {
	t.Helper()
	raw, err := os.ReadFile(page)
	if err != nil {
		t.Fatal(err)
	}
	_, text, _ := strings.Cut(string(raw), "\n## "+chapter+"\n")
	text, _, _ = strings.Cut(text, "\n## ")
	var blocks []string
	for _, block := range regexp.MustCompile("(?s)```sh\n(.*?)```").FindAllStringSubmatch(text, -1) {
		blocks = append(blocks, block[1])
	}
	if len(blocks) == 0 {
		t.Errorf("%s has nothing to run under %q", page, chapter)
	}
	return blocks
}

// looks returns the commands by which a runbook has somebody look at a system.
func looks(t *testing.T, page string) []string {
	t.Helper()
	var commands []string
	for _, block := range shellOf(t, page, "Look") {
		commands = append(commands, strings.Split(strings.TrimSpace(block), "\n")...)
	}
	return commands
}

// TestRunbooksCanBeFollowed: each command by which they have somebody look at a system does so, as it stands there.
func TestRunbooksCanBeFollowed(t *testing.T) {
	t.Parallel()
	p := newPaired(t)
	folder, ports := t.TempDir(), regexp.MustCompile(`localhost:(?:8080|919[1-4])`)
	if err := os.Symlink(string(programs), filepath.Join(folder, "bin")); err != nil {
		t.Fatal(err)
	}
	tried := map[string]bool{}
	for _, page := range runbooks(t) {
		for _, command := range looks(t, page) {
			if tried[command] {
				continue
			}
			tried[command] = true
			run := exec.CommandContext(t.Context(), "bash", "-c", "set -euo pipefail\n"+
				ports.ReplaceAllString(command, strings.TrimPrefix(p.Base, "http://")))
			run.Dir = folder
			run.Env = []string{
				"PATH=" + string(programs) + ":" + os.Getenv("PATH"), "HOME=" + folder,
				"HEDGEHOG_FGD_SERVER=" + p.GRPC, "HEDGEHOG_FGD_TOKEN=" + p.Token(),
			}
			said, err := run.CombinedOutput()
			// fgd health ends with 3 where something wants a look
			if err != nil && (run.ProcessState.ExitCode() != 3 || !strings.HasPrefix(command, "fgd health")) {
				t.Errorf("%s: %s: %v\n%s", filepath.Base(page), command, err, said)
			}
		}
	}
}
