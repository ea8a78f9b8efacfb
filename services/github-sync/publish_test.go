package githubsync_test

import (
	"fmt"
	"maps"
	"net/http"
	"strings"
	"sync"
	"testing"

	"fgdsync.dev/libs/errs"
	gitv1 "fgdsync.dev/proto/fgd/git/v1"
	"fgdsync.dev/testkit/gitserver"
)

var content = map[string]string{
	"f/a.yaml": "a: 1\n", "f/sub/b.yaml": "b: 1\n", "other/c.yaml": "c: 1\n",
	"README.md": "# r\n",
}

func TestPublish(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.host.Create(t, repository, branch, content)
	s := b.open("f")
	if got := b.files(s, s.GetTree()); !maps.Equal(got, map[string]string{"a.yaml": "a: 1\n", "sub/b.yaml": "b: 1\n"}) ||
		!s.GetDirectoryExists() {
		t.Errorf("the snapshot has %q", got)
	}
	tree := b.mustWrite(s, map[string]string{"a.yaml": "a: 2\n", "sub/b.yaml": "", "new/c.yaml": "c: 3\n"})
	if b.host.Commits(t, repository, branch) != 1 {
		t.Error("something was visible before it was published")
	}
	response, err := b.publish(s, tree)
	if err != nil || !response.GetCommitted() || response.GetAttempts() != 1 ||
		response.GetCommit() != b.host.Head(t, repository, branch) {
		t.Fatalf("%v, %v", response, err)
	}
	if c := response.GetCounts(); c.GetCreated() != 1 || c.GetUpdated() != 1 || c.GetRemoved() != 1 {
		t.Errorf("counts: %v", c)
	}
	want := map[string]string{
		"f/a.yaml": "a: 2\n", "f/new/c.yaml": "c: 3\n", "other/c.yaml": "c: 1\n",
		"README.md": "# r\n",
	}
	if got := b.host.Files(t, repository, branch); !maps.Equal(got, want) {
		t.Errorf("published: %q", got)
	}
	about := b.host.Git(t, repository, "log", "-1", "--format=%an %ae %at|%cn %ct|%B", branch)
	if !strings.HasPrefix(about, fmt.Sprintf("Ada ada@example.com %[1]d|FGD Sync %[1]d|Change a file\n\nFgd-Sync-Id: 1",
		when.Unix())) {
		t.Errorf("the commit: %s", about)
	}
	b.requireCommits(2)
	again := b.open("f")
	if response, err := b.publish(again, again.GetTree()); err != nil || response.GetCommitted() {
		t.Errorf("nothing changed: %v, %v", response, err)
	}
	b.requireCommits(2)
}

// TestPublishTwice: the same commit is made twice, be it after a lost answer or by a second process.
func TestPublishTwice(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.host.Create(t, repository, branch, content)
	one, two := b.open("f"), b.open("f")
	change := map[string]string{"a.yaml": "a: 2\n"}
	first, err := b.publish(one, b.mustWrite(one, change))
	if err != nil {
		t.Fatal(err)
	}
	_, err = b.publish(two, b.mustWrite(two, change))
	b.requireCode(err, errs.BranchMoved)
	third := b.open("f")
	if response, err := b.publish(third, b.mustWrite(third, change)); err != nil || response.GetCommitted() ||
		response.GetCommit() != first.GetCommit() {
		t.Errorf("%v, %v", response, err)
	}
	b.requireCommits(2)
}

// TestRace: many publish to folders of their own at once; all land, one commit each.
func TestRace(t *testing.T) {
	t.Parallel()
	t.Run("HTTP", func(t *testing.T) {
		t.Parallel()
		setup(t).race()
	})
	t.Run("SSH", func(t *testing.T) {
		t.Parallel()
		setupSSH(t).race()
	})
}

func (b *bench) race() {
	const racers = 8
	t := b.t
	b.host.Create(t, repository, branch, map[string]string{"README.md": "# r\n"})
	snapshots, trees := make([]*gitv1.Snapshot, racers), make([]string, racers)
	for i := range racers {
		snapshots[i] = b.open(fmt.Sprintf("f%d", i))
		trees[i] = b.mustWrite(snapshots[i], map[string]string{"a.yaml": fmt.Sprintf("a: %d\n", i)})
	}
	var all sync.WaitGroup
	for i := range racers {
		all.Go(func() {
			for { // six attempts are not always enough for eight racers, and a caller calls again
				response, err := b.publish(snapshots[i], trees[i])
				if err == nil {
					if !response.GetCommitted() {
						t.Errorf("racer %d committed nothing", i)
					}
					return
				}
				if !errs.HasCode(err, errs.BranchMoved) {
					t.Errorf("racer %d: %v", i, err)
					return
				}
			}
		})
	}
	all.Wait()
	files := b.host.Files(t, repository, branch)
	for i := range racers {
		if files[fmt.Sprintf("f%d/a.yaml", i)] != fmt.Sprintf("a: %d\n", i) {
			t.Errorf("racer %d is not there", i)
		}
	}
	b.requireCommits(1 + racers)
}

// TestBranchMoves: what others did elsewhere is kept, what they did to the same directory is not overwritten.
func TestBranchMoves(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		theirs  map[string]string
		refused bool
	}{
		"elsewhere":          {theirs: map[string]string{"other/c.yaml": "c: theirs\n"}},
		"the same file":      {theirs: map[string]string{"f/a.yaml": "a: theirs\n"}, refused: true},
		"the same directory": {theirs: map[string]string{"f/new.yaml": "n: theirs\n"}, refused: true},
		"directory removed": {
			theirs:  map[string]string{"f/a.yaml": gitserver.Removed, "f/sub/b.yaml": gitserver.Removed},
			refused: true,
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := setup(t)
			b.host.Create(t, repository, branch, content)
			s := b.open("f")
			tree := b.mustWrite(s, map[string]string{"a.yaml": "a: ours\n"})
			b.host.Commit(t, repository, branch, test.theirs)
			before := b.host.Files(t, repository, branch)
			_, err := b.publish(s, tree)
			if test.refused {
				b.requireCode(err, errs.BranchMoved)
				if got := b.host.Files(t, repository, branch); !maps.Equal(got, before) {
					t.Errorf("their files have changed: %q", got)
				}
				b.requireCommits(2)
				return
			}
			before["f/a.yaml"] = "a: ours\n"
			if got := b.host.Files(t, repository, branch); err != nil || !maps.Equal(got, before) {
				t.Errorf("%v: %q", err, got)
			}
			b.requireCommits(3)
		})
	}
}

// TestBranchNeverRests: somebody pushes before each of our pushes. It ends, without a commit of ours, and without
// force.
func TestBranchNeverRests(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.host.Create(t, repository, branch, content)
	s := b.open("f")
	tree := b.mustWrite(s, map[string]string{"a.yaml": "a: ours\n"})
	pushes := 0
	b.host.Break(gitserver.Fault{On: gitserver.Receive, Before: func() {
		pushes++
		b.host.Commit(t, repository, branch, map[string]string{"other/c.yaml": fmt.Sprintf("c: %d\n", pushes)})
	}})
	_, err := b.publish(s, tree)
	b.requireCode(err, errs.BranchMoved)
	if pushes != 6 {
		t.Errorf("%d pushes", pushes)
	}
	b.requireCommits(1 + pushes)
}

// TestLostAnswer: the push is carried out and its answer does not come. What happened is found out by looking.
func TestLostAnswer(t *testing.T) {
	t.Parallel()
	for name, fault := range map[string]gitserver.Fault{
		"lost":      {On: gitserver.Receive, Times: 1, Lose: true},
		"truncated": {On: gitserver.Receive, Times: 1, Truncate: 5},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := setup(t)
			b.host.Create(t, repository, branch, content)
			s := b.open("f")
			tree := b.mustWrite(s, map[string]string{"a.yaml": "a: 2\n"})
			b.host.Break(fault)
			response, err := b.publish(s, tree)
			if err != nil || !response.GetCommitted() || response.GetCommit() != b.host.Head(t, repository, branch) {
				t.Errorf("%v, %v", response, err)
			}
			b.requireCommits(2)
		})
	}
}

// TestNothingDone: the host answers a push as if all were well, or with an error, and does nothing. The next attempt
// does it; success is never reported for nothing.
func TestNothingDone(t *testing.T) {
	t.Parallel()
	for name, fault := range map[string]gitserver.Fault{
		"empty answer": {On: gitserver.Receive, Times: 1, Empty: true},
		"500":          {On: gitserver.Receive, Times: 1, Status: http.StatusInternalServerError, Text: "oops " + password},
		"502":          {On: gitserver.Receive, Times: 2, Status: http.StatusBadGateway},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := setup(t)
			b.host.Create(t, repository, branch, content)
			s := b.open("f")
			tree := b.mustWrite(s, map[string]string{"a.yaml": "a: 2\n"})
			b.host.Break(fault)
			response, err := b.publish(s, tree)
			if err != nil || !response.GetCommitted() || int(response.GetAttempts()) != fault.Times+1 {
				t.Errorf("%v, %v", response, err)
			}
			b.requireCommits(2)
		})
	}
}

// TestRefusedPush: the host says no. That is final, and nothing has changed.
func TestRefusedPush(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		fault gitserver.Fault
		hook  string
		code  errs.Code
	}{
		"hook":        {hook: "pre-receive", code: errs.PushRejected},
		"update hook": {hook: "update", code: errs.PushRejected},
		"unauthorised": {
			fault: gitserver.Fault{On: gitserver.Receive, Status: http.StatusUnauthorized},
			code:  errs.GitHubAuthenticationFailed,
		},
		"forbidden": {
			fault: gitserver.Fault{On: gitserver.Receive, Status: http.StatusForbidden},
			code:  errs.GitHubAuthenticationFailed,
		},
		"too often": {
			fault: gitserver.Fault{On: gitserver.Receive, Status: http.StatusTooManyRequests},
			code:  errs.GitHubRateLimited,
		},
		"always empty": {fault: gitserver.Fault{On: gitserver.Receive, Empty: true}, code: errs.GitHubConnectionFailed},
		"always 503": {
			fault: gitserver.Fault{On: gitserver.Receive, Status: http.StatusServiceUnavailable},
			code:  errs.GitHubConnectionFailed,
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := setup(t)
			b.host.Create(t, repository, branch, content)
			if test.hook != "" {
				b.host.Hook(t, repository, test.hook, "echo "+password+" >&2\nexit 1\n")
			}
			s := b.open("f")
			tree := b.mustWrite(s, map[string]string{"a.yaml": "a: 2\n"})
			b.host.Break(test.fault)
			_, err := b.publish(s, tree)
			b.requireCode(err, test.code)
			b.host.Mend()
			b.requireCommits(1)
		})
	}
}
