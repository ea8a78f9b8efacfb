package orchestrator_test

import (
	"context"
	"fmt"
	"testing"

	"google.golang.org/protobuf/types/known/timestamppb"

	"fgdsync.dev/libs/errs"
	accessv1 "fgdsync.dev/proto/fgd/access/v1"
	"fgdsync.dev/testkit/redistest"
)

func tokenOf(id string, generation int64) *accessv1.Token {
	return &accessv1.Token{TokenId: id, Name: "of " + id, Digest: []byte("digest"), Generation: generation}
}

func (n *node) putToken(t *accessv1.Token, first bool) error {
	_, err := n.PutToken(n.t.Context(), &accessv1.PutTokenRequest{Token: t, First: first})
	return err
}

// tokens lists all tokens as id@generation.
func (n *node) tokens() []string {
	n.t.Helper()
	found, err := n.ListTokens(n.t.Context(), &accessv1.ListTokensRequest{})
	if err != nil {
		n.t.Fatal(err)
	}
	var out []string
	for _, t := range found.GetTokens() {
		out = append(out, fmt.Sprintf("%s@%d", t.GetTokenId(), t.GetGeneration()))
	}
	return out
}

// TestTokensChangeOneByOne: of two who change the same one, the later is refused; the first token of all is the first.
func TestTokensChangeOneByOne(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, b *bench) {
		if err := b.putToken(tokenOf("a", 1), true); err != nil {
			t.Fatal(err)
		}
		if err := b.putToken(tokenOf("a", 1), true); err != nil { // the answer was lost
			t.Errorf("the same again: %v", err)
		}
		if err := b.putToken(tokenOf("b", 1), true); !errs.HasCode(err, errs.FirstTokenExists) {
			t.Errorf("another first one: %v", err)
		}
		other := tokenOf("a", 1)
		other.Name = "another"
		for _, token := range []*accessv1.Token{other, tokenOf("a", 3), tokenOf("b", 2)} {
			if err := b.putToken(token, false); !errs.HasCode(err, errs.TokenChanged) {
				t.Errorf("%v: %v", token, err)
			}
		}
		if err := b.putToken(tokenOf("a", 2), false); err != nil {
			t.Error(err)
		}
		if err := b.putToken(tokenOf("b", 1), false); err != nil {
			t.Error(err)
		}
		equal(t, "tokens", b.tokens(), []string{"a@2", "b@1"})
	})
}

// TestTokensOutliveRedis: they come back from the ledger, also one that was revoked while Redis was there and lost it.
func TestTokensOutliveRedis(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, b *bench) {
		revoked := tokenOf("b", 2)
		revoked.RevokedAt = timestamppb.Now()
		for _, token := range []*accessv1.Token{tokenOf("a", 1), tokenOf("b", 1), revoked} {
			if err := b.putToken(token, false); err != nil {
				t.Fatal(err)
			}
		}
		b.flush()
		equal(t, "tokens without Redis", b.tokens(), []string{"a@1", "b@2"})
		if err := b.putToken(tokenOf("c", 1), true); !errs.HasCode(err, errs.FirstTokenExists) {
			t.Errorf("a first token after Redis was lost: %v", err)
		}
		if err := b.putToken(tokenOf("a", 2), false); err != nil {
			t.Errorf("a change after Redis was lost: %v", err)
		}
		if n, err := b.conn.Main.HLen(t.Context(), "fgd:{registry}:tokens").Result(); err != nil || n != 2 {
			t.Errorf("in Redis again: %d, %v", n, err)
		}
	})
}

// TestTokensAreToldToAll: what one orchestrator is told is told by another one.
func TestTokensAreToldToAll(t *testing.T) {
	t.Parallel()
	url := redistest.Start(t).URL()
	stages := newStages().serve(t)
	here, there := newNode(t, url, stages, testConfig(), "here"), newNode(t, url, stages, testConfig(), "there")
	ctx, leave := context.WithCancel(t.Context())
	defer leave()
	stream, err := there.WatchTokens(ctx, &accessv1.WatchTokensRequest{})
	if err != nil {
		t.Fatal(err)
	}
	if all, err := stream.Recv(); err != nil || len(all.GetTokens()) != 0 {
		t.Fatalf("at first %v, %v", all, err)
	}
	for generation := range int64(3) {
		if err := here.putToken(tokenOf("a", generation+1), false); err != nil {
			t.Fatal(err)
		}
		told, err := stream.Recv()
		for err == nil && len(told.GetTokens()) == 0 { // only that nothing has changed
			told, err = stream.Recv()
		}
		if err != nil || len(told.GetTokens()) != 1 || told.GetTokens()[0].GetGeneration() != generation+1 {
			t.Fatalf("told %v, %v", told, err)
		}
	}
}

// TestATokenIsRevokedWithoutRedis: it counts as soon as the ledger has it, and comes to Redis when that is back.
// Nothing else about tokens is taken meanwhile.
func TestATokenIsRevokedWithoutRedis(t *testing.T) {
	t.Parallel()
	server := redistest.Start(t)
	n := newNode(t, server.URL(), newStages().serve(t), testConfig(), "one")
	if err := n.putToken(tokenOf("a", 1), true); err != nil {
		t.Fatal(err)
	}
	server.Kill(t)
	if err := n.putToken(tokenOf("b", 1), false); errs.KindOf(err) != errs.Unavailable {
		t.Errorf("a new token without Redis: %v", err)
	}
	revoked := tokenOf("a", 2)
	revoked.RevokedAt = timestamppb.Now()
	if err := n.putToken(revoked, false); err != nil {
		t.Errorf("a revocation without Redis: %v", err)
	}
	equal(t, "tokens", n.tokens(), []string{"a@2"})
	server.Restart(t)
	equal(t, "tokens", n.tokens(), []string{"a@2"})
}

// TestWhenTokensWereUsed is told with them, and changes nothing else.
func TestWhenTokensWereUsed(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, b *bench) {
		if err := b.putToken(tokenOf("a", 1), true); err != nil {
			t.Fatal(err)
		}
		at := &timestamppb.Timestamp{Seconds: 1_800_000_000}
		if _, err := b.RecordTokenUse(t.Context(), &accessv1.RecordTokenUseRequest{
			UsedAt: map[string]*timestamppb.Timestamp{"a": at},
		}); err != nil {
			t.Fatal(err)
		}
		found, err := b.ListTokens(t.Context(), &accessv1.ListTokensRequest{})
		if err != nil || len(found.GetTokens()) != 1 {
			t.Fatalf("found %v, %v", found, err)
		}
		if got := found.GetTokens()[0]; got.GetLastUsedAt().GetSeconds() != at.GetSeconds() || got.GetGeneration() != 1 {
			t.Errorf("found %v", got)
		}
	})
}
