package orchestrator_test

import (
	"context"
	"errors"
	"strings"
	"testing"

	"google.golang.org/protobuf/proto"

	"fgdsync.dev/libs/errs"
	fabricv1 "fgdsync.dev/proto/fgd/fabric/v1"
	gitv1 "fgdsync.dev/proto/fgd/git/v1"
	syncv1 "fgdsync.dev/proto/fgd/sync/v1"
)

// propose opens the pull request, or puts a commit on the one that is open. One that people have closed stays closed.
func (s *stages) propose(req *gitv1.PublishRequest) *gitv1.PublishResponse {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.proposed = append(s.proposed, req)
	if s.pull.GetState() == gitv1.PullRequestState_PULL_REQUEST_STATE_CLOSED {
		return &gitv1.PublishResponse{Commit: s.head().id, PullRequest: s.pull}
	}
	if s.pull == nil {
		s.pull = &gitv1.PullRequest{
			Number: 7, Url: "https://host/pull/7", State: gitv1.PullRequestState_PULL_REQUEST_STATE_OPEN,
			Branch: req.GetProposal().GetBranch(), HeadCommit: "proposed",
		}
	}
	return &gitv1.PublishResponse{
		Commit: "proposed", Committed: true, Counts: &gitv1.ChangeCounts{Created: 1},
		PullRequest: proto.CloneOf(s.pull),
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
	if req.GetNumber() != s.pull.GetNumber() {
		return nil, errs.New(errs.GitHubNotFound, "There is no such pull request.")
	}
	return &gitv1.GetPullRequestResponse{PullRequest: proto.CloneOf(s.pull)}, nil
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

// TestEditsAreNotProposed: the next sync would make the proposal anew, without them. A dry run shows what they would
// do.
func TestEditsAreNotProposed(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, b *bench) {
		b.drop("f1", "a")
		b.expect(b.proposing(35, "f1"), completed)
		request := &syncv1.StartSyncRequest{FabricId: 35, EditSet: deletion()}
		if _, err := b.StartSync(t.Context(), request); !errs.HasCode(err, errs.EditRefused) {
			t.Errorf("an edit is answered with %v", err)
		}
		request.Options = &syncv1.SyncOptions{ValidateOnly: true}
		if _, err := b.StartSync(t.Context(), request); err != nil {
			t.Errorf("a dry run is answered with %v", err)
		}
	})
}
