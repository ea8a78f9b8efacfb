package resources

import (
	"cmp"
	"context"
	"errors"
	"net/mail"
	"slices"
	"strings"

	"fgdsync.dev/libs/errs"
	"fgdsync.dev/libs/rpc"
	fabricv1 "fgdsync.dev/proto/fgd/fabric/v1"
	gitv1 "fgdsync.dev/proto/fgd/git/v1"
	"fgdsync.dev/services/orchestrator/internal/eventlog"
)

const (
	// mostCommits is how many commits are looked at for who changed files.
	mostCommits = 200
	// moreCommits is how many are looked at behind the one since which files have changed: what a sync ingested after it
	// may have been put there before it.
	moreCommits = 20
)

// authors says who changed files, as far as the last commits tell.
type authors struct {
	head    *fabricv1.FileAuthor // of the commit that is read
	commits []*gitv1.Commit      // newest first, without their changes
	touched map[string]*touches  // by path
}

// touches is which commits have changed a file.
type touches struct {
	at     []int // newest first
	closed bool  // further ones led to what the caller knows already
}

// authorsOf looks through the commits up to that of a snapshot. Of the changes since another commit is known how they
// began: what is older has nothing to do with them.
func (r *Resources) authorsOf(ctx context.Context, snapshot *gitv1.Snapshot, since *changes) (*authors, error) {
	a := &authors{
		head: &fabricv1.FileAuthor{Commit: snapshot.GetCommit()}, touched: map[string]*touches{},
	}
	walk := walk{authors: a, since: since, left: mostCommits}
	err := rpc.Collect(ctx, r.deps.History.ListCommits, &gitv1.ListCommitsRequest{
		SnapshotId: snapshot.GetSnapshotId(), Limit: mostCommits, WithChanges: true,
	}, walk.takeAll)
	if err != nil && !errors.Is(err, errEnough) && errs.KindOf(err) != errs.Precondition { // a host may have no history
		return nil, err
	}
	for i, c := range a.commits {
		if c.GetCommit() == snapshot.GetCommit() {
			a.head = a.of(i)
		}
	}
	return a, nil
}

// errEnough ends a listing whose rest is not needed.
var errEnough = errors.New("enough commits were seen")

// walk goes through commits, newest first.
type walk struct {
	*authors
	since *changes
	left  int // how many commits are still looked at
}

func (w *walk) takeAll(part *gitv1.ListCommitsResponse) error {
	for _, c := range part.GetCommits() {
		if err := w.take(c); err != nil {
			return err
		}
	}
	return nil
}

// take notes what a commit has changed. One that changed very many files comes in several parts.
func (w *walk) take(c *gitv1.Commit) error {
	if last := len(w.commits) - 1; last < 0 || w.commits[last].GetCommit() != c.GetCommit() {
		if w.left--; w.left < 0 {
			return errEnough
		}
		if c.GetCommit() == w.since.commit() {
			w.left = min(w.left, moreCommits)
		}
		w.commits = append(w.commits, c)
	}
	at := len(w.commits) - 1
	for _, change := range c.GetChanges() {
		w.touch(at, change)
	}
	c.Changes = nil
	return nil
}

// touch notes that a commit has changed a file. Of one that has changed since another commit, only changes that lead
// from what it was there to what it is now count.
func (w *walk) touch(at int, change *gitv1.FileChange) {
	path := change.GetPath()
	known, asked := w.since.before(path)
	if asked && w.commits[at].GetCommit() == w.since.commit() {
		return
	}
	t := w.touched[path]
	if t == nil {
		t = &touches{}
		w.touched[path] = t
	}
	if t.closed {
		return
	}
	t.at = append(t.at, at)
	t.closed = asked && known == change.GetOldBlobId()
}

// who returns who changed a file last. A sync changes one because of what somebody has put elsewhere, which it takes
// away from there in the same commit, or because somebody has asked for it. Nil where nobody was looked for.
func (a *authors) who(path, original string) *fabricv1.FileAuthor {
	if a == nil {
		return nil
	}
	t := a.touched[path]
	if t == nil {
		return a.head
	}
	newest := t.at[0]
	if a.isPerson(newest) {
		return a.of(newest)
	}
	if from := a.touched[original]; from != nil && slices.Contains(from.at, newest) {
		if put, found := a.personBefore(from, newest); found {
			return a.of(put)
		}
	}
	if edited, found := a.personBefore(t, newest); found && !a.isWanted(newest) {
		return a.of(edited)
	}
	return a.of(newest)
}

// isPerson reports whether no sync made a commit.
func (a *authors) isPerson(at int) bool { return a.commits[at].GetSyncId() == "" }

// personBefore returns the newest commit of a person that changed a file before another commit did.
func (a *authors) personBefore(t *touches, newest int) (int, bool) {
	for _, at := range t.at {
		if at > newest && a.isPerson(at) {
			return at, true
		}
	}
	return 0, false
}

// isWanted reports whether somebody has asked for the sync that made a commit, or has made the edits in it.
func (a *authors) isWanted(at int) bool {
	by := wanter(a.commits[at])
	return by != "" && by != eventlog.System && by != rpc.AnonymousCaller
}

// wanter is who wanted what a sync did: who made the edits, or who asked for the sync.
func wanter(c *gitv1.Commit) string { return cmp.Or(c.GetEditedBy(), c.GetRequestedBy()) }

// of returns who made a commit; of one that a sync made, who wanted that.
func (a *authors) of(at int) *fabricv1.FileAuthor {
	c := a.commits[at]
	out := &fabricv1.FileAuthor{
		Commit: c.GetCommit(), Name: c.GetAuthor().GetName(), Email: c.GetAuthor().GetEmail(), Subject: c.GetSubject(),
	}
	if a.isPerson(at) || !a.isWanted(at) {
		return out
	}
	out.Name, out.Email = nameAndAddress(wanter(c))
	return out
}

// nameAndAddress takes apart who wanted a sync, as its commit says it: an address stands at the end, and may have
// lost its brackets.
func nameAndAddress(by string) (name, address string) {
	space := strings.LastIndexByte(by, ' ')
	address = strings.Trim(by[space+1:], "<>")
	if _, err := mail.ParseAddress(address); err != nil {
		return by, ""
	}
	return cmp.Or(strings.TrimSpace(by[:max(space, 0)]), address), address
}
