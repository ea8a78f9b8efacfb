package cli_test

import (
	"encoding/json"
	"maps"
	"os"
	"path/filepath"
	"slices"
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
		write(t, filepath.Join(folder, path), content)
	}
	code, stdout, stderr := run(t.Context(), t, "validate", folder)
	if lines := strings.Split(strings.TrimSpace(stdout), "\n"); code != 3 || stderr != "" || len(lines) != 2 ||
		!strings.Contains(lines[0], "kustomization.yaml:1:1: FGD_1014 ") || !strings.Contains(lines[1], "raw/bad.yaml:1:") {
		t.Errorf("validate: exit %d\n%s%s", code, stdout, stderr)
	}
	host := gitserver.Start(t, gitserver.Options{User: "u", Password: "p"})
	host.Create(t, "r.git", "main", inFabric)
	r := examined(t, 3, "--repo", host.URL("r.git"), "--dir", "f", "--allow-http",
		"--allow-network=127.0.0.0/8")
	if h := r.Head; h.Files != 2 || h.InvalidFiles != 1 || h.WarnedFiles != 0 || h.Quarantined != 2 ||
		r.Sync.Quarantines != 1 {
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

// TestOneAnswerOfAllCommands: fgd validate, doctor, a dry run and a sync find the same codes in a file, wherever it
// stands, and fgd check, which looks at no file, finds nothing in the way.
func TestOneAnswerOfAllCommands(t *testing.T) {
	t.Parallel()
	const theirs, bad = "site_name: x\n", "kind: [\n"
	samples := map[string]struct{ content, codes string }{
		"mkdocs.yml":                 {theirs, "FGD_1024"},
		"apps/broken.yaml":           {"name: {{ x }\n", "FGD_1024"}, // one warning a folder
		"apps/values.yaml":           {theirs, ""},
		"kustomization.yaml":         {"resources: []\n", "FGD_1014"},
		"apps/Kustomization":         {"resources: []\n", "FGD_1014"},
		"raw/kustomization.yml":      {"resources: []\n", "FGD_1014"},
		"managed/kustomization.yaml": {"resources: []\n", "FGD_1014"},
		"raw/theirs.yaml":            {"apiVersion: v1\nkind: Secret\nmetadata: {name: a}\n", "FGD_1002"},
		"raw/notes.txt":              {"n\n", "FGD_1007"},
		"old.yaml":                   {"apiVersion: old.githedgehog.com/v1\nkind: Old\nmetadata: {name: a}\n", "FGD_1002"},
		"raw/bad.yaml":               {bad, "FGD_1001"},
		"managed/vpcs/broken.yaml":   {bad, "FGD_1029"},
		"managed/vpcs/notes.txt":     {"n\n", "FGD_2009"},
		"raw/good.yaml":              {document, ""},
		".github/x.yaml":             {bad, ""},
		"notes.txt":                  {"n\n", ""},
	}
	folder, inFabric, want := t.TempDir(), map[string]string{}, map[string]string{}
	number := map[string]int{}
	for path, sample := range samples {
		inFabric["f/"+path] = sample.content
		if sample.codes != "" {
			want[path] = sample.codes
			number[sample.codes]++
		}
		write(t, filepath.Join(folder, path), sample.content)
	}
	host := gitserver.Start(t, gitserver.Options{User: "u", Password: "p"})
	host.Create(t, "r.git", "main", inFabric)
	at := []string{"--repo", host.URL("r.git"), "--dir", "f", "--allow-http", "--allow-network=127.0.0.0/8"}
	if code, stdout, stderr := run(t.Context(), t, append([]string{"check"}, at...)...); code != 0 {
		t.Errorf("check: exit %d\n%s%s", code, stdout, stderr)
	}
	_, stdout, _ := run(t.Context(), t, "validate", "-o=json", folder)
	if got := codesByFile(t, stdout, folder+"/"); !maps.Equal(got, want) {
		t.Errorf("validate: %v", got)
	}
	found := map[string]int{}
	for _, code := range examined(t, 3, at...).Head.Codes {
		found[code.Code] = code.Files
	}
	if !maps.Equal(found, number) {
		t.Errorf("doctor: %v, not %v", found, number)
	}
	for _, more := range [][]string{{"--dry-run"}, nil} {
		_, stdout, _ := run(t.Context(), t, slices.Concat([]string{"sync", "-o=json"}, at, more)...)
		if got := codesByFile(t, stdout, ""); !maps.Equal(got, want) {
			t.Errorf("sync %v: %v", more, got)
		}
	}
}

// codesByFile returns the codes in what a command printed, by file. Those of one file are joined, each once.
func codesByFile(t *testing.T, stdout, prefix string) map[string]string {
	t.Helper()
	type found struct{ Code, File string }
	var printed struct {
		Files            []struct{ Findings []found }
		Errors, Warnings []found
	}
	if err := json.Unmarshal([]byte(stdout), &printed); err != nil {
		t.Fatal(err)
	}
	all := slices.Concat(printed.Errors, printed.Warnings)
	for _, file := range printed.Files {
		all = append(all, file.Findings...)
	}
	codes := map[string]string{}
	for _, f := range all {
		if file := strings.TrimPrefix(f.File, prefix); !strings.Contains(codes[file], f.Code) {
			codes[file] = strings.TrimSpace(codes[file] + " " + f.Code)
		}
	}
	return codes
}

// TestWhereAFileStands: a file or folder that is named is judged where it stands in its fabric directory, and one in
// none as in raw/.
func TestWhereAFileStands(t *testing.T) {
	t.Parallel()
	const theirs = "apiVersion: v1\nkind: Secret\nmetadata: {name: a}\n"
	folder := t.TempDir()
	fabric := filepath.Join(folder, "f")
	for path, content := range map[string]string{
		"f/.hnp/manifest.yaml": "fabric: {id: 1, name: f}\n", "f/raw/theirs.yaml": theirs, "f/apps/theirs.yaml": theirs,
		"f/unmanaged/theirs.yaml": theirs, "f/.fgdignore": "/apps/left/\n", "f/apps/left/theirs.yaml": theirs,
		"loose.yaml": theirs, "other/theirs.yaml": theirs,
	} {
		write(t, filepath.Join(folder, path), content)
	}
	for _, test := range []struct {
		named, code string
		exit        int
	}{
		{"f/raw", "FGD_1002", 3},
		{"f/raw/theirs.yaml", "FGD_1002", 3},
		{"f/apps", "FGD_1024", 0},
		{"f/apps/theirs.yaml", "FGD_1024", 0},
		{"f/unmanaged", "FGD_1002", 3},
		{"f/unmanaged/theirs.yaml", "FGD_1002", 3},
		{"loose.yaml", "FGD_1002", 3},
		{"other", "FGD_1002", 3},
	} {
		code, stdout, stderr := run(t.Context(), t, "validate", filepath.Join(folder, test.named))
		if code != test.exit || strings.Count(stdout, "\n") != 1 || !strings.Contains(stdout, ": "+test.code+" ") ||
			!strings.HasPrefix(stdout, filepath.Join(folder, test.named)) {
			t.Errorf("%s: exit %d\n%s%s", test.named, code, stdout, stderr)
		}
	}
	if code, stdout, _ := run(t.Context(), t, "validate", fabric, filepath.Join(folder, "other")); code != 3 ||
		strings.Count(stdout, "FGD_1024") != 1 || strings.Count(stdout, "FGD_1002") != 2 {
		t.Errorf("two directories: exit %d\n%s", code, stdout)
	}
}

func write(t *testing.T, path, content string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
}
