package redisconn

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/redis/go-redis/v9"

	"fgdsync.dev/libs/errs"
)

// ownKeys is how all keys of the system begin.
const ownKeys = "fgd:"

// maxNamed is how many keys an error names.
const maxNamed = 16

// A wrongTypeError is the answer of Redis to a command of which a key holds another type than it was written with. The
// answer does not name the key.
type wrongTypeError struct {
	answer redis.Error
	keys   []string // those of the command, with the types that they have
}

func (e wrongTypeError) Error() string {
	return fmt.Sprintf("%v (%s)", e.answer, strings.Join(e.keys, ", "))
}

// RedisError implements redis.Error.
func (e wrongTypeError) RedisError() {}

// public says which keys it may be.
func (e wrongTypeError) public() *errs.Error {
	return errs.New(errs.RedisKeyForeign, "A key of Redis holds what FGD Sync did not write there; it is one of these: %s.",
		strings.Join(e.keys, ", "))
}

// namesKeys is a hook that finds out which keys a command had that was refused for the type of one.
type namesKeys struct{ client redis.UniversalClient }

// DialHook implements redis.Hook.
func (h namesKeys) DialHook(next redis.DialHook) redis.DialHook { return next }

// ProcessHook implements redis.Hook.
func (h namesKeys) ProcessHook(next redis.ProcessHook) redis.ProcessHook {
	return func(ctx context.Context, cmd redis.Cmder) error {
		return h.name(ctx, cmd, next(ctx, cmd))
	}
}

// ProcessPipelineHook implements redis.Hook.
func (h namesKeys) ProcessPipelineHook(next redis.ProcessPipelineHook) redis.ProcessPipelineHook {
	return func(ctx context.Context, cmds []redis.Cmder) error {
		err := next(ctx, cmds)
		for _, cmd := range cmds {
			var wrong wrongTypeError
			if errors.As(h.name(ctx, cmd, cmd.Err()), &wrong) {
				err = wrong
			}
		}
		return err
	}
}

// name gives the command the error with its keys, when that is its error.
func (h namesKeys) name(ctx context.Context, cmd redis.Cmder, err error) error {
	var answered redis.Error
	if !errors.As(err, &answered) || !strings.Contains(answered.Error(), "WRONGTYPE") {
		return err
	}
	named := wrongTypeError{answer: answered}
	for _, arg := range cmd.Args() {
		key, _ := arg.(string)
		if !strings.HasPrefix(key, ownKeys) || len(named.keys) == maxNamed {
			continue
		}
		if has := h.client.Type(ctx, key).Val(); has != "none" && has != "" {
			named.keys = append(named.keys, fmt.Sprintf("%s (a %s)", key, has))
		}
	}
	slices.Sort(named.keys)
	cmd.SetErr(named)
	return named
}
