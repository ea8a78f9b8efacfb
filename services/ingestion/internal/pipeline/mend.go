package pipeline

import (
	"context"
	"fmt"

	"fgdsync.dev/libs/errs"
	"fgdsync.dev/libs/gittree"
	"fgdsync.dev/libs/layout"
)

// Mend is what a file in quarantine shall say.
type Mend struct {
	Path    string
	Match   string // blob that it has to be
	Content []byte
}

// Mend returns a tree in which a file in quarantine says something else: an ingestion takes it up. NOT_FOUND (FGD_1019)
// when it is not there, FAILED_PRECONDITION (FGD_1069) when it is another one by now.
func (p *Pipeline) Mend(ctx context.Context, tree gittree.Ref, mend Mend) (string, error) {
	listing, err := p.Trees.Listing(ctx, tree)
	if err != nil {
		return "", fmt.Errorf("list tree: %w", err)
	}
	entry, there := gittree.Find(listing.Entries, mend.Path)
	switch {
	case !there || layout.Part(mend.Path) != layout.Unmanaged || !entry.Mode.IsFile():
		return "", errs.New(errs.NotInQuarantine, "%q is not in quarantine.", mend.Path)
	case entry.Blob != mend.Match:
		return "", errs.New(errs.ResourceChanged, "%s has changed: it is %s by now, and not %s.", mend.Path, entry.Blob,
			mend.Match).WithRemedy("Look at the file again, and mend what it says now.")
	}
	mended, err := p.Trees.Write(ctx, tree, []gittree.Change{{Path: mend.Path, Mode: entry.Mode, Content: mend.Content}})
	if err != nil {
		return "", fmt.Errorf("write tree: %w", err)
	}
	return mended, nil
}
