package access

import (
	"context"
	"net/netip"
	"slices"
	"sync"
	"time"

	"google.golang.org/protobuf/types/known/timestamppb"

	"fgdsync.dev/libs/errs"
	accessv1 "fgdsync.dev/proto/fgd/access/v1"
	"fgdsync.dev/services/bridge/internal/token"
)

// staleAfter is for how long what is known of tokens counts when nobody confirms it: so late may a revocation be that
// can't be told.
const staleAfter = 30 * time.Second

// Tokens are all tokens of the suite, held in memory, so that a call costs no other. A call with one that was revoked
// ends.
type Tokens struct {
	peppers token.Peppers
	now     func() time.Time

	mu        sync.RWMutex
	byID      map[string]*accessv1.Token
	confirmed time.Time
	used      map[string]time.Time // since they were last told
	open      map[string]map[*open]struct{}
}

// open is a stream whose caller showed a token.
type open struct{ end context.CancelCauseFunc }

// NewTokens returns what knows no token yet.
func NewTokens(peppers token.Peppers, now func() time.Time) *Tokens {
	return &Tokens{
		peppers: peppers, now: now, byID: map[string]*accessv1.Token{}, used: map[string]time.Time{},
		open: map[string]map[*open]struct{}{},
	}
}

// Update takes over what has changed of tokens, and ends what goes on with those that are not taken any more. A record
// replaces the one before as a whole; nothing of that one stays. An older record never replaces a newer one, and what
// is not among the changed stays as it is, also when they are all that one orchestrator has: tokens are never removed,
// and without Redis one may not know what another was told. Without any it says that what is known is right.
func (t *Tokens) Update(changed []*accessv1.Token) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.confirmed = t.now()
	for _, one := range changed {
		t.replace(one)
	}
}

// learn takes over a token that was changed by way of this process.
func (t *Tokens) learn(one *accessv1.Token) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.replace(one)
}

// replace is called with the lock held.
func (t *Tokens) replace(one *accessv1.Token) {
	id := one.GetTokenId()
	if known := t.byID[id]; known.GetGeneration() >= one.GetGeneration() {
		return
	}
	t.byID[id] = one
	for o := range t.open[id] {
		o.end(notAuthenticated("The token was revoked or replaced while the call went on."))
	}
	delete(t.open, id)
}

// record returns what is known of a token; nil when nothing is.
func (t *Tokens) record(id string) *accessv1.Token {
	t.mu.RLock()
	defer t.mu.RUnlock()
	return t.byID[id]
}

// Known reports whether what is known of tokens has been confirmed of late.
func (t *Tokens) Known() bool {
	t.mu.RLock()
	defer t.mu.RUnlock()
	return t.fresh()
}

// fresh is Known with the lock held.
func (t *Tokens) fresh() bool { return t.now().Sub(t.confirmed) < staleAfter }

// EndUnknown ends what goes on with tokens when what is known of them has not been confirmed of late, as new calls are
// refused then: a revocation could not be heard of.
func (t *Tokens) EndUnknown() {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.fresh() {
		return
	}
	for _, streams := range t.open {
		for o := range streams {
			o.end(unknown().WithRemedy("Come again with the same token in a while. When that does not help, see that the " +
				"orchestrator and its Redis run."))
		}
	}
	clear(t.open)
}

// TakeUsed returns when tokens were used that were used since it was last asked.
func (t *Tokens) TakeUsed() map[string]*timestamppb.Timestamp {
	t.mu.Lock()
	defer t.mu.Unlock()
	used := make(map[string]*timestamppb.Timestamp, len(t.used))
	for id, at := range t.used {
		used[id] = timestamppb.New(at)
	}
	clear(t.used)
	return used
}

// authenticate returns who shows a token.
func (t *Tokens) authenticate(text string, from netip.Addr) (*Principal, error) {
	shown, err := token.Parse(text)
	if err != nil {
		return nil, notAuthenticated("What is shown is %v.", err)
	}
	record, err := t.find(shown)
	if err != nil {
		return nil, err
	}
	if err := t.refuse(record, from); err != nil {
		return nil, err
	}
	t.use(record)
	return &Principal{
		Name: record.GetName(), Method: ByToken, TokenID: record.GetTokenId(), Grants: record.GetGrants(),
		Expires: record.GetExpiresAt().AsTime(), SpeaksForPeople: record.GetSpeaksForPeople(),
		generation: record.GetGeneration(),
	}, nil
}

// find returns the record of a token. One that is not known and one with another secret are refused alike, and take as
// long.
func (t *Tokens) find(shown token.Token) (*accessv1.Token, error) {
	t.mu.RLock()
	record, fresh := t.byID[shown.ID], t.fresh()
	t.mu.RUnlock()
	if !fresh {
		return nil, unknown()
	}
	pepper, digest := record.GetPepperId(), record.GetDigest()
	if record == nil {
		pepper, _ = t.peppers.Digest(shown)
	}
	if !t.peppers.Matches(shown, pepper, digest) || record == nil {
		return nil, notAuthenticated("The token is not known.")
	}
	return record, nil
}

// refuse says why a token is not taken that is the right one.
func (t *Tokens) refuse(record *accessv1.Token, from netip.Addr) error {
	switch {
	case record.GetRevokedAt() != nil:
		return notAuthenticated("The token %s was revoked.", record.GetTokenId())
	case !t.now().Before(record.GetExpiresAt().AsTime()):
		return notAuthenticated("The token %s has expired.", record.GetTokenId())
	case !admits(record.GetNetworks(), from):
		return notAuthenticated("The token %s is not taken from this address.", record.GetTokenId())
	}
	return nil
}

// admits reports whether an address is in one of some networks; when there are none, each is.
func admits(networks []string, from netip.Addr) bool {
	return len(networks) == 0 || slices.ContainsFunc(networks, func(text string) bool {
		network, err := netip.ParsePrefix(text)
		return err == nil && network.Contains(from)
	})
}

// use remembers that a token was used, to the minute.
func (t *Tokens) use(record *accessv1.Token) {
	now := t.now()
	if now.Sub(record.GetLastUsedAt().AsTime()) < time.Minute {
		return
	}
	t.mu.RLock()
	last := t.used[record.GetTokenId()]
	t.mu.RUnlock()
	if now.Sub(last) < time.Minute {
		return
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	t.used[record.GetTokenId()] = now
}

// whileValid returns a context that ends when the token of a principal is not taken any more. The function it returns
// is called when the stream has ended.
func (t *Tokens) whileValid(ctx context.Context, p *Principal) (context.Context, func()) {
	ctx, stop := endingAt(ctx, p.Expires, notAuthenticated("The token has expired while the call went on."))
	ctx, end := context.WithCancelCause(ctx)
	o := &open{end: end}
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.byID[p.TokenID].GetGeneration() != p.generation { // changed since it was shown
		end(notAuthenticated("The token was revoked or replaced."))
	} else {
		if t.open[p.TokenID] == nil {
			t.open[p.TokenID] = map[*open]struct{}{}
		}
		t.open[p.TokenID][o] = struct{}{}
	}
	return ctx, func() {
		end(nil)
		stop()
		t.mu.Lock()
		defer t.mu.Unlock()
		delete(t.open[p.TokenID], o)
		if len(t.open[p.TokenID]) == 0 {
			delete(t.open, p.TokenID)
		}
	}
}

func unknown() *errs.Error {
	return errs.New(errs.IdentityUnavailable, "It can't be found out at the moment which tokens are taken.")
}

func notAuthenticated(format string, args ...any) *errs.Error {
	return errs.New(errs.NotAuthenticated, format, args...)
}
