package pipeline

import (
	"context"
	"errors"
	"fmt"

	"fgdsync.dev/libs/errs"
	"fgdsync.dev/libs/gittree"
	"fgdsync.dev/libs/ignore"
	"fgdsync.dev/libs/layout"
	"fgdsync.dev/services/ingestion/internal/dirlog"
	"fgdsync.dev/services/ingestion/internal/finding"
	"fgdsync.dev/services/ingestion/internal/inventory"
	"fgdsync.dev/services/ingestion/internal/quarantine"
	"fgdsync.dev/services/ingestion/internal/stage"
)

// scan is what a tree holds.
type scan struct {
	inventory.Inventory
	entries    []gittree.Entry
	others     []string        // paths that are no entries, escaped
	ignoreFile []byte          // .fgdignore
	unruly     *ignore.Problem // why that can't be obeyed
	log        []byte          // the unmanaged log
}

// scan lists a tree and sorts its leaves.
func (p *Pipeline) scan(ctx context.Context, tree gittree.Ref, req Request) (scan, error) {
	listing, err := p.Trees.Listing(ctx, tree)
	if err != nil {
		return scan{}, fmt.Errorf("list tree: %w", err)
	}
	contents, err := gittree.ReadFiles(ctx, p.Trees, tree.Snapshot, listing.Entries, map[string]int64{
		layout.Ignore: ignore.MaxBytes, layout.UnmanagedLog: dirlog.MaxBytes,
	})
	if err != nil {
		return scan{}, err
	}
	found := scan{
		entries: listing.Entries, others: listing.Unreadable, ignoreFile: contents[layout.Ignore],
		log: contents[layout.UnmanagedLog],
	}
	known := dirlog.Quarantined(found.log)
	rules := inventory.Rules{
		MaxFileBytes: p.MaxFileBytes, Quarantined: known.Contents(),
		RetryQuarantined: req.Retry, Retry: setOf(req.RetryOf), Release: setOf(req.Release),
	}
	rules.Ignore, err = ignore.Of(found.entries, found.ignoreFile)
	errors.As(err, &rules.Unruly)
	found.unruly = rules.Unruly
	if found.Inventory, err = inventory.Take(ctx, found.entries, rules); err != nil {
		return scan{}, err
	}
	found.Unreadable(listing.Unreadable)
	for i := range found.Sources {
		if source := &found.Sources[i]; layout.Part(source.Path) == layout.Unmanaged {
			source.Origin = known.Origin(source.Path)
		}
	}
	return found, nil
}

func setOf(paths []string) map[string]bool {
	set := make(map[string]bool, len(paths))
	for _, p := range paths {
		set[p] = true
	}
	return set
}

// release puts back what is wished for, and says which wishes come to nothing.
func (s *scan) release(on *stage.Tree, req Request) ([]dirlog.Released, []finding.Finding) {
	wishes := s.retries(req.RetryOf)
	if len(req.Release) == 0 {
		return nil, wishes
	}
	if s.unruly != nil {
		return nil, append(wishes, finding.Finding{
			Code: errs.ReleaseRefused, File: layout.Ignore, Document: -1, Message: "nothing is released: " + s.unruly.Error(),
			Remedy: s.unruly.Code.Remedy,
		})
	}
	released, ignoreFile, refused := quarantine.Release(on, quarantine.List(s.entries, s.log), req.Release, s.ignoreFile)
	if len(ignoreFile) != len(s.ignoreFile) {
		on.Put(layout.Ignore, ignoreFile, stage.BlobID(ignoreFile))
	}
	return released, append(wishes, refused...)
}

// retries says which files can't be judged again.
func (s *scan) retries(paths []string) []finding.Finding {
	var out []finding.Finding
	for _, p := range paths {
		e, there := gittree.Find(s.entries, p)
		switch {
		case !there || layout.Part(p) != layout.Unmanaged:
			out = append(out, quarantine.Missing(p))
		case !e.Mode.IsFile() || !layout.IsYAML(p):
			out = append(out, finding.Finding{
				Code: errs.UnsupportedFile, File: p, Document: -1, Message: "only YAML files can be judged again",
				Remedy: "Release the file to have it left alone, or remove it.",
			})
		}
	}
	return out
}
