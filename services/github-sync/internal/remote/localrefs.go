package remote

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/go-git/go-git/v5/plumbing"

	"fgdsync.dev/libs/errs"
)

const headsPrefix = "refs/heads/"

// localBranches reads the branches of a repository on this machine. The Git library would read the lock file of a
// branch that is being moved as a branch, and stumble over it.
func localBranches(dir string) (map[string]plumbing.Hash, error) {
	root, err := os.OpenRoot(dir)
	if err != nil {
		return nil, fmt.Errorf("open repository: %w", err)
	}
	defer func() { _ = root.Close() }() // it was only read
	files, branches := root.FS(), map[string]plumbing.Hash{}
	if err := packedBranches(files, branches); err != nil {
		return nil, err
	}
	err = fs.WalkDir(files, strings.TrimSuffix(headsPrefix, "/"), func(path string, entry fs.DirEntry, err error) error {
		if errors.Is(err, fs.ErrNotExist) {
			return nil // removed since the folder was read
		}
		if err != nil || entry.IsDir() || strings.HasSuffix(path, ".lock") {
			return err
		}
		content, err := fs.ReadFile(files, path)
		if errors.Is(err, fs.ErrNotExist) {
			return nil
		}
		if err != nil {
			return err
		}
		return addBranch(branches, strings.TrimPrefix(path, headsPrefix), strings.TrimSpace(string(content)))
	})
	if err != nil {
		return nil, fmt.Errorf("read branches: %w", err)
	}
	return branches, nil
}

// packedBranches reads packed-refs, whose branches count where there is no file of their own (git-pack-refs(1)).
func packedBranches(files fs.FS, branches map[string]plumbing.Hash) error {
	content, err := fs.ReadFile(files, "packed-refs")
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("read packed refs: %w", err)
	}
	for line := range strings.Lines(string(content)) {
		id, name, _ := strings.Cut(strings.TrimSpace(line), " ")
		if branch, is := strings.CutPrefix(name, headsPrefix); is {
			if err := addBranch(branches, branch, id); err != nil {
				return err
			}
		}
	}
	return nil
}

func addBranch(branches map[string]plumbing.Hash, name, id string) error {
	if strings.HasPrefix(id, "ref:") {
		return nil // another name of a branch
	}
	if !plumbing.IsHash(id) {
		return errs.New(errs.RepositoryUnsupported, "The branch %q has no SHA-1 object id.", name)
	}
	branches[name] = plumbing.NewHash(id)
	return nil
}

// localDefault reads which branch HEAD names; empty when it names none.
func localDefault(dir string) string {
	head, err := os.ReadFile(filepath.Join(dir, "HEAD"))
	branch, is := strings.CutPrefix(strings.TrimSpace(string(head)), "ref: "+headsPrefix)
	if err != nil || !is {
		return ""
	}
	return branch
}
