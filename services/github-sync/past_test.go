package githubsync_test

import (
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"google.golang.org/protobuf/types/known/timestamppb"

	"fgdsync.dev/libs/errs"
	gitv1 "fgdsync.dev/proto/fgd/git/v1"
	"fgdsync.dev/testkit/gitserver"
)

// openAt opens a snapshot of an earlier state.
func (b *bench) openAt(at *gitv1.OpenSnapshotRequest) (*gitv1.Snapshot, error) {
	b.t.Helper()
	at.Location = b.location("f")
	response, err := b.repositories.OpenSnapshot(b.t.Context(), at)
	return response.GetSnapshot(), err
}

func atCommit(id string) *gitv1.OpenSnapshotRequest {
	return &gitv1.OpenSnapshotRequest{At: &gitv1.OpenSnapshotRequest_AtCommit{AtCommit: id}}
}

func atTime(seconds int64) *gitv1.OpenSnapshotRequest {
	return &gitv1.OpenSnapshotRequest{At: &gitv1.OpenSnapshotRequest_AtTime{AtTime: timestamppb.New(time.Unix(seconds,
		0))}}
}

// TestAnEarlierState: the directory is read as it was at a commit and at a time, and nothing can be published on that.
func TestAnEarlierState(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.host.CreateEmpty(t, repository)
	linear(t, b.host, 5)
	commits := strings.Fields(b.host.Git(t, repository, "log", "--reverse", "--format=%H", branch))
	for name, test := range map[string]struct {
		at   *gitv1.OpenSnapshotRequest
		want int
	}{
		"a commit": {atCommit(commits[1]), 1}, "the first": {atCommit(commits[0]), 0}, "the head": {atCommit(commits[4]), 4},
		"a time": {atTime(epoch + 3), 3}, "the beginning": {atTime(epoch), 0}, "now": {atTime(epoch + 999), 4},
	} {
		s, err := b.openAt(test.at)
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		files := b.files(s, s.GetTree())
		if s.GetCommit() != commits[test.want] || s.GetCommitTime().GetSeconds() != epoch+int64(test.want) ||
			files["n.yaml"] != fmt.Sprintf("n: %d\n", test.want) {
			t.Errorf("%s: %v with %q", name, s, files)
		}
		_, err = b.publish(s, b.mustWrite(s, map[string]string{"a.yaml": "a: 1\n"}))
		b.requireCode(err, errs.SnapshotReadOnly)
		past, _, err := b.listCommits(&gitv1.ListCommitsRequest{SnapshotId: s.GetSnapshotId()})
		if err != nil || len(past) != test.want+1 {
			t.Errorf("%s: %d commits, %v", name, len(past), err)
		}
		b.close(s)
	}
	b.requireCommits(5)
}

// TestAStateThatNeverWas: a commit that the branch does not have is not found, even if the host has it.
func TestAStateThatNeverWas(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.host.Create(t, repository, branch, content)
	b.host.Git(t, repository, "config", "uploadpack.allowAnySHA1InWant", "true")
	b.host.Git(t, repository, "branch", "side", branch)
	side := b.host.Commit(t, repository, "side", map[string]string{"f/evil.yaml": "n: 1\n"})
	for name, at := range map[string]*gitv1.OpenSnapshotRequest{
		"of another branch": atCommit(side), "of nobody": atCommit(strings.Repeat("1", 40)), "too early": atTime(1),
	} {
		if _, err := b.openAt(at); !errs.HasCode(err, errs.CommitNotFound) {
			t.Errorf("%s: %v", name, err)
		}
	}
	for name, at := range map[string]*gitv1.OpenSnapshotRequest{
		"no id":   atCommit("main"),
		"no time": {At: &gitv1.OpenSnapshotRequest_AtTime{AtTime: &timestamppb.Timestamp{Nanos: -1}}},
	} {
		if _, err := b.openAt(at); !errs.HasCode(err, errs.InvalidRequest) {
			t.Errorf("%s: %v", name, err)
		}
	}
	s := b.open("f")
	_, err := b.restore(s, side)
	b.requireCode(err, errs.CommitNotFound)
	_, _, err = b.diff(&gitv1.DiffCommitsRequest{SnapshotId: s.GetSnapshotId(), FromCommit: side})
	b.requireCode(err, errs.CommitNotFound)
}

// TestTheBranchItselfAsOfATime: a merge brings a side branch in at the time of the merge, however old its commits are.
func TestTheBranchItselfAsOfATime(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.host.CreateEmpty(t, repository)
	commit := func(n int, seconds int64, from, change string) string {
		return fmt.Sprintf("commit refs/heads/%s\nmark :%d\ncommitter T <t@example.com> %d +0000\ndata 2\nn\n\n%s%s", branch,
			n, epoch+seconds, from, change)
	}
	importAll(t, b.host, commit(1, 0, "", "M 100644 inline f/a\ndata 2\n1\n\n")+
		strings.Replace(commit(2, 10, "from :1\n", "M 100644 inline f/side\ndata 2\n1\n\n"), branch, "side", 1)+
		commit(3, 20, "from :1\n", "M 100644 inline f/a\ndata 2\n2\n\n")+commit(4, 30, "from :3\nmerge :2\n",
		"M 100644 inline f/side\ndata 2\n1\n\n"))
	for seconds, want := range map[int64]map[string]string{
		15: {"a": "1\n"}, 25: {"a": "2\n"},
		30: {"a": "2\n", "side": "1\n"},
	} {
		s, err := b.openAt(atTime(epoch + seconds))
		if err != nil {
			t.Fatal(err)
		}
		if got := b.files(s, s.GetTree()); !maps.Equal(got, want) {
			t.Errorf("after %d s: %q", seconds, got)
		}
		b.close(s)
	}
}

func (b *bench) diff(req *gitv1.DiffCommitsRequest) (*gitv1.ChangeCounts, string, error) {
	b.t.Helper()
	stream, err := b.history.DiffCommits(b.t.Context(), req)
	if err != nil {
		b.t.Fatal(err)
	}
	var counts *gitv1.ChangeCounts
	var text strings.Builder
	for {
		part, err := stream.Recv()
		if errors.Is(err, io.EOF) {
			return counts, text.String(), nil
		}
		if err != nil {
			return nil, "", err
		}
		if part.GetCounts() != nil {
			counts = part.GetCounts()
		}
		text.WriteString(part.GetDiff())
	}
}

// headers are the lines of a diff that name files.
func headers(diff string) []string {
	var out []string
	for line := range strings.Lines(diff) {
		if strings.HasPrefix(line, "diff --git ") {
			out = append(out, line)
		}
	}
	return out
}

// TestDiffCommits: the files that differ are those of git diff, however long the text is.
func TestDiffCommits(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.host.Create(t, repository, branch, content)
	first := b.host.Head(t, repository, branch)
	b.host.Commit(t, repository, branch, map[string]string{
		"f/a.yaml": "a: 2\n", "f/new/c.yaml": "c: é\n",
		"other/c.yaml": "c: 2\n",
	})
	last := b.host.Commit(t, repository, branch, map[string]string{
		"f/sub/b.yaml": gitserver.Removed,
		"f/long.yaml":  strings.Repeat("€", 200_000) + "\n",
	})
	s := b.open("f")
	counts, text, err := b.diff(&gitv1.DiffCommitsRequest{SnapshotId: s.GetSnapshotId(), FromCommit: first})
	if err != nil || counts.GetCreated() != 2 || counts.GetUpdated() != 1 || counts.GetRemoved() != 1 ||
		!strings.Contains(text, "-a: 1\n+a: 2\n") || strings.Contains(text, "other") {
		t.Errorf("%v, %v:\n%.300s", counts, err, text)
	}
	if !slices.Equal(headers(text), headers(b.host.Git(t, repository, "diff", "--no-renames", "--relative=f", first, last,
		"--", "f"))) {
		t.Errorf("git has other files than\n%q", headers(text))
	}
	counts, text, err = b.diff(&gitv1.DiffCommitsRequest{
		SnapshotId: s.GetSnapshotId(), FromCommit: last, ToCommit: first,
		Paths: []string{"sub", "a.yaml"},
	})
	if err != nil || counts.GetCreated() != 1 || counts.GetUpdated() != 1 || counts.GetRemoved() != 0 ||
		!strings.Contains(text, "-a: 2\n+a: 1\n") || strings.Contains(text, "new/c") {
		t.Errorf("back: %v, %v:\n%.300s", counts, err, text)
	}
	same, text, err := b.diff(&gitv1.DiffCommitsRequest{SnapshotId: s.GetSnapshotId(), FromCommit: last, ToCommit: last})
	if err != nil || same.GetCreated()+same.GetUpdated()+same.GetRemoved() != 0 || text != "" {
		t.Errorf("nothing: %v, %q, %v", same, text, err)
	}
	for name, req := range map[string]*gitv1.DiffCommitsRequest{
		"no from": {}, "no id": {FromCommit: "main"},
		"path": {FromCommit: first, Paths: []string{".."}},
	} {
		req.SnapshotId = s.GetSnapshotId()
		if _, _, err := b.diff(req); !errs.HasCode(err, errs.InvalidRequest) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func (b *bench) restore(s *gitv1.Snapshot, commit string, paths ...string) (string, error) {
	b.t.Helper()
	response, err := b.history.RestoreTree(b.t.Context(), &gitv1.RestoreTreeRequest{
		SnapshotId: s.GetSnapshotId(),
		Commit:     commit, Paths: paths,
	})
	return response.GetTree(), err
}

// TestRestoreTree: paths become what they were, everything else stays, and what comes out can be published.
func TestRestoreTree(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.host.Create(t, repository, branch, map[string]string{
		"f/managed/vpcs/a.yaml": "a: 1\n", "f/managed/vpcs/b.yaml": "b: 1\n", "f/raw/x.yaml": "x: 1\n",
		"f/.hnp/log.yaml": "- 1\n", "other/c": "1\n",
	})
	first := b.host.Head(t, repository, branch)
	b.host.Commit(t, repository, branch, map[string]string{
		"f/managed/vpcs/a.yaml": "a: 2\n", "f/managed/vpcs/b.yaml": gitserver.Removed, "f/managed/servers/s.yaml": "s: 1\n",
		"f/raw/x.yaml": gitserver.Removed, "f/raw/y.yaml": "y: 1\n", "f/.hnp/log.yaml": "- 1\n- 2\n", "other/c": "2\n",
	})
	for name, test := range map[string]struct {
		paths []string
		want  map[string]string
	}{
		"managed": {nil, map[string]string{
			"managed/vpcs/a.yaml": "a: 1\n", "managed/vpcs/b.yaml": "b: 1\n",
			"raw/y.yaml": "y: 1\n", ".hnp/log.yaml": "- 1\n- 2\n",
		}},
		"a file": {[]string{"managed/vpcs/b.yaml"}, map[string]string{
			"managed/vpcs/a.yaml": "a: 2\n", "managed/vpcs/b.yaml": "b: 1\n", "managed/servers/s.yaml": "s: 1\n",
			"raw/y.yaml": "y: 1\n", ".hnp/log.yaml": "- 1\n- 2\n",
		}},
		"what was not there": {[]string{"managed/servers", "raw/y.yaml", "raw/x.yaml"}, map[string]string{
			"managed/vpcs/a.yaml": "a: 2\n", "raw/x.yaml": "x: 1\n", ".hnp/log.yaml": "- 1\n- 2\n",
		}},
	} {
		s := b.open("f")
		tree, err := b.restore(s, first, test.paths...)
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		if got := b.files(s, tree); !maps.Equal(got, test.want) {
			t.Errorf("%s: %q", name, got)
		}
		b.close(s)
	}
	s := b.open("f")
	tree, err := b.restore(s, first)
	if err != nil {
		t.Fatal(err)
	}
	if response, err := b.publish(s, tree); err != nil || !response.GetCommitted() {
		t.Fatalf("%v, %v", response, err)
	}
	after := b.host.Files(t, repository, branch)
	if after["f/managed/vpcs/b.yaml"] != "b: 1\n" || after["f/managed/servers/s.yaml"] != "" ||
		after["other/c"] != "2\n" || after["f/.hnp/log.yaml"] != "- 1\n- 2\n" {
		t.Errorf("published: %q", after)
	}
	b.requireCommits(3)
}

// TestRestoreIsRefused: what can't be brought back is said, and nothing happens.
func TestRestoreIsRefused(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.host.Create(t, repository, branch, map[string]string{
		"f/raw/x/y.yaml": "x: 1\n", "f/.hnp/log.yaml": "- 1\n",
		"f/managed/a.yaml": "a: 1\n",
	})
	first := b.host.Head(t, repository, branch)
	before := b.host.Commit(t, repository, branch, map[string]string{
		"f/managed/a.yaml": gitserver.Removed,
		"f/raw/x/y.yaml":   gitserver.Removed,
	})
	b.host.Commit(t, repository, branch, map[string]string{"f/managed/a.yaml": "a: 2\n", "f/raw/x": "a file\n"})
	s := b.open("f")
	for name, test := range map[string]struct {
		commit string
		paths  []string
		code   errs.Code
	}{
		"a log":                {first, []string{".hnp/log.yaml"}, errs.RestoreRefused},
		"the logs":             {first, []string{"raw", ".hnp"}, errs.RestoreRefused},
		"no managed":           {before, nil, errs.RestoreRefused},
		"no managed, named":    {before, []string{"managed"}, errs.RestoreRefused},
		"never there":          {first, []string{"raw/none.yaml"}, errs.RestoreRefused},
		"behind a file":        {first, []string{"raw/x/y.yaml"}, errs.RestoreRefused},
		"everything":           {first, []string{""}, errs.InvalidRequest},
		"outside":              {first, []string{"../other"}, errs.InvalidRequest},
		"Git's own":            {first, []string{"managed/.git/config"}, errs.InvalidRequest},
		"no commit":            {"main", nil, errs.InvalidRequest},
		"a commit of somebody": {strings.Repeat("1", 40), nil, errs.CommitNotFound},
	} {
		if _, err := b.restore(s, test.commit, test.paths...); !errs.HasCode(err, test.code) || errs.From(err).
			RemedyText() == "" {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// TestARenamedDirectory: its history begins with the name that it has, in a repository on this machine as elsewhere.
func TestARenamedDirectory(t *testing.T) {
	t.Parallel()
	b := setupLocal(t)
	b.host.CreateEmpty(t, repository)
	linear(t, b.host, 3)
	before := b.host.Head(t, repository, branch)
	b.host.Commit(t, repository, branch, map[string]string{"f/n.yaml": gitserver.Removed, "g/n.yaml": "n: 2\n"})
	s := b.openLocal("g")
	defer b.close(s)
	commits, last, err := b.listCommits(&gitv1.ListCommitsRequest{SnapshotId: s.GetSnapshotId()})
	if err != nil || len(commits) != 1 || commits[0].GetCounts().GetCreated() != 1 || last.GetNextPageToken() != "" {
		t.Errorf("%v, %v, %v", commits, last, err)
	}
	past, err := b.repositories.OpenSnapshot(t.Context(), &gitv1.OpenSnapshotRequest{
		Location: &gitv1.Location{RepositoryUrl: b.localURL(), Branch: branch, Directory: "f"},
		At:       &gitv1.OpenSnapshotRequest_AtCommit{AtCommit: before},
	})
	if err != nil {
		t.Fatal(err)
	}
	defer b.close(past.GetSnapshot())
	if files := b.files(past.GetSnapshot(), past.GetSnapshot().GetTree()); files["n.yaml"] != "n: 2\n" ||
		past.GetSnapshot().GetCommit() != before {
		t.Errorf("before: %v with %q", past, files)
	}
}
