package directory_test

import (
	"context"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"
	"google.golang.org/grpc"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/timestamppb"

	"fgdsync.dev/libs/app"
	"fgdsync.dev/libs/errs"
	"fgdsync.dev/libs/hedgehog"
	"fgdsync.dev/libs/layout"
	"fgdsync.dev/libs/rpc"
	"fgdsync.dev/libs/telemetry"
	directoryv1 "fgdsync.dev/proto/fgd/directory/v1"
	gitv1 "fgdsync.dev/proto/fgd/git/v1"
	"fgdsync.dev/services/directory"
	"fgdsync.dev/testkit/grpctest"
	"fgdsync.dev/testkit/treestore"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

var fabric = &directoryv1.FabricIdentity{FabricId: 35, Name: "fabric-1"}

func build(t *testing.T, store *treestore.Store) *directory.Service {
	t.Helper()
	return buildWith(t, map[string]grpc.ClientConnInterface{"github-sync": store.Serve(t)})
}

func buildWith(t *testing.T, peers map[string]grpc.ClientConnInterface) *directory.Service {
	t.Helper()
	service, err := directory.New(directory.DefaultConfig(), &app.Process{
		Telemetry: telemetry.Discard(), Peers: peers, Now: time.Now,
	})
	if err != nil {
		t.Fatal(err)
	}
	return service
}

// serve runs the service behind a real gRPC server for the time of a test.
func serve(t *testing.T, store *treestore.Store) directoryv1.DirectoryServiceClient {
	t.Helper()
	return clientOf(t, build(t, store))
}

func clientOf(t *testing.T, service *directory.Service) directoryv1.DirectoryServiceClient {
	t.Helper()
	return directoryv1.NewDirectoryServiceClient(grpctest.Serve(t, rpc.Services, service.Register))
}

func repairRequest(snapshot, tree string, at time.Time) *directoryv1.RepairDirectoryRequest {
	return &directoryv1.RepairDirectoryRequest{SnapshotId: snapshot, Tree: tree, Fabric: fabric, Time: timestamppb.New(at)}
}

func TestRepairFromNothing(t *testing.T) {
	t.Parallel()
	store := treestore.New()
	client := serve(t, store)
	snapshot, tree := store.Open(map[string]string{"prepop.yaml": "kind: VPC\n"})
	at := time.Date(2026, 3, 1, 13, 0, 0, 0, time.FixedZone("", 3600))
	first, err := client.RepairDirectory(t.Context(), repairRequest(snapshot, tree, at))
	if err != nil {
		t.Fatal(err)
	}
	files := store.Files(first.GetTree())
	want := []string{layout.Manifest, "prepop.yaml", "raw/.gitkeep", "unmanaged/.gitkeep"}
	for _, kind := range hedgehog.CoreKindFolders() {
		want = append(want, "managed/"+kind+"/.gitkeep")
	}
	slices.Sort(want)
	if got := slices.Sorted(maps.Keys(files)); !slices.Equal(got, want) {
		t.Errorf("files %v, want %v", got, want)
	}
	if !strings.Contains(files[layout.Manifest], `last_structure_change: "2026-03-01T12:00:00Z"`) {
		t.Errorf("manifest:\n%s", files[layout.Manifest])
	}
	if len(first.GetRepairsMade()) != 15 || first.GetReport().GetValid() || len(first.GetRemainingIssues()) != 0 {
		t.Errorf("answer %v", first)
	}
	if counts := first.GetReport().GetFileCounts(); len(counts) != 5 || counts["other"] != 1 {
		t.Errorf("counts %v", counts)
	}

	// Another repair, later, has nothing to do and writes nothing.
	second, err := client.RepairDirectory(t.Context(), repairRequest(snapshot, first.GetTree(), at.Add(time.Hour)))
	if err != nil {
		t.Fatal(err)
	}
	if second.GetTree() != first.GetTree() || len(second.GetRepairsMade()) != 0 || store.Writes() != 1 {
		t.Errorf("the second repair: %v, %d writes", second, store.Writes())
	}
	issues := second.GetReport().GetIssues()
	if !second.GetReport().GetValid() || len(issues) != 1 || issues[0].GetFinding().GetCode() != "FGD_2009" ||
		!issues[0].GetCanAutoRepair() {
		t.Errorf("report %v", second.GetReport())
	}
}

// TestSettled: a tree that needs no change is not read again, unless it is somebody else's.
func TestSettled(t *testing.T) {
	t.Parallel()
	store := treestore.New()
	client := serve(t, store)
	at := time.Unix(0, 0)
	snapshot, tree := store.Open(map[string]string{"prepop.yaml": "kind: VPC\n"})
	made, err := client.RepairDirectory(t.Context(), repairRequest(snapshot, tree, at))
	if err != nil {
		t.Fatal(err)
	}
	first, err := client.RepairDirectory(t.Context(), repairRequest(snapshot, made.GetTree(), at))
	if err != nil {
		t.Fatal(err)
	}
	store.Close(snapshot)
	again, err := client.RepairDirectory(t.Context(), repairRequest(snapshot, made.GetTree(), at))
	if err != nil || !proto.Equal(again, first) {
		t.Errorf("%v, not %v; %v", again, first, err)
	}
	others := repairRequest(snapshot, made.GetTree(), at)
	others.Fabric = &directoryv1.FabricIdentity{FabricId: 99, Name: "other"}
	if _, err := client.RepairDirectory(t.Context(), others); !errs.HasCode(err, errs.SnapshotNotFound) {
		t.Errorf("somebody else's directory is taken for known: %v", err)
	}
}

func TestValidateChangesNothing(t *testing.T) {
	t.Parallel()
	store := treestore.New()
	client := serve(t, store)
	snapshot, tree := store.Open(map[string]string{"raw": "a file", "managed/tests/x.yaml": ""})
	answer, err := client.ValidateDirectory(t.Context(), &directoryv1.ValidateDirectoryRequest{
		SnapshotId: snapshot,
		Tree:       tree, Fabric: fabric,
	})
	if err != nil {
		t.Fatal(err)
	}
	if answer.GetReport().GetValid() || store.Writes() != 0 {
		t.Errorf("answer %v, %d writes", answer, store.Writes())
	}
	repaired, err := client.RepairDirectory(t.Context(), repairRequest(snapshot, tree, time.Unix(0, 0)))
	if err != nil {
		t.Fatal(err)
	}
	if !proto.Equal(repaired.GetReport(), answer.GetReport()) {
		t.Errorf("repair reports %v, validate %v", repaired.GetReport(), answer.GetReport())
	}
	var remaining []string
	for _, issue := range repaired.GetRemainingIssues() {
		remaining = append(remaining, issue.GetFinding().GetCode()+" "+issue.GetFinding().GetFile())
	}
	if !slices.Equal(remaining, []string{"FGD_2004 raw", "FGD_2009 managed/tests"}) {
		t.Errorf("remaining %v", remaining)
	}
}

// TestManifestAndIgnoreOfOneContent: two files of one object id are both read.
func TestManifestAndIgnoreOfOneContent(t *testing.T) {
	t.Parallel()
	store := treestore.New()
	client := serve(t, store)
	snapshot, tree := store.Open(map[string]string{
		layout.Manifest: "docs/\n", layout.Ignore: "docs/\n",
		"docs/x.yaml": "",
	})
	answer, err := client.RepairDirectory(t.Context(), repairRequest(snapshot, tree, time.Unix(0, 0)))
	if err != nil {
		t.Fatal(err)
	}
	for _, issue := range answer.GetReport().GetIssues() {
		if issue.GetFinding().GetCode() == "FGD_2009" {
			t.Errorf("an ignored file is misplaced: %v", issue)
		}
	}
	if kept := store.Files(answer.GetTree())[".hnp/manifest.legacy.yaml"]; kept != "docs/\n" {
		t.Errorf("kept %q", kept)
	}
}

func TestManyEntriesArePaged(t *testing.T) {
	t.Parallel()
	store := treestore.New()
	client := serve(t, store)
	files := map[string]string{}
	for i := range 1000 {
		files["raw/"+strings.Repeat("x", i/100+1)+string(rune('a'+i%26))+strings.Repeat("y", i%100)+".yaml"] = ""
	}
	snapshot, tree := store.Open(files)
	answer, err := client.ValidateDirectory(t.Context(), &directoryv1.ValidateDirectoryRequest{
		SnapshotId: snapshot,
		Tree:       tree, Fabric: fabric,
	})
	if err != nil || int(answer.GetReport().GetFileCounts()["raw"]) != len(files) {
		t.Errorf("%v, %v of %d", err, answer.GetReport().GetFileCounts(), len(files))
	}
}

func TestErrors(t *testing.T) {
	t.Parallel()
	store := treestore.New()
	client := serve(t, store)
	snapshot, tree := store.Open(nil)
	at := time.Unix(0, 0)
	for name, req := range map[string]*directoryv1.RepairDirectoryRequest{
		"snapshot": {Tree: tree, Fabric: fabric, Time: timestamppb.New(at)},
		"tree":     {SnapshotId: snapshot, Fabric: fabric, Time: timestamppb.New(at)},
		"fabric":   {SnapshotId: snapshot, Tree: tree, Time: timestamppb.New(at)},
		"name": {
			SnapshotId: snapshot, Tree: tree, Fabric: &directoryv1.FabricIdentity{FabricId: 1},
			Time: timestamppb.New(at),
		},
		"time": {SnapshotId: snapshot, Tree: tree, Fabric: fabric},
	} {
		if _, err := client.RepairDirectory(t.Context(), req); !errs.HasCode(err, errs.InvalidRequest) ||
			errs.KindOf(err) != errs.Invalid {
			t.Errorf("no %s: %v", name, err)
		}
	}
	if _, err := client.RepairDirectory(t.Context(), repairRequest("gone", tree, at)); !errs.HasCode(err,
		errs.SnapshotNotFound) {
		t.Errorf("unknown snapshot: %v", err)
	}
	store.Fail(errs.New(errs.ServiceUnavailable, "github-sync is away."))
	if _, err := client.RepairDirectory(t.Context(), repairRequest(snapshot, tree,
		at)); errs.KindOf(err) != errs.Unavailable {
		t.Errorf("trees away: %v", err)
	}
}

func TestExecutableManifestAndLinks(t *testing.T) {
	t.Parallel()
	store := treestore.New()
	client := serve(t, store)
	snapshot, tree := store.OpenLeaves(map[string]treestore.Leaf{
		layout.Manifest: {Mode: gitv1.FileMode_FILE_MODE_EXECUTABLE, Blob: store.PutBlob([]byte("old"))},
		"unmanaged":     {Mode: gitv1.FileMode_FILE_MODE_SYMLINK, Blob: store.PutBlob([]byte("/etc"))},
		"link.yaml":     {Mode: gitv1.FileMode_FILE_MODE_SYMLINK, Blob: store.PutBlob([]byte("raw"))},
	})
	answer, err := client.RepairDirectory(t.Context(), repairRequest(snapshot, tree, time.Unix(0, 0)))
	if err != nil {
		t.Fatal(err)
	}
	if n := len(answer.GetRemainingIssues()); n != 1 {
		t.Errorf("remaining %v", answer.GetRemainingIssues())
	}
	if files := store.Files(answer.GetTree()); files[".hnp/manifest.legacy.yaml"] != "old" ||
		files["unmanaged"] != "/etc" {
		t.Errorf("files %v", files)
	}
}

func TestRunEndsWithItsContext(t *testing.T) {
	t.Parallel()
	service := build(t, treestore.New())
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := service.Run(ctx); err != nil {
		t.Error(err)
	}
}

// TestWithoutTrees: a process that has no connection to github-sync says so.
func TestWithoutTrees(t *testing.T) {
	t.Parallel()
	client := clientOf(t, buildWith(t, nil))
	_, err := client.RepairDirectory(t.Context(), repairRequest("snapshot", "tree", time.Unix(0, 0)))
	if !errs.HasCode(err, errs.ConfigurationInvalid) || !strings.Contains(errs.From(err).RemedyText(), "github-sync") {
		t.Errorf("got %v", err)
	}
}
