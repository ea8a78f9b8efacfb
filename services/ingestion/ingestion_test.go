package ingestion_test

import (
	"errors"
	"io"
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
	"fgdsync.dev/libs/rpc"
	"fgdsync.dev/libs/telemetry"
	directoryv1 "fgdsync.dev/proto/fgd/directory/v1"
	ingestionv1 "fgdsync.dev/proto/fgd/ingestion/v1"
	reportv1 "fgdsync.dev/proto/fgd/report/v1"
	"fgdsync.dev/services/ingestion"
	"fgdsync.dev/testkit/grpctest"
	"fgdsync.dev/testkit/treestore"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const vpc = `apiVersion: vpc.githedgehog.com/v1beta1
kind: VPC
metadata:
  name: vpc-1
spec:
  subnets: {}
`

// serve runs the service behind a real gRPC server for the time of a test.
func serve(t *testing.T, peers map[string]grpc.ClientConnInterface) ingestionv1.IngestionServiceClient {
	t.Helper()
	service, err := ingestion.New(ingestion.DefaultConfig(), &app.Process{
		Telemetry: telemetry.Discard(), Peers: peers, Now: time.Now,
	})
	if err != nil {
		t.Fatal(err)
	}
	return ingestionv1.NewIngestionServiceClient(grpctest.Serve(t, rpc.Services, service.Register))
}

func withTrees(t *testing.T, store *treestore.Store) ingestionv1.IngestionServiceClient {
	t.Helper()
	return serve(t, map[string]grpc.ClientConnInterface{"github-sync": store.Serve(t)})
}

func ingestRequest(snapshot, tree string) *ingestionv1.IngestRequest {
	return &ingestionv1.IngestRequest{
		SnapshotId: snapshot, Tree: tree, Fabric: &directoryv1.FabricIdentity{FabricId: 35, Name: "fabric-1"},
		Commit: "c0ffee", CommitTime: timestamppb.New(time.Date(2026, 3, 4, 5, 6, 7, 0, time.UTC)),
	}
}

// ingested is what the parts of an answer come to.
type ingested struct {
	progress []*ingestionv1.Progress
	ingestionv1.IngestResults
	summary *ingestionv1.IngestSummary
}

func ingest(t *testing.T, client ingestionv1.IngestionServiceClient, req *ingestionv1.IngestRequest) (*ingested,
	error,
) {
	t.Helper()
	out := &ingested{}
	err := rpc.Collect(t.Context(), client.Ingest, req, func(r *ingestionv1.IngestResponse) error {
		if p := r.GetProgress(); p != nil {
			out.progress = append(out.progress, p)
		}
		out.Documents = append(out.Documents, r.GetResults().GetDocuments()...)
		out.Findings = append(out.Findings, r.GetResults().GetFindings()...)
		out.Resources = append(out.Resources, r.GetResults().GetResources()...)
		if s := r.GetSummary(); s != nil {
			out.summary = s
		}
		return nil
	})
	return out, err
}

func TestIngest(t *testing.T) {
	t.Parallel()
	store := treestore.New()
	client := withTrees(t, store)
	snapshot, tree := store.Open(map[string]string{"raw/a.yaml": vpc, "raw/b.yaml": "kind: [\n"})
	got, err := ingest(t, client, ingestRequest(snapshot, tree))
	if err != nil {
		t.Fatal(err)
	}
	outcomes := map[string]ingestionv1.Outcome{}
	for _, d := range got.Documents {
		outcomes[d.GetDestination()] = d.GetOutcome()
	}
	want := map[string]ingestionv1.Outcome{
		"managed/vpcs/vpc-1.yaml": ingestionv1.Outcome_OUTCOME_CREATED,
		"unmanaged/b.yaml":        ingestionv1.Outcome_OUTCOME_QUARANTINED,
	}
	if !maps.Equal(outcomes, want) {
		t.Errorf("outcomes %v, want %v", outcomes, want)
	}
	if files := store.Files(got.summary.GetTree()); !strings.Contains(files["managed/vpcs/vpc-1.yaml"],
		"fabric: fabric-1") {
		t.Errorf("files %v", files)
	}
	if got.summary.GetQuarantined() != 1 || got.summary.GetResourcesTotal() != 1 {
		t.Errorf("summary %v", got.summary)
	}
	if last := got.progress[len(got.progress)-1]; last.GetFilesProcessed() != 2 || last.GetTotalFiles() != 2 {
		t.Errorf("the last progress is %v", last)
	}
	if len(got.Findings) != 1 || got.Findings[0].GetCode() != errs.InvalidYAML.ID ||
		got.Findings[0].GetFile() != "raw/b.yaml" {
		t.Errorf("findings %v", got.Findings)
	}

	// Who knows the resources already is not sent them again.
	again := ingestRequest(snapshot, got.summary.GetTree())
	again.KnownDigest = got.summary.GetDigest()
	second, err := ingest(t, client, again)
	if err != nil {
		t.Fatal(err)
	}
	if !second.summary.GetResourcesKnown() || len(second.Resources) != 0 ||
		second.summary.GetTree() != got.summary.GetTree() {
		t.Errorf("the second time: %v, resources %v", second.summary, second.Resources)
	}
}

// TestTheLastSyncCounts: what it left comes with the request, and what can't be read any more is still there.
func TestTheLastSyncCounts(t *testing.T) {
	t.Parallel()
	store := treestore.New()
	client := withTrees(t, store)
	snapshot, tree := store.Open(map[string]string{"managed/vpcs/odd.yaml": "kind: [\n", "raw/new.yaml": vpc})
	request := ingestRequest(snapshot, tree)
	held := &reportv1.ResourceKey{Group: "vpc.githedgehog.com", Kind: "VPC", Namespace: "x", Name: "vpc-2"}
	request.LastResources = []*ingestionv1.Resource{{
		Key: held, Path: "managed/vpcs/odd.yaml", ApiVersion: "vpc.githedgehog.com/v1beta1", BlobId: "c0ffee", Valid: true,
	}}
	request.LastResourcesComplete = true
	got, err := ingest(t, client, request)
	if err != nil {
		t.Fatal(err)
	}
	if len(got.Resources) != 2 || !proto.Equal(got.Resources[1].GetKey(), held) || got.Resources[1].GetValid() ||
		got.Resources[1].GetPath() != "managed/vpcs/odd.yaml" || got.Resources[1].GetBlobId() == "c0ffee" {
		t.Errorf("resources %v", got.Resources)
	}
	if len(got.Findings) != 1 || got.Findings[0].GetCode() != errs.ManagedUnreadable.ID {
		t.Errorf("findings %v", got.Findings)
	}
}

func TestDiscoverAndListQuarantine(t *testing.T) {
	t.Parallel()
	store := treestore.New()
	client := withTrees(t, store)
	snapshot, tree := store.Open(map[string]string{
		"raw/a.yaml": vpc, "managed/vpcs/x.yaml": vpc, "unmanaged/b.yaml": "kind: [\n",
	})
	found, err := client.Discover(t.Context(), &ingestionv1.DiscoverRequest{SnapshotId: snapshot, Tree: tree})
	if err != nil {
		t.Fatal(err)
	}
	if !slices.Equal(found.GetInputs(), []string{"raw/a.yaml"}) || found.GetManagedFiles() != 1 {
		t.Errorf("discovered %v", found)
	}
	kept, err := client.ListQuarantine(t.Context(), &ingestionv1.ListQuarantineRequest{SnapshotId: snapshot, Tree: tree})
	if err != nil {
		t.Fatal(err)
	}
	if len(kept.GetFiles()) != 1 || kept.GetFiles()[0].GetPath() != "unmanaged/b.yaml" {
		t.Errorf("in quarantine %v", kept)
	}
}

// TestWithoutTrees: a process that has no connection to github-sync judges files that are sent along. Asked about a
// tree, it says why it can't answer.
func TestWithoutTrees(t *testing.T) {
	t.Parallel()
	client := serve(t, nil)
	if got := validate(t, client, "a.yaml", vpc); len(got.GetFindings()) != 0 || got.GetDocuments() != 1 {
		t.Errorf("a valid file: %v", got)
	}
	if got := validate(t, client, "b.yaml", "kind: [\n"); len(got.GetFindings()) != 1 {
		t.Errorf("a broken file: %v", got)
	}
	_, err := ingest(t, client, ingestRequest("snapshot", "tree"))
	if !errs.HasCode(err, errs.ConfigurationInvalid) || !strings.Contains(errs.From(err).RemedyText(), "github-sync") {
		t.Errorf("got %v", err)
	}
}

func validate(t *testing.T, client ingestionv1.IngestionServiceClient, path, content string) (
	answer *ingestionv1.ValidateFilesResponse,
) {
	t.Helper()
	stream, err := client.ValidateFiles(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if err := stream.Send(&ingestionv1.ValidateFilesRequest{Path: path, Content: []byte(content)}); err != nil {
		t.Fatal(err)
	}
	if answer, err = stream.Recv(); err != nil {
		t.Fatal(err)
	}
	if err := stream.CloseSend(); err != nil {
		t.Fatal(err)
	}
	if _, err := stream.Recv(); !errors.Is(err, io.EOF) {
		t.Errorf("the stream ends with %v", err)
	}
	return answer
}

func TestRefusedRequests(t *testing.T) {
	t.Parallel()
	client := serve(t, nil)
	for field, change := range map[string]func(*ingestionv1.IngestRequest){
		"snapshot_id":      func(r *ingestionv1.IngestRequest) { r.SnapshotId = "" },
		"tree":             func(r *ingestionv1.IngestRequest) { r.Tree = "" },
		"fabric":           func(r *ingestionv1.IngestRequest) { r.Fabric = nil },
		"fabric.fabric_id": func(r *ingestionv1.IngestRequest) { r.Fabric.FabricId = 0 },
		"fabric.name":      func(r *ingestionv1.IngestRequest) { r.Fabric.Name = "" },
		"commit_time":      func(r *ingestionv1.IngestRequest) { r.CommitTime = nil },
	} {
		request := ingestRequest("snapshot", "tree")
		change(request)
		_, err := ingest(t, client, request)
		if e := errs.From(err); !errs.HasCode(err, errs.InvalidRequest) || e.Meta["field"] != field {
			t.Errorf("without %s: %v, field %q", field, err, e.Meta["field"])
		}
	}
	request := ingestRequest("snapshot", "tree")
	request.CommitTime = &timestamppb.Timestamp{Seconds: 1 << 50}
	if _, err := ingest(t, client, request); errs.From(err).Meta["field"] != "commit_time" {
		t.Errorf("a time that there is not: %v", err)
	}
}

func TestSettingsThatCannotBeUsed(t *testing.T) {
	t.Parallel()
	for name, change := range map[string]func(*ingestion.Config){
		"max_depth": func(c *ingestion.Config) { c.MaxDepth = 1 },
		"crd_dir":   func(c *ingestion.Config) { c.CRDDir = t.TempDir() },
		`crd_dir is "nope": no such file or directory.`: func(c *ingestion.Config) { c.CRDDir = "nope" },
	} {
		cfg := ingestion.DefaultConfig()
		change(&cfg)
		_, err := ingestion.New(cfg, &app.Process{Telemetry: telemetry.Discard(), Now: time.Now})
		if !errs.HasCode(err, errs.ConfigurationInvalid) || !strings.Contains(err.Error(), name) {
			t.Errorf("%s: %v", name, err)
		}
	}
}
