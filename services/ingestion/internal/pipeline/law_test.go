package pipeline_test

import (
	"fmt"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"fgdsync.dev/libs/gittree"
	"fgdsync.dev/services/ingestion/internal/plan"
	"fgdsync.dev/testkit/treestore"
)

// TestLaws draws directories of all sorts: nothing is lost, a second ingestion changes nothing, the number of workers
// makes no difference.
func TestLaws(t *testing.T) {
	t.Parallel()
	store := treestore.New()
	client := store.Serve(t)
	rapid.Check(t, func(r *rapid.T) {
		files := drawDirectory(r)
		options := plan.Options{
			Archive: rapid.SampledFrom([]plan.Archive{
				plan.ArchiveNone, plan.ArchiveRename, plan.ArchiveMove,
				plan.ArchiveBackup,
			}).Draw(r, "archive"),
			Conflict: rapid.SampledFrom([]plan.Conflict{
				plan.ConflictUpdate, plan.ConflictKeep,
				plan.ConflictQuarantine,
			}).Draw(r, "conflict"),
			QuarantineManaged: rapid.Bool().Draw(r, "quarantine managed"),
		}
		snapshot, tree := store.Open(files)
		defer store.Close(snapshot)
		one := ingest(t, pipelineOf(t, client, 1), gittree.Ref{Snapshot: snapshot, ID: tree}, options)
		four := ingest(t, pipelineOf(t, client, 4), gittree.Ref{Snapshot: snapshot, ID: tree}, options)
		if one.Tree != four.Tree {
			r.Fatalf("workers make a difference: %v", differences(store.Files(one.Tree), store.Files(four.Tree)))
		}
		after := store.Files(one.Tree)
		again := ingest(t, pipelineOf(t, client, 2), gittree.Ref{Snapshot: snapshot, ID: one.Tree}, options)
		if again.Tree != one.Tree {
			r.Fatalf("a second ingestion changes %v\nof %v", differences(after, store.Files(again.Tree)), after)
		}
		lost := &collector{TB: t}
		requireNothingLost(lost, files, after, one)
		if lost.text != "" {
			r.Fatalf("%s\nafter: %v", lost.text, after)
		}
		for p := range after {
			if strings.HasPrefix(p, "raw/") && !strings.HasSuffix(p, ".gitkeep") && !strings.Contains(p, ".archived") &&
				!strings.HasSuffix(p, ".bak") {
				r.Fatalf("%s is left in raw/", p)
			}
		}
	})
}

// collector collects errors for another test to report.
type collector struct {
	testing.TB
	text string
}

func (c *collector) Helper()                           {}
func (c *collector) Errorf(format string, args ...any) { c.text += fmt.Sprintf(format, args...) + "\n" }

// drawDirectory makes a directory of few names and few variants, so that all sorts of clashes happen.
func drawDirectory(r *rapid.T) map[string]string {
	files := map[string]string{}
	paths := rapid.SampledFrom([]string{
		"raw/a.yaml", "raw/b.yml", "raw/sub/a.yaml", "raw/notes.txt", "raw/.gitkeep", "a.yaml", "sub/b.yaml",
		"kustomization.yaml", "README.md",
		"managed/vpcs/a.yaml", "managed/vpcs/b.yaml", "managed/vpcs/x-a.yaml",
		"managed/vpcs/a_default_vpc.githedgehog.com.yaml", "managed/servers/a.yaml",
		"managed/odd/many.yaml", "managed/notes.txt", "unmanaged/a.yaml", "unmanaged/a.doc-0.yaml", "unmanaged/sub",
		"unmanaged/a.yaml-2",
		".hnp/archive-log.yaml", ".hnp/unmanaged-log.yaml", "raw/a.yaml.archived",
	})
	for range rapid.IntRange(1, 7).Draw(r, "files") {
		files[paths.Draw(r, "path")] = drawFile(r)
	}
	if _, clash := files["unmanaged/sub"]; clash {
		delete(files, "unmanaged/sub/x.yaml")
	}
	return files
}

func drawFile(r *rapid.T) string {
	docs := rapid.SliceOfN(rapid.Custom(drawDocument), 0, 4).Draw(r, "documents")
	separator := rapid.SampledFrom([]string{"---\n", "---\n# between\n---\n", "...\n---\n", "--- # marked\n"}).
		Draw(r, "separator")
	return rapid.SampledFrom([]string{"", "# head\n", "---\n", "# head\n---\n"}).Draw(r, "head") +
		strings.Join(docs, separator)
}

func drawDocument(r *rapid.T) string {
	name := rapid.SampledFrom([]string{"a", "b", "x-a"}).Draw(r, "name")
	namespace := rapid.SampledFrom([]string{"", "", "  namespace: default\n", "  namespace: x\n"}).Draw(r, "namespace")
	vlan := rapid.IntRange(1, 2).Draw(r, "vlan")
	mark := rapid.SampledFrom([]string{
		"", "",
		"  annotations:\n    hnp.githedgehog.com/managed-by: " +
			"hedgehog-netbox-plugin\n", "  annotations: {}\n",
	}).Draw(r, "mark")
	switch rapid.IntRange(0, 10).Draw(r, "shape") {
	case 10:
		return drawList(r)
	case 0:
		return "apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: " + name + "\n"
	case 1:
		return "kind: VPC\n  broken: [\n"
	case 2:
		return vpc("v1beta1", name, namespace, mark, "not a number")
	case 3:
		return vpc("v1alpha2", name, namespace, mark, vlan)
	case 4:
		return fmt.Sprintf("{\"apiVersion\": \"vpc.githedgehog.com/v1beta1\", \"kind\": \"VPC\", \"metadata\": {\"name\": "+
			"%q}, \"spec\": {}}\n", name)
	case 5:
		return "apiVersion: wiring.githedgehog.com/v1beta1\nkind: Server\nmetadata:\n  name: " + name + "\n" + namespace +
			mark + "spec: {}\n"
	case 6:
		return "metadata: &m\n  name: " + name + "\napiVersion: vpc.githedgehog.com/v1beta1\nkind: VPC\nspec: {}\nextra: *m\n"
	default:
		return vpc("v1beta1", name, namespace, mark, vlan)
	}
}

// drawList makes a list as kubectl writes it.
func drawList(r *rapid.T) string {
	list := "apiVersion: v1\nkind: List\nitems:\n"
	for range rapid.IntRange(1, 3).Draw(r, "items") {
		item := vpc("v1beta1", rapid.SampledFrom([]string{"a", "b", "c"}).Draw(r, "item"), "", "",
			rapid.SampledFrom([]any{1, 2, "not a number"}).Draw(r, "value"))
		list += "- " + strings.Join(strings.SplitAfter(strings.TrimSuffix(item, "\n"), "\n"), "  ") + "\n"
	}
	return list
}

func vpc(version, name, namespace, mark string, vlan any) string {
	return fmt.Sprintf("apiVersion: vpc.githedgehog.com/%s\nkind: VPC # a VPC\nmetadata:\n  name: %s\n%s%sspec:\n  "+
		"subnets:\n    default: {subnet: 10.0.0.0/24, vlan: %v}\n",
		version, name, namespace, mark, vlan)
}
