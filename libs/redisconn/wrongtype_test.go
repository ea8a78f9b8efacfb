package redisconn_test

import (
	"strings"
	"testing"

	"github.com/redis/go-redis/v9"

	"fgdsync.dev/libs/errs"
	"fgdsync.dev/libs/redisconn"
	"fgdsync.dev/testkit/redistest"
)

// TestAKeyOfSomebodyElse: what another program wrote at one of our keys is named, whichever way it is come upon.
func TestAKeyOfSomebodyElse(t *testing.T) {
	t.Parallel()
	conn := redistest.Start(t).Conn(t)
	const wrong, other = "fgd:{1}:fabric:1:run", "fgd:{1}:fabric:1:sync:x"
	for _, key := range []string{wrong, other} {
		if err := conn.Main.Set(t.Context(), key, "not ours", 0).Err(); err != nil {
			t.Fatal(err)
		}
	}
	script := redis.NewScript("return redis.call('HGET', KEYS[1], ARGV[1])")
	for way, run := range map[string]func() error{
		"command": func() error {
			_, err := redisconn.Repeat(t.Context(), conn.Main.HGetAll(t.Context(), wrong).Result)
			return err
		},
		"script": func() error {
			_, err := conn.Run(t.Context(), script, []string{wrong}, other[:3])
			return err
		},
		"pipeline": func() error {
			_, err := conn.Main.Pipelined(t.Context(), func(p redis.Pipeliner) error {
				p.Get(t.Context(), other)
				p.HGetAll(t.Context(), wrong)
				return nil
			})
			return redisconn.Error(err)
		},
	} {
		err := run()
		if !errs.HasCode(err, errs.RedisKeyForeign) || errs.KindOf(err) != errs.Unavailable ||
			!strings.Contains(err.Error(), wrong+" (a string)") || strings.Contains(err.Error(), other) ||
			strings.Contains(err.Error(), "not ours") {
			t.Errorf("%s: %v", way, err)
		}
	}
}
