package githubsync_test

import (
	"context"
	"crypto/rand"
	"fmt"
	"maps"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"fgdsync.dev/libs/errs"
	gitv1 "fgdsync.dev/proto/fgd/git/v1"
	"fgdsync.dev/testkit/gitserver"
)

// TestLandedUnderOthers: the answer to a push is lost, and somebody pushes on top of it before anybody looks.
func TestLandedUnderOthers(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.host.Create(t, repository, branch, content)
	s := b.open("f")
	tree := b.mustWrite(s, map[string]string{"a.yaml": "a: 2\n"})
	b.host.Break(gitserver.Fault{On: gitserver.Receive, Times: 1, Lose: true, Before: func() {
		b.host.Break(gitserver.Fault{On: gitserver.Refs, Times: 1, Before: func() {
			b.host.Commit(t, repository, branch, map[string]string{"f/a.yaml": "a: theirs\n"})
		}})
	}})
	response, err := b.publish(s, tree)
	if err != nil || !response.GetCommitted() || response.GetAttempts() != 1 {
		t.Errorf("%v, %v", response, err)
	}
	if parent := b.host.Git(t, repository, "rev-parse", branch+"^"); strings.TrimSpace(parent) != response.GetCommit() {
		t.Errorf("the commit is %s, below the head is %s", response.GetCommit(), parent)
	}
	b.requireCommits(3)
}

// TestOutcomeUnknown: the push is carried out, its answer is lost, and the host stays away. That is an error, and when
// the host is back the work turns out to be done.
func TestOutcomeUnknown(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.host.Create(t, repository, branch, content)
	s := b.open("f")
	change := map[string]string{"a.yaml": "a: 2\n"}
	tree := b.mustWrite(s, change)
	b.host.Break(gitserver.Fault{On: gitserver.Receive, Times: 1, Lose: true, Before: func() {
		b.host.Break(gitserver.Fault{Status: http.StatusServiceUnavailable})
	}})
	_, err := b.publish(s, tree)
	b.requireCode(err, errs.GitHubConnectionFailed)
	b.host.Mend()
	b.requireCommits(2)
	again := b.open("f")
	if response, err := b.publish(again, b.mustWrite(again, change)); err != nil || response.GetCommitted() {
		t.Errorf("%v, %v", response, err)
	}
	b.requireCommits(2)
}

// TestBranchGone: a branch that was removed meanwhile is not made again.
func TestBranchGone(t *testing.T) {
	t.Parallel()
	for name, others := range map[string][]string{"the only one": nil, "one of two": {"other"}} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := setup(t)
			b.host.Create(t, repository, branch, content)
			for _, other := range others {
				b.host.Commit(t, repository, other, content)
			}
			s := b.open("f")
			tree := b.mustWrite(s, map[string]string{"a.yaml": "a: 2\n"})
			b.host.Git(t, repository, "update-ref", "-d", "refs/heads/"+branch)
			_, err := b.publish(s, tree)
			b.requireCode(err, errs.BranchMoved)
			if refs := b.host.Git(t, repository, "for-each-ref", "refs/heads/"+branch); refs != "" {
				t.Errorf("it is back: %s", refs)
			}
		})
	}
}

// TestHistoryRewritten: the branch is set back or replaced. What does not touch the directory is built upon, the rest
// is refused.
func TestHistoryRewritten(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		files   map[string]string
		refused bool
	}{
		"same directory":  {files: map[string]string{"f/a.yaml": "a: 1\n", "f/sub/b.yaml": "b: 1\n", "new.txt": "n\n"}},
		"other directory": {files: map[string]string{"f/a.yaml": "a: 0\n"}, refused: true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := setup(t)
			b.host.Create(t, repository, branch, content)
			s := b.open("f")
			tree := b.mustWrite(s, map[string]string{"a.yaml": "a: ours\n"})
			b.host.Git(t, repository, "update-ref", "-d", "refs/heads/"+branch)
			b.host.Commit(t, repository, branch, test.files)
			_, err := b.publish(s, tree)
			if test.refused {
				b.requireCode(err, errs.BranchMoved)
				b.requireCommits(1)
				return
			}
			want := maps.Clone(test.files)
			want["f/a.yaml"] = "a: ours\n"
			if got := b.host.Files(t, repository, branch); err != nil || !maps.Equal(got, want) {
				t.Errorf("%v: %q", err, got)
			}
			b.requireCommits(2)
		})
	}
}

// TestG9ASilentHostHoldsNobody: a host that takes a request and says nothing, or nothing more, holds nobody longer than
// he wants to wait.
func TestG9ASilentHostHoldsNobody(t *testing.T) {
	t.Parallel()
	for name, fault := range map[string]gitserver.Fault{
		"refs": {On: gitserver.Refs}, "fetch": {On: gitserver.Fetch}, "push": {On: gitserver.Receive},
		"in the refs": {On: gitserver.Refs, After: 30}, "in a pack": {On: gitserver.Fetch, After: 300_000},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := setup(t, onePlace)
			b.host.Create(t, repository, branch, map[string]string{"f/a.yaml": "a: 1\n", "f/noise": noise()})
			fault.Hold, fault.Held = make(chan struct{}), make(chan struct{}, 1)
			b.host.Break(fault)
			b.givenUp(fault.Held, b.host.Mend)
		})
	}
}

// TestG10ASlowHostHoldsNobody: a byte now and then is no reason to wait on.
func TestG10ASlowHostHoldsNobody(t *testing.T) {
	t.Parallel()
	b := setup(t, onePlace)
	b.host.Create(t, repository, branch, map[string]string{"f/a.yaml": "a: 1\n", "f/noise": noise()})
	drip, dripped := slowly()
	b.host.Break(gitserver.Fault{On: gitserver.Fetch, After: 10_000, Drip: drip})
	b.givenUp(dripped, b.host.Mend)
}

// slowly lets some bytes come, and tells when they have.
func slowly() (drip, dripped chan struct{}) {
	drip, dripped = make(chan struct{}), make(chan struct{})
	go func() {
		for range 20 {
			drip <- struct{}{}
		}
		close(dripped)
	}()
	return drip, dripped
}

// TestG11ResetInAPack: a connection that is cut in the middle of a pack is an error that may pass.
func TestG11ResetInAPack(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.host.Create(t, repository, branch, map[string]string{"f/a.yaml": "a: 1\n", "f/noise": noise()})
	b.host.Break(gitserver.Fault{On: gitserver.Fetch, Times: 1, Truncate: 300_000})
	err := b.tryOpen(b.location("f"))
	b.requireCode(err, errs.GitHubConnectionFailed)
	if errs.KindOf(err) != errs.Unavailable {
		t.Errorf("%v would not be tried again", err)
	}
	if err := b.tryOpen(b.location("f")); err != nil {
		t.Errorf("afterwards: %v", err)
	}
	b.requireCommits(1)
}

// noise is content that does not compress, so that its pack comes in many pieces.
func noise() string {
	raw := make([]byte, 1<<20)
	_, _ = rand.Read(raw) // never fails
	return string(raw)
}

// givenUp opens a snapshot and publishes in front of a host that misbehaves, and gives up when it is told so. The call
// ends with that, at the service too: with one place at the host, the next one could not succeed while it went on.
func (b *bench) givenUp(told <-chan struct{}, mend func()) {
	t := b.t
	ctx, give := context.WithCancel(t.Context())
	defer give()
	location := b.location("f")
	done := make(chan error, 1)
	go func() { done <- b.openAndPublish(ctx, location) }()
	<-told
	give()
	if err := <-done; status.Code(err) != codes.Canceled && errs.KindOf(err) != errs.Cancelled {
		t.Errorf("%v", err)
	}
	mend()
	if err := b.tryOpen(location); err != nil {
		t.Errorf("afterwards: %v", err)
	}
	b.host.RequireSound(t, repository)
}

func (b *bench) openAndPublish(ctx context.Context, location *gitv1.Location) error {
	response, err := b.repositories.OpenSnapshot(ctx, &gitv1.OpenSnapshotRequest{Location: location})
	if err != nil {
		return err
	}
	return b.publishIn(ctx, response.GetSnapshot(), b.mustWrite(response.GetSnapshot(),
		map[string]string{"a.yaml": "a: 2\n"}))
}

// TestOtherHashes: a repository with SHA-256 ids is refused in so many words.
func TestOtherHashes(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.host.Git(t, "", "init", "-q", "--bare", "-b", branch, "--object-format=sha256", b.host.Path(repository))
	b.host.Commit(t, repository, branch, content)
	err := b.tryOpen(b.location("f"))
	b.requireCode(err, errs.RepositoryUnsupported)
}

// TestManyBranches: a branch is found among thousands.
func TestManyBranches(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.host.Create(t, repository, branch, content)
	head := b.host.Head(t, repository, branch)
	var refs strings.Builder
	for i := range 5000 {
		fmt.Fprintf(&refs, "%s refs/heads/feature/%d\n", head, i)
	}
	if err := os.WriteFile(filepath.Join(b.host.Path(repository), "packed-refs"), []byte(refs.String()),
		0o600); err != nil {
		t.Fatal(err)
	}
	s := b.open("f")
	if _, err := b.publish(s, b.mustWrite(s, map[string]string{"a.yaml": "a: 2\n"})); err != nil {
		t.Error(err)
	}
	b.requireCommits(2)
}
