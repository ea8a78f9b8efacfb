package githubsync_test

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"os/exec"
	"slices"
	"strings"
	"testing"
	"time"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/timestamppb"
	"pgregory.net/rapid"

	"fgdsync.dev/libs/errs"
	gitv1 "fgdsync.dev/proto/fgd/git/v1"
	"fgdsync.dev/testkit/gitserver"
)

// listCommits asks for one page of a history, and puts the commits that came in pieces together.
func (b *bench) listCommits(req *gitv1.ListCommitsRequest) (commits []*gitv1.Commit, last *gitv1.ListCommitsResponse,
	err error,
) {
	b.t.Helper()
	stream, err := b.history.ListCommits(b.t.Context(), req)
	if err != nil {
		b.t.Fatal(err)
	}
	for {
		part, err := stream.Recv()
		if errors.Is(err, io.EOF) {
			return commits, last, nil
		}
		if err != nil {
			return nil, nil, err
		}
		if last != nil && (last.GetNextPageToken() != "" || last.GetTruncated()) {
			b.t.Error("a message that was not the last ended the page")
		}
		last = part
		for _, c := range part.GetCommits() {
			if n := len(commits); n > 0 && commits[n-1].GetCommit() == c.GetCommit() {
				commits[n-1].Changes = append(commits[n-1].GetChanges(), c.GetChanges()...)
				continue
			}
			commits = append(commits, c)
		}
	}
}

// pages asks for page after page, and gives all commits and the last message.
func (b *bench) pages(req *gitv1.ListCommitsRequest) ([]*gitv1.Commit, *gitv1.ListCommitsResponse, error) {
	b.t.Helper()
	var all []*gitv1.Commit
	req = proto.CloneOf(req)
	for {
		commits, last, err := b.listCommits(req)
		if err != nil {
			return nil, nil, err
		}
		if all = append(all, commits...); last.GetNextPageToken() == "" {
			return all, last, nil
		}
		if int32(len(commits)) != req.GetLimit() {
			b.t.Errorf("%d commits and another page, with a limit of %d", len(commits), req.GetLimit())
		}
		req.PageToken = last.GetNextPageToken()
	}
}

func ids(commits []*gitv1.Commit) []string {
	out := make([]string, len(commits))
	for i, c := range commits {
		out[i] = c.GetCommit()
	}
	return out
}

// importAll feeds git fast-import.
func importAll(t *testing.T, host *gitserver.Server, stream string) {
	t.Helper()
	command := exec.CommandContext(t.Context(), "git", "fast-import", "--quiet", "--force", "--done")
	command.Dir, command.Stdin = host.Path(repository), strings.NewReader(stream+"done\n")
	command.Env = []string{"PATH=" + os.Getenv("PATH"), "HOME=" + host.Folder}
	var said bytes.Buffer
	command.Stderr = &said
	if err := command.Run(); err != nil {
		t.Fatalf("%v: %s", err, &said)
	}
}

const epoch = 1_767_000_000

// someHistory draws a history with merges, several roots, commits of one second, and clocks that go wrong, and makes it
// that of the branch.
func someHistory(t *testing.T, r *rapid.T, host *gitserver.Server) {
	t.Helper()
	var stream strings.Builder
	var trees []map[string]string
	now := int64(epoch)
	total := rapid.SampledFrom([]int{20, 12, 5, 1}).Draw(r, "commits")
	for n := 1; n <= total; n++ {
		var parents []int
		if n > 1 && rapid.IntRange(0, 15).Draw(r, "root") != 7 {
			parents = append(parents, n-1-min(n-2, rapid.SampledFrom([]int{1, 0, 0, 3}).Draw(r, "back")))
			for range rapid.SampledFrom([]int{1, 0, 2}).Draw(r, "sides") {
				if other := rapid.IntRange(1, n-1).Draw(r, "side"); !slices.Contains(parents, other) {
					parents = append(parents, other)
				}
			}
		}
		files := map[string]string{}
		if len(parents) > 0 {
			maps.Copy(files, trees[rapid.SampledFrom(parents).Draw(r, "taken")-1])
		}
		for range rapid.SampledFrom([]int{1, 2, 0, 3}).Draw(r, "changes") {
			path := rapid.SampledFrom([]string{"f/a.yaml", "f/sub/b.yaml", "f/sub/deep/c.yaml", "other/y", "top"}).
				Draw(r, "path")
			if files[path] = rapid.SampledFrom([]string{"1\n", "2\n", "3\n", ""}).Draw(r, "content"); files[path] == "" {
				delete(files, path)
			}
		}
		now += rapid.SampledFrom([]int64{0, 0, 0, 60, 60, -90}).Draw(r, "seconds")
		fmt.Fprintf(&stream, "commit refs/drawn/%d\nmark :%d\ncommitter T <t@example.com> %d +0000\ndata <<END\nnumber "+
			"%d\n\nbody\nEND\n", n, n, now, n)
		for i, parent := range parents {
			fmt.Fprintf(&stream, "%s :%d\n", []string{"from", "merge", "merge"}[i], parent)
		}
		stream.WriteString("deleteall\n")
		for _, path := range slices.Sorted(maps.Keys(files)) {
			fmt.Fprintf(&stream, "M 100644 inline %s\ndata %d\n%s\n", path, len(files[path]), files[path])
		}
		trees = append(trees, files)
	}
	fmt.Fprintf(&stream, "reset refs/heads/%s\nfrom :%d\n", branch, total)
	importAll(t, host, stream.String())
}

// TestLogIsGits: whatever a history looks like, the commits of a directory and of paths in it, and what they have
// changed, are those that Git has, in its order, in one page or several.
func TestLogIsGits(t *testing.T) {
	t.Parallel()
	for name, start := range map[string]func(*testing.T) (*bench, func(string) *gitv1.Snapshot){
		"over HTTP": func(t *testing.T) (*bench, func(string) *gitv1.Snapshot) { b := setup(t); return b, b.open },
		"local":     func(t *testing.T) (*bench, func(string) *gitv1.Snapshot) { b := setupLocal(t); return b, b.openLocal },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b, open := start(t)
			b.host.CreateEmpty(t, repository)
			histories := 0
			rapid.Check(t, func(r *rapid.T) {
				if histories++; histories > 12 {
					return
				}
				someHistory(t, r, b.host)
				directory := rapid.SampledFrom([]string{"f", "f", "f/sub", "", "nowhere"}).Draw(r, "directory")
				s := open(directory)
				defer b.close(s)
				for range 3 {
					b.requireGitsLog(r, s, directory)
				}
			})
		})
	}
}

func (b *bench) requireGitsLog(r *rapid.T, s *gitv1.Snapshot, directory string) {
	req := &gitv1.ListCommitsRequest{
		SnapshotId: s.GetSnapshotId(), Limit: int32(rapid.IntRange(1, 30).Draw(r, "limit")),
		WithChanges: true,
	}
	args := []string{"log", "--format=%H %ct %s", branch}
	if req.FirstParent = rapid.Bool().Draw(r, "first parent"); req.GetFirstParent() {
		args = append(args, "--first-parent")
	}
	if seconds := rapid.SampledFrom([]int64{-1, 0, 120, 600}).Draw(r, "since"); seconds >= 0 {
		req.Since = timestamppb.New(time.Unix(epoch+seconds, 0))
		args = append(args, fmt.Sprintf("--max-age=%d", epoch+seconds))
	}
	if seconds := rapid.SampledFrom([]int64{-1, 0, 120, 600}).Draw(r, "until"); seconds >= 0 {
		req.Until = timestamppb.New(time.Unix(epoch+seconds, 0))
		args = append(args, fmt.Sprintf("--min-age=%d", epoch+seconds))
	}
	args = append(args, "--")
	paths := rapid.SampledFrom([][]string{nil, nil, {"a.yaml"}, {"sub"}, {"a.yaml", "sub/deep"}, {"b.yaml", "none"}}).
		Draw(r, "paths")
	specs := []string{":(top)" + directory}
	if req.Paths = paths; len(paths) > 0 {
		specs = nil
	}
	for _, path := range paths {
		specs = append(specs, strings.TrimPrefix(directory+"/"+path, "/"))
	}
	commits, last, err := b.pages(req)
	if err != nil || last.GetTruncated() {
		r.Fatalf("%v, %v", last, err)
	}
	var got strings.Builder
	for _, c := range commits {
		fmt.Fprintf(&got, "%s %d %s\n", c.GetCommit(), c.GetCommitTime().GetSeconds(), c.GetSubject())
	}
	if want := b.host.Git(b.t, repository, append(args, specs...)...); got.String() != want {
		r.Fatalf("%q:\n%s, not\n%s", args, &got, want)
	}
	if len(commits) > 0 {
		b.requireGitsChanges(r, rapid.SampledFrom(commits).Draw(r, "looked at"), directory, specs)
	}
}

// requireGitsChanges holds what a commit has changed to what Git says of it and its first parent.
func (b *bench) requireGitsChanges(r *rapid.T, c *gitv1.Commit, directory string, specs []string) {
	parent := "4b825dc642cb6eb9a060e54bf8d69288fbee4904"
	if len(c.GetParents()) > 0 {
		parent = c.GetParents()[0]
	}
	args := append([]string{"diff", "--no-renames", "--raw", "--no-abbrev", parent, c.GetCommit(), "--"}, specs...)
	var want []string
	for line := range strings.Lines(b.host.Git(b.t, repository, args...)) {
		fields := strings.Fields(line)
		want = append(want, strings.TrimPrefix(strings.TrimPrefix(fields[5], directory), "/")+" "+fields[2]+" "+fields[3])
	}
	slices.Sort(want)
	var got []string
	for _, change := range c.GetChanges() {
		got = append(got, change.GetPath()+" "+orZeros(change.GetOldBlobId())+" "+orZeros(change.GetNewBlobId()))
	}
	slices.Sort(got)
	n := c.GetCounts()
	if !slices.Equal(got, want) || int(n.GetCreated()+n.GetUpdated()+n.GetRemoved()) != len(want) {
		r.Fatalf("%s: %q, not %q; %v", c.GetCommit(), got, want, n)
	}
}

func orZeros(id string) string {
	if id == "" {
		return strings.Repeat("0", 40)
	}
	return id
}

// linear makes a history of one commit after another, each of which changes one file of the directory.
func linear(t *testing.T, host *gitserver.Server, total int) {
	t.Helper()
	var stream strings.Builder
	for n := range total {
		fmt.Fprintf(&stream, "commit refs/heads/%s\ncommitter T <t@example.com> %d +0000\ndata 2\nn\n\nM 100644 inline "+
			"f/n.yaml\ndata <<END\nn: %d\nEND\n", branch, epoch+n, n)
	}
	importAll(t, host, stream.String())
}

// fetches counts the requests for objects that the host gets during some work.
func (b *bench) fetches(work func()) int {
	n := 0
	b.host.Break(gitserver.Fault{On: gitserver.Fetch, Before: func() { n++ }})
	work()
	b.host.Mend()
	return n
}

// TestHistoryIsFetchedAsDeepAsNeeded: a question about the last commits fetches few, one about all fetches all, and the
// next one nothing. Contents of old commits can be read then.
func TestHistoryIsFetchedAsDeepAsNeeded(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.host.CreateEmpty(t, repository)
	linear(t, b.host, 230)
	s := b.open("f")
	ask := func(limit int32, fetches int) []*gitv1.Commit {
		t.Helper()
		var commits []*gitv1.Commit
		n := b.fetches(func() {
			var err error
			commits, _, err = b.listCommits(&gitv1.ListCommitsRequest{
				SnapshotId: s.GetSnapshotId(), Limit: limit,
				WithChanges: true,
			})
			if err != nil {
				t.Error(err)
			}
		})
		if n != fetches {
			t.Errorf("%d fetches for %d commits, not %d", n, limit, fetches)
		}
		return commits
	}
	ask(50, 1)
	ask(60, 0)
	all := ask(1000, 1)
	if len(all) != 230 {
		t.Fatalf("%d commits", len(all))
	}
	ask(1000, 0)
	oldest := all[len(all)-1].GetChanges()[0]
	if got := b.blob(s, &gitv1.TreeEntry{BlobId: oldest.GetNewBlobId(), Size: 5}); got != "n: 0\n" {
		t.Errorf("the oldest content is %q", got)
	}
	b.close(s)
	s = b.open("f")
	ask(1000, 0)
	b.requireCommits(230)
}

// TestHistoryOfAHostInTrouble: what the host answers is what the question fails with, and the next one is answered.
func TestHistoryOfAHostInTrouble(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.host.CreateEmpty(t, repository)
	linear(t, b.host, 5)
	s := b.open("f")
	for code, fault := range map[errs.Code]gitserver.Fault{
		errs.GitHubConnectionFailed:     {On: gitserver.Fetch, Times: 1, Status: 503},
		errs.GitHubRateLimited:          {On: gitserver.Fetch, Times: 1, Status: 429},
		errs.GitHubAuthenticationFailed: {On: gitserver.Fetch, Times: 1, Status: 403},
	} {
		b.host.Break(fault)
		_, _, err := b.listCommits(&gitv1.ListCommitsRequest{SnapshotId: s.GetSnapshotId()})
		b.requireCode(err, code)
	}
	if commits, last, err := b.listCommits(&gitv1.ListCommitsRequest{SnapshotId: s.GetSnapshotId()}); err != nil ||
		len(commits) != 5 || last.GetTruncated() {
		t.Errorf("%d commits, %v, %v", len(commits), last, err)
	}
}

// TestHistoryThatIsCut: a repository that does not have its own beginning. What is there is told, and that it is not
// all.
func TestHistoryThatIsCut(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.host.CreateEmpty(t, repository)
	linear(t, b.host, 5)
	b.host.Git(t, "", "clone", "-q", "--bare", "--depth", "3", "file://"+b.host.Path(repository), b.host.Path("cut.git"))
	location := b.location("f")
	location.RepositoryUrl = b.host.URL("cut.git")
	opened, err := b.repositories.OpenSnapshot(t.Context(), &gitv1.OpenSnapshotRequest{Location: location})
	if err != nil {
		t.Fatal(err)
	}
	defer b.close(opened.GetSnapshot())
	commits, last, err := b.listCommits(&gitv1.ListCommitsRequest{SnapshotId: opened.GetSnapshot().GetSnapshotId()})
	if err != nil || len(commits) != 2 || !last.GetTruncated() || last.GetNextPageToken() != "" {
		t.Errorf("%d commits, %v, %v", len(commits), last, err)
	}
}

// TestPagesOfAMovingBranch: the pages of one question are of one state of the branch, and end when that state is no
// more.
func TestPagesOfAMovingBranch(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.host.CreateEmpty(t, repository)
	linear(t, b.host, 6)
	want := strings.Fields(b.host.Git(t, repository, "log", "--format=%H", branch))
	page := func(token string) ([]*gitv1.Commit, string, error) {
		s := b.open("f")
		defer b.close(s)
		commits, last, err := b.listCommits(&gitv1.ListCommitsRequest{
			SnapshotId: s.GetSnapshotId(), Limit: 2,
			PageToken: token,
		})
		return commits, last.GetNextPageToken(), err
	}
	first, token, err := page("")
	if err != nil || !slices.Equal(ids(first), want[:2]) {
		t.Fatalf("%v, %v", first, err)
	}
	b.host.Commit(t, repository, branch, map[string]string{"f/new.yaml": "n: 1\n"})
	second, _, err := page(token)
	if err != nil || !slices.Equal(ids(second), want[2:4]) {
		t.Errorf("%v, %v", second, err)
	}
	for name, garbage := range map[string]string{
		"no base64": "%", "too short": token[:10], "too long": token + token, "of another question": strings.Repeat("A", 54),
	} {
		if _, _, err := page(garbage); err == nil {
			t.Errorf("%s: no error", name)
		} else if name != "of another question" {
			b.requireCode(err, errs.InvalidRequest)
		}
	}
	s := b.open("f")
	_, _, err = b.listCommits(&gitv1.ListCommitsRequest{
		SnapshotId: s.GetSnapshotId(), Paths: []string{"new.yaml"},
		PageToken: token,
	})
	b.requireCode(err, errs.InvalidRequest)
	b.host.Git(t, repository, "update-ref", "refs/heads/"+branch, want[3])
	_, _, err = page(token)
	b.requireCode(err, errs.CommitNotFound)
}

// TestLogSaysWhoAndWhat: people, times, message and trailers of a sync's commit and of one with text that is no UTF-8.
func TestLogSaysWhoAndWhat(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.host.Create(t, repository, branch, content)
	s := b.open("f")
	published, err := b.repositories.Publish(t.Context(), &gitv1.PublishRequest{
		SnapshotId: s.GetSnapshotId(), Tree: b.mustWrite(s, map[string]string{"a.yaml": "a: 2\n"}),
		Message: "Sync it:\nall of it\n\nbody\n\nFgd-Sync-Id: 7\nFgd-Fabric: f1 (1)\nFgd-Trigger: manual\nRequested-by: " +
			"Ada\n",
		Author: &gitv1.Signature{Name: "Ada", Email: "ada@example.com"}, Time: timestamppb.New(when),
	})
	if err != nil {
		t.Fatal(err)
	}
	tree := strings.TrimSpace(b.host.Git(t, repository, "rev-parse", branch+"~:"))
	odd := b.host.Object(t, repository, "commit", strings.NewReader(fmt.Sprintf(
		"tree %s\nparent %s\nauthor Ren\xe9 <r\xe9> not a time\ncommitter <> 99999999999999 +0000\n\n\n caf\xe9  au lait "+
			"\n", tree, published.GetCommit())))
	b.host.Git(t, repository, "update-ref", "refs/heads/"+branch, odd)
	s = b.open("f")
	commits, _, err := b.listCommits(&gitv1.ListCommitsRequest{SnapshotId: s.GetSnapshotId(), Limit: 2})
	if err != nil || len(commits) != 2 {
		t.Fatalf("%v, %v", commits, err)
	}
	if c := commits[0]; c.GetAuthor().GetName() != "Ren\uFFFD" || c.GetAuthorTime() != nil || c.GetCommitTime() != nil ||
		c.GetSubject() != "caf\uFFFD  au lait" || c.GetSyncId() != "" {
		t.Errorf("odd: %v", c)
	}
	c := commits[1]
	got := fmt.Sprint(c.GetAuthor().GetName(), c.GetAuthor().GetEmail(), c.GetAuthorTime().AsTime().Equal(when),
		c.GetCommitter().GetName(), c.GetCommitTime().AsTime().Equal(when),
		c.GetSubject(), c.GetSyncId(), c.GetFabric(), c.GetTrigger(), c.GetRequestedBy(), c.GetCounts().
			GetUpdated(), len(c.GetChanges()))
	if want := fmt.Sprint("Ada", "ada@example.com", true, "FGD Sync", true, "Sync it: all of it", "7", "f1 (1)", "manual",
		"Ada", int32(1), 0); got != want {
		t.Errorf("%s, not %s", got, want)
	}
}

func TestQuestionsThatAreWrong(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.host.Create(t, repository, branch, content)
	s := b.open("f")
	for name, req := range map[string]*gitv1.ListCommitsRequest{
		"limit":    {Limit: -1},
		"too many": {Limit: 20_001},
		"since":    {Since: &timestamppb.Timestamp{Seconds: 1 << 60}},
		"until":    {Until: &timestamppb.Timestamp{Nanos: -1}},
		"path":     {Paths: []string{""}},
		"outside":  {Paths: []string{"../other"}},
		"absolute": {Paths: []string{"/a.yaml"}},
	} {
		req.SnapshotId = s.GetSnapshotId()
		if _, _, err := b.listCommits(req); !errs.HasCode(err, errs.InvalidRequest) {
			t.Errorf("%s: %v", name, err)
		}
	}
	_, _, err := b.listCommits(&gitv1.ListCommitsRequest{SnapshotId: "none"})
	b.requireCode(err, errs.SnapshotNotFound)
}

// TestAMessageOfManyMegabytes: it stops nothing, wherever in the history it is, and its trailers are read.
func TestAMessageOfManyMegabytes(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.host.Create(t, repository, branch, content)
	for i, message := range []string{
		strings.Repeat("y", 3<<20), strings.Repeat("many lines\n", 300_000) + "\nFgd-Sync-Id: one\nRequested-by: ann\n",
	} {
		before := b.host.Head(t, repository, branch)
		b.host.Commit(t, repository, branch, map[string]string{"f/n.yaml": fmt.Sprint(i)})
		commit := b.host.GitWith(t, repository, "subject\n\n"+message, "commit-tree", "-p", before, branch+"^{tree}")
		b.host.Git(t, repository, "update-ref", "refs/heads/"+branch, strings.TrimSpace(commit))
		s := b.open("f")
		if _, err := b.publish(s, b.mustWrite(s, map[string]string{"a.yaml": commit})); err != nil {
			t.Fatal(err)
		}
	}
	commits, _, err := b.listCommits(&gitv1.ListCommitsRequest{SnapshotId: b.open("f").GetSnapshotId(), Limit: 10})
	if err != nil || len(commits) != 5 {
		t.Fatalf("%d commits, %v", len(commits), err)
	}
	lines, letters := commits[1], commits[3]
	if lines.GetSyncId() != "one" || lines.GetRequestedBy() != "ann" || lines.GetSubject() != "subject" ||
		!strings.HasPrefix(lines.GetMessage(), "subject\n\nmany lines\n") || letters.GetSyncId() != "" ||
		!strings.HasPrefix(letters.GetMessage(), "subject\n\nyyy") {
		t.Errorf("read as %.300v and %.300v", lines, letters)
	}
}
