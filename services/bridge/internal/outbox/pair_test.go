package outbox

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/protobuf/types/known/timestamppb"

	"fgdsync.dev/libs/errs"
	"fgdsync.dev/libs/netboxserver"
	"fgdsync.dev/libs/redisconn"
	"fgdsync.dev/libs/secret"
	editv1 "fgdsync.dev/proto/fgd/edit/v1"
	fabricv1 "fgdsync.dev/proto/fgd/fabric/v1"
	gitv1 "fgdsync.dev/proto/fgd/git/v1"
	netboxv1 "fgdsync.dev/proto/fgd/netbox/v1"
	reportv1 "fgdsync.dev/proto/fgd/report/v1"
	syncv1 "fgdsync.dev/proto/fgd/sync/v1"
	"fgdsync.dev/services/bridge/internal/hearing"
	"fgdsync.dev/services/bridge/internal/hnp"
)

// branch is the files of a fabric at all commits of a branch, and the syncs that make edits.
type branch struct {
	fabricv1.ResourceServiceClient
	world   *world
	files   map[key]string // spec as JSON
	commits []commit
	syncs   map[string]*syncv1.Sync // by the names of requests

	broken error                                // of what is asked; nobody knows whether it was done
	late   bool                                 // what is asked is done, and nobody hears of it
	push   func()                               // somebody pushes when an edit is about to be made
	judge  func(*editv1.Edit) *reportv1.Finding // of what may be committed
	pull   *gitv1.PullRequest                   // edits are proposed, and how that stands
	away   error                                // of all that is read
}

// commit is one of the branch.
type commit struct {
	files  map[key]string
	author string
	set    *editv1.EditSet // of one that a sync made
}

func (b *branch) head() string { return fmt.Sprintf("%040x", len(b.commits)) }

// commit makes one of the files as they are.
func (b *branch) commit(author string, set *editv1.EditSet) {
	b.commits = append(b.commits, commit{maps.Clone(b.files), author, set})
}

func blobOf(spec string) string {
	if spec == "" {
		return ""
	}
	return fmt.Sprintf("%040x", []byte(hnp.Content{Spec: map[string]any{"x": spec}}.Digest("VPC"))[:20])
}

// ReadResources answers as the orchestrator does.
func (b *branch) ReadResources(
	ctx context.Context, req *fabricv1.ReadResourcesRequest, _ ...grpc.CallOption,
) (grpc.ServerStreamingClient[fabricv1.ReadResourcesResponse], error) {
	if b.away != nil {
		return nil, b.away
	}
	at, since := b.files, map[key]string(nil)
	n := 0
	if _, err := fmt.Sscanf(req.GetCommit(), "%x", &n); err == nil && req.GetCommit() != "" {
		if n < 1 || n > len(b.commits) {
			return nil, errs.New(errs.CommitNotFound, "There is no commit %d.", n)
		}
		at = b.commits[n-1].files
	}
	if _, err := fmt.Sscanf(req.GetSinceCommit(), "%x", &n); err == nil && req.GetSinceCommit() != "" {
		since = b.commits[n-1].files
	}
	out := &fabricv1.ReadResourcesResponse{
		Complete: since == nil, Pages: &gitv1.FilePages{DirectoryUrl: "https://host.test/" + b.head() + "/", LineMark: "#L"},
	}
	for k, spec := range at {
		only := req.GetResource()
		if since[k] == spec || only != nil && k != (key{only.GetKind(), only.GetNamespace(), only.GetName()}) {
			continue
		}
		out.Resources = append(out.Resources, &fabricv1.ChangedResource{
			Resource: &reportv1.ResourceContent{
				Key: &reportv1.ResourceKey{Kind: k.kind, Namespace: k.namespace, Name: k.name}, Path: k.field(),
				BlobId: blobOf(spec), Spec: []byte(spec),
			}, ChangedBy: author(req.GetCommit()),
		})
	}
	for k := range since {
		if _, is := at[k]; !is {
			out.Removed = append(out.Removed, &fabricv1.RemovedFile{Path: k.field(), ChangedBy: author(req.GetCommit())})
		}
	}
	return &stream{ctx: ctx, parts: []*fabricv1.ReadResourcesResponse{out}}, nil
}

// ListLinkedFabrics answers as the orchestrator does.
func (b *branch) ListLinkedFabrics(
	_ context.Context, req *fabricv1.ListLinkedFabricsRequest, _ ...grpc.CallOption,
) (*fabricv1.ListLinkedFabricsResponse, error) {
	if only := req.GetFabricId(); only != 0 && only != b.world.linked.GetFabricId() {
		return nil, errs.NoFabric(only)
	}
	return &fabricv1.ListLinkedFabricsResponse{Fabrics: []*fabricv1.LinkedFabric{b.world.linked}}, nil
}

// dry returns what edits would come to, as a diff.
func (b *branch) dry(_ context.Context, _ int32, set *editv1.EditSet) (string, error) {
	s, after := &syncv1.Sync{}, maps.Clone(b.files)
	b.apply(set, s, after)
	if len(s.GetErrors()) > 0 {
		return "", errs.FromFinding(s.GetErrors()[0])
	}
	return diffOf(b.files, after), nil
}

// diffOf returns where files differ; nothing where they don't.
func diffOf(before, after map[key]string) string {
	var diff strings.Builder
	for _, k := range slices.SortedFunc(maps.Keys(before), key.compare) {
		if text, is := after[k]; !is || text != before[k] {
			fmt.Fprintf(&diff, "-%s %s\n", k.field(), before[k])
		}
	}
	for _, k := range slices.SortedFunc(maps.Keys(after), key.compare) {
		if text, was := before[k]; !was || text != after[k] {
			fmt.Fprintf(&diff, "+%s %s\n", k.field(), after[k])
		}
	}
	return diff.String()
}

// edit makes edits as a sync does: all of them or none, once for each name.
func (b *branch) edit(
	_ context.Context, _ int32, requestID string, set *editv1.EditSet,
) (*syncv1.Sync, error) {
	if b.broken != nil && !b.late {
		return nil, b.broken
	}
	s := b.syncs[requestID]
	if s == nil {
		if b.push != nil {
			push := b.push
			b.push = nil
			push()
		}
		s = b.made(set)
		b.syncs[requestID] = s
	}
	if b.broken != nil {
		return nil, b.broken
	}
	if len(s.GetErrors()) > 0 {
		return s, errs.FromFinding(s.GetErrors()[0])
	}
	return s, nil
}

func (b *branch) made(set *editv1.EditSet) *syncv1.Sync {
	b.world.clock = b.world.clock.Add(time.Second)
	s := &syncv1.Sync{SyncId: fmt.Sprint("sync-", len(b.syncs)), CompletedAt: timestamppb.New(b.world.clock)}
	after := maps.Clone(b.files)
	b.apply(set, s, after)
	switch {
	case len(s.GetErrors()) > 0:
		return s
	case b.pull != nil:
		s.Result = &syncv1.Result{PullRequest: b.pull}
		return s
	case !maps.Equal(after, b.files):
		b.files = after
		b.commit(set.GetAuthor().GetName(), set)
	}
	b.world.left(s.GetSyncId())
	return s
}

// apply makes edits of files, and notes in a sync what became of each.
func (b *branch) apply(set *editv1.EditSet, s *syncv1.Sync, after map[key]string) {
	for _, e := range set.GetEdits() {
		k := key{e.GetResource().GetKind(), e.GetResource().GetNamespace(), e.GetResource().GetName()}
		edited := &editv1.Edited{Resource: e.GetResource()}
		s.Edited = append(s.Edited, edited)
		switch {
		case e.GetIfMatch() != "" && blobOf(after[k]) != e.GetIfMatch(), e.GetIfNoneMatch() && after[k] != "":
			edited.Problem = errs.ToFinding(errs.New(errs.ResourceChanged, "It is another one."), 0)
		case b.judge != nil && b.judge(e) != nil:
			edited.Problem = b.judge(e)
		case e.GetDelete():
			delete(after, k)
		default:
			after[k] = string(e.GetPut().GetSpec())
			if after[k] == "" {
				after[k] = "{}"
			}
		}
		if edited.GetProblem() != nil {
			s.Errors = append(s.Errors, edited.GetProblem())
		}
	}
}

// newPair returns a Git and a NetBox that are kept the same, both ways.
func newPair(t testing.TB, tt tester, conn *redisconn.Conn, folder string, fabric int32) *pair {
	w := newWorld(t, tt, conn, folder, fabric)
	w.linked.Netbox.Direction = fabricv1.Direction_DIRECTION_BOTH
	p := &pair{world: w, heardTo: 0, theirs: map[int64]bool{}}
	p.branch = &branch{world: w, files: map[key]string{}, syncs: map[string]*syncv1.Sync{}}
	w.netbox.SetClock(func() time.Time { return w.clock })
	p.begin()
	return p
}

// pair is a Git and a NetBox.
type pair struct {
	*world
	branch  *branch
	heardTo int64
	feed    bool // people are heard by the feed
	theirs  map[int64]bool
}

func twoWays(t *testing.T) *pair {
	t.Helper()
	p := newPair(t, t, redisFor(t), t.TempDir(), 1)
	t.Cleanup(p.end)
	return p
}

// begin starts a bridge that knows nothing but what is kept.
func (p *pair) begin() {
	p.world.begin()
	p.deps.Resources, p.deps.Edit, p.deps.DryEdit = p.branch, p.branch.edit, p.branch.dry
	p.deps.Connect = func(string, string, func(http.RoundTripper) http.RoundTripper) (*hnp.Client, error) {
		return hnp.New("http://netbox.test", secret.New(netboxserver.Token), p.wire)
	}
}

// again has another bridge go on.
func (p *pair) again() {
	p.end()
	p.begin()
}

// left notes what a sync has left on the branch.
func (w *world) left(syncID string) {
	b, is := w.deps.Resources.(*branch)
	if !is {
		return
	}
	w.linked = clone(w.linked)
	w.linked.LastSyncAt = timestamppb.New(w.clock)
	w.linked.Published = &fabricv1.PublishedState{
		Commit: b.head(), CompletedAt: timestamppb.New(w.clock), SyncId: syncID,
	}
}

// pushed has somebody push what the files are now, and a sync complete.
func (p *pair) pushed() {
	p.clock = p.clock.Add(time.Second)
	p.branch.commit("Ada", nil)
	p.left("sync of a push")
}

// hear has what people did in NetBox told, as hearing does.
func (p *pair) hear(ctx context.Context) {
	p.t.Helper()
	client := p.reader()
	ids, _, _, err := client.LogIDs(ctx, p.heardTo+1)
	if err != nil {
		p.t.Fatal(err)
	}
	changes, err := client.LogChanges(ctx, ids)
	if err != nil {
		p.t.Fatal(err)
	}
	var theirs []hearing.Change
	for _, c := range changes {
		if c.Kind == hnp.FabricKind {
			continue
		}
		echo := p.d.ours.echo(c)
		ours := echo == hearing.OurRequest || echo == hearing.SameContent && !p.theirs[c.RecordID]
		if p.theirs[c.RecordID] = !ours; !ours {
			c.Entry = strings.TrimPrefix(c.ID, "log:") + "-0"
			theirs = append(theirs, c)
		}
	}
	for i := range theirs {
		if p.feed { // which has the new name alone
			theirs[i].Was = nil
		}
	}
	if err := p.d.heard(ctx, theirs); err != nil {
		return // it is told again
	}
	if len(ids) > 0 {
		p.heardTo = ids[len(ids)-1]
	}
}

// person has somebody do something to a record in NetBox.
func (p *pair) person(user, method string, k key, body string) {
	p.t.Helper()
	p.clock = p.clock.Add(20 * time.Second)
	path := "/api/plugins/hedgehog/servers/"
	if method != "POST" {
		path += fmt.Sprint(p.records()[k].ID, "/")
	}
	p.netbox.Act(user)
	defer p.netbox.Act("")
	if code := p.wire.request(method, path, body); code >= 300 {
		p.t.Fatalf("%s %s %s: %d", method, path, body, code)
	}
}

// step tells what was done, and delivers until nothing is left to be done.
func (p *pair) step(ctx context.Context) {
	p.t.Helper()
	if p.d == nil {
		p.settled(ctx)
	}
	for range 5 {
		p.hear(ctx)
		for range 3 {
			if err := p.deliver(ctx); err != nil {
				p.t.Fatalf("deliver: %v", err)
			}
		}
	}
}

// made returns the commits that syncs made because of NetBox, by who made each.
func (p *pair) made() (authors []string) {
	for _, c := range p.branch.commits {
		if c.set != nil {
			authors = append(authors, c.author)
		}
	}
	return authors
}

// differ says where both sides differ; nothing where they don't.
func (p *pair) differ() string {
	p.t.Helper()
	found := p.records()
	for k, spec := range p.branch.files {
		record, there := found[k]
		var content hnp.Content
		if err := json.Unmarshal([]byte(spec), &content.Spec); err != nil {
			p.t.Fatal(err)
		}
		if !there || !record.Same(k.kind, content) {
			return fmt.Sprintf("%v is %s in Git, and %v in NetBox", k, spec, record.Spec)
		}
		delete(found, k)
	}
	for k := range found {
		return fmt.Sprintf("%v is in NetBox alone", k)
	}
	return ""
}

// held returns why records are held.
func (p *pair) held() map[key]netboxv1.Reason {
	all := map[key]netboxv1.Reason{}
	for k, r := range p.d.receipts {
		if r.GetState() == netboxv1.State_STATE_HELD {
			all[k] = r.GetProblem().GetReason()
		}
	}
	return all
}

func (p *pair) same(t *testing.T, authors ...string) {
	t.Helper()
	if diff := p.differ(); diff != "" || !slices.Equal(p.made(), authors) {
		t.Fatalf("%s; commits by %v, not %v; %v", diff, p.made(), authors, p.states())
	}
}
