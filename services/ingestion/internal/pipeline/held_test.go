package pipeline_test

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"fgdsync.dev/libs/errs"
	"fgdsync.dev/libs/gittree"
	"fgdsync.dev/services/ingestion/internal/document"
	"fgdsync.dev/services/ingestion/internal/finding"
	"fgdsync.dev/services/ingestion/internal/pipeline"
	"fgdsync.dev/services/ingestion/internal/plan"
	"fgdsync.dev/testkit/treestore"
)

// synced is a directory that is ingested over and over, each time knowing what the last time left.
type synced struct {
	t      testing.TB
	store  *treestore.Store
	p      *pipeline.Pipeline
	files  map[string]string
	last   *document.Last
	result *pipeline.Result
}

func newSynced(t *testing.T, files map[string]string) *synced {
	t.Helper()
	store := treestore.New()
	s := &synced{t: t, store: store, p: pipelineOf(t, store.Serve(t), 2), files: files}
	s.p.Noops = noopCache(t)
	return s
}

// sync ingests the directory as it stands, and reports whether that changed it.
func (s *synced) sync(options plan.Options) bool {
	s.t.Helper()
	snapshot, tree := s.store.Open(s.files)
	defer s.store.Close(snapshot)
	req := request(gittree.Ref{Snapshot: snapshot, ID: tree}, options)
	req.Last = s.last
	result, err := s.p.Ingest(s.t.Context(), req)
	if err != nil {
		s.t.Fatal(err)
	}
	s.result, s.files = result, maps.Clone(s.store.Files(result.Tree))
	s.last = &document.Last{Complete: true}
	for _, r := range result.Plan.Resources {
		s.last.Resources = append(s.last.Resources, document.LastResource{
			ID: r.Identity, Path: r.Path, APIVersion: r.APIVersion, Blob: r.Blob,
		})
	}
	return result.Tree != tree
}

// requireRest holds that a further sync changes nothing.
func (s *synced) requireRest() {
	s.t.Helper()
	if before := s.files; s.sync(plan.Options{}) {
		s.t.Errorf("it does not come to rest: %v", differences(before, s.files))
	}
}

// resource returns the resource of a name.
func (s *synced) resource(kind, name string) (plan.Resource, bool) {
	i := slices.IndexFunc(s.result.Plan.Resources, func(r plan.Resource) bool {
		return r.Identity.Kind == kind && r.Identity.Name == name
	})
	if i < 0 {
		return plan.Resource{}, false
	}
	return s.result.Plan.Resources[i], true
}

// found returns the findings of a code.
func (s *synced) found(code errs.Code) (out []finding.Finding) {
	for _, f := range s.result.Findings {
		if f.Code == code {
			out = append(out, f)
		}
	}
	return out
}

const managedA = "managed/vpcs/a.yaml"

// breakages are ways in which a managed file becomes unreadable, with a word that has to be said of each.
func breakages(text string) map[string][2]string {
	return map[string][2]string{
		"conflict markers": {
			strings.Replace(text, "spec:", "<<<<<<< HEAD\nspec:\n=======\n>>>>>>> theirs", 1), "has conflict markers",
		},
		"empty":                {"", "holds no document"},
		"only a comment":       {"# gone\n", "holds no document"},
		"empty list":           {"apiVersion: vpc.githedgehog.com/v1beta1\nkind: VPCList\nitems: []\n", "holds no resource"},
		"empty, and something": {"apiVersion: v1\nkind: List\nitems: # M\n", "says something"},
		"unknown kind":         {strings.Replace(text, "kind: VPC", "kind: VPX", 1), "no kind VPX"},
		"another kind":         {strings.Replace(text, "kind: VPC", "kind: IPv4Namespace", 1), ""},
		"no kind":              {strings.Replace(text, "kind: VPC", "kin: VPC", 1), "kind is missing"},
		"no name":              {strings.Replace(text, "  name: a", "  nam: a", 1), ""},
		"no YAML":              {"kind: [\n", ""},
		"binary":               {"\x00\x01\x02", ""},
		"no UTF-8":             {text + "# \xff\n", "UTF-8"},
	}
}

// TestWhatCantBeReadIsNotDeleted: the resource of a managed file that somebody broke stays, not valid; what names it
// has what it names; and it is said what is wrong. The same when nothing is known of the last sync.
func TestWhatCantBeReadIsNotDeleted(t *testing.T) {
	t.Parallel()
	for _, remembers := range []bool{true, false} {
		s := newSynced(t, map[string]string{
			"raw/a.yaml": vpc("v1beta1", "a", "", "", 7), "raw/at.yaml": attachment("at", "a"),
		})
		s.sync(plan.Options{})
		whole, last := maps.Clone(s.files), s.last
		for name, broken := range breakages(whole[managedA]) {
			s.files, s.last = maps.Clone(whole), last
			s.files[managedA] = broken[0]
			if !remembers {
				s.last = nil
			}
			if s.sync(plan.Options{}); s.files[managedA] != broken[0] {
				t.Errorf("%s: the file is %q", name, s.files[managedA])
			}
			r, there := s.resource("VPC", "a")
			if !remembers && name == "another kind" {
				continue // by the path alone, what the document says counts
			}
			if !there || r.Valid || r.Path != managedA || r.APIVersion == "" || len(s.result.Plan.Resources) != 2 {
				t.Errorf("%s, remembers %v: resources %+v", name, remembers, s.result.Plan.Resources)
			}
			for _, d := range s.result.Plan.Dangling {
				if d.To.Kind == "VPC" {
					t.Errorf("%s: %+v dangles", name, d)
				}
			}
			if said := s.found(errs.ManagedUnreadable); len(said) != 1 || said[0].Warning || said[0].File != managedA ||
				!strings.Contains(said[0].Message, broken[1]) || !strings.Contains(said[0].Message, "VPC default/a") {
				t.Errorf("%s: said %+v", name, said)
			}
			for _, f := range s.found(errs.ReferenceMissing) {
				if strings.Contains(f.Message, "VPC") {
					t.Errorf("%s: %s", name, f.Message)
				}
			}
			s.requireRest()
			if _, there = s.resource("VPC", "a"); !there {
				t.Errorf("%s: it is gone the second time", name)
			}
		}
	}
}

// TestAWishTakesThePlaceOfWhatCantBeRead: the resource gets the file that it had, and what stood there is kept.
func TestAWishTakesThePlaceOfWhatCantBeRead(t *testing.T) {
	t.Parallel()
	for _, remembers := range []bool{true, false} {
		s := newSynced(t, map[string]string{"raw/a.yaml": vpc("v1beta1", "a", "", "", 7)})
		s.sync(plan.Options{})
		whole, last := maps.Clone(s.files), s.last
		for name, broken := range breakages(whole[managedA]) {
			s.files, s.last = maps.Clone(whole), last
			if !remembers {
				s.last = nil
			}
			if !remembers && name == "another kind" {
				continue
			}
			s.files[managedA], s.files["raw/new.yaml"] = broken[0], vpc("v1beta1", "a", "", "", 8)
			s.sync(plan.Options{})
			if !strings.Contains(s.files[managedA], "vlan: 8") || s.files["unmanaged/"+managedA] != broken[0] {
				t.Errorf("%s: %v", name, s.files)
			}
			if _, kept := s.files["unmanaged/"+managedA]; !kept {
				t.Errorf("%s is lost", name)
			}
			for _, f := range s.found(errs.ManagedUnreadable) {
				if strings.Contains(f.Message, "stays") || !strings.Contains(f.Message, "has a newer document") {
					t.Errorf("%s: said %q", name, f.Message)
				}
			}
			if r, _ := s.resource("VPC", "a"); !r.Valid || r.Path != managedA || len(s.result.Plan.Resources) != 1 {
				t.Errorf("%s: resources %+v", name, s.result.Plan.Resources)
			}
			s.requireRest()
		}
	}
}

// TestAResourceInANamespaceIsKnownByItsPath: without a last sync the file says which namespace it is.
func TestAResourceInANamespaceIsKnownByItsPath(t *testing.T) {
	t.Parallel()
	s := newSynced(t, map[string]string{
		"managed/vpcs/prod-a.yaml":                     "kind: VPC\n<<<<<<< HEAD\nmetadata:\n  name: a\n  namespace: prod\n",
		"managed/vpcs/b_prod_vpc.githedgehog.com.yaml": "kind: [\n", "managed/odd/c.yaml": "kind: [\n",
	})
	s.sync(plan.Options{})
	var got []string
	for _, r := range s.result.Plan.Resources {
		got = append(got, r.Identity.String())
	}
	want := []string{"vpc.githedgehog.com/VPC/prod/a", "vpc.githedgehog.com/VPC/prod/b"}
	if slices.Sort(got); !slices.Equal(got, want) {
		t.Errorf("resources %q, want %q", got, want)
	}
}

// TestBrokenFilesLaw: whatever becomes of the text of managed files, no resource is gone, and none has two files.
func TestBrokenFilesLaw(t *testing.T) {
	t.Parallel()
	store := treestore.New()
	p := pipelineOf(t, store.Serve(t), 2)
	rapid.Check(t, func(r *rapid.T) {
		s := &synced{t: t, store: store, p: p, files: drawDirectory(r)}
		s.sync(plan.Options{})
		s.sync(plan.Options{}) // what the first one found invalid in managed/ may have been attributed by its path
		before := s.result.Plan.Resources
		for _, path := range slices.Sorted(maps.Keys(s.files)) {
			if strings.HasPrefix(path, "managed/") && rapid.Bool().Draw(r, "break "+path) {
				s.files[path] = rapid.SampledFrom([]string{"", "kind: [\n", "kind: VPX\n", "a: b\n---\nkind: [\n"}).
					Draw(r, "as")
			}
		}
		if rapid.Bool().Draw(r, "wish") {
			s.files["raw/wish.yaml"] = vpc("v1beta1", "a", "", "", rapid.IntRange(1, 9).Draw(r, "vlan"))
		}
		s.sync(plan.Options{})
		after := map[string]string{}
		for _, resource := range s.result.Plan.Resources {
			if other, twice := after[resource.Identity.String()]; twice {
				r.Fatalf("%s is in %s and %s", resource.Identity, other, resource.Path)
			}
			after[resource.Identity.String()] = resource.Path
		}
		for _, resource := range before {
			if after[resource.Identity.String()] == "" {
				r.Fatalf("%s is gone: %v", resource.Identity, s.files)
			}
		}
		if first := s.files; s.sync(plan.Options{}) {
			r.Fatalf("it does not come to rest: %v\nof %v", differences(first, s.files), first)
		}
	})
}

// TestIgnoreLinesDontHideManagedFiles: they are read as ever, and the line is named once.
func TestIgnoreLinesDontHideManagedFiles(t *testing.T) {
	t.Parallel()
	s := newSynced(t, map[string]string{
		"raw/a.yaml": vpc("v1beta1", "a", "", "", 1), "raw/b.yaml": vpc("v1beta1", "b", "", "", 1),
	})
	s.sync(plan.Options{})
	s.files[".fgdignore"], s.files["notes.yaml"] = "# ours\nmanaged/\nnotes.yaml\n", vpc("v1beta1", "n", "", "", 1)
	s.sync(plan.Options{})
	if said := s.found(errs.IgnoredManaged); len(said) != 1 || !said[0].Warning || said[0].File != ".fgdignore" ||
		said[0].Line != 2 || !strings.Contains(said[0].Message, managedA) {
		t.Errorf("said %+v", said)
	}
	if len(s.result.Plan.Resources) != 2 || s.files["notes.yaml"] == "" {
		t.Errorf("resources %+v, files %v", s.result.Plan.Resources, s.files)
	}
	s.files[".fgdignore"], s.files["raw/a.yaml"] = managedA+"\n", vpc("v1beta1", "a", "", "", 2)
	s.sync(plan.Options{})
	if second := s.files["managed/vpcs/a_default_vpc.githedgehog.com.yaml"]; second != "" ||
		!strings.Contains(s.files[managedA], "vlan: 2") {
		t.Errorf("updated: %v", s.files)
	}
}

// TestAnIgnoreFileThatCantBeObeyed: what it protects stays, and so does everything else outside of raw/, which is
// ingested. What is in managed/ stands.
func TestAnIgnoreFileThatCantBeObeyed(t *testing.T) {
	t.Parallel()
	costly := strings.Repeat(strings.Repeat("*a", 40)+"*b*\n", 4000)
	for content, code := range map[string]errs.Code{
		"[\nkeep/\n": errs.IgnoreUnreadable, "k\x00e\x00": errs.IgnoreUnreadable, costly: errs.IgnoreTooCostly,
	} {
		s := newSynced(t, map[string]string{
			"raw/a.yaml": vpc("v1beta1", "a", "", "", 1), "raw/bad.yaml": "kind: [\n", ".fgdignore": "keep/\n",
			"keep/k.yaml": vpc("v1beta1", "k", "", "", 1),
		})
		s.sync(plan.Options{})
		s.files[".fgdignore"], s.files["raw/b.yaml"] = content, vpc("v1beta1", "b", "", "", 1)
		s.files["unmanaged/bad.yaml"] = vpc("v1beta1", "mended", "", "", 1)
		for i := range 1000 {
			s.files[fmt.Sprintf("keep/%s%d.yaml", strings.Repeat("a", 200), i)] = "kind: VPC\n"
		}
		before := len(s.files)
		s.sync(plan.Options{})
		said := s.found(code)
		if len(said) != 1 || said[0].Warning || said[0].File != ".fgdignore" {
			t.Fatalf("%.20q: said %+v", content, said)
		}
		if s.files["keep/k.yaml"] == "" || s.files["unmanaged/bad.yaml"] == "" || len(s.files) != before ||
			s.files["managed/vpcs/b.yaml"] == "" || len(s.result.Plan.Resources) != 2 {
			t.Errorf("%.20q: %d files of %d, resources %+v", content, len(s.files), before, s.result.Plan.Resources)
		}
		if s.sync(plan.Options{}) {
			t.Errorf("%.20q: it does not come to rest", content)
		}
	}
}

// TestAnEditAndAWishOfOneResource: nobody guesses which is newer. The edit stays, unless it is not valid.
func TestAnEditAndAWishOfOneResource(t *testing.T) {
	t.Parallel()
	start := func() *synced {
		s := newSynced(t, map[string]string{"raw/a.yaml": vpc("v1beta1", "a", "", "", 1)})
		s.sync(plan.Options{})
		return s
	}
	wish := vpc("v1beta1", "a", "", "", 3)
	s := start()
	edited := strings.Replace(s.files[managedA], "vlan: 1", "vlan: 2", 1)
	s.files[managedA], s.files["raw/a.yaml"] = edited, wish
	s.sync(plan.Options{})
	if s.files[managedA] != edited || s.files["unmanaged/a.yaml"] != wish || len(s.found(errs.DuplicateResource)) != 1 {
		t.Errorf("edited: %v, %+v", s.files, s.result.Findings)
	}
	s.requireRest()
	s.files["raw/a.yaml"] = wish // once more, after the sync that saw the edit
	s.sync(plan.Options{})
	if !strings.Contains(s.files[managedA], "vlan: 3") {
		t.Errorf("wished again: %v", s.files)
	}

	s = start()
	broken := strings.Replace(s.files[managedA], "vlan: 1", "vlan: one", 1)
	s.files[managedA], s.files["raw/a.yaml"] = broken, wish
	s.sync(plan.Options{})
	if !strings.Contains(s.files[managedA], "vlan: 3") || s.files["unmanaged/"+managedA] != broken {
		t.Errorf("edited badly: %v", s.files)
	}
	s.requireRest()

	s = start()
	s.files[managedA], s.files["raw/a.yaml"], s.last.Complete = edited, wish, false
	s.sync(plan.Options{})
	if !strings.Contains(s.files[managedA], "vlan: 3") {
		t.Errorf("when it is not known what the last sync left: %v", s.files)
	}
}

// TestAnInvalidDocumentBesideAHeldOne is judged alike before and after a sync has noted what its file holds.
func TestAnInvalidDocumentBesideAHeldOne(t *testing.T) {
	t.Parallel()
	const file = "managed/vpcs/a_default_vpc.githedgehog.com.yaml"
	s := newSynced(t, map[string]string{
		managedA: vpc("v1beta1", "a", "", "", 1), "managed/vpcs/b.yaml": vpc("v1beta1", "b", "", "", 1),
		file: vpc("v1beta1", "b", "", "", "no number") + "---\n" + vpc("v1beta1", "a", "", "", "no number"),
	})
	s.sync(plan.Options{})
	s.sync(plan.Options{})
	s.files["managed/vpcs/b.yaml"] = "kind: [\n"
	s.sync(plan.Options{})
	if b, _ := s.resource("VPC", "b"); b.Path != file || b.Valid {
		t.Errorf("b is %+v", b)
	}
	s.requireRest()
}
