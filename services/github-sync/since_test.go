package githubsync_test

import (
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"fgdsync.dev/libs/errs"
	gitv1 "fgdsync.dev/proto/fgd/git/v1"
	"fgdsync.dev/testkit/gitserver"
)

// changesSince lists what has changed in the directory, as "A path", "M path" or "D path".
func (b *bench) changesSince(s *gitv1.Snapshot, commit string) ([]string, error) {
	b.t.Helper()
	stream, err := b.trees.ListChanges(b.t.Context(), &gitv1.ListChangesRequest{
		SnapshotId:  s.GetSnapshotId(),
		SinceCommit: commit,
	})
	if err != nil {
		return nil, err
	}
	letters := map[gitv1.FileChangeKind]string{
		gitv1.FileChangeKind_FILE_CHANGE_KIND_CREATED: "A", gitv1.FileChangeKind_FILE_CHANGE_KIND_UPDATED: "M",
		gitv1.FileChangeKind_FILE_CHANGE_KIND_REMOVED: "D",
	}
	var out []string
	for {
		part, err := stream.Recv()
		if errors.Is(err, io.EOF) {
			return out, nil
		}
		if err != nil {
			return nil, err
		}
		for _, c := range part.GetChanges() {
			if (c.GetOldBlobId() == "") != (letters[c.GetKind()] == "A") ||
				(c.GetNewBlobId() == "") != (letters[c.GetKind()] == "D") {
				b.t.Errorf("%v", c)
			}
			out = append(out, letters[c.GetKind()]+" "+c.GetPath())
		}
	}
}

// gitSince is what Git says.
func (b *bench) gitSince(commit string) []string {
	b.t.Helper()
	var out []string
	for line := range strings.Lines(b.host.Git(b.t, repository, "diff", "--no-renames", "--name-status", "--relative=f",
		commit, branch, "--", "f")) {
		letter, path, _ := strings.Cut(strings.TrimSpace(line), "\t")
		out = append(out, letter+" "+path)
	}
	slices.SortFunc(out, func(a, b string) int { return strings.Compare(a[2:], b[2:]) })
	return out
}

// TestChangesSince: whether the host hands out any commit or only heads, whatever changed since one is what Git says.
func TestChangesSince(t *testing.T) {
	t.Parallel()
	for name, anything := range map[string]string{"any commit": "true", "heads only": "false"} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := setup(t)
			b.host.Create(t, repository, branch, content)
			b.host.Git(t, repository, "config", "uploadpack.allowAnySHA1InWant", anything)
			commits := []string{b.host.Head(t, repository, branch)}
			rapid.Check(t, func(r *rapid.T) {
				if len(commits) > 40 {
					return
				}
				for range rapid.IntRange(1, 3).Draw(r, "commits") {
					files := map[string]string{}
					for range rapid.IntRange(1, 3).Draw(r, "files") {
						path := rapid.SampledFrom([]string{
							"f/a.yaml", "f/sub/b.yaml", "f/sub/deep/c.yaml", "f/x", "other/y",
							"f/sub2/d",
						}).Draw(r, "path")
						files[path] = fmt.Sprintf("n: %d\n", rapid.IntRange(0, 3).Draw(r, "content"))
					}
					commits = append(commits, b.host.Commit(t, repository, branch, files))
				}
				since := rapid.SampledFrom(commits).Draw(r, "since")
				s := b.open("f")
				got, err := b.changesSince(s, since)
				if want := b.gitSince(since); err != nil || !slices.Equal(got, want) {
					r.Fatalf("since %s: %q, not %q; %v", since, got, want, err)
				}
				b.close(s)
			})
		})
	}
}

// TestChangesSinceFollowedBack: from a host that hands out nothing but heads, the branch comes back to the commit.
func TestChangesSinceFollowedBack(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.host.Create(t, repository, branch, content)
	first := b.host.Head(t, repository, branch)
	for n := range 5 {
		b.host.Commit(t, repository, branch, map[string]string{"f/new.yaml": fmt.Sprintf("n: %d\n", n)})
	}
	s := b.open("f")
	refusal := "ERR upload-pack: not our ref " + first
	refuses := gitserver.Fault{
		On: gitserver.Fetch, Times: 1, Status: 200,
		Text: fmt.Sprintf("%04x%s", 4+len(refusal), refusal),
	}
	b.host.Break(refuses)
	if got, err := b.changesSince(s, first); err != nil || !slices.Equal(got, []string{"A new.yaml"}) {
		t.Errorf("%q, %v", got, err)
	}
	b.host.Break(refuses)
	_, err := b.changesSince(s, strings.Repeat("1", 40))
	b.requireCode(err, errs.CommitNotFound)
}

func TestChangesSinceWhatIsNoCommit(t *testing.T) {
	t.Parallel()
	for name, start := range map[string]func(*testing.T) (*bench, func() *gitv1.Snapshot){
		"over HTTP": func(t *testing.T) (*bench, func() *gitv1.Snapshot) {
			b := setup(t)
			return b, func() *gitv1.Snapshot { return b.open("f") }
		},
		"local": func(t *testing.T) (*bench, func() *gitv1.Snapshot) {
			b := setupLocal(t)
			return b, func() *gitv1.Snapshot { return b.openLocal("f") }
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b, open := start(t)
			b.host.Create(t, repository, branch, content)
			b.host.Git(t, repository, "config", "uploadpack.allowAnySHA1InWant", "true")
			first := b.host.Head(t, repository, branch)
			b.host.Commit(t, repository, branch, map[string]string{"f/new.yaml": "n: 1\n"})
			s := open()
			tree := strings.TrimSpace(b.host.Git(t, repository, "rev-parse", branch+"^{tree}"))
			for _, id := range []string{strings.Repeat("1", 40), tree} {
				_, err := b.changesSince(s, id)
				b.requireCode(err, errs.CommitNotFound)
			}
			_, err := b.changesSince(s, "main")
			b.requireCode(err, errs.InvalidRequest)
			if got, err := b.changesSince(s, first); err != nil || !slices.Equal(got, []string{"A new.yaml"}) {
				t.Errorf("%q, %v", got, err)
			}
		})
	}
}
