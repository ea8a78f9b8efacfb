package githubsync_test

import (
	"cmp"
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/google/uuid"
	"google.golang.org/protobuf/proto"

	"fgdsync.dev/libs/errs"
	gitv1 "fgdsync.dev/proto/fgd/git/v1"
	"fgdsync.dev/testkit/githubserver"
	"fgdsync.dev/testkit/gitserver"
)

const prefix = "fgd/f-1/"

// proposing is one sync that proposes files.
type proposing struct {
	sync     string
	folder   string // of its branch, when it is not that of the fabric
	files    map[string]string
	known    int32
	insist   bool
	snapshot *gitv1.Snapshot
}

// propose opens a snapshot as a sync does, and publishes by a pull request.
func (h *hub) propose(p *proposing) (*gitv1.PublishResponse, error) {
	h.t.Helper()
	if p.sync == "" {
		p.sync = uuid.NewString()
	}
	opened, err := h.repositories.OpenSnapshot(h.t.Context(), &gitv1.OpenSnapshotRequest{
		Location: &gitv1.Location{
			RepositoryUrl: h.host.URL(hubRepository), Branch: branch, Directory: "f",
			Credentials: h.credentials,
		},
		Proposals: cmp.Or(p.folder, prefix),
	})
	if err != nil {
		h.t.Fatal(err)
	}
	p.snapshot = opened.GetSnapshot()
	request := publishing(p.snapshot, p.snapshot.GetTree())
	if p.files != nil {
		request.Tree = h.mustWrite(p.snapshot, p.files)
	}
	request.Message = "Sync\n\nFgd-Base: " + p.snapshot.GetOrigin().GetCommit() + "\nFgd-Sync-Id: " + p.sync + "\n"
	request.Proposal = &gitv1.Proposal{
		Branch: cmp.Or(p.folder, prefix) + p.sync, Title: "Sync " + p.sync, Body: "What changes",
		KnownPullRequest: p.known, Insist: p.insist,
	}
	return h.repositories.Publish(h.t.Context(), request)
}

func (h *hub) mustPropose(p *proposing) *gitv1.PublishResponse {
	h.t.Helper()
	response, err := h.propose(p)
	if err != nil {
		h.t.Fatal(err)
	}
	h.host.RequireSound(h.t, hubRepository)
	return response
}

// merge merges the branch of a pull request as a person does, and says so to GitHub.
func (h *hub) merge(pull *gitv1.PullRequest) {
	h.t.Helper()
	tree := strings.TrimSpace(h.host.Git(h.t, hubRepository, "merge-tree", "--write-tree", branch, pull.GetBranch()))
	commit := strings.TrimSpace(h.host.Git(h.t, hubRepository, "commit-tree", tree, "-p", branch, "-p", pull.GetBranch(),
		"-m", "Merge"))
	h.host.Git(h.t, hubRepository, "update-ref", "refs/heads/"+branch, commit)
	h.api.Merge(h.t, pull.GetNumber(), commit)
}

func (h *hub) commits(branch string) int { return h.host.Commits(h.t, hubRepository, branch) }

// TestAProposalGoesOn: one pull request, with a commit only when something else is proposed, through changes of others
// on the branch; what is merged in the end is the tree that was proposed last, and what others did.
func TestAProposalGoesOn(t *testing.T) {
	t.Parallel()
	h := newHub(t, map[string]string{"f/a.yaml": "a\n", "g/x": "x\n"})
	first := &proposing{files: map[string]string{"b.yaml": "b\n"}}
	response := h.mustPropose(first)
	pull := response.GetPullRequest()
	if pull.GetState() != gitv1.PullRequestState_PULL_REQUEST_STATE_OPEN || pull.GetBranch() != prefix+first.sync ||
		!response.GetCommitted() ||
		response.GetCommit() != h.host.Head(t, hubRepository, pull.GetBranch()) || h.commits(branch) != 1 ||
		h.commits(pull.GetBranch()) != 2 {
		t.Fatalf("proposed %v", response)
	}
	again := h.mustPropose(&proposing{files: first.files, known: pull.GetNumber()})
	if again.GetCommitted() || !proto.Equal(again.GetPullRequest(), pull) || h.commits(pull.GetBranch()) != 2 {
		t.Errorf("the same again: %v", again)
	}
	origin := first.snapshot.GetOrigin()
	h.host.Commit(t, hubRepository, branch, map[string]string{"g/y": "y\n"})
	quiet := &proposing{files: first.files, known: pull.GetNumber()}
	if r := h.mustPropose(quiet); r.GetCommitted() || !proto.Equal(quiet.snapshot.GetOrigin(), origin) {
		t.Errorf("others have changed the branch: %v, from %v and not %v", r, quiet.snapshot.GetOrigin(), origin)
	}
	// it has forgotten the number
	more := h.mustPropose(&proposing{files: map[string]string{"b.yaml": "b\n", "c.yaml": "c\n"}})
	if more.GetPullRequest().GetNumber() != pull.GetNumber() || !more.GetCommitted() || h.commits(pull.GetBranch()) != 4 {
		t.Errorf("more: %v, %d commits", more, h.commits(pull.GetBranch()))
	}
	if title, _ := h.api.Text(pull.GetNumber()); title == "Sync "+first.sync {
		t.Error("the pull request has its first title still")
	}
	h.merge(pull)
	files := h.host.Files(t, hubRepository, branch)
	if files["f/b.yaml"] != "b\n" || files["f/c.yaml"] != "c\n" || files["g/y"] != "y\n" || len(files) != 5 {
		t.Errorf("merged to %v", files)
	}
	h.host.RequireSound(t, hubRepository)
	merged := h.mustPropose(&proposing{known: pull.GetNumber()})
	if merged.GetPullRequest().GetState() != gitv1.PullRequestState_PULL_REQUEST_STATE_MERGED || merged.GetCommitted() ||
		merged.GetPullRequest().GetMergeCommit() != h.host.Head(t, hubRepository, branch) {
		t.Errorf("after the merge: %v", merged)
	}
	next := h.mustPropose(&proposing{files: map[string]string{"d.yaml": "d\n"}, known: pull.GetNumber()})
	if next.GetPullRequest().GetNumber() == pull.GetNumber() || !next.GetCommitted() {
		t.Errorf("after the merge something else goes on with the old pull request: %v", next)
	}
}

// TestAProposalThatPeopleClosed is not made again, unless somebody insists or there is something else to propose.
func TestAProposalThatPeopleClosed(t *testing.T) {
	t.Parallel()
	h := newHub(t, map[string]string{"f/a.yaml": "a\n"})
	files := map[string]string{"b.yaml": "b\n"}
	pull := h.mustPropose(&proposing{files: files}).GetPullRequest()
	h.api.Close(pull.GetNumber())
	closed := h.mustPropose(&proposing{files: files, known: pull.GetNumber()})
	if closed.GetPullRequest().GetState() != gitv1.PullRequestState_PULL_REQUEST_STATE_CLOSED || closed.GetCommitted() {
		t.Errorf("the same again: %v", closed)
	}
	insisted := h.mustPropose(&proposing{files: files, known: pull.GetNumber(), insist: true})
	if !insisted.GetCommitted() || insisted.GetPullRequest().GetNumber() == pull.GetNumber() {
		t.Errorf("insisted: %v", insisted)
	}
	h.api.Close(insisted.GetPullRequest().GetNumber())
	other := h.mustPropose(&proposing{files: map[string]string{"c.yaml": "c\n"}, known: insisted.GetPullRequest().
		GetNumber()})
	if other.GetPullRequest().GetState() != gitv1.PullRequestState_PULL_REQUEST_STATE_OPEN {
		t.Errorf("something else: %v", other)
	}
}

// TestAProposalThatPeopleEdited: what somebody has committed to the branch of a pull request is not overwritten.
func TestAProposalThatPeopleEdited(t *testing.T) {
	t.Parallel()
	h := newHub(t, map[string]string{"f/a.yaml": "a\n"})
	pull := h.mustPropose(&proposing{files: map[string]string{"b.yaml": "b\n"}}).GetPullRequest()
	edited := h.host.Commit(t, hubRepository, pull.GetBranch(), map[string]string{"f/b.yaml": "edited\n"})
	_, err := h.propose(&proposing{files: map[string]string{"c.yaml": "c\n"}, known: pull.GetNumber()})
	h.requireCode(err, errs.ProposalEdited)
	if h.host.Head(t, hubRepository, pull.GetBranch()) != edited {
		t.Error("the branch has moved")
	}
}

// TestProposalsOfOtherFolders: each folder has a pull request of its own. That of a fabric is not taken for that of an
// edit, nor closed for it, and the other way round.
func TestProposalsOfOtherFolders(t *testing.T) {
	t.Parallel()
	h := newHub(t, map[string]string{"f/a.yaml": "a\n"})
	edit := func() *proposing {
		return &proposing{folder: "fgd/f-1-edits/aa/", files: map[string]string{"a.yaml": "edited\n"}}
	}
	other := &proposing{folder: "fgd/f-1-edits/bb/", files: map[string]string{"a.yaml": "edited otherwise\n"}}
	pull := h.mustPropose(edit()).GetPullRequest()
	files := h.mustPropose(&proposing{files: map[string]string{"b.yaml": "b\n"}}).GetPullRequest()
	second := h.mustPropose(other).GetPullRequest()
	if numbers := []int32{pull.GetNumber(), files.GetNumber(), second.GetNumber()}; len(set(numbers)) != 3 {
		t.Fatalf("three proposals have the pull requests %v", numbers)
	}
	if again := h.mustPropose(edit()); again.GetCommitted() || !proto.Equal(again.GetPullRequest(), pull) {
		t.Errorf("the same edit again: %v", again)
	}
	if closed := h.mustPropose(&proposing{}).GetPullRequest(); closed.GetNumber() != files.GetNumber() ||
		closed.GetState() != gitv1.PullRequestState_PULL_REQUEST_STATE_CLOSED {
		t.Errorf("nothing to propose of the files: %v", closed)
	}
	h.host.Commit(t, hubRepository, branch, map[string]string{"g/x": "x\n"})
	h.bringUpToDate(pull.GetBranch())
	again := h.mustPropose(edit())
	if again.GetPullRequest().GetState() != gitv1.PullRequestState_PULL_REQUEST_STATE_OPEN ||
		again.GetPullRequest().GetNumber() != pull.GetNumber() || again.GetCommitted() {
		t.Errorf("the same edit again, after somebody has merged the target into its branch: %v", again)
	}
}

// TestAProposalAmongManyBranches: those that were merged long ago and are there still hide no open one.
func TestAProposalAmongManyBranches(t *testing.T) {
	t.Parallel()
	h := newHub(t, map[string]string{"f/a.yaml": "a\n"})
	for i := range 21 {
		h.host.Git(t, hubRepository, "branch", fmt.Sprintf("%s00000000-0000-7000-8000-%012d", prefix, i), branch)
	}
	files := map[string]string{"b.yaml": "b\n"}
	const newest = "ffffffff-0000-7000-8000-000000000000"
	pull := h.mustPropose(&proposing{sync: newest, files: files}).GetPullRequest()
	if again := h.mustPropose(&proposing{files: files}); !proto.Equal(again.GetPullRequest(), pull) {
		t.Errorf("the same again has %v, not %v", again.GetPullRequest(), pull)
	}
}

func set[T comparable](list []T) map[T]bool {
	out := map[T]bool{}
	for _, one := range list {
		out[one] = true
	}
	return out
}

// bringUpToDate merges the target into the branch of a pull request, as people do.
func (h *hub) bringUpToDate(proposing string) {
	h.t.Helper()
	tree := strings.TrimSpace(h.host.Git(h.t, hubRepository, "merge-tree", "--write-tree", branch, proposing))
	commit := strings.TrimSpace(h.host.Git(h.t, hubRepository, "commit-tree", tree, "-p", proposing, "-p", branch,
		"-m", "Merge"))
	h.host.Git(h.t, hubRepository, "update-ref", "refs/heads/"+proposing, commit)
}

// TestAProposalThatWasCutOff: the branch was pushed and GitHub failed. The sync that tries again opens the pull request
// and makes no second commit.
func TestAProposalThatWasCutOff(t *testing.T) {
	t.Parallel()
	h := newHub(t, map[string]string{"f/a.yaml": "a\n"})
	p := &proposing{files: map[string]string{"b.yaml": "b\n"}}
	h.api.Fault(func(w http.ResponseWriter, r *http.Request) bool {
		opens := r.Method == http.MethodPost && strings.HasSuffix(r.URL.Path, "/pulls")
		if opens {
			w.WriteHeader(http.StatusBadGateway)
		}
		return opens
	})
	_, err := h.propose(p)
	h.requireCode(err, errs.GitHubConnectionFailed)
	h.api.Fault(nil)
	response := h.mustPropose(p)
	if !response.GetCommitted() || response.GetPullRequest().GetBranch() != prefix+p.sync ||
		h.commits(prefix+p.sync) != 2 {
		t.Errorf("tried again: %v", response)
	}
}

// TestAProposalThatNobodyNeeds: the branch has all of it, so the pull request is closed.
func TestAProposalThatNobodyNeeds(t *testing.T) {
	t.Parallel()
	h := newHub(t, map[string]string{"f/a.yaml": "a\n"})
	pull := h.mustPropose(&proposing{files: map[string]string{"b.yaml": "b\n"}}).GetPullRequest()
	response := h.mustPropose(&proposing{known: pull.GetNumber()})
	if response.GetPullRequest().GetState() != gitv1.PullRequestState_PULL_REQUEST_STATE_CLOSED ||
		response.GetCommitted() {
		t.Errorf("nothing to propose: %v", response)
	}
}

// TestProtectionShowsInTheConnection: what GitHub says of the branch is part of the connection check.
func TestProtectionShowsInTheConnection(t *testing.T) {
	t.Parallel()
	for _, protected := range []bool{false, true} {
		h := newHub(t, content)
		h.api.SetBranch(branch, githubserver.Branch{Protected: protected})
		response, err := h.repositories.CheckConnection(t.Context(), &gitv1.CheckConnectionRequest{Location: &gitv1.Location{
			RepositoryUrl: h.host.URL(hubRepository), Branch: branch, Credentials: h.credentials,
		}})
		if c := response.GetConnection(); err != nil || c.BranchProtected == nil || c.GetBranchProtected() != protected ||
			len(c.GetProblems()) != 0 {
			t.Errorf("protected %v: %v, %v", protected, response, err)
		}
	}
}

// TestProposalsNeedGitHub: elsewhere there are no pull requests to open, and nothing is pushed.
func TestProposalsNeedGitHub(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.host.Create(t, repository, branch, content)
	s := b.open("f")
	request := publishing(s, b.mustWrite(s, map[string]string{"b.yaml": "b\n"}))
	request.Proposal = &gitv1.Proposal{Branch: prefix + "1", Title: "t"}
	_, err := b.repositories.Publish(t.Context(), request)
	b.requireCode(err, errs.GitHubRequired)
	if branches := b.host.Git(t, repository, "branch", "--list", "fgd/*"); branches != "" {
		t.Errorf("branches %q", branches)
	}
	for _, bad := range []*gitv1.Proposal{
		{Branch: "nofolder", Title: "t"},
		{Branch: prefix + "1"},
		{Branch: "fgd/..", Title: "t"},
	} {
		request.Proposal = bad
		_, err := b.repositories.Publish(t.Context(), request)
		b.requireCode(err, errs.InvalidRequest)
	}
	b.requireCommits(1)
}

// TestAProtectedBranch: a direct push that a host refuses because of that says how to go on, be the reason in its
// report or in what its hook said.
func TestAProtectedBranch(t *testing.T) {
	t.Parallel()
	over := map[string]func(*testing.T) *bench{
		"HTTP": func(t *testing.T) *bench { return setup(t) },
		"SSH":  func(t *testing.T) *bench { return setupSSH(t).bench },
	}
	for name, setup := range over {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := setup(t)
			b.host.Create(t, repository, branch, content)
			b.host.Hook(t, repository, "pre-receive", "echo 'Not allowed to push to protected branch main' >&2\nexit 1\n")
			b.refusesToPush(errs.BranchProtected, "Not allowed to push to protected branch main")
			b.host.Hook(t, repository, "pre-receive", "echo 'Sign your commits.' >&2\nexit 1\n")
			b.refusesToPush(errs.PushRejected, "Sign your commits.")
			b.requireCommits(1)
		})
	}
	b := setup(t)
	b.host.Create(t, repository, branch, content)
	b.host.Break(gitserver.Fault{
		On: gitserver.Receive, Status: http.StatusOK,
		Text: refusal("protected branch hook declined"),
	})
	b.refusesToPush(errs.BranchProtected, "protected branch hook declined")
}

// refusesToPush holds that a direct push is refused for a reason that is told.
func (b *bench) refusesToPush(code errs.Code, reason string) {
	b.t.Helper()
	s := b.open("f")
	_, err := b.publish(s, b.mustWrite(s, map[string]string{"b.yaml": "b\n"}))
	b.requireCode(err, code)
	if told := errs.From(err); !strings.Contains(told.Error(), reason) || code == errs.BranchProtected &&
		!strings.Contains(told.RemedyText(), "pull_request") {
		b.t.Errorf("%v; the remedy is %q", told, told.RemedyText())
	}
}

// refusal is a report that a host did not take a push, in packets on the first sideband.
func refusal(reason string) string {
	packet := func(text string) string { return fmt.Sprintf("%04x%s", len(text)+4, text) }
	return packet("\x01"+packet("unpack ok\n")+packet("ng refs/heads/"+branch+" "+reason+"\n")+"0000") + "0000"
}
