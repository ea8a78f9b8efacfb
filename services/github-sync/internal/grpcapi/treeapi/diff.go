package treeapi

import (
	"unicode/utf8"

	"fgdsync.dev/services/github-sync/internal/snapshot"
)

// sendDiff sends the difference for people, in pieces.
func sendDiff(s *snapshot.Snapshot, pairs []snapshot.Pair, send func(piece string) error) error {
	text, err := s.Diff(pairs, diffLimit)
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
