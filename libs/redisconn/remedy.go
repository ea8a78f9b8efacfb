package redisconn

import (
	"context"
	"errors"
	"net/url"
	"path"

	"github.com/redis/go-redis/v9"
)

// PrivateSocket is the name of the socket of a redis-server that a process of the suite has started for itself. Nobody
// has set its URL.
const PrivateSocket = "redis.sock"

// PrivateRemedy is what to do when such a redis-server is away.
const PrivateRemedy = "See redis.log in the folder redis of the data folder for why it ended, and whether disk or memory " +
	"are full; it is started again as long as that helps."

// refusals are what to do about what Redis answers when it takes nothing, by the first word of the answer.
var refusals = map[string]string{ //nolint:gosec // what to do, and no password
	"OOM":       "Redis has no memory left: raise its maxmemory, or have less kept (history_retention).",
	"MISCONF":   "Redis can't write to its disk: see its log, and free space there.",
	"NOAUTH":    "Redis asks for a password: put it into redis_url, as in redis://:PASSWORD@HOST.",
	"WRONGPASS": "Redis refuses the password in redis_url: correct it there, or in Redis.",
	"NOPERM":    "Redis permits the account in redis_url too little: docs/configuration.md says what is needed.",
}

// remedy returns what to do about a failure of Redis; "" when nothing more is known than that it can't be reached.
func remedy(err error) string {
	for word, text := range refusals {
		if redis.HasErrorPrefix(err, word) {
			return text
		}
	}
	var private privateError
	if errors.As(err, &private) {
		return PrivateRemedy
	}
	return ""
}

// isPrivate reports whether a URL is that of a redis-server of this process.
func isPrivate(text string) bool {
	parsed, err := url.Parse(text)
	return err == nil && parsed.Scheme == "unix" && path.Base(parsed.Path) == PrivateSocket
}

// privateError is a failure to reach a private redis-server.
type privateError struct{ error }

// Unwrap returns the failure.
func (e privateError) Unwrap() error { return e.error }

// tellsPrivate is a hook that says of a failure that it is about a private redis-server.
type tellsPrivate struct{}

// DialHook implements redis.Hook.
func (tellsPrivate) DialHook(next redis.DialHook) redis.DialHook { return next }

// ProcessHook implements redis.Hook.
func (tellsPrivate) ProcessHook(next redis.ProcessHook) redis.ProcessHook {
	return func(ctx context.Context, cmd redis.Cmder) error {
		err := private(next(ctx, cmd))
		if cmd.Err() != nil {
			cmd.SetErr(private(cmd.Err()))
		}
		return err
	}
}

// ProcessPipelineHook implements redis.Hook.
func (tellsPrivate) ProcessPipelineHook(next redis.ProcessPipelineHook) redis.ProcessPipelineHook {
	return func(ctx context.Context, cmds []redis.Cmder) error {
		err := private(next(ctx, cmds))
		for _, cmd := range cmds {
			if cmd.Err() != nil {
				cmd.SetErr(private(cmd.Err()))
			}
		}
		return err
	}
}

// private marks a failure to reach the server. An answer of it is none.
func private(err error) error {
	var answered redis.Error
	if err == nil || errors.As(err, &answered) || errors.Is(err, context.Canceled) ||
		errors.Is(err, context.DeadlineExceeded) {
		return err
	}
	return privateError{err}
}
