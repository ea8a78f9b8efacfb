package redisconn_test

import (
	"context"
	"errors"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/redis/go-redis/v9"

	"fgdsync.dev/libs/errs"
	"fgdsync.dev/libs/redisconn"
	"fgdsync.dev/testkit/redistest"
)

func TestMain(m *testing.M) { redistest.VerifyNoLeaks(m) }

func TestBadURLIsRefusedWithoutBeingQuoted(t *testing.T) {
	t.Parallel()
	for _, url := range []string{
		"", "mysql://:s3cret@host", "redis://:s3cret@host:notaport/0",
		"redis://:s3cret@host/notadb", "redis://:s3cret@%zz",
	} {
		conn, err := redisconn.Open(url)
		if conn != nil || !errs.HasCode(err, errs.ConfigurationInvalid) {
			t.Errorf("%q: %v, %v", url, conn, err)
			continue
		}
		if strings.Contains(err.Error(), "s3cret") || !strings.Contains(errs.From(err).RemedyText(), "redis://") {
			t.Errorf("%q: %v (%s)", url, err, errs.From(err).RemedyText())
		}
	}
}

func TestRedisAway(t *testing.T) {
	t.Parallel()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	nobody := listener.Addr().String()
	_ = listener.Close()
	for name, url := range map[string]string{
		"no port": "redis://:s3cret@" + nobody, "no socket": "unix://:s3cret@" + filepath.Join(t.TempDir(), "none.sock"),
	} {
		t.Run(name, func(t *testing.T) {
			conn, err := redisconn.Open(url)
			if err != nil {
				t.Fatal(err)
			}
			defer func() { _ = conn.Close() }()
			err = conn.Ping(t.Context())
			if !errs.HasCode(err, errs.RedisConnectionFailed) || errs.KindOf(err) != errs.Unavailable {
				t.Fatalf("got %v", err)
			}
			if !strings.Contains(errs.From(err).RemedyText(), "HEDGEHOG_FGD_REDIS_URL") ||
				strings.Contains(err.Error(), "s3cret") {
				t.Errorf("got %v (%s)", err, errs.From(err).RemedyText())
			}
		})
	}
}

func TestWrongPassword(t *testing.T) {
	t.Parallel()
	server := redistest.Start(t)
	right := server.Conn(t)
	if err := right.Ping(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := right.Main.ConfigSet(t.Context(), "requirepass", "another").Err(); err != nil {
		t.Fatal(err)
	}
	if err := server.Conn(t).Ping(t.Context()); !errs.HasCode(err, errs.RedisConnectionFailed) {
		t.Errorf("got %v", err)
	}
}

// answer is an error that Redis itself gave.
type answer string

func (a answer) Error() string { return string(a) }
func (answer) RedisError()     {}

func TestRepeat(t *testing.T) {
	t.Parallel()
	away := errors.New("connection reset")
	for name, c := range map[string]struct {
		fails []error // the last one stays
		tries int
		want  func(error) bool
	}{
		"works at once":        {nil, 1, func(err error) bool { return err == nil }},
		"works the third time": {[]error{away, away, nil}, 3, func(err error) bool { return err == nil }},
		"never works": {[]error{away}, 4, func(err error) bool {
			return errs.HasCode(err,
				errs.RedisConnectionFailed) && errors.Is(err, away)
		}},
		"starting up": {
			[]error{answer("LOADING Redis is loading the dataset in memory"), nil},
			2,
			func(err error) bool { return err == nil },
		},
		"replica for a while": {
			[]error{answer("READONLY You can't write against a read only replica."), nil},
			2,
			func(err error) bool { return err == nil },
		},
		"an answer is final": {
			[]error{answer("WRONGTYPE Operation against a key")},
			1,
			func(err error) bool { return errs.HasCode(err, errs.RedisConnectionFailed) },
		},
		"out of memory is final": {
			[]error{answer("OOM command not allowed")},
			1,
			func(err error) bool { return errs.HasCode(err, errs.RedisConnectionFailed) },
		},
		"nothing there is as it is": {[]error{redis.Nil}, 1, func(err error) bool {
			return errors.Is(err, redis.Nil) && !errs.HasCode(err, errs.RedisConnectionFailed)
		}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			tries := 0
			value, err := redisconn.Repeat(t.Context(), func() (int, error) {
				tries++
				if len(c.fails) == 0 {
					return tries, nil
				}
				return tries, c.fails[min(tries, len(c.fails))-1]
			})
			if tries != c.tries || !c.want(err) || (err == nil && value != c.tries) {
				t.Errorf("%d tries, value %d, error %v", tries, value, err)
			}
		})
	}
}

func TestRepeatEndsWithItsContext(t *testing.T) {
	t.Parallel()
	reason := errors.New("shutting down")
	ctx, cancel := context.WithCancelCause(t.Context())
	tries := 0
	_, err := redisconn.Repeat(ctx, func() (int, error) {
		tries++
		cancel(reason)
		return 0, errors.New("connection reset")
	})
	if tries != 1 || !errors.Is(err, reason) {
		t.Errorf("%d tries, %v", tries, err)
	}
}

// TestNobodyWaitsLongForARedisThatIsSilent (F20): the library repeats nothing, each try is bounded, and after two that
// took all of their time whoever asks is told to come again.
func TestNobodyWaitsLongForARedisThatIsSilent(t *testing.T) {
	t.Parallel()
	const try, most = 3 * time.Second, 2
	conn := redistest.Open(t, "redis://127.0.0.1:1")
	for name, client := range map[string]redis.UniversalClient{
		"main": conn.Main, "blocking": conn.Blocking, "watching": conn.Watching,
	} {
		o := client.(*redis.Client).Options()
		if o.DialTimeout > try || o.ReadTimeout > try || o.WriteTimeout > try || o.PoolTimeout > try+time.Second ||
			o.MaxRetries != 0 || o.DialerRetries != 1 || !o.ContextTimeoutEnabled {
			t.Errorf("%s: a command may take longer: %+v", name, o)
		}
	}
	synctest.Test(t, func(t *testing.T) {
		began, tries := time.Now(), 0
		_, err := redisconn.Repeat(t.Context(), func() (int, error) {
			tries++
			<-time.After(try) // of the clock of the test, which waits for nothing
			return 0, os.ErrDeadlineExceeded
		})
		if took := time.Since(began); tries > most || took > most*try+time.Second {
			t.Errorf("%d tries took %s", tries, took)
		}
		if !errs.HasCode(err, errs.RedisConnectionFailed) || errs.From(err).RetryAfter <= 0 {
			t.Errorf("got %v", err)
		}
	})
}

// TestLostReplyIsNotRepeatedBlindly: go-redis by itself would send the XADD again and make two entries of it.
func TestLostReplyIsNotRepeatedBlindly(t *testing.T) {
	t.Parallel()
	server := redistest.Start(t)
	lossy := server.Lossy(t)
	conn := lossy.Conn(t)
	lossy.LoseReplyTo("xadd")
	if err := conn.Main.XAdd(t.Context(), &redis.XAddArgs{Stream: "s", Values: []any{"e", "1"}}).Err(); err == nil {
		t.Error("the reply was lost, and the command claims to know")
	}
	if lossy.Lost() != 1 {
		t.Fatalf("%d replies were lost", lossy.Lost())
	}
	if n, err := server.Conn(t).Main.XLen(t.Context(), "s").Result(); err != nil || n != 1 {
		t.Errorf("%d entries, %v", n, err)
	}
}

func TestScriptIsRepeatedAfterALostReply(t *testing.T) {
	t.Parallel()
	lossy := redistest.Start(t).Lossy(t)
	conn := lossy.Conn(t)
	script := redis.NewScript(`redis.call('SADD', KEYS[1], ARGV[1]) return redis.call('SCARD', KEYS[1])`)
	lossy.LoseReplyTo("sadd") // the first call has to send the script's text
	if n, err := conn.Run(t.Context(), script, []string{"set"}, "member"); err != nil || n != int64(1) ||
		lossy.Lost() != 1 {
		t.Errorf("got %v, %v, %d lost", n, err, lossy.Lost())
	}
}

func TestConnectionOutlivesARestart(t *testing.T) {
	t.Parallel()
	server := redistest.Start(t)
	conn := server.Conn(t)
	if err := conn.Main.Set(t.Context(), "k", "v", 0).Err(); err != nil {
		t.Fatal(err)
	}
	server.Kill(t)
	if err := conn.Ping(t.Context()); !errs.HasCode(err, errs.RedisConnectionFailed) {
		t.Errorf("a killed server answered: %v", err)
	}
	server.Restart(t)
	got, err := redisconn.Repeat(t.Context(), func() (string, error) { return conn.Main.Get(t.Context(), "k").Result() })
	if err != nil || got != "v" {
		t.Errorf("got %q, %v", got, err)
	}
}

// TestBlockingReadsLeaveRoom: more readers that wait than the main client has connections.
func TestBlockingReadsLeaveRoom(t *testing.T) {
	t.Parallel()
	conn := redistest.Start(t).Conn(t)
	const readers = 80
	done := make(chan error, readers)
	for range readers {
		go func() {
			done <- conn.Watching.XRead(t.Context(), &redis.XReadArgs{Streams: []string{"s", "0"}, Block: 10 * time.Second}).
				Err()
		}()
	}
	for conn.Watching.PoolStats().TotalConns < readers {
		if err := conn.Ping(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	if err := conn.Blocking.Ping(t.Context()).Err(); err != nil { // who works has connections of its own
		t.Error(err)
	}
	if err := conn.Main.XAdd(t.Context(), &redis.XAddArgs{Stream: "s", Values: []any{"e", "1"}}).Err(); err != nil {
		t.Fatal(err)
	}
	for range readers {
		if err := <-done; err != nil {
			t.Error(err)
		}
	}
}
