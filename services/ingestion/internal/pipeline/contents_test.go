package pipeline_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"fgdsync.dev/libs/errs"
	"fgdsync.dev/libs/gittree"
	"fgdsync.dev/libs/hedgehog"
	"fgdsync.dev/services/ingestion/internal/corpus"
	"fgdsync.dev/services/ingestion/internal/pipeline"
	"fgdsync.dev/services/ingestion/internal/plan"
	"fgdsync.dev/services/ingestion/internal/schema"
	"fgdsync.dev/services/ingestion/internal/yamldoc"
	"fgdsync.dev/testkit/treestore"
)

func contents(t testing.TB, p *pipeline.Pipeline, tree gittree.Ref, paths ...string) []*pipeline.Managed {
	t.Helper()
	var all []*pipeline.Managed
	wanted := pipeline.Wanted{Tree: tree, Schema: schema.Options{Upgrade: true}, Paths: paths}
	err := p.Contents(t.Context(), wanted, func(m *pipeline.Managed) error {
		all = append(all, m)
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if !slices.IsSortedFunc(all, func(a, b *pipeline.Managed) int { return strings.Compare(a.Path, b.Path) }) {
		t.Error("the files come in another order than that of their paths")
	}
	return all
}

// contentsOf returns what files say, by path.
func contentsOf(t testing.TB, files map[string]string) map[string]*pipeline.Managed {
	t.Helper()
	store := newTrees(t)
	snapshot, tree := store.Open(files)
	byPath := map[string]*pipeline.Managed{}
	for _, m := range contents(t, store.pipeline(t, 2), gittree.Ref{Snapshot: snapshot, ID: tree}) {
		byPath[m.Path] = m
	}
	return byPath
}

const annotated = `apiVersion: vpc.githedgehog.com/v1beta1
kind: VPC
metadata:
  name: a
  labels: &l {tier: gold}
  annotations:
    hnp.githedgehog.com/managed-by: hedgehog-netbox-plugin
    hnp.githedgehog.com/original-file: raw/a.yaml
    hnp.githedgehog.com/note: of the author
    example.com/x: "1"
spec: {subnets: {default: {subnet: 10.0.0.0/24, vlan: 0x10}}}
`

func TestContents(t *testing.T) {
	t.Parallel()
	got := contentsOf(t, map[string]string{
		"managed/vpcs/a.yaml": annotated,
		"managed/vpcs/b.yaml": vpc("v1beta1", "b", "  namespace: x\n", "", 1),
		"raw/c.yaml":          vpc("v1beta1", "c", "", "", 1),
	})
	a := got["managed/vpcs/a.yaml"]
	if len(got) != 2 || a == nil || a.Problem != nil {
		t.Fatalf("got %v", got)
	}
	for what, pair := range map[string][2]string{
		"spec":          {string(a.Spec), `{"subnets":{"default":{"subnet":"10.0.0.0/24","vlan":16}}}`},
		"labels":        {string(a.Labels), `{"tier":"gold"}`},
		"annotations":   {string(a.Annotations), `{"example.com/x":"1","hnp.githedgehog.com/note":"of the author"}`},
		"original file": {a.OriginalFile, "raw/a.yaml"},
		"namespace":     {a.Identity.Namespace, "default"},
		"other one":     {got["managed/vpcs/b.yaml"].Identity.Namespace, "x"},
	} {
		if pair[0] != pair[1] {
			t.Errorf("%s: got %s, want %s", what, pair[0], pair[1])
		}
	}
	if b := got["managed/vpcs/b.yaml"]; b.Labels != nil || b.Annotations != nil {
		t.Errorf("what is not there is %s and %s", b.Labels, b.Annotations)
	}
}

// TestContentsThatAreNone: a file that is no resource says why, and is there.
func TestContentsThatAreNone(t *testing.T) {
	t.Parallel()
	one := vpc("v1beta1", "a", "", "", 1)
	aliases := "apiVersion: vpc.githedgehog.com/v1beta1\nkind: VPC\nmetadata: {name: big}\nspec:\n  x: &x " +
		strings.Repeat("y", 100_000) + "\n  z: [" + strings.Repeat("*x, ", 90) + "]\n"
	got := contentsOf(t, map[string]string{
		"managed/vpcs/a.yaml":      one,
		"managed/vpcs/again.yaml":  one,
		"managed/vpcs/b.yaml":      "kind: [\n",
		"managed/vpcs/c.yaml":      vpc("v1beta1", "c", "", "", "not a number"),
		"managed/vpcs/other.yaml":  vpc("v1beta1", "a", "", "", 2),
		"managed/vpcs/two.yaml":    vpc("v1beta1", "p", "", "", 2) + "---\n" + vpc("v1beta1", "q", "", "", 2),
		"managed/vpcs/empty.yaml":  "# nothing\n",
		"managed/vpcs/big.yaml":    aliases,
		"managed/vpcs/upgrade.yml": vpc("v1alpha2", "old", "", "", 2),
	})
	for path, want := range map[string]string{
		"managed/vpcs/a.yaml":      "",
		"managed/vpcs/again.yaml":  errs.DuplicateResource.ID,
		"managed/vpcs/b.yaml":      errs.ManagedUnreadable.ID,
		"managed/vpcs/c.yaml":      errs.SchemaMismatch.ID,
		"managed/vpcs/other.yaml":  errs.DuplicateResource.ID,
		"managed/vpcs/two.yaml":    errs.ManagedMoved.ID,
		"managed/vpcs/empty.yaml":  errs.ManagedUnreadable.ID,
		"managed/vpcs/big.yaml":    errs.FileTooLarge.ID,
		"managed/vpcs/upgrade.yml": "",
	} {
		m, code := got[path], ""
		if m == nil {
			t.Errorf("%s is not there", path)
			continue
		}
		if m.Problem != nil {
			code = m.Problem.Code.ID
		}
		if code != want || (m.Spec == nil) != (want != "") {
			t.Errorf("%s: got %q, want %q; spec %.100s; %v", path, code, want, m.Spec, m.Problem)
		}
	}
	if again := got["managed/vpcs/again.yaml"]; !strings.Contains(again.Problem.Message, "managed/vpcs/a.yaml") {
		t.Errorf("the file that counts is not named: %s", again.Problem.Message)
	}
	if c := got["managed/vpcs/c.yaml"]; c.Identity.Name != "c" {
		t.Errorf("the identity is %v", c.Identity)
	}
}

// TestContentsLaw draws directories: what a file says is what it means, no resource comes twice, a sync and a reading
// of what it left agree, and neither memory nor the choice of files makes a difference.
func TestContentsLaw(t *testing.T) {
	t.Parallel()
	store := treestore.New()
	client := store.Serve(t)
	rapid.Check(t, func(r *rapid.T) {
		snapshot, tree := store.Open(drawDirectory(r))
		defer store.Close(snapshot)
		remembering := pipelineOf(t, client, 2)
		before := gittree.Ref{Snapshot: snapshot, ID: tree}
		result := ingest(t, remembering, before, plan.Options{QuarantineManaged: rapid.Bool().Draw(r, "quarantine managed")})
		after := gittree.Ref{Snapshot: snapshot, ID: result.Tree}
		for _, at := range []gittree.Ref{before, after} {
			all := contents(t, remembering, at)
			requireMeaning(r, store.Files(at.ID), all)
			if cold := contents(t, pipelineOf(t, client, 1), at); !reflect.DeepEqual(all, cold) {
				r.Fatalf("memory makes a difference: %v, not %v", all, cold)
			}
			leftOut := func(*pipeline.Managed) bool { return rapid.Bool().Draw(r, "left out") }
			some := slices.DeleteFunc(slices.Clone(all), leftOut)
			if got := contents(t, remembering, at, pathsOf(some)...); len(some) > 0 && !reflect.DeepEqual(got, some) {
				r.Fatalf("some files are %v, not %v", got, some)
			}
		}
		requireSame(r, result.Plan.Resources, contents(t, remembering, after))
	})
}

func pathsOf(all []*pipeline.Managed) []string {
	paths := []string{"managed/nowhere.yaml"}
	for _, m := range all {
		paths = append(paths, m.Path)
	}
	return paths
}

// requireSame holds what a sync left against what is read of it.
func requireSame(t rapid.TB, left []plan.Resource, read []*pipeline.Managed) {
	want, got := map[string]string{}, map[string]string{}
	for _, r := range left {
		if r.Valid {
			want[r.Path] = fmt.Sprint(r.Identity, r.Blob)
		}
	}
	for _, m := range read {
		if m.Problem == nil {
			got[m.Path] = fmt.Sprint(m.Identity, m.Blob)
		}
	}
	if !maps.Equal(got, want) {
		t.Fatalf("read %v, and the sync left %v", got, want)
	}
}

func requireMeaning(t rapid.TB, files map[string]string, all []*pipeline.Managed) {
	seen := map[hedgehog.ResourceID]string{}
	for _, m := range all {
		if m.Problem != nil {
			continue
		}
		if other := seen[m.Identity]; other != "" {
			t.Fatalf("%s and %s are both %v", other, m.Path, m.Identity)
		}
		seen[m.Identity] = m.Path
		root, err := yamldoc.Parse([]byte(files[m.Path]), limits)
		if err != nil {
			t.Fatalf("%s: %v", m.Path, err)
		}
		object, _ := yamldoc.Value(root).(map[string]any)
		if spec, there := object["spec"].(map[string]any); there && !sameJSON(t, spec, m.Spec) {
			t.Fatalf("%s says %v, and is read as %s", m.Path, spec, m.Spec)
		}
	}
}

// sameJSON compares a value with JSON, by the numbers that a machine has.
func sameJSON(t rapid.TB, value any, text []byte) bool {
	encoded, err := json.Marshal(value)
	if err != nil {
		t.Fatal(err)
	}
	var a, b any
	if err := json.Unmarshal(encoded, &a); err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(text, &b); err != nil {
		t.Fatalf("%s: %v", text, err)
	}
	return reflect.DeepEqual(a, b)
}

// TestContentsOfTheField reads what an ingestion makes of real directories, and compares it with what PyYAML reads.
func TestContentsOfTheField(t *testing.T) {
	t.Parallel()
	cases, err := os.ReadDir(corpus.Dir(t, "corpus", "cases"))
	if err != nil {
		t.Fatal(err)
	}
	store := newTrees(t)
	for _, c := range cases {
		root := filepath.Join(corpus.Dir(t, "corpus", "cases"), c.Name(), "tree")
		for _, dir := range fabricDirs(t, root) {
			t.Run(c.Name()+"/"+dir, func(t *testing.T) {
				t.Parallel()
				snapshot, tree := store.Open(readFiles(t, filepath.Join(root, dir)))
				p := store.pipeline(t, 2)
				result := ingest(t, p, gittree.Ref{Snapshot: snapshot, ID: tree}, plan.Options{})
				all := contents(t, p, gittree.Ref{Snapshot: snapshot, ID: result.Tree})
				files := store.Files(result.Tree)
				requireSame(t, result.Plan.Resources, all)
				requireMeaning(t, files, all)
				requirePyYAML(t, files, all)
			})
		}
	}
}

const specScript = `
import json, sys, yaml
pairs = json.load(sys.stdin)
same = [yaml.safe_load(text).get("spec") == (json.loads(spec) if spec else None) for text, spec in pairs]
json.dump(same, sys.stdout)
`

// requirePyYAML compares what files say with what PyYAML reads, by the numbers that Python has, which have no end.
func requirePyYAML(t *testing.T, files map[string]string, all []*pipeline.Managed) {
	t.Helper()
	if !pyYAML() {
		return
	}
	var pairs [][2]string
	var paths []string
	for _, m := range all {
		if m.Problem == nil {
			pairs, paths = append(pairs, [2]string{files[m.Path], string(m.Spec)}), append(paths, m.Path)
		}
	}
	if len(pairs) == 0 {
		return
	}
	in, err := json.Marshal(pairs)
	if err != nil {
		t.Fatal(err)
	}
	command := exec.CommandContext(t.Context(), python, "-c", specScript)
	command.Stdin = bytes.NewReader(in)
	var problems bytes.Buffer
	command.Stderr = &problems
	out, err := command.Output()
	if err != nil {
		t.Fatalf("read with PyYAML: %v\n%s", err, &problems)
	}
	var same []bool
	if err := json.Unmarshal(out, &same); err != nil {
		t.Fatal(err)
	}
	for i, path := range paths {
		if !same[i] {
			t.Errorf("PyYAML reads another spec than %s in %s", pairs[i][1], path)
		}
	}
}
