package pipeline

import (
	"context"
	"fmt"
	"slices"

	"fgdsync.dev/libs/errs"
	"fgdsync.dev/libs/gittree"
	"fgdsync.dev/libs/ignore"
	"fgdsync.dev/libs/layout"
	"fgdsync.dev/services/ingestion/internal/finding"
	"fgdsync.dev/services/ingestion/internal/inventory"
	"fgdsync.dev/services/ingestion/internal/journal"
	"fgdsync.dev/services/ingestion/internal/quarantine"
	"fgdsync.dev/services/ingestion/internal/shelf"
)

// maxIgnoreBytes bounds the .fgdignore that is read; a larger one counts as absent.
const maxIgnoreBytes = 1 << 20

// survey is what a tree holds.
type survey struct {
	inventory.Inventory
	entries    []gittree.Entry
	ignoreFile []byte // .fgdignore
	log        []byte // the unmanaged log
}

// survey lists a tree and sorts its leaves.
func (p *Pipeline) survey(ctx context.Context, tree gittree.Ref, req Request) (survey, error) {
	var found survey
	var err error
	if found.entries, err = p.Trees.List(ctx, tree); err != nil {
		return survey{}, fmt.Errorf("list tree: %w", err)
	}
	for name, part := range map[string]struct {
		content *[]byte
		limit   int64
	}{layout.Ignore: {&found.ignoreFile, maxIgnoreBytes}, layout.UnmanagedLog: {&found.log, journal.MaxBytes}} {
		e, there := found.entry(name)
		if !there || !e.Mode.IsFile() || e.Size > part.limit {
			continue
		}
		if *part.content, err = p.load(ctx, tree.Snapshot, e.Blob); err != nil {
			return survey{}, fmt.Errorf("read %s: %w", name, err)
		}
	}
	found.Inventory = inventory.Take(found.entries, inventory.Rules{
		MaxFileBytes: p.MaxFileBytes, Ignore: ignore.Parse(found.ignoreFile), Quarantined: journal.Quarantined(found.log),
		RetryQuarantined: req.Retry, Retry: setOf(req.RetryOf), Release: setOf(req.Release),
	})
	return found, nil
}

func (s *survey) entry(p string) (gittree.Entry, bool) {
	i := slices.IndexFunc(s.entries, func(e gittree.Entry) bool { return e.Path == p })
	if i < 0 {
		return gittree.Entry{}, false
	}
	return s.entries[i], true
}

func setOf(paths []string) map[string]bool {
	set := make(map[string]bool, len(paths))
	for _, p := range paths {
		set[p] = true
	}
	return set
}

// release puts back what is wished for, and says which wishes come to nothing.
func (s *survey) release(on *shelf.Shelf, req Request) ([]journal.Released, []finding.Finding) {
	wishes := s.retries(req.RetryOf)
	if len(req.Release) == 0 {
		return nil, wishes
	}
	if e, there := s.entry(layout.Ignore); there && (!e.Mode.IsFile() || e.Size > maxIgnoreBytes) {
		return nil, append(wishes, finding.Finding{
			Code: errs.ReleaseRefused, File: layout.Ignore, Document: -1, Message: "nothing is released: " + layout.Ignore +
				" is no file that can be added to",
			Remedy: "Make " + layout.Ignore + " a plain file of less than a megabyte.",
		})
	}
	released, ignoreFile, refused := quarantine.Release(on, quarantine.List(s.entries, s.log), req.Release, s.ignoreFile)
	if len(ignoreFile) != len(s.ignoreFile) {
		on.Put(layout.Ignore, ignoreFile, shelf.BlobID(ignoreFile))
	}
	return released, append(wishes, refused...)
}

// retries says which files can't be judged again.
func (s *survey) retries(paths []string) []finding.Finding {
	var out []finding.Finding
	for _, p := range paths {
		e, there := s.entry(p)
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
