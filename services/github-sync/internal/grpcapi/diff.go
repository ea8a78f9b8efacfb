package grpcapi

import (
	"unicode/utf8"

	"github.com/go-git/go-git/v5/plumbing"
	"github.com/go-git/go-git/v5/plumbing/filemode"

	"fgdsync.dev/libs/errs"
	"fgdsync.dev/services/github-sync/internal/snapshot"
	"fgdsync.dev/services/github-sync/internal/textdiff"
)

// sendDiff sends the difference for people, in pieces.
func sendDiff(s *snapshot.Snapshot, pairs []snapshot.Pair, send func(piece string) error) error {
	text, err := diffText(s, pairs)
	if err != nil {
		return err
	}
	for len(text) > 0 {
		n := min(len(text), diffPiece)
		for n < len(text) && !utf8.RuneStart(text[n]) { // a message holds whole characters
			n--
		}
		if err := send(text[:n]); err != nil {
			return err
		}
		text = text[n:]
	}
	return nil
}

// diffText writes the difference for people. What only moved is shown as moved.
func diffText(s *snapshot.Snapshot, pairs []snapshot.Pair) (string, error) {
	b := textdiff.NewBuilder(diffLimit)
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
			if f.Old, err = side(s, p.Old); err != nil {
				return "", err
			}
			if f.New, err = side(s, p.New); err != nil {
				return "", err
			}
		}
		b.Add(f)
	}
	return b.String(), nil
}

// side reads one side of a difference. What is too large to read is shown as binary.
func side(s *snapshot.Snapshot, leaf snapshot.Leaf) ([]byte, error) {
	if leaf.Hash.IsZero() || leaf.Mode == filemode.Submodule {
		return nil, nil
	}
	content, err := s.Blob(leaf.Hash)
	if errs.HasCode(err, errs.FileTooLarge) {
		return append([]byte{0}, leaf.Hash[:]...), nil
	}
	return content, err
}
