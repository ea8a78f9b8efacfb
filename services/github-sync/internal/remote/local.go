package remote

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"syscall"

	"github.com/go-git/go-billy/v5/osfs"
	"github.com/go-git/go-git/v5/plumbing"
	"github.com/go-git/go-git/v5/plumbing/cache"
	"github.com/go-git/go-git/v5/storage/filesystem"

	"fgdsync.dev/libs/errs"
	"fgdsync.dev/services/github-sync/internal/credentials"
	"fgdsync.dev/services/github-sync/internal/pack"
)

// localRemote is a repository on this machine, opened in this process.
type localRemote struct{ path string }

// LocalStorage opens the objects and refs of a repository on this machine.
func LocalStorage(path string) (*filesystem.Storage, error) {
	dir, err := gitDir(path)
	if err != nil {
		return nil, err
	}
	return filesystem.NewStorageWithOptions(osfs.New(dir), cache.NewObjectLRU(localCache),
		filesystem.Options{KeepDescriptors: true}), nil
}

const localCache = 16 * cache.MiByte

// gitDir finds the folder with objects and refs: the repository itself when it is bare, else .git in it.
func gitDir(path string) (string, error) {
	for _, dir := range []string{path, filepath.Join(path, ".git")} {
		if info, err := os.Stat(filepath.Join(dir, "objects")); err == nil && info.IsDir() {
			return dir, nil
		}
	}
	return "", errs.New(errs.GitHubNotFound, "There is no Git repository at %s.", path)
}

// Login is that of this process, for all.
func (r *localRemote) Login() credentials.Fingerprint { return credentials.Fingerprint{} }

func (r *localRemote) Refs(context.Context) (Refs, error) {
	dir, err := gitDir(r.path)
	if err != nil {
		return Refs{}, err
	}
	heads, err := localBranches(dir)
	if err != nil {
		return Refs{}, err
	}
	if len(heads) == 0 {
		return Refs{}, errs.New(errs.RepositoryEmpty, "The repository at %s is empty.", r.path)
	}
	return Refs{Branches: heads, Default: localDefault(dir)}, nil
}

// Fetch has nothing to do: the objects are read where they are.
func (r *localRemote) Fetch(context.Context, *filesystem.Storage, plumbing.Hash, int) error {
	return nil
}

type localPusher struct {
	heads
	path string
}

func (r *localRemote) PushRefs(ctx context.Context) (Pusher, error) {
	refs, err := r.Refs(ctx)
	if err != nil {
		return nil, err
	}
	dir, err := gitDir(r.path)
	if err != nil {
		return nil, err
	}
	for _, folder := range []string{"objects", "refs"} {
		if err := syscall.Access(filepath.Join(dir, folder), mayWrite); err != nil {
			return nil, unwritable(r.path, err)
		}
	}
	return &localPusher{refs.Branches, r.path}, nil
}

// mayWrite is the question of access(2) whether something may be written.
const mayWrite = 2

func unwritable(path string, cause error) error {
	return errs.New(errs.PushRejected, "The repository at %s can't be written: %v.", path, cause).
		WithRemedy("Let the user that runs this write to the repository, and make sure that the disk has room.")
}

func (p *localPusher) Push(ctx context.Context, branch string, old, next plumbing.Hash, content []byte) error {
	err := p.push(ctx, branch, old, next, content)
	var no syscall.Errno
	if errors.As(err, &no) && !errs.HasCode(err, errs.BranchMoved) {
		return unwritable(p.path, no)
	}
	return err
}

func (p *localPusher) push(ctx context.Context, branch string, old, next plumbing.Hash, content []byte) (err error) {
	dir, err := gitDir(p.path)
	if err != nil {
		return err
	}
	s, err := LocalStorage(p.path)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, s.Close()) }()
	if err := refuseCheckedOut(s, dir, p.path, branch); err != nil {
		return err
	}
	packs := pack.Folder{Path: filepath.Join(dir, "objects", "pack"), Durable: true}
	if err := packs.Receive(ctx, bytes.NewReader(content)); err != nil {
		return err
	}
	return moveBranch(s, dir, branch, old, next)
}

// refuseCheckedOut keeps a work tree from falling behind its own branch, as git push does.
func refuseCheckedOut(s *filesystem.Storage, dir, path, branch string) error {
	head, err := s.Reference(plumbing.HEAD)
	if dir == path || err != nil || head.Target() != plumbing.NewBranchReferenceName(branch) {
		return nil //nolint:nilerr // a repository without HEAD has nothing checked out
	}
	return errs.New(errs.PushRejected, "The branch %s is checked out in the repository at %s.", branch, path).
		WithRemedy("Use a bare repository (git clone --bare), or check out another branch there.")
}

// moveBranch moves a branch if it is still where it was. The lock file is the one that every Git program takes.
func moveBranch(s *filesystem.Storage, dir, branch string, old, next plumbing.Hash) error {
	name := plumbing.NewBranchReferenceName(branch)
	file := filepath.Join(dir, filepath.FromSlash(name.String()))
	if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil { //nolint:gosec // as git makes it: the umask decides
		return fmt.Errorf("make folder of %s: %w", name, err)
	}
	//nolint:gosec // as git makes it: the umask decides
	lock, err := os.OpenFile(file+".lock", os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o644)
	if errors.Is(err, os.ErrExist) {
		return errs.New(errs.BranchMoved, "The branch %s is being moved by somebody else.", branch)
	}
	if err != nil {
		return fmt.Errorf("lock %s: %w", name, err)
	}
	current, err := s.Reference(name)
	if err == nil && current.Hash() != old {
		err = errs.New(errs.BranchMoved, "The branch %s moved while it was written.", branch)
	}
	if err == nil {
		_, err = lock.WriteString(next.String() + "\n")
	}
	if err = errors.Join(err, lock.Sync(), lock.Close()); err != nil {
		return errors.Join(err, os.Remove(file+".lock"))
	}
	return os.Rename(file+".lock", file)
}
