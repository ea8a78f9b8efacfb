package structure_test

import (
	"context"
	"crypto/sha1"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"fgdsync.dev/libs/gittree"
	"fgdsync.dev/libs/layout"
	"fgdsync.dev/services/directory/internal/structure"
)

var (
	testFabric = structure.Fabric{ID: 35, Name: "fabric-1", FormerNames: []string{"fabric-0"}}
	testKinds  = structure.Kinds{
		Required: []string{"connections", "vpcs"},
		Known:    []string{"connections", "vpcs", "gateways"},
	}
	testTime = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
)

// files is a directory by content; it makes the input of Examine and takes its changes.
type files map[string]string

func blobOf(content string) string { return fmt.Sprintf("%x", sha1.Sum([]byte(content))) }

func (f files) directory() structure.Directory {
	dir := structure.Directory{}
	for p, content := range f {
		dir.Entries = append(dir.Entries, gittree.Entry{Path: p, Blob: blobOf(content), Size: int64(len(content))})
	}
	if content, ok := f[layout.Manifest]; ok {
		dir.Manifest = []byte(content)
	}
	dir.Ignore = []byte(f[layout.Ignore])
	return dir
}

func (f files) examine() structure.Report { return f.examineFor(testFabric) }

func (f files) examineFor(fabric structure.Fabric) structure.Report {
	return examine(f.directory(), fabric)
}

// examine judges a directory for which there is time enough.
func examine(dir structure.Directory, fabric structure.Fabric) structure.Report {
	report, err := structure.Examine(context.Background(), dir, fabric, testKinds, testTime)
	if err != nil {
		panic(err)
	}
	return report
}

func (f files) repaired(t interface{ Fatalf(string, ...any) }) files {
	return f.repairedFor(t, testFabric)
}

func (f files) repairedFor(t interface{ Fatalf(string, ...any) }, fabric structure.Fabric) files {
	out := files{}
	blobs := map[string]string{}
	for p, content := range f {
		out[p] = content
		blobs[blobOf(content)] = content
	}
	touched := map[string]bool{}
	for _, issue := range f.examineFor(fabric).Issues {
		if (issue.Repair == "") != (len(issue.Changes) == 0) {
			t.Fatalf("issue %q: changes and their sentence do not go together", issue.Message)
		}
		for _, c := range issue.Changes {
			if touched[c.Path] {
				t.Fatalf("%s is changed twice", c.Path)
			}
			touched[c.Path] = true
			content := string(c.Content)
			if c.Blob != "" {
				content = blobs[c.Blob]
			}
			out[c.Path] = content
		}
	}
	return out
}

func codes(r structure.Report) []string {
	var out []string
	for _, issue := range r.Issues {
		out = append(out, issue.Code.ID+" "+issue.Path)
	}
	return out
}

func TestEmptyDirectory(t *testing.T) {
	t.Parallel()
	report := files{}.examine()
	want := []string{
		"FGD_2005 raw", "FGD_2005 unmanaged", "FGD_2005 managed/connections", "FGD_2005 managed/vpcs",
		"FGD_2005 .hnp/manifest.yaml",
	}
	if got := codes(report); !slices.Equal(got, want) || report.Valid() {
		t.Errorf("issues %v, valid %v; want %v, false", got, report.Valid(), want)
	}
	after := files{}.repaired(t)
	if report := after.examine(); len(report.Issues) != 0 || !report.Valid() {
		t.Errorf("after the repair: %v", codes(report))
	}
	wantManifest := `# Written by FGD Sync: whose directory this is and how it is laid out. A repair restores it.
structure_version: "1.0"
fabric_name: "fabric-1"
fabric_id: 35
directories:
  managed: managed
  metadata: .hnp
  raw: raw
  unmanaged: unmanaged
kind_folders:
  - connections
  - vpcs
last_structure_change: "2026-03-01T12:00:00Z"
`
	if after[layout.Manifest] != wantManifest {
		t.Errorf("manifest:\n%s", after[layout.Manifest])
	}
}

func right(t *testing.T) files {
	t.Helper()
	return files{}.repaired(t)
}

func TestSingleIssues(t *testing.T) {
	t.Parallel()
	manifest := right(t)[layout.Manifest]
	for name, c := range map[string]struct {
		set    files
		remove []string
		want   []string
		valid  bool
	}{
		"misplaced":                 {set: files{"prepop.yaml": "a: 1"}, want: []string{"FGD_2009 prepop.yaml"}, valid: true},
		"misplaced in a sub-folder": {set: files{"test/x.yml": ""}, want: []string{"FGD_2009 test/x.yml"}, valid: true},
		"ignored":                   {set: files{"docs/x.yaml": "", ".fgdignore": "docs/"}, valid: true},
		"staying": {set: files{
			"README.md": "", "kustomization.yaml": "", "notes.txt": "", ".gitlab-ci.yml": "", "apps/kustomization.yml": "",
			"managed/.argocd/app.yaml": "",
		}, valid: true},
		"unknown folder": {
			set:  files{"managed/tests/a.yaml": "", "managed/tests/b.yaml": ""},
			want: []string{"FGD_2009 managed/tests"}, valid: true,
		},
		"file in managed":  {set: files{"managed/a.yaml": ""}, want: []string{"FGD_2009 managed/a.yaml"}, valid: true},
		"known other kind": {set: files{"managed/gateways/a.yaml": ""}, valid: true},
		"file for folder": {
			set: files{"raw": "x"}, remove: []string{"raw/.gitkeep"}, want: []string{"FGD_2004 raw"},
		},
		"managed is a file": {
			set: files{"managed": "x"}, remove: []string{"managed/connections/.gitkeep", "managed/vpcs/.gitkeep"},
			want: []string{"FGD_2004 managed"},
		},
		"metadata is a file": {set: files{".hnp": "x"}, remove: []string{layout.Manifest}, want: []string{"FGD_2004 .hnp"}},
		"manifest is a folder": {
			set: files{layout.Manifest + "/x": ""}, remove: []string{layout.Manifest},
			want: []string{"FGD_2004 .hnp/manifest.yaml"},
		},
		"only the keep is missing": {
			set: files{"managed/vpcs/a.yaml": "x"}, remove: []string{"managed/vpcs/.gitkeep"},
			want: []string{"FGD_2005 managed/vpcs"}, valid: true,
		},
		"damaged manifest": {set: files{layout.Manifest: "{"}, want: []string{"FGD_2006 .hnp/manifest.yaml"}},
		"empty manifest":   {set: files{layout.Manifest: ""}, want: []string{"FGD_2006 .hnp/manifest.yaml"}},
		"binary manifest":  {set: files{layout.Manifest: "\x00\xff"}, want: []string{"FGD_2006 .hnp/manifest.yaml"}},
		"two documents": {
			set:  files{layout.Manifest: manifest + "---\na: 1\n"},
			want: []string{"FGD_2006 .hnp/manifest.yaml"},
		},
		"large manifest": {
			set:  files{layout.Manifest: manifest + strings.Repeat("# x\n", 20_000)},
			want: []string{"FGD_2006 .hnp/manifest.yaml"},
		},
		"renamed fabric": {
			set:  files{layout.Manifest: strings.Replace(manifest, "fabric-1", "fabric-0", 1)},
			want: []string{"FGD_2006 .hnp/manifest.yaml"},
		},
		"another number": {
			set:  files{layout.Manifest: strings.Replace(manifest, "35", "36", 1)},
			want: []string{"FGD_2011 .hnp/manifest.yaml"},
		},
		"another name": {
			set:  files{layout.Manifest: strings.Replace(manifest, "fabric-1", "other", 1)},
			want: []string{"FGD_2011 .hnp/manifest.yaml"},
		},
		"another's, damaged": {
			set:  files{layout.Manifest: "fabric_id: 36\nfabric_name: other\n"},
			want: []string{"FGD_2011 .hnp/manifest.yaml"},
		},
		"the plugin's": {
			set:  files{layout.Manifest: "{fabric_id: 36, fabric_name: other, created_by: Hedgehog NetBox Plugin}"},
			want: []string{"FGD_2006 .hnp/manifest.yaml"},
		},
		"a fabric below": {
			set: files{"sub/one/.hnp/manifest.yaml": ""}, want: []string{"FGD_2008 "},
		},
		"a fabric in raw": {set: files{"raw/one/.hnp/manifest.yaml": ""}, want: []string{"FGD_2008 "}},
		"what was put away": {
			set: files{"unmanaged/one/.hnp/manifest.yaml": "", ".hnp/archive/one/.hnp/manifest.yaml": ""}, valid: true,
		},
		"manifest by a person": {set: files{layout.Manifest: "owner: me # mine\n" + manifest}, valid: true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := right(t)
			for p, content := range c.set {
				f[p] = content
			}
			for _, p := range c.remove {
				delete(f, p)
			}
			report := f.examine()
			if got := codes(report); !slices.Equal(got, c.want) || report.Valid() != c.valid {
				t.Errorf("issues %v, valid %v; want %v, %v", got, report.Valid(), c.want, c.valid)
			}
		})
	}
}

func TestLinksBlock(t *testing.T) {
	t.Parallel()
	dir := right(t).directory()
	for i, e := range dir.Entries {
		switch e.Path {
		case layout.Manifest:
			dir.Entries[i].Mode = gittree.Symlink
		case "raw/.gitkeep":
			dir.Entries[i] = gittree.Entry{Path: "raw", Mode: gittree.Submodule}
		}
	}
	report := examine(dir, testFabric)
	if len(report.Issues) != 2 || len(report.Remaining()) != 2 {
		t.Fatalf("issues %v", codes(report))
	}
	if got := report.Issues[0].Message; got != "raw is a submodule where a folder has to be." {
		t.Error(got)
	}
	if got := report.Issues[1].Message; got != ".hnp/manifest.yaml is a symbolic link where a file has to be." {
		t.Error(got)
	}
}

func TestForeignManifestIsKept(t *testing.T) {
	t.Parallel()
	plugin := "# HNP GitOps Manifest\n\n{\n  \"version\": \"1.0\",\n  \"fabric_name\": \"fabric-1\",\n  \"fabric_id\": " +
		"35,\n  \"structure_version\": \"1.0\",\n" +
		"  \"directories\": {\"raw\": \"raw\"},\n  \"crd_directories\": [\"vpcs\"]\n}"
	f := right(t)
	f[layout.Manifest] = plugin
	f[".hnp/manifest.legacy.yaml"] = "an older one"
	after := f.repaired(t)
	if after[".hnp/manifest.legacy-2.yaml"] != plugin || after[".hnp/manifest.legacy.yaml"] != "an older one" {
		t.Errorf("the old manifest was not kept: %v", after)
	}
	if after[layout.Manifest] != right(t)[layout.Manifest] {
		t.Errorf("manifest:\n%s", after[layout.Manifest])
	}
	// The same content is kept once.
	after[layout.Manifest] = plugin
	if again := after.repaired(t); len(again) != len(after) {
		t.Errorf("kept again: %v", again)
	}
}

// TestManifestsOfTheSystemAreReplaced: one that the system wrote holds nothing that is worth a file beside its
// successor, neither that of a fabric with another name before nor that of an owner whose directory is taken over.
func TestManifestsOfTheSystemAreReplaced(t *testing.T) {
	t.Parallel()
	manifest, taker := right(t)[layout.Manifest], testFabric
	taker.TakeOver = true
	for name, c := range map[string]struct {
		fabric        structure.Fabric
		before, after string
	}{
		"renamed":    {testFabric, strings.Replace(manifest, "fabric-1", "fabric-0", 1), manifest},
		"taken over": {taker, strings.Replace(manifest, "35", "36", 1), manifest},
	} {
		f := right(t)
		f[layout.Manifest] = c.before
		if after := f.repairedFor(t, c.fabric); len(after) != len(f) || after[layout.Manifest] != c.after {
			t.Errorf("%s: %v", name, after)
		}
	}
	f := right(t)
	f[layout.Manifest] = strings.Replace(manifest, "35", "36", 1)
	if after := f.repaired(t); after[layout.Manifest] != f[layout.Manifest] {
		t.Errorf("another's manifest was replaced:\n%s", after[layout.Manifest])
	}
}

func TestManyMisplacedFilesAreSummed(t *testing.T) {
	t.Parallel()
	f := right(t)
	for i := range 250 {
		f[fmt.Sprintf("s%03d.yaml", i)] = ""
	}
	report := f.examine()
	if n := len(report.Issues); n != 201 {
		t.Fatalf("%d issues", n)
	}
	if got := report.Issues[200].Message; !strings.HasPrefix(got, "50 more files ") {
		t.Error(got)
	}
	if report.FileCounts["other"] != 250 || report.FileCounts["raw"] != 0 || report.FileCounts["metadata"] != 1 {
		t.Errorf("counts %v", report.FileCounts)
	}
}

// TestRepairLaws: a repair of a repaired directory changes nothing, no content is lost, and no order matters.
func TestRepairLaws(t *testing.T) {
	t.Parallel()
	manifest := right(t)[layout.Manifest]
	rapid.Check(t, func(t *rapid.T) {
		f := drawFiles(t, manifest)
		dir, again := f.directory(), f.directory()
		slices.SortFunc(dir.Entries, func(a, b gittree.Entry) int { return strings.Compare(a.Path, b.Path) })
		slices.SortFunc(again.Entries, func(a, b gittree.Entry) int { return strings.Compare(b.Path, a.Path) })
		one := examine(dir, testFabric)
		two := examine(again, testFabric)
		if fmt.Sprint(one) != fmt.Sprint(two) {
			t.Fatalf("the order of entries matters:\n%v\n%v", one, two)
		}
		after := f.repaired(t)
		for _, issue := range after.examine().Issues {
			if len(issue.Changes) > 0 {
				t.Fatalf("the second repair does: %s", issue.Repair)
			}
		}
		for p, content := range f {
			if after[p] != content && p != layout.Manifest {
				t.Fatalf("%s was changed", p)
			}
		}
		kept := slices.Collect(func(yield func(string) bool) {
			for _, content := range after {
				if !yield(content) {
					return
				}
			}
		})
		if old, ok := f[layout.Manifest]; ok && !slices.Contains(kept, old) && !strings.Contains(old, "fabric_id: 35") {
			t.Fatalf("the old manifest is lost")
		}
	})
}

func drawFiles(t *rapid.T, manifest string) files {
	part := rapid.SampledFrom([]string{
		"raw", "managed", "unmanaged", ".hnp", "vpcs", "connections", "gateways", ".gitkeep", "a.yaml", "manifest.yaml",
		"manifest.legacy.yaml", "manifest.legacy-2.yaml", "README.md", ".fgdignore",
	})
	content := rapid.OneOf(
		rapid.SampledFrom([]string{
			"", "{", "a: 1", manifest, "x: 1\n" + manifest, strings.Replace(manifest, "35", "36", 1),
			strings.Replace(manifest, "fabric-1", "f", 1), strings.Replace(manifest, "fabric-1", "fabric-0", 1),
		}),
		rapid.StringN(0, 40, 200))
	f := files{}
	for range rapid.IntRange(0, 15).Draw(t, "files") {
		p := strings.Join(rapid.SliceOfN(part, 1, 3).Draw(t, "path"), "/")
		if !collides(f, p) {
			f[p] = content.Draw(t, "content")
		}
	}
	if rapid.Bool().Draw(t, "has a manifest") && !collides(f, layout.Manifest) {
		f[layout.Manifest] = content.Draw(t, "manifest")
	}
	return f
}

// collides reports whether a path would be both a file and a folder, which no tree can hold.
func collides(f files, p string) bool {
	for other := range f {
		if strings.HasPrefix(other, p+"/") || strings.HasPrefix(p, other+"/") {
			return true
		}
	}
	return false
}

// TestAnIgnoreFileThatCantBeObeyed: it is named, and no file is said to be ingested; whoever waits no longer is obeyed.
func TestAnIgnoreFileThatCantBeObeyed(t *testing.T) {
	t.Parallel()
	costly := strings.Repeat(strings.Repeat("*a", 40)+"*b*\n", 2000)
	for content, want := range map[string]string{
		"docs/\n[\n": "FGD_1046 .fgdignore", "k\x00e\x00": "FGD_1046 .fgdignore", costly: "FGD_1047 .fgdignore",
	} {
		f := right(t)
		f[layout.Ignore] = content
		for i := range 1000 {
			f[fmt.Sprintf("docs/%s%d.yaml", strings.Repeat("a", 200), i)] = ""
		}
		report := f.examine()
		if got := codes(report); !slices.Equal(got, []string{want}) || !report.Valid() || len(report.Remaining()) != 1 {
			t.Errorf("%.20q: %.300q, want %s", content, got, want)
		}
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := structure.Examine(ctx, right(t).directory(), testFabric, testKinds, testTime); err == nil {
		t.Error("who waits no longer is not obeyed")
	}
}
