package githubsync_test

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"net/http"
	"strings"
	"testing"

	"fgdsync.dev/libs/errs"
	gitv1 "fgdsync.dev/proto/fgd/git/v1"
	githubsync "fgdsync.dev/services/github-sync"
	"fgdsync.dev/testkit/gitserver"
)

func (b *bench) tryOpen(location *gitv1.Location) error {
	response, err := b.repositories.OpenSnapshot(b.t.Context(), &gitv1.OpenSnapshotRequest{Location: location})
	if err == nil {
		_, err := b.repositories.CloseSnapshot(b.t.Context(), &gitv1.CloseSnapshotRequest{SnapshotId: response.GetSnapshot().
			GetSnapshotId()})
		return err
	}
	return err
}

// TestOpenRefused: what is wrong with a remote has its code.
func TestOpenRefused(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		fault  gitserver.Fault
		change func(b *bench, l *gitv1.Location)
		code   errs.Code
	}{
		"401": {
			fault: gitserver.Fault{Status: http.StatusUnauthorized, Text: password},
			code:  errs.GitHubAuthenticationFailed,
		},
		"403": {fault: gitserver.Fault{Status: http.StatusForbidden}, code: errs.GitHubAuthenticationFailed},
		"404": {fault: gitserver.Fault{Status: http.StatusNotFound}, code: errs.GitHubNotFound},
		"429": {fault: gitserver.Fault{Status: http.StatusTooManyRequests}, code: errs.GitHubRateLimited},
		"500": {
			fault: gitserver.Fault{Status: http.StatusInternalServerError, Text: password},
			code:  errs.GitHubConnectionFailed,
		},
		"empty refs":     {fault: gitserver.Fault{On: gitserver.Refs, Empty: true}, code: errs.GitHubConnectionFailed},
		"truncated refs": {fault: gitserver.Fault{On: gitserver.Refs, Truncate: 20}, code: errs.GitHubConnectionFailed},
		"lost refs":      {fault: gitserver.Fault{On: gitserver.Refs, Lose: true}, code: errs.GitHubConnectionFailed},
		"empty pack":     {fault: gitserver.Fault{On: gitserver.Fetch, Empty: true}, code: errs.GitHubConnectionFailed},
		"truncated pack": {fault: gitserver.Fault{On: gitserver.Fetch, Truncate: 100}, code: errs.GitHubConnectionFailed},
		"a web page": {
			fault: gitserver.Fault{Status: http.StatusOK, Type: "text/html", Text: "<html>sign in</html>"},
			code:  errs.GitHubNotFound,
		},
		"redirect":   {fault: gitserver.Fault{Redirect: "http://127.0.0.1:1"}, code: errs.GitHubNotFound},
		"no branch":  {change: func(_ *bench, l *gitv1.Location) { l.Branch = "other" }, code: errs.BranchNotFound},
		"odd branch": {change: func(_ *bench, l *gitv1.Location) { l.Branch = "a..b" }, code: errs.InvalidRequest},
		"no repository": {
			change: func(b *bench, l *gitv1.Location) { l.RepositoryUrl = b.host.URL("other.git") },
			code:   errs.GitHubNotFound,
		},
		"empty repository": {change: func(b *bench, l *gitv1.Location) {
			b.host.CreateEmpty(b.t, "e.git")
			l.RepositoryUrl = b.host.URL("e.git")
		}, code: errs.RepositoryEmpty},
		"nobody listens": {
			change: func(_ *bench, l *gitv1.Location) {
				l.RepositoryUrl, l.Credentials = "http://127.0.0.1:1/x.git", nil
			},
			code: errs.GitHubConnectionFailed,
		},
		"outside": {
			change: func(_ *bench, l *gitv1.Location) { l.Directory = "a/../../b" },
			code:   errs.DirectoryInvalid,
		},
		"other key": {change: func(_ *bench, l *gitv1.Location) {
			l.Credentials = &gitv1.Credentials{Source: &gitv1.Credentials_Sealed{Sealed: []byte("age")}}
		}, code: errs.CredentialsUnreadable},
		"no reference": {
			change: func(_ *bench, l *gitv1.Location) { l.Credentials = reference("env:HEDGEHOG_FGD_X") },
			code:   errs.CredentialsUnreadable,
		},
		"any variable": {
			change: func(_ *bench, l *gitv1.Location) { l.Credentials = reference("env:HOME") },
			code:   errs.CredentialsUnreadable,
		},
		"any file": {
			change: func(_ *bench, l *gitv1.Location) { l.Credentials = reference("file:../../etc/passwd") },
			code:   errs.CredentialsUnreadable,
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := setup(t)
			b.host.Create(t, repository, branch, content)
			location := b.location("f")
			if test.change != nil {
				test.change(b, location)
			}
			b.host.Break(test.fault)
			b.requireCode(b.tryOpen(location), test.code)
			b.host.Mend()
			if err := b.tryOpen(b.location("f")); err != nil {
				t.Errorf("afterwards: %v", err)
			}
			b.requireCommits(1)
		})
	}
}

func reference(name string) *gitv1.Credentials {
	return &gitv1.Credentials{Source: &gitv1.Credentials_Reference{Reference: name}}
}

// TestRefusedLocations: without permission nothing but https to public addresses is spoken to.
func TestRefusedLocations(t *testing.T) {
	t.Parallel()
	b := setup(t, func(cfg *githubsync.Config) { cfg.AllowHTTP, cfg.AllowedPrivateNetworks = false, nil })
	b.host.Create(t, repository, branch, content)
	for _, url := range []string{
		b.host.URL(repository), "http://example.com/x.git", "https://127.0.0.1/x.git", "https://localhost/x.git",
		"https://[::1]/x.git", "https://10.0.0.1/x.git",
		"https://169.254.169.254/latest/meta-data", "https://192.168.1.1/x.git", "https://[fe80::1]/x.git",
		"https://[::ffff:127.0.0.1]/x.git", "https://0.0.0.0/x.git",
		"file:///etc", "/etc", "ssh://git@example.com/x.git", "git@example.com:x.git", "git://example.com/x.git",
		"https://u:" + password + "@example.com/x.git",
		"ext::sh -c id", "https://", "https://exa mple.com/x.git", "https://example.com/x.git?a=b",
		"https://example.com/x.git#f",
	} {
		err := b.tryOpen(&gitv1.Location{RepositoryUrl: url, Branch: branch})
		if !errs.HasCode(err, errs.RemoteRefused) || strings.Contains(err.Error(), password) {
			t.Errorf("%s: %v", url, err)
		}
	}
	if n := b.host.Requests(gitserver.Refs); n != 0 {
		t.Errorf("%d requests were made", n)
	}
}

// TestOddEntries: links, submodules and executables are told apart, and survive a publish as they are.
func TestOddEntries(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.host.Create(t, repository, branch, map[string]string{"f/run.sh": "#!/bin/sh\n"})
	commit := b.host.Head(t, repository, branch)
	list := b.host.Git(t, repository, "ls-tree", branch+":f")
	blob := strings.Fields(list)[2]
	b.host.Import(t, repository, branch,
		fmt.Sprintf("M 100755 %[1]s f/run.sh\nM 120000 inline f/link\ndata 11\n/etc/passwd\nM 160000 %[2]s f/module\nM "+
			"120000 inline g/link\ndata 2\n..\n", blob, commit))
	s := b.open("f")
	modes := map[string]gitv1.FileMode{}
	stream, err := b.trees.ListTree(t.Context(), &gitv1.ListTreeRequest{SnapshotId: s.GetSnapshotId(), Tree: s.GetTree()})
	for page, e := stream.Recv(); err == nil && e == nil; page, e = stream.Recv() {
		for _, entry := range page.GetEntries() {
			modes[entry.GetPath()] = entry.GetMode()
		}
	}
	want := map[string]gitv1.FileMode{
		"run.sh": gitv1.FileMode_FILE_MODE_EXECUTABLE, "link": gitv1.FileMode_FILE_MODE_SYMLINK,
		"module": gitv1.FileMode_FILE_MODE_SUBMODULE,
	}
	if !maps.Equal(modes, want) {
		t.Errorf("modes: %v", modes)
	}
	before := b.host.Git(t, repository, "ls-tree", "-r", branch)
	if _, err := b.publish(s, b.mustWrite(s, map[string]string{"new.yaml": "n: 1\n"})); err != nil {
		t.Fatal(err)
	}
	after := b.host.Git(t, repository, "ls-tree", "-r", branch)
	for line := range strings.Lines(before) {
		if !strings.Contains(after, line) {
			t.Errorf("%q has changed:\n%s", line, after)
		}
	}
	b.requireCommits(3)
}

// TestBadPaths: no change leaves the directory or makes what Git forbids.
func TestBadPaths(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.host.Create(t, repository, branch, content)
	s := b.open("f")
	for _, path := range []string{
		"../x", "a/../b", "/x", "", ".", "..", "a//b", "a/", ".git/config", "a/.git", "a/.GIT/x", "a\x00b", "a.yaml/b", "sub",
		strings.Repeat("x", 5000),
	} {
		if tree, err := b.write(s, map[string]string{path: "x"}); !errs.HasCode(err, errs.InvalidRequest) {
			t.Errorf("%q: tree %s, %v", path, tree, err)
		}
	}
}

func TestClosedSnapshot(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.host.Create(t, repository, branch, content)
	s := b.open("f")
	closing := &gitv1.CloseSnapshotRequest{SnapshotId: s.GetSnapshotId()}
	for range 2 {
		if _, err := b.repositories.CloseSnapshot(t.Context(), closing); err != nil {
			t.Fatal(err)
		}
	}
	_, err := b.write(s, map[string]string{"x": "y"})
	b.requireCode(err, errs.SnapshotNotFound)
	_, err = b.publish(s, s.GetTree())
	b.requireCode(err, errs.SnapshotNotFound)
}

// TestLimits: what is too large is refused before it is in memory, and after what was asked for before it.
func TestLimits(t *testing.T) {
	t.Parallel()
	b := setup(t, func(cfg *githubsync.Config) { cfg.MaxFileBytes, cfg.MaxPackBytes = 1000, 4000 })
	b.host.Create(t, repository, branch, map[string]string{
		"f/big.yaml": strings.Repeat("x", 2000), "f/small.yaml": "x: 1\n",
	})
	s := b.open("f")
	stream, err := b.trees.ListTree(t.Context(), &gitv1.ListTreeRequest{SnapshotId: s.GetSnapshotId(), Tree: s.GetTree()})
	if err != nil {
		t.Fatal(err)
	}
	page, err := stream.Recv()
	if err != nil || page.GetEntries()[0].GetSize() != 2000 {
		t.Fatalf("%v, %v", page, err)
	}
	blobs, err := b.trees.ReadBlobs(t.Context(), &gitv1.ReadBlobsRequest{
		SnapshotId: s.GetSnapshotId(),
		BlobIds:    []string{page.GetEntries()[1].GetBlobId(), page.GetEntries()[0].GetBlobId()},
	})
	if err != nil {
		t.Fatal(err)
	}
	if before, err := blobs.Recv(); err != nil || len(before.GetBlobs()) != 1 {
		t.Errorf("before it comes %v, %v", before, err)
	}
	_, err = blobs.Recv()
	b.requireCode(err, errs.FileTooLarge)
	noise := make([]byte, 20_000)
	_, _ = rand.NewChaCha8([32]byte{}).Read(noise) // it always fills
	b.host.Commit(t, repository, branch, map[string]string{"f/noise.yaml": string(noise)})
	b.requireCode(b.tryOpen(b.location("f")), errs.RepositoryUnsupported)
}
