package pipeline_test

import (
	"maps"
	"slices"
	"strings"
	"testing"

	"fgdsync.dev/libs/errs"
	"fgdsync.dev/services/ingestion/internal/plan"
)

// TestForeignFiles: outside of raw/, what is nothing of Hedgehog's stays, with a warning a folder.
func TestForeignFiles(t *testing.T) {
	t.Parallel()
	ours, theirs := vpc("v1beta1", "a", "", "", 1), "site_name: x\nurl: https://docs.githedgehog.com\n"
	foreign := map[string]string{
		"mkdocs.yml": theirs, "apps/values.yaml": "image: {}\n", "apps/template.yaml": "name: {{ x }\n",
		"apps/comment.yaml": "# nothing\n", "apps/deployment.yaml": "apiVersion: apps/v1\nkind: Deployment\n",
		"apps/list.yaml": "apiVersion: v1\nkind: List\nitems: [{}]\n", "apps/deep/x.yaml": "\x00",
	}
	files := map[string]string{
		"apps/mixed.yaml": theirs + "---\n" + ours, "apps/broken.yaml": "apiVersion: vpc.githedgehog.com/v1beta1\nkind: [\n",
		"apps/old.yaml": "apiVersion: old.githedgehog.com/v1\nkind: Old\n", "raw/theirs.yaml": theirs,
	}
	maps.Copy(files, foreign)
	s := newSynced(t, maps.Clone(files))
	s.sync(plan.Options{})
	for path, text := range foreign {
		if s.files[path] != text {
			t.Errorf("%s is %q", path, s.files[path])
		}
	}
	for path, text := range map[string]string{
		"unmanaged/apps/mixed.doc-0.yaml": theirs, "unmanaged/apps/broken.yaml": files["apps/broken.yaml"],
		"unmanaged/apps/old.yaml": files["apps/old.yaml"], "unmanaged/theirs.yaml": theirs,
	} {
		if s.files[path] != text {
			t.Errorf("%s is %q", path, s.files[path])
		}
	}
	var folders []string
	for _, f := range s.found(errs.ForeignFile) {
		if folders = append(folders, f.File); !f.Warning {
			t.Errorf("%+v", f)
		}
	}
	slices.Sort(folders)
	if want := []string{"apps/comment.yaml", "apps/deep/x.yaml", "mkdocs.yml"}; !slices.Equal(folders, want) {
		t.Errorf("warned of %q", folders)
	}
	if !strings.Contains(s.files[managedA], "vlan: 1") {
		t.Errorf("the mixed file: %v", s.files)
	}
	s.requireRest()
	s.sync(plan.Options{QuarantineForeign: true})
	for path, text := range foreign {
		if _, left := s.files[path]; left || s.files["unmanaged/"+path] != text {
			t.Errorf("with foreign_files: quarantine %s stays", path)
		}
	}
}

// TestALargeForeignFileStays: nobody knows what is in it.
func TestALargeForeignFileStays(t *testing.T) {
	t.Parallel()
	large := "x: " + strings.Repeat("y", 100) + "\n"
	s := newSynced(t, map[string]string{"apps/x.yaml": large, "raw/x.yaml": large})
	s.p.MaxFileBytes = 10
	s.sync(plan.Options{})
	said := s.found(errs.FileTooLarge)
	if s.files["apps/x.yaml"] != large || s.files["unmanaged/x.yaml"] != large || len(said) != 2 {
		t.Errorf("%v, %+v", s.files, said)
	}
}

// TestNamesThatStay: what begins with a dot and what kustomize reads is left alone, wherever it is.
func TestNamesThatStay(t *testing.T) {
	t.Parallel()
	doc := vpc("v1beta1", "a", "", "", 1)
	stays := map[string]string{
		".github/workflows/ci.yaml": "on: push\n", ".gitlab-ci.yml": "stages: []\n", "raw/.DS_Store": "x",
		"raw/.hidden/a.yaml": doc, "managed/.argocd/app.yaml": doc, "managed/vpcs/.a.yaml.swp": "x",
		"unmanaged/.x/a.yaml": doc, "sub/.hnp/manifest.yaml": "x: y\n",
		"kustomization.yml": "resources: []\n", "raw/kustomization.yaml": "resources: []\n",
		"managed/kustomization.yaml": "resources: []\n", "apps/Kustomization": "resources: []\n",
	}
	s := newSynced(t, maps.Clone(stays))
	if s.sync(plan.Options{}) {
		t.Errorf("changed: %v", differences(stays, s.files))
	}
	if kept := s.found(errs.KustomizationKept); len(kept) != 4 || len(s.result.Findings) != 4 {
		t.Errorf("said %+v", s.result.Findings)
	}
}

// TestUnloggedQuarantine: what is in unmanaged/ without a reason in the log is named in every sync, and taken when it
// is valid. It never displaces anything.
func TestUnloggedQuarantine(t *testing.T) {
	t.Parallel()
	bad := vpc("v1beta1", "bad", "", "", "x")
	s := newSynced(t, map[string]string{
		"unmanaged/bad.yaml": bad, "unmanaged/notes.txt": "n\n", "unmanaged/good.yaml": vpc("v1beta1", "good", "", "", 1),
		"managed/vpcs/b.yaml": vpc("v1beta1", "b", "", "", 1), "unmanaged/b.yaml": vpc("v1beta1", "b", "", "", 2),
		"raw/c.yaml": vpc("v1beta1", "c", "", "", 1), "unmanaged/c.yaml": vpc("v1beta1", "c", "", "", 2),
		"unmanaged/same.yaml": vpc("v1beta1", "b", "", "", 1),
	})
	s.sync(plan.Options{})
	for path, want := range map[string]string{
		"managed/vpcs/good.yaml": "vlan: 1", "managed/vpcs/b.yaml": "vlan: 1", "managed/vpcs/c.yaml": "vlan: 1",
		"unmanaged/bad.yaml": "vlan: x", "unmanaged/b.yaml": "vlan: 2", "unmanaged/c.yaml": "vlan: 2",
	} {
		if !strings.Contains(s.files[path], want) {
			t.Errorf("%s is %q", path, s.files[path])
		}
	}
	if s.files["unmanaged/good.yaml"] != "" || s.files["unmanaged/same.yaml"] != "" ||
		len(s.found(errs.DuplicateResource)) != 2 {
		t.Errorf("%v, %+v", s.files, s.result.Findings)
	}
	for range 2 {
		var named []string
		for _, f := range s.found(errs.UnknownQuarantined) {
			if named = append(named, f.File); !f.Warning {
				t.Errorf("%+v", f)
			}
		}
		if slices.Sort(named); !slices.Equal(named, []string{"unmanaged/bad.yaml", "unmanaged/notes.txt"}) {
			t.Errorf("named %q", named)
		}
		s.requireRest()
	}
}

// TestWhereItCameFromSurvivesTries: however often a file of unmanaged/ is tried, the log and then the annotations say
// where it was first.
func TestWhereItCameFromSurvivesTries(t *testing.T) {
	t.Parallel()
	bad := vpc("v1beta1", "b", "", "", "x")
	s := newSynced(t, map[string]string{"raw/two.yaml": vpc("v1beta1", "a", "", "", 1) + "---\n" + bad})
	s.sync(plan.Options{})
	const kept, log = "unmanaged/two.doc-1.yaml", ".hnp/unmanaged-log.yaml"
	first := s.files[log][strings.Index(s.files[log], "from: "):]
	for _, value := range []string{"y", "z"} {
		s.files[kept] = strings.Replace(bad, "vlan: x", "vlan: "+value, 1)
		s.sync(plan.Options{})
		if !strings.HasSuffix(s.files[log], first) || !strings.Contains(first, `from: "raw/two.yaml", document: 1, `) {
			t.Errorf("the log is\n%s\nand not of\n%s", s.files[log], first)
		}
	}
	s.files[kept] = strings.Replace(bad, "vlan: x", "vlan: 2", 1)
	s.sync(plan.Options{})
	for _, want := range []string{"original-file: raw/two.yaml\n", "original-document-index: '1'\n"} {
		if got := s.files["managed/vpcs/b.yaml"]; !strings.Contains(got, want) {
			t.Errorf("%q is missing in\n%s", want, got)
		}
	}
	if strings.Contains(s.files[log], kept) {
		t.Errorf("the log still speaks of it:\n%s", s.files[log])
	}
	s.requireRest()
}

// TestEntriesLeaveTheLog: with whatever else changes, the log forgets files that are gone; by itself that is no reason
// to write.
func TestEntriesLeaveTheLog(t *testing.T) {
	t.Parallel()
	s := newSynced(t, map[string]string{"raw/a.yaml": "kind: [\n", "raw/b.yaml": "kind: {\n"})
	s.sync(plan.Options{})
	const log = ".hnp/unmanaged-log.yaml"
	delete(s.files, "unmanaged/a.yaml")
	s.requireRest()
	s.files["raw/c.yaml"] = vpc("v1beta1", "c", "", "", 1)
	s.sync(plan.Options{})
	if strings.Contains(s.files[log], "unmanaged/a.yaml") || !strings.Contains(s.files[log], "unmanaged/b.yaml") {
		t.Errorf("the log is\n%s", s.files[log])
	}
	s.requireRest()
}
