package e2e

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"fgdsync.dev/test/system"
)

// aboutOthers are the codes of findings that depend on the other files of a fabric.
var aboutOthers = []string{"FGD_1005", "FGD_1015", "FGD_1016", "FGD_1017", "FGD_1018"}

// TestValidateAsSync: fgd validate says of the files in raw/ what a sync says of them.
func TestValidateAsSync(t *testing.T) {
	t.Parallel()
	cases := filepath.Join(system.Shared(t, "corpus"), "cases")
	entries, err := os.ReadDir(cases)
	if err != nil {
		t.Fatal(err)
	}
	for _, entry := range entries {
		t.Run(entry.Name(), func(t *testing.T) {
			waiting := map[string]string{}
			for path, content := range read(t, filepath.Join(cases, entry.Name(), "tree"), "") {
				if isYAML(path) && !strings.Contains("/"+path, "/.") {
					waiting["raw/"+path] = content
				}
			}
			synced, complete := synced(t, waiting)
			validated := validated(t, waiting)
			if more := less(synced, validated); len(more) > 0 {
				t.Errorf("said by a sync only:\n%s", strings.Join(more, "\n"))
			}
			if more := less(validated, synced); complete && len(more) > 0 {
				t.Errorf("said by fgd validate only:\n%s", strings.Join(more, "\n"))
			}
		})
	}
}

// less returns what is in one list and not in another.
func less(one, other []string) []string {
	return slices.DeleteFunc(slices.Clone(one), func(line string) bool { return slices.Contains(other, line) })
}

// synced returns the findings of a sync, and whether they are all: a record keeps so many and says how many more there
// are.
func synced(t *testing.T, files map[string]string) (found []string, complete bool) {
	t.Helper()
	inFabric := map[string]string{"README.md": "# Fabrics\n"}
	for path, content := range files {
		inFabric[directory+"/"+path] = content
	}
	h := newHost(t, inFabric)
	result := programs.Run(t, credentials(), "sync", "--repo", h.url(), "--branch", branch, "--dir", directory,
		"--allow-http", "--allow-network=127.0.0.0/8", "-o=json")
	if result.Code != 0 && result.Code != 3 {
		t.Fatalf("exit %d:\n%s", result.Code, result.Output())
	}
	status := system.Read[system.Status](t, result.Stdout)
	complete = true
	for _, f := range slices.Concat(status.Errors, status.Warnings) {
		switch {
		case f.Code == "FGD_1027" && f.File == "":
			complete = false
		case !slices.Contains(aboutOthers, f.Code):
			found = append(found, fmt.Sprintf("%s:%d:%d: %s %s: %s", f.File, max(f.Line, 1), max(f.Column, 1), f.Code, f.Name,
				f.Message))
		}
	}
	return found, complete
}

var remedy = regexp.MustCompile(` \([^()]*\)$`)

// validated returns the findings of fgd validate.
func validated(t *testing.T, files map[string]string) []string {
	t.Helper()
	folder := t.TempDir()
	for path, content := range files {
		path = filepath.Join(folder, path)
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	result := programs.Run(t, nil, "validate", folder)
	if result.Code != 0 && result.Code != 3 {
		t.Fatalf("exit %d:\n%s", result.Code, result.Output())
	}
	var out []string
	for line := range strings.Lines(result.Stdout) {
		line = strings.TrimPrefix(strings.TrimSuffix(line, "\n"), folder+"/")
		out = append(out, remedy.ReplaceAllString(line, ""))
	}
	return out
}
