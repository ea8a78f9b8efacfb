// Package tokens keeps the tokens of the suite, in Redis and in the ledger, and tells what changes of them. It knows no
// secret of any.
package tokens

import (
	"context"
	"log/slog"
	"maps"
	"slices"
	"sync"
	"time"

	"google.golang.org/protobuf/types/known/timestamppb"

	"fgdsync.dev/libs/errs"
	"fgdsync.dev/libs/failpoint"
	accessv1 "fgdsync.dev/proto/fgd/access/v1"
	"fgdsync.dev/services/orchestrator/internal/ledger"
	"fgdsync.dev/services/orchestrator/internal/recovery"
)

const (
	// lookEvery is how often it is looked whether a token has changed: so soon a revocation is told everywhere.
	lookEvery = 250 * time.Millisecond
	// confirmEvery is how often listeners are told that nothing has changed, and what Redis can't say is looked for.
	confirmEvery = 5 * time.Second
)

// Tokens is all tokens.
type Tokens struct {
	store  *recovery.Reader
	ledger *ledger.Ledger
	log    *slog.Logger

	mu      sync.Mutex
	changed chan struct{} // closed when one has changed here
}

// New returns the tokens of a store and a ledger.
func New(store *recovery.Reader, kept *ledger.Ledger, log *slog.Logger) *Tokens {
	return &Tokens{store: store, ledger: kept, log: log, changed: make(chan struct{})}
}

// Put stores the next generation of a token. A revocation counts as soon as the ledger has it, also while Redis is
// away.
func (t *Tokens) Put(ctx context.Context, token *accessv1.Token, first bool) error {
	if err := t.store.EnsureComplete(ctx); err != nil && token.GetRevokedAt() == nil {
		return err
	}
	failpoint.Hit(failpoint.TokenBefore)
	err := t.store.PutToken(ctx, token, first)
	failpoint.Hit(failpoint.TokenStored)
	if err != nil && (errs.KindOf(err) != errs.Unavailable || token.GetRevokedAt() == nil) {
		return err
	}
	if err := t.ledger.PutToken(token); err != nil {
		return err
	}
	failpoint.Hit(failpoint.TokenKept)
	if err != nil {
		t.log.WarnContext(ctx, "a token was revoked while Redis is away", "token_id", token.GetTokenId(),
			"error", err.Error())
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	close(t.changed)
	t.changed = make(chan struct{})
	return nil
}

// All returns all tokens by their ids: of each the newest that Redis and the ledger have. While Redis is away, it is
// what the ledger has.
func (t *Tokens) All(ctx context.Context) ([]*accessv1.Token, error) {
	kept, err := t.ledger.Tokens()
	if err != nil {
		return nil, err
	}
	stored, err := t.store.Tokens(ctx)
	if err != nil && errs.KindOf(err) != errs.Unavailable {
		return nil, err
	}
	newest := map[string]*accessv1.Token{}
	for _, token := range slices.Concat(stored, kept) {
		if known := newest[token.GetTokenId()]; known.GetGeneration() < token.GetGeneration() {
			newest[token.GetTokenId()] = token
		}
	}
	all := make([]*accessv1.Token, 0, len(newest))
	for _, id := range slices.Sorted(maps.Keys(newest)) {
		all = append(all, newest[id])
	}
	return all, nil
}

// Watch calls with all tokens, and then with those that have changed, until ctx ends or the call returns an error. A
// call with none says that nothing has.
func (t *Tokens) Watch(ctx context.Context, call func([]*accessv1.Token) error) error {
	told := map[string]int64{}
	for {
		version, _ := t.store.TokenVersion(ctx) // of before they are read; without Redis what is here is told
		changed := t.here()
		all, err := t.All(ctx)
		if err != nil {
			return err
		}
		var news []*accessv1.Token
		for _, token := range all {
			if told[token.GetTokenId()] < token.GetGeneration() {
				told[token.GetTokenId()] = token.GetGeneration()
				news = append(news, token)
			}
		}
		if err := call(news); err != nil {
			return err
		}
		if err := t.wait(ctx, version, changed); err != nil {
			return err
		}
	}
}

func (t *Tokens) here() <-chan struct{} {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.changed
}

// wait returns when something may have changed.
func (t *Tokens) wait(ctx context.Context, version string, changed <-chan struct{}) error {
	look := time.NewTicker(lookEvery)
	defer look.Stop()
	confirm := time.NewTimer(confirmEvery)
	defer confirm.Stop()
	for {
		select {
		case <-ctx.Done():
			return context.Cause(ctx)
		case <-changed:
			return nil
		case <-confirm.C:
			return nil
		case <-look.C:
		}
		if now, err := t.store.TokenVersion(ctx); err == nil && now != version {
			return nil
		}
	}
}

// RecordUse remembers when tokens were last used.
func (t *Tokens) RecordUse(ctx context.Context, used map[string]*timestamppb.Timestamp) error {
	return t.store.RecordTokenUse(ctx, used)
}
