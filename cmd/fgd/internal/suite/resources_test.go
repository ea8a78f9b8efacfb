package suite_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"

	"google.golang.org/grpc"

	"fgdsync.dev/cmd/fgd/internal/suite"
	"fgdsync.dev/libs/errs"
	"fgdsync.dev/libs/rpc"
	fabricv1 "fgdsync.dev/proto/fgd/fabric/v1"
	gitv1 "fgdsync.dev/proto/fgd/git/v1"
	syncv1 "fgdsync.dev/proto/fgd/sync/v1"
	"fgdsync.dev/testkit/gitserver"
)

// internals is a suite over a Git host, seen from inside.
type internals struct {
	testing.TB
	host      *gitserver.Server
	conn      grpc.ClientConnInterface
	fabrics   fabricv1.FabricServiceClient
	resources fabricv1.ResourceServiceClient
	syncs     syncv1.SyncServiceClient
}

const repository = "repo.git"

func newInternals(t *testing.T, files map[string]string) *internals {
	t.Helper()
	host := gitserver.Start(t, gitserver.Options{})
	host.Create(t, repository, "main", files)
	o := options(t)
	var err error
	o.Source, err = o.Source.With(map[string]any{
		"allow_http": true, "allowed_private_networks": []string{"127.0.0.0/8"}, "redis_checks": "off",
	})
	if err != nil {
		t.Fatal(err)
	}
	s, err := suite.New(o)
	if err != nil {
		t.Fatal(err)
	}
	ended, ctx := make(chan error, 1), t.Context()
	go func() { ended <- s.Run(ctx) }()
	t.Cleanup(func() { // after the end of the test's context
		if err := <-ended; err != nil {
			t.Error(err)
		}
	})
	return &internals{
		TB: t, host: host, conn: s.Internal(), fabrics: fabricv1.NewFabricServiceClient(s.Internal()),
		resources: fabricv1.NewResourceServiceClient(s.Internal()), syncs: syncv1.NewSyncServiceClient(s.Internal()),
	}
}

// create registers fabric 35 and waits for its first sync.
func (i *internals) create(ctx context.Context, req *fabricv1.CreateFabricRequest) *syncv1.Sync {
	i.Helper()
	req.Fabric.FabricId, req.Fabric.Name = 35, "f1"
	req.Fabric.Location = &gitv1.Location{RepositoryUrl: i.host.URL(repository), Branch: "main", Directory: "f1"}
	created, err := i.fabrics.CreateFabric(ctx, req)
	if err != nil {
		i.Fatal(err)
	}
	return i.await(created.GetSyncId())
}

// sync runs a sync to its end.
func (i *internals) sync(ctx context.Context, options *syncv1.SyncOptions) *syncv1.Sync {
	i.Helper()
	started, err := i.syncs.StartSync(ctx, &syncv1.StartSyncRequest{FabricId: 35, Options: options})
	if err != nil {
		i.Fatal(err)
	}
	return i.await(started.GetSyncId())
}

func (i *internals) await(id string) *syncv1.Sync {
	i.Helper()
	stream, err := i.syncs.WatchSync(i.Context(), &syncv1.WatchSyncRequest{SyncId: id})
	for err == nil {
		_, err = stream.Recv()
	}
	if !errors.Is(err, io.EOF) {
		i.Fatal(err)
	}
	got, err := i.syncs.GetSync(i.Context(), &syncv1.GetSyncRequest{SyncId: id})
	if err != nil {
		i.Fatal(err)
	}
	if got.GetSync().GetState() != syncv1.State_STATE_COMPLETED {
		i.Fatalf("the sync is %v", got)
	}
	return got.GetSync()
}

// commit makes a commit of somebody.
func (i *internals) commit(who string, files map[string]string) {
	i.Helper()
	i.commitSaying(who, "Work of "+who, files)
}

// commitSaying makes a commit of somebody with a message.
func (i *internals) commitSaying(who, message string, files map[string]string) {
	i.Helper()
	var changes strings.Builder
	for path, content := range files {
		if content == gitserver.Removed {
			fmt.Fprintf(&changes, "D %s\n", path)
			continue
		}
		fmt.Fprintf(&changes, "M 100644 inline %s\ndata %d\n%s\n", path, len(content), content)
	}
	stream := fmt.Sprintf("commit refs/heads/main\ncommitter %s <%s@example.com> 1767323045 +0000\ndata %d\n%s\nfrom %s\n%sdone\n",
		who, strings.ToLower(who), len(message), message, i.host.Head(i, repository, "main"), &changes)
	i.host.GitWith(i, repository, stream, "fast-import", "--quiet", "--done")
}

// read returns what files say and who changed them, a line each.
func (i *internals) read(commit, since string) (complete bool, lines map[string]string, err error) {
	lines = map[string]string{}
	request := &fabricv1.ReadResourcesRequest{FabricId: 35, Commit: commit, SinceCommit: since}
	first := true
	err = rpc.Collect(i.Context(), i.resources.ReadResources, request, func(part *fabricv1.ReadResourcesResponse) error {
		complete, first = complete || first && part.GetComplete(), false
		for _, changed := range part.GetResources() {
			r, by := changed.GetResource(), changed.GetChangedBy()
			lines[r.GetPath()] = fmt.Sprintf("%s %s %s: %s", r.GetKey().GetName(), r.GetSpec(), by.GetName(), by.GetSubject())
		}
		for _, gone := range part.GetRemoved() {
			lines[gone.GetPath()] = "gone " + gone.GetChangedBy().GetName() + " " + gone.GetChangedBy().GetEmail()
		}
		return nil
	})
	return complete, lines, err
}

func (i *internals) expect(what string, got, want map[string]string) {
	i.Helper()
	for path, line := range want {
		if got[path] != line {
			i.Errorf("%s: %s is %q, want %q", what, path, got[path], line)
		}
	}
	if len(got) != len(want) {
		i.Errorf("%s: got %v", what, got)
	}
}

func namespace(name, subnet string) string {
	return "apiVersion: vpc.githedgehog.com/v1beta1\nkind: IPv4Namespace\nmetadata:\n  name: " + name +
		"\nspec:\n  subnets: [" + subnet + "]\n"
}

// TestWhatFilesSayAndWhoSaidIt follows a fabric over a real Git host: people put files into raw/, edit and delete
// managed ones, a sync restores, and history is rewritten.
func TestWhatFilesSayAndWhoSaidIt(t *testing.T) {
	t.Parallel()
	i := newInternals(t, map[string]string{"README.md": "x\n"})
	without := i.host.Head(t, repository, "main")
	i.commit("Ada", map[string]string{
		"f1/raw/a.yaml": namespace("a", "10.1.0.0/16"), "f1/raw/b.yaml": namespace("b", "10.2.0.0/16"),
	})
	i.create(t.Context(), &fabricv1.CreateFabricRequest{Fabric: &fabricv1.Fabric{}})
	first := i.host.Head(t, repository, "main")
	complete, got, err := i.read(first, "")
	if err != nil || !complete {
		t.Fatalf("complete %v: %v", complete, err)
	}
	const folder = "managed/ipv4namespaces/"
	b := `b {"subnets":["10.2.0.0/16"]} `
	i.expect("at first", got, map[string]string{
		folder + "a.yaml": `a {"subnets":["10.1.0.0/16"]} Ada: Work of Ada`, folder + "b.yaml": b + "Ada: Work of Ada",
	})

	edited := strings.Replace(i.host.Git(t, repository, "show", "main:f1/"+folder+"a.yaml"), "10.1.0.0", "10.9.0.0", 1)
	i.commit("Bob", map[string]string{"f1/" + folder + "a.yaml": edited})
	i.commit("Carol", map[string]string{"f1/raw/c.yaml": namespace("c", "10.3.0.0/16"), "README.md": "y\n"})
	i.commit("Dave", map[string]string{"f1/" + folder + "b.yaml": gitserver.Removed})
	i.sync(t.Context(), nil)
	second := i.host.Head(t, repository, "main")
	if complete, got, err = i.read(second, first); err != nil || complete {
		t.Fatalf("since the first: complete %v: %v", complete, err)
	}
	i.expect("since the first", got, map[string]string{
		folder + "a.yaml": `a {"subnets":["10.9.0.0/16"]} Bob: Work of Bob`, folder + "b.yaml": "gone Dave dave@example.com",
		folder + "c.yaml": `c {"subnets":["10.3.0.0/16"]} Carol: Work of Carol`,
	})

	i.sync(rpc.WithPrincipal(t.Context(), "Eve <eve@example.com>"), &syncv1.SyncOptions{
		RestoreCommit: first, RestorePaths: []string{folder + "b.yaml"},
	})
	third := i.host.Head(t, repository, "main")
	_, got, err = i.read(third, second)
	subject := strings.TrimSpace(i.host.Git(t, repository, "log", "-1", "--format=%s", "main"))
	i.expect("restored", got, map[string]string{folder + "b.yaml": b + "Eve: " + subject})
	if err != nil || i.host.Commits(t, repository, "main") != 8 {
		t.Errorf("%d commits; %v", i.host.Commits(t, repository, "main"), err)
	}
	_, got, err = i.read(third, third)
	i.expect("nothing has changed", got, nil)
	if err != nil {
		t.Error(err)
	}

	if _, _, err := i.read(strings.Repeat("0", 40), ""); !errs.HasCode(err, errs.CommitNotFound) {
		t.Errorf("a commit that there is not: %v", err)
	}
	if _, _, err := i.read(without, ""); !errs.HasCode(err, errs.DirectoryNotFound) {
		t.Errorf("a commit without the directory: %v", err)
	}
	complete, got, err = i.read(third, strings.Repeat("1", 40))
	if err != nil || !complete || len(got) != 3 {
		t.Errorf("since a commit that is gone: complete %v, %v; %v", complete, got, err)
	}
}

// TestASuspendedFabricLeavesTheHostAlone: registering it shows what a sync would do, and no ref of the host moves.
func TestASuspendedFabricLeavesTheHostAlone(t *testing.T) {
	t.Parallel()
	i := newInternals(t, map[string]string{"f1/raw/a.yaml": namespace("a", "10.1.0.0/16")})
	refs := i.host.Git(t, repository, "for-each-ref")
	first := i.create(t.Context(), &fabricv1.CreateFabricRequest{
		Fabric:        &fabricv1.Fabric{Netbox: &fabricv1.NetBoxLink{Url: "https://netbox.example.com", TokenRef: "env:T"}},
		SuspendReason: "a first look",
	})
	if !first.GetOptions().GetValidateOnly() || first.GetResult().GetFiles().GetCreated() == 0 {
		t.Errorf("the first sync is %v", first)
	}
	if now := i.host.Git(t, repository, "for-each-ref"); now != refs {
		t.Errorf("the host has %s, and had %s", now, refs)
	}
	linked, err := i.resources.ListLinkedFabrics(t.Context(), &fabricv1.ListLinkedFabricsRequest{})
	if err != nil || len(linked.GetFabrics()) != 1 || linked.GetFabrics()[0].GetPublished() != nil {
		t.Errorf("linked are %v, %v", linked, err)
	}
	resumed, err := i.fabrics.ResumeFabric(t.Context(), &fabricv1.ResumeFabricRequest{FabricId: 35})
	if err != nil {
		t.Fatal(err)
	}
	i.await(resumed.GetSyncId())
	head := i.host.Head(t, repository, "main")
	linked, err = i.resources.ListLinkedFabrics(t.Context(), &fabricv1.ListLinkedFabricsRequest{})
	if err != nil || linked.GetFabrics()[0].GetPublished().GetCommit() != head {
		t.Errorf("at %s linked are %v, %v", head, linked, err)
	}
}
