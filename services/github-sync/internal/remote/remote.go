package remote

import (
	"context"
	"errors"
	"slices"
	"strings"

	"github.com/go-git/go-git/v5/plumbing"
	"github.com/go-git/go-git/v5/storage/filesystem"

	"fgdsync.dev/libs/errs"
	"fgdsync.dev/services/github-sync/internal/credentials"
)

// ErrUnreadable is in the chain when an answer came and can't be used. What the store holds may be the reason, since
// the answer builds on it.
var ErrUnreadable = errors.New("the answer can't be used")

// ErrAnswered is in the chain when a host answered, and could not do what it was asked for.
var ErrAnswered = errors.New("the host answered")

// MovedError is in the chain of a refusal in words that hosts have for a branch which has moved. They have them for
// other things too: when the branch is where it was, the refusal is what the error says.
type MovedError struct {
	Refusal *errs.Error
	// Locked says that somebody else may have been about to move the branch.
	Locked bool
}

func (e *MovedError) Error() string { return e.Refusal.Error() }

// Refs are the branches of a remote.
type Refs struct {
	Branches map[string]plumbing.Hash // by name without refs/heads/
	Default  string                   // the branch that HEAD names; empty when the host does not say
}

// Remote is one repository, spoken to with one set of credentials.
type Remote interface {
	// Login returns what is the same for remotes that are spoken to with the same credentials, and for no others.
	Login() credentials.Fingerprint
	// Refs asks where the branches are.
	Refs(ctx context.Context) (Refs, error)
	// Fetch brings a commit, with its tree, into a store; with a depth above 1 also commits before it.
	Fetch(ctx context.Context, into *filesystem.Storage, commit plumbing.Hash, depth int) error
	// PushRefs asks where the branches are, as the first half of a push.
	PushRefs(ctx context.Context) (Pusher, error)
}

// Pusher is the second half of a push.
type Pusher interface {
	// Head is where a branch was in the first half.
	Head(branch string) (plumbing.Hash, bool)
	// Under lists the branches whose names begin so, in order.
	Under(prefix string) []string
	// Push sends a pack and moves a branch, if it is still where it was. An error of kind Unavailable says that the
	// outcome is not known.
	Push(ctx context.Context, branch string, old, next plumbing.Hash, pack []byte) error
}

// heads is where the branches were in the first half of a push.
type heads map[string]plumbing.Hash

func (h heads) Head(branch string) (plumbing.Hash, bool) {
	id, there := h[branch]
	return id, there
}

func (h heads) Under(prefix string) []string {
	var names []string
	for name := range h {
		if strings.HasPrefix(name, prefix) {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	return names
}
