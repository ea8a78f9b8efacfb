// Package demo makes a repository that shows what FGD Sync does, of files that were there before it, and shows it.
package demo

import (
	"embed"
	"fmt"
	"io/fs"
	"path"
	"time"

	"github.com/go-git/go-billy/v5"
	"github.com/go-git/go-billy/v5/memfs"
	"github.com/go-git/go-billy/v5/osfs"
	"github.com/go-git/go-billy/v5/util"
	"github.com/go-git/go-git/v5"
	"github.com/go-git/go-git/v5/plumbing"
	"github.com/go-git/go-git/v5/plumbing/cache"
	"github.com/go-git/go-git/v5/plumbing/object"
	"github.com/go-git/go-git/v5/storage/filesystem"
)

// Where the sample fabric lives in the repository.
const (
	Branch    = "main"
	Directory = "gitops/hedgehog/fabric-1"
)

//go:embed sample/*.yaml
var sample embed.FS

// CreateRepository makes a bare repository at a path, with the sample fabric as its first commit.
func CreateRepository(path string, now time.Time) error {
	store := filesystem.NewStorage(osfs.New(path), cache.NewObjectLRUDefault())
	work := memfs.New()
	repository, err := git.InitWithOptions(store, work,
		git.InitOptions{DefaultBranch: plumbing.NewBranchReferenceName(Branch)})
	if err != nil {
		return fmt.Errorf("make the repository: %w", err)
	}
	tree, err := repository.Worktree()
	if err != nil {
		return fmt.Errorf("make the first commit: %w", err)
	}
	if err := addSample(work, tree); err != nil {
		return err
	}
	_, err = tree.Commit("Keep the fabric's wiring in Git", &git.CommitOptions{Author: author(now)})
	if err != nil {
		return fmt.Errorf("make the first commit: %w", err)
	}
	return makeBare(repository)
}

// addSample writes the sample into a work tree, and adds it to the next commit.
func addSample(work billy.Filesystem, tree *git.Worktree) error {
	files, err := fs.Glob(sample, "sample/*.yaml")
	if err != nil {
		return fmt.Errorf("list the sample: %w", err)
	}
	for _, file := range files {
		content, err := sample.ReadFile(file)
		if err != nil {
			return fmt.Errorf("read the sample: %w", err)
		}
		target := Directory + "/" + path.Base(file)
		if err := util.WriteFile(work, target, content, 0o644); err != nil {
			return fmt.Errorf("write %s: %w", target, err)
		}
		if _, err := tree.Add(target); err != nil {
			return fmt.Errorf("add %s: %w", target, err)
		}
	}
	return nil
}

func makeBare(repository *git.Repository) error {
	config, err := repository.Config()
	if err != nil {
		return fmt.Errorf("read the repository's configuration: %w", err)
	}
	config.Core.IsBare = true
	if err := repository.SetConfig(config); err != nil {
		return fmt.Errorf("make the repository bare: %w", err)
	}
	return nil
}

// Edit commits a change of one file to the branch of a bare repository.
func Edit(repository, path, message string, now time.Time, change func([]byte) []byte) error {
	work := memfs.New()
	opened, err := git.Open(filesystem.NewStorage(osfs.New(repository), cache.NewObjectLRUDefault()), work)
	if err != nil {
		return fmt.Errorf("open the repository: %w", err)
	}
	tree, err := opened.Worktree()
	if err != nil {
		return fmt.Errorf("open the repository: %w", err)
	}
	if err := tree.Reset(&git.ResetOptions{Mode: git.HardReset}); err != nil {
		return fmt.Errorf("check out %s: %w", Branch, err)
	}
	content, err := util.ReadFile(work, path)
	if err != nil {
		return fmt.Errorf("read %s: %w", path, err)
	}
	if err := util.WriteFile(work, path, change(content), 0o644); err != nil {
		return fmt.Errorf("write %s: %w", path, err)
	}
	if _, err := tree.Add(path); err != nil {
		return fmt.Errorf("add %s: %w", path, err)
	}
	if _, err := tree.Commit(message, &git.CommitOptions{Author: author(now)}); err != nil {
		return fmt.Errorf("commit %s: %w", path, err)
	}
	return nil
}

// author is whoever changes the repository by themselves.
func author(now time.Time) *object.Signature {
	return &object.Signature{Name: "Network team", Email: "network@example.com", When: now}
}
