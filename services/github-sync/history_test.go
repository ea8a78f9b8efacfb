package githubsync_test

import (
	"fmt"
	"math/rand/v2"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"

	"fgdsync.dev/libs/errs"
	gitv1 "fgdsync.dev/proto/fgd/git/v1"
	"fgdsync.dev/testkit/gitserver"
	"fgdsync.dev/testkit/history"
)

// question is what a client asks: to read the directory of a branch, or to publish another content over one that it has
// read.
type question struct{ kind, base, content string }

// answer is what it hears.
type answer struct{ verdict, content string }

// branchStep is a directory that takes a content only over the one that is there.
func branchStep(now string, q question, a answer) (bool, string) {
	fits := q.base == now
	switch {
	case q.kind == "read":
		return a.verdict == "unknown" || a.content == now, now
	case a.verdict == "committed":
		return fits, q.content
	case a.verdict == "moved":
		return !fits, now
	case fits: // nobody knows
		return true, q.content
	default:
		return true, now
	}
}

const (
	publishers = 5
	rounds     = 8
)

// racing lets clients of two replicas publish to one directory, through a host that loses answers and fails.
func racing(t *testing.T) (*bench, *history.Recorder[question, answer]) {
	t.Helper()
	host := newHost(t)
	host.Create(t, repository, branch, map[string]string{"f/a.yaml": "v: first\n"})
	replicas := []*bench{replica(t, host), replica(t, host)}
	record := &history.Recorder[question, answer]{}
	var all sync.WaitGroup
	for client := range publishers {
		b := replicas[client%len(replicas)]
		location := b.location("f")
		all.Go(func() {
			dice := rand.New(rand.NewPCG(uint64(client), 35))
			for round := range rounds {
				switch dice.IntN(4) {
				case 0:
					host.Break(gitserver.Fault{On: gitserver.Receive, Times: 1, Lose: true})
				case 1:
					host.Break(gitserver.Fault{On: gitserver.Refs, Times: 1, Status: http.StatusServiceUnavailable})
				}
				republish(t, record, b, location, client, fmt.Sprintf("v: %d/%d\n", client, round))
			}
		})
	}
	all.Wait()
	host.Mend()
	return replicas[0], record
}

func republish(t *testing.T, record *history.Recorder[question, answer], b *bench, location *gitv1.Location, client int,
	content string,
) {
	var s *gitv1.Snapshot
	seen := record.Call(client, question{kind: "read"}, func() (answer, bool) {
		opened, err := b.repositories.OpenSnapshot(t.Context(), &gitv1.OpenSnapshotRequest{Location: location})
		if err != nil {
			return answer{verdict: "unknown"}, true
		}
		s = opened.GetSnapshot()
		return answer{content: b.files(s, s.GetTree())["a.yaml"]}, true
	})
	if s == nil {
		return
	}
	tree := b.mustWrite(s, map[string]string{"a.yaml": content})
	record.Call(client, question{kind: "publish", base: seen.content, content: content}, func() (answer, bool) {
		_, err := b.publish(s, tree)
		switch {
		case err == nil:
			return answer{verdict: "committed"}, true
		case errs.KindOf(err) == errs.Conflict:
			return answer{verdict: "moved"}, true
		default:
			return answer{verdict: "unknown"}, false
		}
	})
	if _, err := b.repositories.CloseSnapshot(t.Context(),
		&gitv1.CloseSnapshotRequest{SnapshotId: s.GetSnapshotId()}); err != nil {
		t.Error(err)
	}
}

// TestHistoriesOfABranch: whatever answers are lost, what clients see of a directory is what one after the other would
// have seen of one that is changed by compare-and-swap. The commits of the branch are those that were told, and no
// others.
func TestHistoriesOfABranch(t *testing.T) {
	t.Parallel()
	b, record := racing(t)
	history.Explain(t, record, "v: first\n", branchStep)
	b.host.RequireSound(t, repository)
	trees := strings.Fields(b.host.Git(t, repository, "log", "--format=%T", branch))
	if slices.Sort(trees); len(slices.Compact(slices.Clone(trees))) != len(trees) {
		t.Error("a content was committed twice")
	}
}
