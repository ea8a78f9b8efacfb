package orchestrator_test

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"path"
	"slices"
	"strings"
	"testing"

	"google.golang.org/protobuf/proto"

	"fgdsync.dev/libs/errs"
	editv1 "fgdsync.dev/proto/fgd/edit/v1"
	fabricv1 "fgdsync.dev/proto/fgd/fabric/v1"
	gitv1 "fgdsync.dev/proto/fgd/git/v1"
	ingestionv1 "fgdsync.dev/proto/fgd/ingestion/v1"
	syncv1 "fgdsync.dev/proto/fgd/sync/v1"
)

// propose opens the pull request of a folder, or puts a commit on the one that is open. One that people have closed
// stays closed.
func (s *stages) propose(req *gitv1.PublishRequest) *gitv1.PublishResponse {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.proposed = append(s.proposed, req)
	folder, edits := path.Dir(req.GetProposal().GetBranch()), strings.Contains(req.GetProposal().GetBranch(), "-edits/")
	pull := s.pull
	if edits {
		pull = s.edits[folder]
	}
	if pull.GetState() == gitv1.PullRequestState_PULL_REQUEST_STATE_CLOSED {
		return &gitv1.PublishResponse{Commit: s.head().id, PullRequest: pull}
	}
	if pull == nil {
		number := int32(7 + len(s.edits))
		pull = &gitv1.PullRequest{
			Number: number, Url: fmt.Sprintf("https://host/pull/%d", number),
			State:  gitv1.PullRequestState_PULL_REQUEST_STATE_OPEN,
			Branch: req.GetProposal().GetBranch(), HeadCommit: "proposed",
		}
	}
	if edits {
		s.edits[folder] = pull
	} else {
		s.pull = pull
	}
	return &gitv1.PublishResponse{
		Commit: "proposed", Committed: true, Counts: &gitv1.ChangeCounts{Created: 1}, PullRequest: proto.CloneOf(pull),
	}
}

func (s *stages) GetPullRequest(ctx context.Context, req *gitv1.GetPullRequestRequest) (*gitv1.GetPullRequestResponse,
	error,
) {
	if err := errors.Join(s.enter(ctx, "pull request"), opens(req.GetLocation())); err != nil {
		return nil, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, pull := range append(slices.Collect(maps.Values(s.edits)), s.pull) {
		if pull.GetNumber() == req.GetNumber() {
			return &gitv1.GetPullRequestResponse{PullRequest: proto.CloneOf(pull)}, nil
		}
	}
	return nil, errs.New(errs.GitHubNotFound, "There is no such pull request.")
}

// EditResources takes files away; no other edits are known here.
func (s *stages) EditResources(
	ctx context.Context, req *ingestionv1.EditResourcesRequest,
) (*ingestionv1.EditResourcesResponse, error) {
	if err := s.enter(ctx, "edit"); err != nil {
		return nil, err
	}
	files, out := strings.Split(req.GetTree(), "\n"), &ingestionv1.EditResourcesResponse{}
	for _, edit := range req.GetEditSet().GetEdits() {
		file := "managed/" + edit.GetResource().GetName()
		effect := editv1.Effect_EFFECT_UNCHANGED
		if slices.Contains(files, file) {
			effect = editv1.Effect_EFFECT_DELETED
		}
		files = slices.DeleteFunc(files, func(f string) bool { return f == file })
		out.Edited = append(out.Edited, &editv1.Edited{Resource: edit.GetResource(), Effect: effect})
	}
	out.Tree = strings.Join(files, "\n")
	return out, s.leave(ctx, "edit")
}

// proposing registers a fabric that publishes by pull requests, and gives its first sync.
func (n *node) proposing(id int32, directory string) *syncv1.Sync {
	n.t.Helper()
	fabric := definition(id, directory)
	fabric.Options = &fabricv1.Options{PublishMode: fabricv1.PublishMode_PUBLISH_MODE_PULL_REQUEST}
	fabric.PullRequest = &gitv1.PullRequest{Number: 99} // nobody's to say
	created, err := n.CreateFabric(n.t.Context(), &fabricv1.CreateFabricRequest{Fabric: fabric})
	return n.await(must(n.t, created, err).GetSyncId())
}

func (n *node) pullRequest(id int32) *gitv1.PullRequest {
	n.t.Helper()
	response, err := n.GetFabric(n.t.Context(), &fabricv1.GetFabricRequest{FabricId: id})
	fabric := must(n.t, response, err).GetFabric()
	list, err := n.ListFabrics(n.t.Context(), &fabricv1.ListFabricsRequest{})
	if listed := must(n.t, list, err).GetFabrics()[0].GetPullRequest(); !proto.Equal(listed, fabric.GetPullRequest()) {
		n.t.Errorf("listed with %v, shown with %v", listed, fabric.GetPullRequest())
	}
	return fabric.GetPullRequest()
}

// TestAFabricThatProposes: nothing goes to the branch and nothing into the index, the pull request has the report, and
// the next sync goes on with it. Once it is merged, the index follows.
func TestAFabricThatProposes(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, b *bench) {
		b.drop("f1", "a")
		first := b.proposing(35, "f1")
		b.expect(first, completed)
		pull := first.GetResult().GetPullRequest()
		if pull.GetNumber() != 7 || first.GetResult().GetCommitSha() != "proposed" || !proto.Equal(pull, b.pullRequest(35)) {
			t.Errorf("the result is %v, the fabric's pull request %v", first.GetResult(), b.pullRequest(35))
		}
		request := b.proposed[0]
		p := request.GetProposal()
		if p.GetBranch() != "fgd/fabric-of-f1-35/"+first.GetSyncId() || p.GetKnownPullRequest() != 0 ||
			!strings.Contains(p.GetTitle(), "fabric of f1") ||
			!strings.Contains(p.GetBody(), first.GetSyncId()) || !strings.Contains(request.GetMessage(),
			"\nFgd-Base: "+b.head().id+"\n") {
			t.Errorf("proposed %v with %q", p, request.GetMessage())
		}
		if len(b.published()) != 0 || b.pullRequest(35).GetState() != gitv1.PullRequestState_PULL_REQUEST_STATE_OPEN {
			t.Errorf("published %q", b.published())
		}
		second := b.sync(35, nil)
		b.expect(second, completed)
		if last := b.proposed[len(b.proposed)-1].GetProposal(); last.GetKnownPullRequest() != 7 || second.GetResult().
			GetPlan().GetCounts().GetCreates() != 1 {
			t.Errorf("the second sync knows of pull request %d; its plan is %v", last.GetKnownPullRequest(), second.GetResult().
				GetPlan())
		}
		b.mu.Lock()
		b.push("f1", request.GetTree(), "by hand")
		b.pull.State, b.pull.MergeCommit = gitv1.PullRequestState_PULL_REQUEST_STATE_MERGED, b.head().id
		b.mu.Unlock()
		merged := b.sync(35, nil)
		b.expect(merged, completed)
		if got := b.pullRequest(35); got.GetState() != gitv1.PullRequestState_PULL_REQUEST_STATE_MERGED || merged.GetResult().
			GetCommitSha() == "" {
			t.Errorf("after the merge: %v, result %v", got, merged.GetResult())
		}
		b.expect(b.sync(35, nil), completed)
		if again := b.sync(35, nil).GetResult(); again.GetPullRequest() != nil || again.GetPlan().GetCounts().
			GetCreates() != 0 {
			t.Errorf("a sync after the merge: %v", again)
		}
	})
}

// TestAProposalThatWasClosed: people have said no. The sync says so, proposes again only when it is forced, and ends
// well.
func TestAProposalThatWasClosed(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, b *bench) {
		b.drop("f1", "a")
		b.expect(b.proposing(35, "f1"), completed)
		b.mu.Lock()
		b.pull.State = gitv1.PullRequestState_PULL_REQUEST_STATE_CLOSED
		b.mu.Unlock()
		refused := b.sync(35, nil)
		b.expect(refused, completed)
		if w := refused.GetWarnings(); len(w) != 1 || w[0].GetCode() != errs.ProposalClosed.ID || refused.GetResult().
			GetCommitSha() != "" {
			t.Errorf("warnings %v, result %v", w, refused.GetResult())
		}
		b.expect(b.sync(35, &syncv1.SyncOptions{Force: true}), completed)
		if !b.proposed[len(b.proposed)-1].GetProposal().GetInsist() {
			t.Error("force does not insist")
		}
	})
}

// merged registers a fabric that proposes, with files that its first sync has proposed and somebody has merged.
func (b *bench) merged(names ...string) {
	b.t.Helper()
	for _, name := range names {
		b.drop("f1", name)
	}
	b.expect(b.proposing(35, "f1"), completed)
	b.mu.Lock()
	b.push("f1", b.proposed[0].GetTree(), "by hand")
	b.pull.State, b.pull.MergeCommit = gitv1.PullRequestState_PULL_REQUEST_STATE_MERGED, b.head().id
	b.mu.Unlock()
	b.expect(b.sync(35, nil), completed)
}

// edit takes resources away.
func (b *bench) edit(names ...string) *syncv1.Sync {
	b.t.Helper()
	set := &editv1.EditSet{}
	for _, name := range names {
		set.Edits = append(set.Edits, deletionOf(name))
	}
	started, err := b.StartSync(b.t.Context(), &syncv1.StartSyncRequest{FabricId: 35, EditSet: set})
	got := b.await(must(b.t, started, err).GetSyncId())
	b.expect(got, completed)
	return got
}

// TestAnEditIsProposedOnItsOwn: it has a pull request of its own, which the same edit finds again and nothing else
// does; the one of the fabric goes its way.
func TestAnEditIsProposedOnItsOwn(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, b *bench) {
		b.merged("a", "b")
		first := b.edit("a")
		pull, request := first.GetResult().GetPullRequest(), b.proposed[len(b.proposed)-1]
		p := request.GetProposal()
		if !strings.HasPrefix(p.GetBranch(), "fgd/fabric-of-f1-35-edits/") || path.Base(p.GetBranch()) != first.GetSyncId() ||
			p.GetKnownPullRequest() != 0 || !strings.Contains(p.GetTitle(), "delete VPC a") ||
			!strings.Contains(p.GetBody(), "| delete | VPC default/a |") || strings.Contains(request.GetTree(), "managed/a") {
			t.Errorf("proposed %v of %q", p, request.GetTree())
		}
		if pull.GetNumber() != 7 || pull.GetState() != gitv1.PullRequestState_PULL_REQUEST_STATE_OPEN {
			t.Errorf("the edit has %v", pull)
		}
		again, other := b.edit("a").GetResult().GetPullRequest(), b.edit("b").GetResult().GetPullRequest()
		if !proto.Equal(again, pull) || other.GetNumber() != 8 {
			t.Errorf("the same edit has %v, another one %v", again, other)
		}
		if of := b.pullRequest(35); of.GetState() != gitv1.PullRequestState_PULL_REQUEST_STATE_MERGED ||
			of.GetMergeCommit() != b.head().id {
			t.Errorf("the fabric has %v", of)
		}
		before := len(b.proposed)
		if none := b.edit("none"); none.GetResult().GetPullRequest() != nil || len(b.proposed) != before {
			t.Errorf("an edit that changes nothing has %v", none.GetResult().GetPullRequest())
		}
		b.drop("f1", "c")
		b.expect(b.sync(35, nil), completed)
		if p := b.proposed[len(b.proposed)-1].GetProposal(); !strings.HasPrefix(p.GetBranch(), "fgd/fabric-of-f1-35/") {
			t.Errorf("the fabric proposes %v", p)
		}
	})
}

// TestAnEditWhoseProposalWasCutOff: the attempt that follows proposes the same in the same place.
func TestAnEditWhoseProposalWasCutOff(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, b *bench) {
		b.merged("a")
		times := 0
		b.onDone("publish", func(context.Context) error {
			if times++; times == 1 {
				return errs.New(errs.GitHubConnectionFailed, "Nobody answered.")
			}
			return nil
		})
		got := b.edit("a")
		last := b.proposed[len(b.proposed)-2:]
		if got.GetAttempt() != 2 || !proto.Equal(last[0].GetProposal(), last[1].GetProposal()) ||
			last[0].GetTree() != last[1].GetTree() || len(b.edits) != 1 {
			t.Errorf("attempt %d; proposed %v", got.GetAttempt(), last)
		}
	})
}

// TestAnEditThatPeopleClosed: it is not proposed again, and says so.
func TestAnEditThatPeopleClosed(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, b *bench) {
		b.merged("a", "b")
		b.edit("a")
		b.mu.Lock()
		for _, pull := range b.edits {
			pull.State = gitv1.PullRequestState_PULL_REQUEST_STATE_CLOSED
		}
		b.mu.Unlock()
		got := b.edit("a")
		state := got.GetResult().GetPullRequest().GetState()
		if w := got.GetWarnings(); len(w) != 1 || w[0].GetCode() != errs.ProposalClosed.ID ||
			strings.Contains(w[0].GetRemedy(), "force") || state != gitv1.PullRequestState_PULL_REQUEST_STATE_CLOSED {
			t.Errorf("warnings %v, result %v", w, got.GetResult())
		}
	})
}
