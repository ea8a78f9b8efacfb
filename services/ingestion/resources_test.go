package ingestion_test

import (
	"fmt"
	"strings"
	"testing"

	"google.golang.org/protobuf/proto"

	"fgdsync.dev/libs/errs"
	"fgdsync.dev/libs/rpc"
	fabricv1 "fgdsync.dev/proto/fgd/fabric/v1"
	ingestionv1 "fgdsync.dev/proto/fgd/ingestion/v1"
	reportv1 "fgdsync.dev/proto/fgd/report/v1"
	"fgdsync.dev/testkit/treestore"
)

// readResources returns what files say, by path, and the sizes of the messages in which it came.
func readResources(t *testing.T, client ingestionv1.IngestionServiceClient, req *ingestionv1.ReadResourcesRequest) (
	map[string]*reportv1.ResourceContent, []int,
) {
	t.Helper()
	byPath, sizes := map[string]*reportv1.ResourceContent{}, []int(nil)
	err := rpc.Collect(t.Context(), client.ReadResources, req, func(r *ingestionv1.ReadResourcesResponse) error {
		sizes = append(sizes, proto.Size(r))
		for _, resource := range r.GetResources() {
			byPath[resource.GetPath()] = resource
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return byPath, sizes
}

// TestReadResources: all files of managed/ come, in messages that are neither many nor large, or those that are named.
func TestReadResources(t *testing.T) {
	t.Parallel()
	files := map[string]string{"managed/vpcs/broken.yaml": "kind: [\n", "raw/waits.yaml": vpc}
	for i := range 1500 {
		name := fmt.Sprintf("vpc-%d", i)
		files["managed/vpcs/"+name+".yaml"] = strings.Replace(vpc, "vpc-1", name, 1) + "  x: " + strings.Repeat("y", 1500) +
			"\n"
	}
	store := treestore.New()
	client := withTrees(t, store)
	snapshot, tree := store.Open(files)
	request := &ingestionv1.ReadResourcesRequest{SnapshotId: snapshot, Tree: tree}
	got, sizes := readResources(t, client, request)
	if len(got) != 1501 || len(sizes) > 8 {
		t.Errorf("%d files in %d messages", len(got), len(sizes))
	}
	for _, size := range sizes {
		if size > 1<<20 {
			t.Errorf("a message has %d bytes", size)
		}
	}
	if key := got["managed/vpcs/vpc-7.yaml"].GetKey(); key.GetName() != "vpc-7" || key.GetNamespace() != "default" {
		t.Errorf("the resource is %v", key)
	}
	broken := got["managed/vpcs/broken.yaml"]
	if broken.GetProblem().GetCode() != errs.ManagedUnreadable.ID || broken.GetKey() != nil || broken.GetBlobId() == "" {
		t.Errorf("what can't be read is %v", broken)
	}

	request.Paths = []string{"managed/vpcs/vpc-7.yaml", "managed/gone.yaml", "raw/waits.yaml"}
	if got, _ := readResources(t, client, request); len(got) != 1 {
		t.Errorf("some files are %v", got)
	}
	request.Options = &fabricv1.Options{UnknownFields: fabricv1.UnknownFields_UNKNOWN_FIELDS_REJECT}
	got, _ = readResources(t, client, request)
	if strict := got["managed/vpcs/vpc-7.yaml"]; strict.GetProblem() == nil || strict.GetSpec() != nil {
		t.Errorf("where unknown fields are refused: %v", strict)
	}
}
