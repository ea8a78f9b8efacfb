package ledger

import (
	"fmt"

	"go.etcd.io/bbolt"
	"google.golang.org/protobuf/proto"

	accessv1 "fgdsync.dev/proto/fgd/access/v1"
)

// PutToken keeps a token, unless one as new or newer is known.
func (l *Ledger) PutToken(t *accessv1.Token) error {
	kept := proto.CloneOf(t)
	kept.LastUsedAt = nil // changes without a new generation
	raw, err := proto.Marshal(kept)
	if err != nil {
		return fmt.Errorf("encode token: %w", err)
	}
	return l.Durably(func(tx *bbolt.Tx) error {
		tokens, key := tx.Bucket([]byte(bucketTokens)), []byte(t.GetTokenId())
		known := &accessv1.Token{}
		if err := proto.Unmarshal(tokens.Get(key), known); err != nil {
			return err
		}
		if known.GetGeneration() >= t.GetGeneration() {
			return nil
		}
		return tokens.Put(key, raw)
	})
}

// Tokens reads all tokens.
func (l *Ledger) Tokens() ([]*accessv1.Token, error) {
	var tokens []*accessv1.Token
	err := l.View(func(tx *bbolt.Tx) error {
		return tx.Bucket([]byte(bucketTokens)).ForEach(func(_, raw []byte) error {
			t := &accessv1.Token{}
			tokens = append(tokens, t)
			return proto.Unmarshal(raw, t)
		})
	})
	return tokens, err
}
