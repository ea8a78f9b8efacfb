// Package redisconn opens Redis the way this system needs it. go-redis' own retries are off, because they repeat
// commands whose reply was lost although they took effect; what is repeated here are scripts that are safe to repeat.
// Reads that block have clients of their own, so that they can't take the last connection from everything else: one for
// those who work, and one for those who only watch.
package redisconn

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/url"
	"sync/atomic"
	"time"

	"github.com/cenkalti/backoff/v5"
	"github.com/redis/go-redis/v9"
	"github.com/redis/go-redis/v9/logging"
	"github.com/redis/go-redis/v9/maintnotifications"

	"fgdsync.dev/libs/config"
	"fgdsync.dev/libs/errs"
)

const (
	dialTimeout  = 3 * time.Second
	ioTimeout    = 3 * time.Second
	poolSize     = 64
	blockingPool = 64
	watchingPool = 512
	attempts     = 4
	firstPause   = 20 * time.Millisecond
	longestPause = 500 * time.Millisecond
	// patience bounds the repetitions of one command, of which each may take ioTimeout: who waits for a Redis that does
	// not answer hears of it in time.
	patience = ioTimeout + time.Second
	// comeAgain is when to ask again that Redis did not answer.
	comeAgain = time.Second
)

// Config is what can be set of the connection.
type Config struct {
	// RedisURL is where Redis is: redis://, rediss:// or unix://; with master_name= a Sentinel, with addr= a Cluster.
	RedisURL string `koanf:"redis_url" secret:"yes" allowed:"a redis://, rediss:// or unix:// URL"`
}

// DefaultConfig returns that of a Redis on this machine.
func DefaultConfig() Config { return Config{RedisURL: "redis://127.0.0.1:6379/0"} }

// Conn is the clients of one Redis.
type Conn struct {
	Main     redis.UniversalClient // short commands and scripts
	Blocking redis.UniversalClient // XREADGROUP with BLOCK, of who works
	Watching redis.UniversalClient // XREAD with BLOCK, of who watches

	away atomic.Bool // as was last said
}

// Open reads a URL. It connects with the first command, not now. A URL with master_name= names a Sentinel, and one with
// addr= the first and another node of a Cluster; further ones are added with addr=.
func Open(text string) (*Conn, error) {
	open, err := opener(text)
	if err != nil {
		return nil, Check(text)
	}
	logging.Disable() // it would write to standard error what the error of the command says too
	conn := &Conn{Main: open(poolSize), Blocking: open(blockingPool), Watching: open(watchingPool)}
	for _, client := range []redis.UniversalClient{conn.Main, conn.Blocking, conn.Watching} {
		client.AddHook(namesKeys{conn.Main})
		if isPrivate(text) {
			client.AddHook(tellsPrivate{})
		}
	}
	return conn, nil
}

// Check returns the error of a URL that can't be read. It does not connect.
func Check(text string) error {
	if _, err := opener(text); err == nil {
		return nil
	}
	// The library's message may quote the URL, and the URL may hold a password.
	return errs.New(errs.ConfigurationInvalid, "redis_url can't be read").WithMeta(config.KeyMeta, "redis_url").
		WithRemedy("Write redis://host:port/db, with :PASSWORD@ before the host where there is one; rediss:// for TLS, or " +
			"unix:///path/to/socket; ?master_name=NAME for a Sentinel, ?addr=host:port for a Cluster.")
}

// opener returns what opens a client with a pool of a size. Retries of the library are off: Repeat is the one layer
// that repeats.
func opener(text string) (func(pool int) redis.UniversalClient, error) {
	parsed, err := url.Parse(text)
	if err != nil {
		return nil, err
	}
	switch query := parsed.Query(); {
	case query.Has("master_name"):
		return sentinelOpener(text)
	case query.Has("addr"):
		return clusterOpener(text)
	}
	return serverOpener(text)
}

func sentinelOpener(text string) (func(pool int) redis.UniversalClient, error) {
	o, err := redis.ParseFailoverURL(text)
	if err != nil {
		return nil, err
	}
	o.MaxRetries, o.DialerRetries, o.ContextTimeoutEnabled, o.DisableIdentity = -1, 1, true, true
	o.DialTimeout, o.ReadTimeout, o.WriteTimeout = dialTimeout, ioTimeout, ioTimeout
	return func(pool int) redis.UniversalClient {
		one := *o
		one.PoolSize = pool
		return redis.NewFailoverClient(&one)
	}, nil
}

func clusterOpener(text string) (func(pool int) redis.UniversalClient, error) {
	o, err := redis.ParseClusterURL(text)
	if err != nil {
		return nil, err
	}
	o.MaxRetries, o.DialerRetries, o.ContextTimeoutEnabled, o.DisableIdentity = -1, 1, true, true
	o.DialTimeout, o.ReadTimeout, o.WriteTimeout = dialTimeout, ioTimeout, ioTimeout
	o.MaintNotificationsConfig = quiet()
	return func(pool int) redis.UniversalClient {
		one := *o
		one.PoolSize = pool
		return redis.NewClusterClient(&one)
	}, nil
}

func serverOpener(text string) (func(pool int) redis.UniversalClient, error) {
	o, err := redis.ParseURL(text)
	if err != nil {
		return nil, err
	}
	o.MaxRetries, o.DialerRetries, o.ContextTimeoutEnabled, o.DisableIdentity = -1, 1, true, true
	o.DialTimeout, o.ReadTimeout, o.WriteTimeout = dialTimeout, ioTimeout, ioTimeout
	o.MaintNotificationsConfig = quiet()
	return func(pool int) redis.UniversalClient {
		one := *o
		one.PoolSize = pool
		return redis.NewClient(&one)
	}, nil
}

// quiet turns off notices of maintenance, which servers of our own do not send.
func quiet() *maintnotifications.Config {
	return &maintnotifications.Config{Mode: maintnotifications.ModeDisabled}
}

// Ping reports whether Redis answers.
func (c *Conn) Ping(ctx context.Context) error {
	if err := c.Main.Ping(ctx).Err(); err != nil {
		return Error(err)
	}
	return nil
}

// Writable reports whether Redis takes what is written: one that has no memory left answers, and refuses.
func (c *Conn) Writable(ctx context.Context) error {
	if err := c.Main.Set(ctx, probeKey, "1", time.Minute).Err(); err != nil {
		return Error(err)
	}
	return nil
}

// probeKey is written to see whether that is possible.
const probeKey = "fgd:{registry}:probe"

// Away says once that Redis can't be reached, whoever notices it and however often, until it is back.
func (c *Conn) Away(ctx context.Context, log *slog.Logger, cause error) {
	if !c.away.Swap(true) {
		log.WarnContext(ctx, "Redis is away", "error", cause.Error())
	}
}

// Back says once that Redis is back, if it was said to be away, and all who work find it there.
func (c *Conn) Back(ctx context.Context, log *slog.Logger) {
	if !c.away.Load() || c.Main.Ping(ctx).Err() != nil || c.Blocking.Ping(ctx).Err() != nil {
		return
	}
	if c.away.Swap(false) {
		log.InfoContext(ctx, "Redis is back")
	}
}

// Close closes all clients.
func (c *Conn) Close() error {
	return errors.Join(c.Watching.Close(), c.Blocking.Close(), c.Main.Close())
}

// Error gives a failure of Redis its public face; the failure is its cause.
func Error(err error) error {
	if err == nil || errors.Is(err, context.Canceled) {
		return err
	}
	var wrong wrongTypeError
	if errors.As(err, &wrong) {
		return wrong.public().WithCause(err).WithRetryAfter(comeAgain)
	}
	public := errs.New(errs.RedisConnectionFailed, "Redis can't be reached or refused a command.").WithCause(err).
		WithRetryAfter(comeAgain)
	public.Remedy = remedy(err)
	return public
}

// Run runs a script that is safe to repeat, and repeats it while Redis can't be reached.
func (c *Conn) Run(ctx context.Context, script *redis.Script, keys []string, args ...any) (any, error) {
	return Repeat(ctx, func() (any, error) { return script.Run(ctx, c.Main, keys, args...).Result() })
}

// Repeat repeats a command that is safe to repeat while Redis can't be reached. An answer of Redis ends it, be it an
// error; redis.Nil comes back as it is.
func Repeat[T any](ctx context.Context, command func() (T, error)) (T, error) {
	pause := backoff.NewExponentialBackOff()
	pause.InitialInterval, pause.MaxInterval = firstPause, longestPause
	result, err := backoff.Retry(ctx, func() (T, error) {
		value, err := command()
		if err != nil && !transient(err) {
			return value, backoff.Permanent(err)
		}
		return value, err
	}, backoff.WithBackOff(pause), backoff.WithMaxTries(attempts), backoff.WithMaxElapsedTime(patience))
	if err == nil || errors.Is(err, redis.Nil) {
		return result, err
	}
	if ctx.Err() != nil {
		return result, fmt.Errorf("ask Redis: %w", context.Cause(ctx))
	}
	return result, Error(err)
}

// Unreachable reports whether an error says that Redis gave no answer, or can't answer yet.
func Unreachable(err error) bool { return err != nil && transient(err) }

func transient(err error) bool {
	var answered redis.Error
	if !errors.As(err, &answered) {
		return !errors.Is(err, context.Canceled) && !errors.Is(err, context.DeadlineExceeded)
	}
	return redis.HasErrorPrefix(err, "LOADING") || redis.HasErrorPrefix(err, "READONLY") ||
		redis.HasErrorPrefix(err, "CLUSTERDOWN") ||
		redis.HasErrorPrefix(err, "MASTERDOWN") || redis.HasErrorPrefix(err, "TRYAGAIN")
}
