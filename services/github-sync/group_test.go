package githubsync_test

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"fgdsync.dev/libs/errs"
	gitv1 "fgdsync.dev/proto/fgd/git/v1"
	githubsync "fgdsync.dev/services/github-sync"
	"fgdsync.dev/testkit/gitserver"
)

// publisher has written into a directory of its own and not published yet.
type publisher struct {
	*bench
	snapshot  *gitv1.Snapshot
	tree      string
	directory string
	response  *gitv1.PublishResponse
	done      chan error
}

func (b *bench) publishers(n int, content string) []*publisher {
	b.t.Helper()
	all := make([]*publisher, n)
	for i := range all {
		all[i] = b.publisher(fmt.Sprintf("fabrics/f%02d", i), content)
	}
	return all
}

func (b *bench) publisher(directory, content string) *publisher {
	b.t.Helper()
	s := b.open(directory)
	return &publisher{
		bench: b, snapshot: s, directory: directory,
		tree: b.mustWrite(s, map[string]string{"a.yaml": directory + content}), done: make(chan error, 1),
	}
}

// begin lets it publish.
func (p *publisher) begin(ctx context.Context) {
	go func() {
		var err error
		p.response, err = p.repositories.Publish(ctx, publishing(p.snapshot, p.tree))
		p.done <- err
	}()
}

// gathered lets the first of them push, and the others wait until it has pushed, in their order.
func gathered(ctx context.Context, all []*publisher) (release func()) {
	b := all[0].bench
	b.t.Helper()
	hold, held := make(chan struct{}), make(chan struct{}, 1)
	b.host.Break(gitserver.Fault{On: gitserver.Receive, Times: 1, Hold: hold, Held: held})
	all[0].begin(ctx)
	<-held
	for i, p := range all[1:] {
		p.begin(ctx)
		b.until(func() bool { return b.pushers() == i+1 })
	}
	return func() { close(hold) }
}

// pushers is how many publishers wait for a push.
func (b *bench) pushers() int {
	b.t.Helper()
	return b.gauge("fgd_pushes_waiting")
}

// requireLanded holds that a publisher has one commit, which is the one it was told of.
func (p *publisher) requireLanded() {
	p.t.Helper()
	if err := <-p.done; err != nil || !p.response.GetCommitted() {
		p.t.Errorf("%s: %v, %v", p.directory, p.response, err)
		return
	}
	commits := strings.Fields(p.host.Git(p.t, repository, "log", "--format=%H", branch, "--", p.directory))
	if !slices.Equal(commits, []string{p.response.GetCommit()}) {
		p.t.Errorf("%s was told of %s and has %v", p.directory, p.response.GetCommit(), commits)
	}
}

// requireOwnFolders holds that each commit after the first changes one directory, and gives these from the first to the
// last.
func (b *bench) requireOwnFolders() (directories []string) {
	b.t.Helper()
	commits := strings.Fields(b.host.Git(b.t, repository, "rev-list", "--reverse", branch))
	for _, commit := range commits[1:] {
		touched := map[string]bool{}
		for path := range strings.FieldsSeq(b.host.Git(b.t, repository, "diff-tree", "--no-commit-id", "-r", "--name-only",
			commit)) {
			touched[path[:strings.LastIndexByte(path, '/')]] = true
		}
		if len(touched) != 1 {
			b.t.Errorf("commit %s touches %v", commit, slices.Collect(maps.Keys(touched)))
		}
		directories = slices.AppendSeq(directories, maps.Keys(touched))
	}
	return directories
}

func (b *bench) requirePushes(n int) {
	b.t.Helper()
	if got := b.host.Requests(gitserver.Receive); got != n {
		b.t.Errorf("%d pushes, not %d", got, n)
	}
}

// TestAHundredShareAPush: a hundred publish at once to directories of one branch. The first goes out at once and the
// others with the next push, one commit each, in the order in which they came.
func TestAHundredShareAPush(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.host.Create(t, repository, branch, content)
	all := b.publishers(100, "\n")
	fetches := b.host.Requests(gitserver.Fetch)
	gathered(t.Context(), all)()
	var order []string
	for _, p := range all {
		p.requireLanded()
		order = append(order, p.directory)
	}
	b.requirePushes(2)
	if got := b.requireOwnFolders(); !slices.Equal(got, order) {
		t.Errorf("the order is %v", got)
	}
	b.requireCommits(1 + len(all))
	if s := b.open("fabrics"); len(b.files(s, s.GetTree())) != len(all) || b.host.Requests(gitserver.Fetch) != fetches {
		t.Errorf("what was pushed from here was fetched %d times", b.host.Requests(gitserver.Fetch)-fetches)
	}
}

// TestOneOfAGroupIsRefused: somebody changes the directory of one while all wait. It alone is refused, and one that
// changes nothing makes no commit.
func TestOneOfAGroupIsRefused(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.host.Create(t, repository, branch, map[string]string{"fabrics/f01/a.yaml": "fabrics/f01: 1\n"})
	all := b.publishers(5, ": 1\n")
	release := gathered(t.Context(), all)
	b.host.Commit(t, repository, branch, map[string]string{"fabrics/f03/theirs.yaml": "a: 1\n"})
	release()
	b.requireCode(<-all[3].done, errs.BranchMoved)
	if err := <-all[1].done; err != nil || all[1].response.GetCommitted() {
		t.Errorf("%v, %v", all[1].response, err)
	}
	for _, i := range []int{0, 2, 4} {
		all[i].requireLanded()
	}
	b.requireOwnFolders()
	b.requireCommits(1 + 1 + 3)
}

// TestTwoOfOneDirectoryShareNoPush: what becomes of the second depends on what becomes of the first.
func TestTwoOfOneDirectoryShareNoPush(t *testing.T) {
	t.Parallel()
	for name, inner := range map[string]string{"the same": "f", "one in the other": "f/sub"} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := setup(t)
			b.host.Create(t, repository, branch, content)
			all := []*publisher{b.publisher("elsewhere", ": 2\n"), b.publisher("f", ": 2\n"), b.publisher(inner, ": 3\n")}
			gathered(t.Context(), all)()
			all[0].requireLanded()
			if err := <-all[1].done; err != nil {
				t.Error(err)
			}
			if err := <-all[2].done; inner == "f" {
				b.requireCode(err, errs.BranchMoved)
				b.requirePushes(2)
			} else if err != nil {
				t.Error(err)
			}
			b.host.RequireSound(t, repository)
		})
	}
}

// TestADeclinedCommitTakesNobodyWithIt: a hook declines what touches one directory. The others of the group land.
func TestADeclinedCommitTakesNobodyWithIt(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.host.Create(t, repository, branch, content)
	b.host.Hook(t, repository, "pre-receive", `while read old new ref; do
git diff-tree -r --name-only $old $new | grep -q '^fabrics/f03/' && echo declined >&2 && exit 1; done; exit 0`)
	all := b.publishers(7, ": 1\n")
	gathered(t.Context(), all)()
	for i, p := range all {
		if i == 3 {
			b.requireCode(<-p.done, errs.PushRejected)
			continue
		}
		p.requireLanded()
	}
	b.requireOwnFolders()
	b.requireCommits(1 + 6)
}

// TestOneWhoWaitsGoesAway: nothing of it is published.
func TestOneWhoWaitsGoesAway(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.host.Create(t, repository, branch, content)
	all := b.publishers(4, ": 1\n")
	release := gathered(t.Context(), all[:3])
	ctx, leave := context.WithCancel(t.Context())
	all[3].begin(ctx)
	b.until(func() bool { return b.pushers() == 3 })
	leave()
	if err := <-all[3].done; err == nil {
		t.Error("it was told that all is well")
	}
	b.until(func() bool { return b.pushers() == 2 })
	release()
	for _, p := range all[:3] {
		p.requireLanded()
	}
	b.requireCommits(1 + 3)
}

// TestTheFirstOfAGroupGoesAway: it is in a push under way with others, who want it.
func TestTheFirstOfAGroupGoesAway(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.host.Create(t, repository, branch, content)
	all := b.publishers(4, ": 1\n")
	release := gathered(t.Context(), all[:1])
	ctx, leave := context.WithCancel(t.Context())
	defer leave()
	for i, p := range all[1:] {
		p.begin(map[bool]context.Context{true: ctx, false: t.Context()}[i == 0])
		b.until(func() bool { return b.pushers() == i+1 })
	}
	hold, held := make(chan struct{}), make(chan struct{}, 1)
	b.host.Break(gitserver.Fault{On: gitserver.Receive, Times: 1, Hold: hold, Held: held})
	release()
	<-held
	leave()
	if err := <-all[1].done; err == nil {
		t.Error("it was told that all is well")
	}
	close(hold)
	for _, i := range []int{0, 2, 3} {
		all[i].requireLanded()
	}
	b.requirePushes(2)
	b.requireCommits(1 + 4)
}

// TestLostAnswerToAGroup: all of them are told that it went well, and nothing is committed twice.
func TestLostAnswerToAGroup(t *testing.T) {
	t.Parallel()
	for name, fault := range map[string]gitserver.Fault{
		"lost":         {On: gitserver.Receive, Times: 1, Lose: true},
		"nothing done": {On: gitserver.Receive, Times: 1, Empty: true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := setup(t)
			b.host.Create(t, repository, branch, content)
			all := b.publishers(5, ": 1\n")
			release := gathered(t.Context(), all)
			b.host.Break(fault)
			release()
			for _, p := range all {
				p.requireLanded()
			}
			b.requireOwnFolders()
			b.requireCommits(1 + len(all))
		})
	}
}

// TestOnlyOneLoginSharesAPush: who may push is for the host to say, of each login.
func TestOnlyOneLoginSharesAPush(t *testing.T) {
	t.Parallel()
	b := replica(t, gitserver.Start(t, gitserver.Options{}))
	b.host.Create(t, repository, branch, content)
	ours, theirs := b.publishers(2, ": 1\n"), b.publisher("theirs", ": 1\n")
	location := b.location("theirs")
	location.Credentials = b.seal(&gitv1.PlainCredentials{Username: user, Password: password + "2"})
	opened, err := b.repositories.OpenSnapshot(t.Context(), &gitv1.OpenSnapshotRequest{Location: location})
	if err != nil {
		t.Fatal(err)
	}
	theirs.snapshot = opened.GetSnapshot()
	theirs.tree = b.mustWrite(theirs.snapshot, map[string]string{"a.yaml": "a: 1\n"})
	release := gathered(t.Context(), ours)
	theirs.begin(t.Context())
	b.until(func() bool { return b.host.Requests(gitserver.Receive) == 2 }) // though one of ours is under way
	release()
	theirs.requireLanded()
	for _, p := range ours {
		p.requireLanded()
	}
	b.requireCommits(1 + 3)
}

// TestReplicasRace (G2): processes that know nothing of each other push at once. All land in the end, one commit each.
func TestReplicasRace(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct{ replicas, each int }{"six": {6, 1}, "groups": {2, 20}} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			host := newHost(t)
			host.Create(t, repository, branch, content)
			var racers []*publisher
			for i := range test.replicas {
				b := replica(t, host)
				for n := range test.each {
					racers = append(racers, b.publisher(fmt.Sprintf("r%d/f%d", i, n), ": 1\n"))
				}
			}
			var all sync.WaitGroup
			for _, p := range racers {
				all.Go(func() {
					for { // one that was overtaken too often asks again
						p.begin(t.Context())
						if err := <-p.done; !errs.HasCode(err, errs.BranchMoved) {
							p.done <- err
							return
						}
					}
				})
			}
			all.Wait()
			for _, p := range racers {
				p.requireLanded()
			}
			racers[0].requireOwnFolders()
			racers[0].requireCommits(1 + len(racers))
		})
	}
}

// TestPushesAreLimited (G28): a host wants one push a minute. Who can't wait for so long is told when to come again,
// and those who can wait.
func TestPushesAreLimited(t *testing.T) {
	t.Parallel()
	host := newHost(t)
	b := replica(t, host, func(c *githubsync.Config) { c.PushLimits = []string{"github.com=6", host.Address() + "=1"} })
	b.host.Create(t, repository, branch, content)
	all := b.publishers(4, ": 1\n")
	all[0].begin(t.Context())
	all[0].requireLanded()
	soon, end := context.WithTimeout(t.Context(), 50*time.Second)
	defer end()
	patient, leave := context.WithCancel(t.Context())
	all[1].begin(patient)
	b.until(func() bool { return b.pushers() == 1 })
	for _, p := range all[2:] {
		p.begin(soon)
		err := <-p.done
		b.requireCode(err, errs.GitHubRateLimited)
		if after := errs.From(err).RetryAfter; after <= 0 || after > time.Minute {
			t.Errorf("come again after %s", after)
		}
	}
	leave()
	if err := <-all[1].done; err == nil {
		t.Error("it was told that all is well")
	}
	b.until(func() bool { return b.pushers() == 0 })
	b.requirePushes(1)
	b.requireCommits(2)
}
