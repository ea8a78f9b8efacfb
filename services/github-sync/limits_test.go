package githubsync_test

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/go-git/go-git/v5/plumbing"
	"github.com/go-git/go-git/v5/plumbing/filemode"
	"google.golang.org/protobuf/types/known/timestamppb"

	"fgdsync.dev/libs/errs"
	gitv1 "fgdsync.dev/proto/fgd/git/v1"
	"fgdsync.dev/services/github-sync/internal/object"
)

// TestTreeBomb: twelve small trees hold more paths than there is time for. With and without a file at the bottom the
// list ends with an error.
func TestTreeBomb(t *testing.T) {
	t.Parallel()
	for name, bottom := range map[string]string{"files": "x: 1\n", "folders": ""} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := setup(t)
			b.host.CreateEmpty(t, repository)
			tree := b.putTree(nil)
			if bottom != "" {
				tree = b.putTree([]object.Entry{{Name: "x.yaml", Mode: filemode.Regular, Hash: b.put("blob", []byte(bottom))}})
			}
			for range 12 {
				var wide []object.Entry
				for i := range 10 {
					wide = append(wide, object.Entry{Name: fmt.Sprint(i), Mode: filemode.Dir, Hash: tree})
				}
				tree = b.putTree(wide)
			}
			root := b.putTree([]object.Entry{{Name: "f", Mode: filemode.Dir, Hash: tree}})
			head := strings.TrimSpace(b.host.Git(t, repository, "commit-tree", "-m", "bomb", root.String()))
			b.host.Git(t, repository, "update-ref", "refs/heads/"+branch, head)
			s := b.open("f")
			stream, err := b.trees.ListTree(t.Context(), &gitv1.ListTreeRequest{
				SnapshotId: s.GetSnapshotId(),
				Tree:       s.GetTree(),
			})
			if err == nil {
				_, err = stream.Recv()
			}
			b.requireCode(err, errs.RepositoryUnsupported)
		})
	}
}

// put writes an object into the repository of the host.
func (b *bench) put(kind string, content []byte) plumbing.Hash {
	b.t.Helper()
	path := filepath.Join(b.t.TempDir(), kind)
	if err := os.WriteFile(path, content, 0o600); err != nil {
		b.t.Fatal(err)
	}
	return plumbing.NewHash(strings.TrimSpace(b.host.Git(b.t, repository, "hash-object", "-t", kind, "-w", path)))
}

func (b *bench) putTree(entries []object.Entry) plumbing.Hash {
	b.t.Helper()
	return b.put("tree", object.EncodeTree(entries))
}

// TestATreeThatIsTooLarge: it is not even read.
func TestATreeThatIsTooLarge(t *testing.T) {
	t.Parallel()
	const entries, name = 242_000, 250
	b := setup(t)
	b.host.CreateEmpty(t, repository)
	file := b.put("blob", []byte("x: 1\n"))
	var all []object.Entry
	for i := range entries {
		all = append(all, object.Entry{Name: fmt.Sprintf("%0*d", name, i), Mode: filemode.Regular, Hash: file})
	}
	root := b.putTree([]object.Entry{{Name: "f", Mode: filemode.Dir, Hash: b.putTree(all)}})
	head := strings.TrimSpace(b.host.Git(t, repository, "commit-tree", "-m", "wide", root.String()))
	b.host.Git(t, repository, "update-ref", "refs/heads/"+branch, head)
	s := b.open("f")
	stream, err := b.trees.ListTree(t.Context(), &gitv1.ListTreeRequest{SnapshotId: s.GetSnapshotId(), Tree: s.GetTree()})
	if err == nil {
		_, err = stream.Recv()
	}
	b.requireCode(err, errs.RepositoryUnsupported)
	if !strings.Contains(err.Error(), "has 67276000 bytes; the limit is 67108864.") {
		t.Error(err)
	}
}

// TestDepth: nothing is written into folders that are nested without end; TestFoldersTooDeep has what is read of them.
func TestDepth(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.host.Create(t, repository, branch, content)
	s := b.open("f")
	_, err := b.write(s, map[string]string{strings.Repeat("e/", 100) + "x.yaml": "x: 1\n"})
	b.requireCode(err, errs.InvalidRequest)
}

// TestBadPublish: what would make a commit that Git can't use is refused.
func TestBadPublish(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.host.Create(t, repository, branch, content)
	s := b.open("f")
	tree := b.mustWrite(s, map[string]string{"a.yaml": "a: 2\n"})
	for name, change := range map[string]func(*gitv1.PublishRequest){
		"no tree":         func(r *gitv1.PublishRequest) { r.Tree = "" },
		"no message":      func(r *gitv1.PublishRequest) { r.Message = "" },
		"no author":       func(r *gitv1.PublishRequest) { r.Author = nil },
		"no time":         func(r *gitv1.PublishRequest) { r.Time = nil },
		"before the time": func(r *gitv1.PublishRequest) { r.Time = timestamppb.New(time.Unix(-5, 0)) },
	} {
		request := &gitv1.PublishRequest{
			SnapshotId: s.GetSnapshotId(), Tree: tree, Message: "m\n", Author: &gitv1.Signature{Name: "Ada"},
			Time: timestamppb.New(when),
		}
		change(request)
		if _, err := b.repositories.Publish(t.Context(), request); !errs.HasCode(err, errs.InvalidRequest) {
			t.Errorf("%s: %v", name, err)
		}
	}
	b.requireCommits(1)
}
