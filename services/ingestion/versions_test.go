package ingestion_test

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"fgdsync.dev/libs/errs"
	"fgdsync.dev/libs/rpc"
	ingestionv1 "fgdsync.dev/proto/fgd/ingestion/v1"
	reportv1 "fgdsync.dev/proto/fgd/report/v1"
	"fgdsync.dev/testkit/treestore"
)

// TestReadVersions: what files say of one resource, wherever they are, and nothing of what else they hold.
func TestReadVersions(t *testing.T) {
	t.Parallel()
	store := treestore.New()
	client := withTrees(t, store)
	list := "apiVersion: v1\nkind: List\nitems:\n- " + strings.ReplaceAll(vpc[:len(vpc)-1], "\n", "\n  ")
	other := strings.ReplaceAll(vpc, "vpc-1", "vpc-2")
	files := map[string]string{
		"managed/vpcs/vpc-1.yaml": vpc,
		"raw/two.yaml":            other + "---\n" + vpc,
		"raw/list.yaml":           list,
		"raw/empty.yaml":          "apiVersion: v1\nkind: List\nitems: []\n",
		"raw/other.yaml":          other,
		"raw/one-bad.yaml":        "kind: [\n---\n" + other,
		"managed/vpcs/bad.yaml":   "kind: [\n",
		"raw/wrong.yaml":          strings.Replace(vpc, "{}", "5", 1),
	}
	snapshot, _ := store.Open(files)
	paths := slices.Sorted(maps.Keys(files))
	request := &ingestionv1.ReadVersionsRequest{
		SnapshotId: snapshot, Resource: &reportv1.ResourceKey{Kind: "VPC", Namespace: "default", Name: "vpc-1"},
	}
	for _, path := range paths {
		blob := store.PutBlob([]byte(files[path]))
		request.Files = append(request.Files, &ingestionv1.FileVersion{Path: path, BlobId: blob})
	}
	var got []string
	err := rpc.Collect(t.Context(), client.ReadVersions, request, func(part *ingestionv1.ReadVersionsResponse) error {
		for _, version := range part.GetVersions() {
			r := version.GetContent()
			got = append(got, fmt.Sprintf("%s %s %t %s", r.GetPath(), r.GetKey().GetName(), len(r.GetSpec()) > 0,
				r.GetProblem().GetCode()))
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	want := []string{
		"managed/vpcs/bad.yaml  false " + errs.InvalidYAML.ID, "managed/vpcs/vpc-1.yaml vpc-1 true ",
		"  false ", "raw/list.yaml vpc-1 true ",
		"  false ", "  false ", "raw/two.yaml vpc-1 true ", "raw/wrong.yaml vpc-1 false " + errs.SchemaMismatch.ID,
	}
	if !slices.Equal(got, want) {
		t.Errorf("the versions are %q, not %q", got, want)
	}
}

// TestLocateResource: the file of a resource is found, wherever it is in managed/, and where one would be.
func TestLocateResource(t *testing.T) {
	t.Parallel()
	store := treestore.New()
	client := withTrees(t, store)
	snapshot, tree := store.Open(map[string]string{
		"managed/elsewhere/x.yaml": vpc, "raw/y.yaml": strings.ReplaceAll(vpc, "vpc-1", "vpc-2"),
	})
	for _, c := range []struct{ kind, namespace, name, want string }{
		{
			"VPC", "default", "vpc-1",
			"managed/elsewhere/x.yaml [managed/vpcs/vpc-1.yaml managed/vpcs/vpc-1_default_vpc.githedgehog.com.yaml]",
		},
		{"VPC", "default", "vpc-2", " [managed/vpcs/vpc-2.yaml managed/vpcs/vpc-2_default_vpc.githedgehog.com.yaml]"},
		{"VPC", "a", "b", " [managed/vpcs/a-b.yaml managed/vpcs/a-b_a_vpc.githedgehog.com.yaml]"},
		{"Pod", "default", "x", " []"},
	} {
		located, err := client.LocateResource(t.Context(), &ingestionv1.LocateResourceRequest{
			SnapshotId: snapshot, Tree: tree,
			Resource: &reportv1.ResourceKey{Kind: c.kind, Namespace: c.namespace, Name: c.name},
		})
		if got := fmt.Sprint(located.GetPath(), " ", located.GetPlaces()); err != nil || got != c.want {
			t.Errorf("%s %s/%s: %s, not %s; %v", c.kind, c.namespace, c.name, got, c.want, err)
		}
	}
}
