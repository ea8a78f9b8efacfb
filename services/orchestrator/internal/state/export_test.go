package state

import (
	"strings"
	"testing"

	"github.com/redis/go-redis/v9"
)

// WithoutGuardOfWrites makes a store write syncs with a script that lacks one of its guards.
func WithoutGuardOfWrites(t *testing.T, guard string) func(*Store) {
	t.Helper()
	script := without(t, activateLua+leaveLua+writeLua, guard)
	return func(s *Store) { s.scripts.write = script }
}

// WithoutGuardOfStarts makes a store accept syncs with a script that lacks one of its guards.
func WithoutGuardOfStarts(t *testing.T, guard string) func(*Store) {
	t.Helper()
	script := without(t, activateLua+startLua, guard)
	return func(s *Store) { s.scripts.start = script }
}

// WithMostListeners lets fewer listen.
func WithMostListeners(n int) func(*Store) { return func(s *Store) { s.feeds.most = n } }

func without(t *testing.T, source, guard string) *redis.Script {
	t.Helper()
	if strings.Count(source, guard) != 1 {
		t.Fatalf("the script does not have the guard %q once", guard)
	}
	return redis.NewScript(strings.Replace(source, guard, "", 1))
}

// Keys that only the store itself uses.
func HistoryKey(id int32) string                   { return historyKey(id) }
func RequestKey(id int32, request string) string   { return requestKey(id, request) }
func SyncEventsKey(id int32, syncID string) string { return syncEventsKey(id, syncID) }

// IndexKeys returns the keys of the index of a shard but those of folded syncs.
func IndexKeys(shard int) []string { return indexKeys(shard) }
