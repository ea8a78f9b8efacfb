package redisconn_test

import (
	"strings"
	"testing"

	"fgdsync.dev/libs/redisconn"
	"fgdsync.dev/testkit/redistest"
)

func TestASuitableRedis(t *testing.T) {
	t.Parallel()
	redistest.Each(t, func(t *testing.T, conn *redisconn.Conn) {
		if problems, err := conn.Check(t.Context()); err != nil || len(problems) != 0 {
			t.Errorf("%v, %v", problems, err)
		}
	})
}

// TestAnUnsuitableRedis (S17): each problem is found, named with its value, and comes with the command that mends it.
func TestAnUnsuitableRedis(t *testing.T) {
	t.Parallel()
	for setting, c := range map[string]struct{ value, what, remedy string }{
		"maxmemory-policy": {"allkeys-lru", "allkeys-lru", "CONFIG SET maxmemory-policy noeviction"},
		"appendonly":       {"no", "append-only file", "CONFIG SET appendonly yes"},
	} {
		conn := redistest.Start(t).Conn(t)
		if err := conn.Main.ConfigSet(t.Context(), setting, c.value).Err(); err != nil {
			t.Fatal(err)
		}
		problems, err := conn.Check(t.Context())
		if err != nil || len(problems) != 1 || !strings.Contains(problems[0].What, c.what) ||
			!strings.Contains(problems[0].Remedy, c.remedy) {
			t.Errorf("%s: %v, %v", setting, problems, err)
		}
	}
}
