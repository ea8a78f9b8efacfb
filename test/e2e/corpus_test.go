package e2e

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"fgdsync.dev/test/system"
)

// TestCorpus syncs directories that people had, each whole repository as one fabric: nothing is lost, nothing waits
// afterwards, and a second sync changes nothing.
func TestCorpus(t *testing.T) {
	t.Parallel()
	cases := filepath.Join(system.Shared(t, "corpus"), "cases")
	entries, err := os.ReadDir(cases)
	if err != nil {
		t.Fatal(err)
	}
	for _, entry := range entries {
		t.Run(entry.Name(), func(t *testing.T) {
			before := read(t, filepath.Join(cases, entry.Name(), "tree"), "")
			for _, root := range fabricsOf(before) {
				h := newHost(t, before)
				h.requireLossless(root)
			}
		})
	}
}

// fabricsOf returns the directories that are fabrics already or are said to be, else the whole repository as one.
func fabricsOf(files map[string]string) []string {
	var fabrics []string
	if len(below(files, directory)) > 0 {
		fabrics = append(fabrics, directory)
	}
	for path := range files {
		if strings.HasSuffix(path, "/.hnp/manifest.yaml") {
			return fabrics // the whole repository would hold the fabrics of others
		}
	}
	return append(fabrics, "")
}

func (h *host) requireLossless(root string) {
	h.t.Helper()
	args := []string{
		"sync", "--repo", h.url(), "--branch", branch, "--dir", "/" + root, "--allow-root", "--force",
		"--allow-http", "--allow-network=127.0.0.0/8", "-o=json",
	}
	first := programs.Run(h.t, credentials(), args...)
	if first.Code != 0 && first.Code != 3 {
		h.t.Fatalf("exit %d:\n%s", first.Code, first.Output())
	}
	after := h.Files(h.t, repository, branch)
	requireNothingLost(h.t, in(h.before, root), in(after, root))
	requireClean(h.t, in(after, root))
	h.requireCommits(2)
	h.RequireSound(h.t, repository)
	again := programs.Run(h.t, credentials(), args...)
	if again.Code != 0 && again.Code != 3 {
		h.t.Errorf("again: exit %d:\n%s", again.Code, again.Output())
	}
	h.requireCommits(2)
}

// in returns the files of a directory, be it the root.
func in(files map[string]string, root string) map[string]string {
	if root == "" {
		return files
	}
	return below(files, root)
}
