package e2e

import (
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"fgdsync.dev/test/system"
)

// TestCases runs small directories, each with what has to come of it, where they are beside the project.
func TestCases(t *testing.T) {
	t.Parallel()
	cases, err := filepath.Glob(filepath.Join(system.Shared(t, "cases"), "*", "case.json"))
	if err != nil {
		t.Fatal(err)
	}
	args := []string{filepath.Join(system.Shared(t, "tools"), "cases.py"), "--fgd", filepath.Join(string(programs), "fgd")}
	for _, file := range cases {
		args = append(args, filepath.Dir(file))
	}
	out, err := exec.CommandContext(t.Context(), "python3", args...).CombinedOutput()
	if err != nil || !strings.Contains(string(out), " cases") {
		t.Errorf("%v\n%s", err, out)
	}
}
