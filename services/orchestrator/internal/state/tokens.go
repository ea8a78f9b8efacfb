package state

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"time"

	"github.com/redis/go-redis/v9"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/timestamppb"

	"fgdsync.dev/libs/errs"
	"fgdsync.dev/libs/redisconn"
	accessv1 "fgdsync.dev/proto/fgd/access/v1"
)

// Keys of tokens: records by their ids, the generation of each, what grows when any changes, and when they were last
// used.
const (
	tokensKey           = "fgd:{registry}:tokens"            //nolint:gosec // the name of a key
	tokenGenerationsKey = "fgd:{registry}:token-generations" //nolint:gosec // the same
	tokenVersionKey     = "fgd:{registry}:token-version"     //nolint:gosec // the same
	tokenUseKey         = "fgd:{registry}:token-use"         //nolint:gosec // the same
)

// PutToken stores the next generation of a token: FGD_1054 when another one was stored since, FGD_1053 when it has to
// be the first token of all and is not.
func (s *Store) PutToken(ctx context.Context, t *accessv1.Token, first bool) error {
	verdict, err := s.putToken(ctx, "put", t, first)
	switch {
	case err != nil:
		return err
	case verdict == "changed":
		return errs.New(errs.TokenChanged, "The token %s was changed by somebody else.", t.GetTokenId())
	case verdict == "exists":
		return errs.New(errs.FirstTokenExists, "There are tokens already.")
	}
	return nil
}

// RecoverToken brings a token back, unless Redis has it as new or newer. It reports whether it did.
func (s *Store) RecoverToken(ctx context.Context, t *accessv1.Token) (bool, error) {
	verdict, err := s.putToken(ctx, "recover", t, false)
	return verdict == "ok", err
}

func (s *Store) putToken(ctx context.Context, mode string, t *accessv1.Token, first bool) (string, error) {
	raw, err := proto.MarshalOptions{Deterministic: true}.Marshal(t)
	if err != nil {
		return "", fmt.Errorf("encode token: %w", err)
	}
	reply, err := s.conn.Run(ctx, s.scripts.putToken, []string{tokensKey, tokenGenerationsKey, tokenVersionKey},
		mode, t.GetTokenId(), t.GetGeneration(), raw, first)
	if err != nil {
		return "", fmt.Errorf("store token %s: %w", t.GetTokenId(), err)
	}
	verdict, _ := reply.(string)
	return verdict, nil
}

// Tokens reads all tokens, with when they were last used.
func (s *Store) Tokens(ctx context.Context) ([]*accessv1.Token, error) {
	replies, err := s.pipelined(ctx, func(p redis.Pipeliner) {
		p.HGetAll(ctx, tokensKey)
		p.HGetAll(ctx, tokenUseKey)
	})
	if err != nil {
		return nil, fmt.Errorf("read tokens: %w", err)
	}
	used := replies[1].(*redis.MapStringStringCmd).Val()
	var tokens []*accessv1.Token
	for id, raw := range replies[0].(*redis.MapStringStringCmd).Val() {
		t := &accessv1.Token{}
		if err := proto.Unmarshal([]byte(raw), t); err != nil {
			return nil, fmt.Errorf("decode token %s: %w", id, err)
		}
		if seconds, err := strconv.ParseInt(used[id], 10, 64); err == nil {
			t.LastUsedAt = timestamppb.New(time.Unix(seconds, 0))
		}
		tokens = append(tokens, t)
	}
	return tokens, nil
}

// TokenVersion returns what is another one when a token has changed since.
func (s *Store) TokenVersion(ctx context.Context) (string, error) {
	version, err := redisconn.Repeat(ctx, func() (string, error) {
		return s.conn.Main.Get(ctx, tokenVersionKey).Result()
	})
	if err != nil && !errors.Is(err, redis.Nil) {
		return "", fmt.Errorf("read the version of tokens: %w", err)
	}
	return version, nil
}

// RecordTokenUse remembers when tokens were last used. It is for people to look at: it is lost with Redis, and whoever
// comes last has the last word.
func (s *Store) RecordTokenUse(ctx context.Context, used map[string]*timestamppb.Timestamp) error {
	if len(used) == 0 {
		return nil
	}
	values := make(map[string]any, len(used))
	for id, at := range used {
		values[id] = at.GetSeconds()
	}
	_, err := redisconn.Repeat(ctx, func() (int64, error) { return s.conn.Main.HSet(ctx, tokenUseKey, values).Result() })
	if err != nil {
		return fmt.Errorf("store when tokens were used: %w", err)
	}
	return nil
}
