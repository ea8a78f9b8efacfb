package snapshot

import (
	"github.com/go-git/go-git/v5/plumbing"
	"github.com/go-git/go-git/v5/plumbing/filemode"

	"fgdsync.dev/libs/errs"
	"fgdsync.dev/services/github-sync/internal/textdiff"
)

// Diff writes the difference for people, as git diff does, up to so many bytes. What only moved is shown as moved.
func (s *Snapshot) Diff(pairs []Pair, limit int) (string, error) {
	b := textdiff.NewBuilder(limit)
	gone := map[plumbing.Hash][]string{}
	for _, p := range pairs {
		if p.New.Hash.IsZero() {
			gone[p.Old.Hash] = append(gone[p.Old.Hash], p.Path)
		}
	}
	moved := map[string]string{} // by new path
	from := map[string]bool{}
	for _, p := range pairs {
		if origins := gone[p.New.Hash]; p.Old.Hash.IsZero() && len(origins) > 0 {
			moved[p.Path], gone[p.New.Hash] = origins[0], origins[1:]
			from[origins[0]] = true
		}
	}
	for _, p := range pairs {
		if from[p.Path] {
			continue
		}
		f := textdiff.File{
			Path: p.Path, OldPath: moved[p.Path], OldExists: !p.Old.Hash.IsZero(),
			NewExists: !p.New.Hash.IsZero(),
		}
		if !b.Full() && f.OldPath == "" {
			var err error
			if f.Old, err = s.side(p.Old); err != nil {
				return "", err
			}
			if f.New, err = s.side(p.New); err != nil {
				return "", err
			}
		}
		b.Add(f)
	}
	return b.String(), nil
}

// side reads one side of a difference. What is too large to read is shown as binary.
func (s *Snapshot) side(leaf Leaf) ([]byte, error) {
	if leaf.Hash.IsZero() || leaf.Mode == filemode.Submodule {
		return nil, nil
	}
	content, err := s.Blob(leaf.Hash)
	if errs.HasCode(err, errs.FileTooLarge) {
		return append([]byte{0}, leaf.Hash[:]...), nil
	}
	return content, err
}
