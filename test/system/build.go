// Package system runs the built programs as users do: fgd by its command line, the five services as processes, the JSON
// API over HTTP.
package system

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// Binaries is a folder with fgd and the five services.
type Binaries string

// Services are the names of the programs that serve, in the order in which they are started.
func Services() []string {
	return []string{"github-sync", "ingestion", "directory", "orchestrator", "bridge"}
}

// Build builds all programs from the sources around the tests, with the race detector when the tests have it too, and
// with build tags.
func Build(folder string, tags ...string) (Binaries, error) {
	root, err := Root()
	if err != nil {
		return "", err
	}
	args := append([]string{"build", "-o", folder + "/", "-tags", strings.Join(tags, ",")}, raceFlags()...)
	args = append(args, "./cmd/fgd")
	for _, name := range Services() {
		args = append(args, "./services/"+name+"/cmd/"+name)
	}
	build := exec.Command("go", args...)
	build.Dir = root
	if out, err := build.CombinedOutput(); err != nil {
		return "", fmt.Errorf("build the programs: %w\n%s", err, out)
	}
	return Binaries(folder), nil
}

// Root is the folder of the workspace.
func Root() (string, error) {
	dir, err := os.Getwd()
	if err != nil {
		return "", fmt.Errorf("find the workspace: %w", err)
	}
	for ; ; dir = filepath.Dir(dir) {
		if _, err := os.Stat(filepath.Join(dir, "go.work")); err == nil {
			return dir, nil
		}
		if dir == filepath.Dir(dir) {
			return "", errors.New("no go.work above the tests")
		}
	}
}

// Shared returns a folder of the data that is kept beside the project, and skips the test where there is none.
func Shared(t testing.TB, name string) string {
	t.Helper()
	root, err := Root()
	if err != nil {
		t.Fatal(err)
	}
	folder := filepath.Join(filepath.Dir(root), "shared", name)
	if _, err := os.Stat(folder); err != nil {
		t.Skipf("%s is not here", name)
	}
	return folder
}
