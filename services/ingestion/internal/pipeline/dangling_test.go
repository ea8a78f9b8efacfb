package pipeline_test

import (
	"fmt"
	"maps"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"fgdsync.dev/libs/gittree"
	"fgdsync.dev/services/ingestion/internal/pipeline"
	"fgdsync.dev/services/ingestion/internal/plan"
	"fgdsync.dev/testkit/treestore"
)

var allReferences = []pipeline.References{pipeline.ReferencesWarn, pipeline.ReferencesReject, pipeline.ReferencesOff}

// TestDangling: what a deletion leaves behind is listed, whatever the fabric wants to be told.
func TestDangling(t *testing.T) {
	t.Parallel()
	_, before := ingestTwice(t, map[string]string{
		"raw/all.yaml": strings.Join([]string{
			vpc("v1beta1", "a", "", "", 7), vpc("v1beta1", "b", "", "", 8),
			attachment("at", "a"), peering("p", "a", "b"),
		}, "---\n"),
	}, plan.Options{})
	delete(before, "managed/vpcs/a.yaml")
	trees := newMemoryTrees(before)
	for _, choice := range allReferences {
		p, req := benchPipeline(t, trees), request(gittree.Ref{ID: "before"}, plan.Options{})
		p.Noops, req.References = noopCache(t), choice
		var lists [][]string
		for range 2 { // the second time out of memory
			result, err := p.Ingest(t.Context(), req)
			if err != nil {
				t.Fatal(err)
			}
			lists = append(lists, danglingTexts(result))
		}
		want := []string{
			"VPCAttachment at spec.connection Connection c", "VPCAttachment at spec.subnet VPC a",
			"VPCPeering p spec.permit[0].a VPC a",
		}
		if !slices.Equal(lists[0], want) || !slices.Equal(lists[1], want) {
			t.Errorf("references %d: %q", choice, lists)
		}
	}
}

// TestDanglingOfInvalid: what is left in managed/ although it is not valid counts, as one who names and as what is
// named.
func TestDanglingOfInvalid(t *testing.T) {
	t.Parallel()
	result, _ := ingestTwice(t, map[string]string{
		"managed/vpcattachments/at.yaml": strings.Replace(attachment("at", "a"), "spec:",
			"spec:\n  connection2: 7\n  nativeVLAN: 7", 1),
		"managed/vpcattachments/x.yaml": attachment("x", "odd"),
		"managed/vpcs/odd.yaml": strings.Replace(vpc("v1beta1", "odd", "", "", 7), "subnets:",
			"subnets: 7\n  other:", 1),
		"managed/vpcs/bad.yaml": "nonsense: [\n",
	}, plan.Options{})
	if got := invalidResources(result); got != 3 {
		t.Errorf("%d invalid resources", got)
	}
	want := []string{
		"VPCAttachment at spec.connection Connection c", "VPCAttachment at spec.subnet VPC a",
		"VPCAttachment x spec.connection Connection c",
	}
	if got := danglingTexts(result); !slices.Equal(got, want) {
		t.Errorf("%q", got)
	}
}

func invalidResources(result *pipeline.Result) int {
	n := 0
	for _, r := range result.Plan.Resources {
		if !r.Valid {
			n++
		}
	}
	return n
}

// TestDanglingLaw: the list is what the tree afterwards says, with and without memory, under all options.
func TestDanglingLaw(t *testing.T) {
	t.Parallel()
	store := treestore.New()
	client := store.Serve(t)
	rapid.Check(t, func(r *rapid.T) {
		options := plan.Options{Conflict: rapid.SampledFrom([]plan.Conflict{
			plan.ConflictUpdate, plan.ConflictKeep,
			plan.ConflictQuarantine,
		}).Draw(r, "conflict")}
		remembering, files := pipelineOf(t, client, 2), map[string]string{}
		remembering.Noops = noopCache(t)
		for range rapid.IntRange(1, 3).Draw(r, "rounds") {
			maps.Copy(files, drawReferring(r))
			snapshot, tree := store.Open(files)
			req := request(gittree.Ref{Snapshot: snapshot, ID: tree}, options)
			req.References = rapid.SampledFrom(allReferences).Draw(r, "references")
			known, err := remembering.Ingest(t.Context(), req)
			if err != nil {
				r.Fatal(err)
			}
			read, err := pipelineOf(t, client, 1).Ingest(t.Context(), req)
			if err != nil {
				r.Fatal(err)
			}
			files = store.Files(known.Tree)
			store.Close(snapshot)
			if !reflect.DeepEqual(known.Plan.Dangling, read.Plan.Dangling) {
				r.Fatalf("memory makes a difference: %q, not %q", danglingTexts(known), danglingTexts(read))
			}
			if got, want := danglingTexts(known), missing(files); !slices.Equal(got, want) {
				r.Fatalf("%q, not %q\nin %v", got, want, files)
			}
			for _, gone := range rapid.SliceOf(rapid.SampledFrom(slices.Sorted(maps.Keys(files)))).Draw(r, "gone") {
				delete(files, gone)
			}
		}
	})
}

// drawReferring makes VPCs and attachments to them, also two versions of one.
func drawReferring(r *rapid.T) map[string]string {
	files := map[string]string{}
	for i := range rapid.IntRange(1, 6).Draw(r, "documents") {
		name := rapid.SampledFrom([]string{"a", "b"}).Draw(r, "name")
		text := vpc("v1beta1", name, "", "", rapid.SampledFrom([]int{7, 8}).Draw(r, "vlan"))
		if rapid.Bool().Draw(r, "attachment") {
			text = attachment(name, rapid.SampledFrom([]string{"a", "b"}).Draw(r, "to"))
		}
		files[fmt.Sprintf(rapid.SampledFrom([]string{"raw/%d.yaml", "managed/odd/%d.yaml"}).Draw(r, "place"), i)] = text
	}
	return files
}

var attached = regexp.MustCompile(`(?s)kind: VPCAttachment\n.*name: (\w+)\n.*subnet: (\w+)/`)

// missing reads out of a tree what dangles.
func missing(files map[string]string) []string {
	out := []string{}
	for p, content := range files {
		m := attached.FindStringSubmatch(content)
		if m == nil || !strings.HasPrefix(p, "managed/") {
			continue
		}
		out = append(out, "VPCAttachment "+m[1]+" spec.connection Connection c")
		if _, there := files["managed/vpcs/"+m[2]+".yaml"]; !there {
			out = append(out, "VPCAttachment "+m[1]+" spec.subnet VPC "+m[2])
		}
	}
	slices.Sort(out)
	return out
}

// danglingTexts returns the list without the namespaces that the cluster has by itself.
func danglingTexts(result *pipeline.Result) []string {
	out := []string{}
	for _, d := range result.Plan.Dangling {
		if !strings.HasSuffix(d.To.Kind, "Namespace") {
			out = append(out, fmt.Sprintf("%s %s %s %s %s", d.From.Kind, d.From.Name, d.Field, d.To.Kind, d.To.Name))
		}
	}
	return out
}

func attachment(name, to string) string {
	return fmt.Sprintf("apiVersion: vpc.githedgehog.com/v1beta1\nkind: VPCAttachment\nmetadata:\n  name: %s\nspec:\n  "+
		"connection: c\n  subnet: %s/default\n", name, to)
}

func peering(name, a, b string) string {
	return fmt.Sprintf("apiVersion: vpc.githedgehog.com/v1beta1\nkind: VPCPeering\nmetadata:\n  name: %s\nspec:\n  "+
		"permit:\n  - %s:\n      subnets: [default]\n    %s: {}\n", name, a, b)
}
