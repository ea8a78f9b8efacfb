package store

import (
	"strings"
	"testing"

	"github.com/go-git/go-git/v5/plumbing"

	"fgdsync.dev/libs/errs"
)

// TestWhoIsToBlameForWhatIsMissed: what a host sends when it is asked anew was lost here, however often; what it does
// not send then, it does not have.
func TestWhoIsToBlameForWhatIsMissed(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.create("r.git", 1)
	p := b.pool(plenty, week)
	there := plumbing.NewHash(strings.TrimSpace(b.host.Git(t, "r.git", "rev-parse", branch+":a.yaml")))
	nowhere := plumbing.NewHash(strings.Repeat("1", 40))
	for attempt, want := range []errs.Code{errs.StorageFailed, errs.HostIncomplete, errs.HostIncomplete} {
		for id, code := range map[plumbing.Hash]errs.Code{there: errs.StorageFailed, nowhere: want} {
			objects := b.mustOpen(p, "r.git")
			err := objects.Unreadable(id, plumbing.ErrObjectNotFound)
			if !errs.HasCode(err, code) || Missed(err) != (code == errs.StorageFailed) {
				t.Errorf("attempt %d at %s: %v, not %s", attempt, id, err, code.Name)
			}
			if err := objects.Unreadable(nowhere, plumbing.ErrObjectNotFound); !Missed(err) {
				t.Errorf("attempt %d, of a store that is given up: %v", attempt, err)
			}
			b.close(objects)
		}
	}
}
