package githubsync_test

import (
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"fgdsync.dev/libs/errs"
	gitv1 "fgdsync.dev/proto/fgd/git/v1"
	githubsync "fgdsync.dev/services/github-sync"
	"fgdsync.dev/testkit/gitserver"
)

// setupLocal makes a service that may use the repositories of the host where they lie.
func setupLocal(t *testing.T) *bench {
	t.Helper()
	host := gitserver.Start(t, gitserver.Options{})
	b := setup(t, func(cfg *githubsync.Config) { cfg.AllowedLocalPaths = []string{host.Folder} })
	b.host = host
	return b
}

func (b *bench) localURL() string { return "file://" + b.host.Path(repository) }

func (b *bench) openLocal(directory string) *gitv1.Snapshot {
	b.t.Helper()
	response, err := b.repositories.OpenSnapshot(b.t.Context(), &gitv1.OpenSnapshotRequest{
		Location: &gitv1.Location{RepositoryUrl: b.localURL(), Branch: branch, Directory: directory},
	})
	if err != nil {
		b.t.Fatal(err)
	}
	return response.GetSnapshot()
}

// TestAPathIsAURL: a repository on this machine is named by its path as by a file URL, with the same key, and permitted
// by the same rule.
func TestAPathIsAURL(t *testing.T) {
	t.Parallel()
	b := setupLocal(t)
	b.host.Create(t, repository, branch, content)
	check := func(b *bench, url string) (string, error) {
		checked, err := b.repositories.CheckLocation(t.Context(), &gitv1.CheckLocationRequest{
			Location: &gitv1.Location{RepositoryUrl: url, Branch: branch},
		})
		return checked.GetRepositoryKey(), err
	}
	path := b.host.Path(repository)
	byURL, urlErr := check(b, "file://"+path)
	byPath, pathErr := check(b, path)
	if urlErr != nil || pathErr != nil || byURL != byPath || byURL == "" {
		t.Errorf("%q, %v; %q, %v", byURL, urlErr, byPath, pathErr)
	}
	if _, err := check(setup(t), path); !errs.HasCode(err, errs.RemoteRefused) ||
		!strings.Contains(errs.From(err).RemedyText(), "allowed_local_paths") {
		t.Errorf("not permitted: %v", err)
	}
}

// TestLocal: a repository on this machine is read and written where it lies, whether its refs are packed or not.
func TestLocal(t *testing.T) {
	t.Parallel()
	for name, prepare := range map[string][]string{"as made": {"status", "--short", "--branch"}, "packed": {"gc", "-q"}} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := setupLocal(t)
			b.host.Create(t, repository, branch, content)
			if prepare[0] == "gc" {
				b.host.Git(t, repository, prepare...)
			}
			s := b.openLocal("f")
			if got := b.files(s, s.GetTree()); !maps.Equal(got, map[string]string{"a.yaml": "a: 1\n", "sub/b.yaml": "b: 1\n"}) {
				t.Errorf("files: %q", got)
			}
			response, err := b.publish(s, b.mustWrite(s, map[string]string{"a.yaml": "a: 2\n"}))
			if err != nil || response.GetCommit() != b.host.Head(t, repository, branch) ||
				b.host.Files(t, repository, branch)["f/a.yaml"] != "a: 2\n" {
				t.Errorf("%v, %v", response, err)
			}
			again := b.openLocal("f")
			if response, err := b.publish(again, again.GetTree()); err != nil || response.GetCommitted() {
				t.Errorf("%v, %v", response, err)
			}
			b.requireCommits(2)
		})
	}
}

// TestLocalRace: of those who change the same file one succeeds; those who change their own all do.
func TestLocalRace(t *testing.T) {
	t.Parallel()
	const racers = 8
	b := setupLocal(t)
	b.host.Create(t, repository, branch, content)
	publishAll := func(directory func(int) string) (landed int) {
		snapshots, trees, failures := make([]*gitv1.Snapshot, racers), make([]string, racers), make([]error, racers)
		for i := range racers {
			snapshots[i] = b.openLocal(directory(i))
			trees[i] = b.mustWrite(snapshots[i], map[string]string{"raced.yaml": fmt.Sprintf("n: %d\n", i)})
		}
		var all sync.WaitGroup
		for i := range racers {
			all.Go(func() {
				for {
					_, failures[i] = b.publish(snapshots[i], trees[i])
					if directory(0) == directory(1) || !errs.HasCode(failures[i], errs.BranchMoved) {
						return
					}
				}
			})
		}
		all.Wait()
		for _, err := range failures {
			if err == nil {
				landed++
				continue
			}
			b.requireCode(err, errs.BranchMoved)
		}
		return landed
	}
	if n := publishAll(func(i int) string { return fmt.Sprintf("own%d", i) }); n != racers {
		t.Errorf("%d of %d landed in folders of their own", n, racers)
	}
	if n := publishAll(func(int) string { return "f" }); n != 1 {
		t.Errorf("%d landed in the same folder", n)
	}
	b.requireCommits(1 + racers + 1)
}

// TestLocalLocked: a program that holds Git's own lock is waited for, and not for ever.
func TestLocalLocked(t *testing.T) {
	t.Parallel()
	b := setupLocal(t)
	b.host.Create(t, repository, branch, content)
	s := b.openLocal("f")
	lock := filepath.Join(b.host.Path(repository), "refs", "heads", branch+".lock")
	if err := os.WriteFile(lock, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	tree := b.mustWrite(s, map[string]string{"a.yaml": "a: 2\n"})
	_, err := b.publish(s, tree)
	b.requireCode(err, errs.BranchMoved)
	if err := os.Remove(lock); err != nil {
		t.Fatal(err)
	}
	if _, err := b.publish(s, tree); err != nil {
		t.Error(err)
	}
	b.requireCommits(2)
}

// TestLocalRefused: only what lies in an allowed folder is used, wherever links lead, and no work tree falls behind its
// branch.
func TestLocalRefused(t *testing.T) {
	t.Parallel()
	b := setupLocal(t)
	b.host.Create(t, repository, branch, content)
	outside := t.TempDir()
	b.host.Git(t, "", "clone", "-q", "--bare", b.host.Path(repository), filepath.Join(outside, "x.git"))
	if err := os.Symlink(filepath.Join(outside, "x.git"), b.host.Path("link.git")); err != nil {
		t.Fatal(err)
	}
	b.host.Git(t, "", "clone", "-q", b.host.Path(repository), b.host.Path("work"))
	b.host.CreateEmpty(t, "empty.git")
	for path, code := range map[string]errs.Code{
		filepath.Join(outside, "x.git"):                    errs.RemoteRefused,
		b.host.Path("link.git"):                            errs.RemoteRefused,
		b.host.Path("../" + filepath.Base(outside)):        errs.RemoteRefused,
		b.host.Folder + "-beside":                          errs.GitHubNotFound,
		b.host.Path("nothing"):                             errs.GitHubNotFound,
		b.host.Path(repository + "/hooks"):                 errs.GitHubNotFound,
		b.host.Path("empty.git"):                           errs.RepositoryEmpty,
		"example.com" + b.host.Path(repository):            errs.RemoteRefused,
		b.host.Path(repository) + "/../../../../../../etc": errs.RemoteRefused,
		b.host.Path(repository) + "/%2e%2e/link.git/":      errs.RemoteRefused,
	} {
		b.requireCode(b.tryOpen(&gitv1.Location{RepositoryUrl: "file://" + path, Branch: branch}), code)
	}
	response, err := b.repositories.OpenSnapshot(t.Context(), &gitv1.OpenSnapshotRequest{
		Location: &gitv1.Location{RepositoryUrl: "file://" + b.host.Path("work"), Branch: branch, Directory: "f"},
	})
	if err != nil {
		t.Fatal(err)
	}
	_, err = b.publish(response.GetSnapshot(), b.mustWrite(response.GetSnapshot(), map[string]string{"a.yaml": "a: 2\n"}))
	b.requireCode(err, errs.PushRejected)
}
