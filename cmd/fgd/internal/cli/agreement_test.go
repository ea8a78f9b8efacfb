package cli_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"fgdsync.dev/testkit/gitserver"
)

// TestWhichFilesThereAre: fgd validate and fgd doctor judge the files that a sync reads, and no others.
func TestWhichFilesThereAre(t *testing.T) {
	t.Parallel()
	const bad = "kind: [\n"
	files := map[string]string{
		"raw/bad.yaml": bad, "raw/good.yaml": document, "raw/sub/released.yaml": bad, "unmanaged/known.yaml": bad,
		"unmanaged/other.yml": bad, ".hidden/x.yaml": bad, ".hnp/samples/x.yaml": bad, "kustomization.yaml": bad,
		".fgdignore": "/raw/sub/\n", "README.md": "# f\n",
	}
	folder, inFabric := t.TempDir(), map[string]string{}
	for path, content := range files {
		inFabric["f/"+path] = content
		path = filepath.Join(folder, path)
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	code, stdout, stderr := run(t.Context(), t, "validate", folder)
	if lines := strings.Split(strings.TrimSpace(stdout), "\n"); code != 3 || stderr != "" || len(lines) != 1 ||
		!strings.Contains(lines[0], "raw/bad.yaml:1:") {
		t.Errorf("validate: exit %d\n%s%s", code, stdout, stderr)
	}
	host := gitserver.Start(t, gitserver.Options{User: "u", Password: "p"})
	host.Create(t, "r.git", "main", inFabric)
	r := examined(t, 3, "--repo", host.URL("r.git"), "--dir", "f", "--allow-http",
		"--allow-network=127.0.0.0/8")
	if h := r.Head; h.Files != 2 || h.InvalidFiles != 1 || h.Quarantined != 2 || r.Sync.Quarantines != 1 {
		t.Errorf("doctor: %+v, sync %+v", h, r.Sync)
	}
}

// TestValidateWithoutTheIgnoreFile: when it is not known which files are to be left alone, none is judged.
func TestValidateWithoutTheIgnoreFile(t *testing.T) {
	t.Parallel()
	for what, spoil := range map[string]func(file string) error{
		"no pattern": func(file string) error { return os.WriteFile(file, []byte("ok\nkeep[\n"), 0o600) },
		"a link":     func(file string) error { return os.Symlink("elsewhere", file) },
		"a folder":   func(file string) error { return os.Mkdir(file, 0o700) },
	} {
		folder := t.TempDir()
		if err := os.WriteFile(filepath.Join(folder, "x.yaml"), []byte(document), 0o600); err != nil {
			t.Fatal(err)
		}
		if err := spoil(filepath.Join(folder, ".fgdignore")); err != nil {
			t.Fatal(err)
		}
		code, stdout, stderr := run(t.Context(), t, "validate", folder)
		if code != 2 || stdout != "" || !strings.Contains(stderr, "FGD_1046") || !strings.Contains(stderr, ".fgdignore") {
			t.Errorf("%s: exit %d\n%s%s", what, code, stdout, stderr)
		}
	}
}
