package state

import (
	"strings"
	"testing"

	"pgregory.net/rapid"

	"fgdsync.dev/libs/events"
)

// slotTag is the part of a key that decides about its slot in a Cluster.
func slotTag(key string) string {
	_, rest, _ := strings.Cut(key, "{")
	tag, _, _ := strings.Cut(rest, "}")
	return tag
}

// TestOneScriptOneSlot: all keys that one script changes are of one slot, whatever is in the names.
func TestOneScriptOneSlot(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		id := rapid.Int32().Draw(t, "fabric")
		text := rapid.String().Draw(t, "text")
		shard := events.ShardOf(id)
		if shard < 0 || shard >= events.Shards {
			t.Fatalf("fabric %d is in shard %d", id, shard)
		}
		keys := []string{
			events.WorkStream(shard), events.BusStream(shard), events.DeadLetterStream(shard), fabricsKey(shard),
			deletedKey(shard), FabricKey(id), RunKey(id), LockKey(id), resourcesKey(id), historyKey(id),
			requestKey(id, text), SyncKey(id, text), syncEventsKey(id, text),
		}
		seen := map[string]bool{}
		for _, key := range keys {
			if slotTag(key) == "" || slotTag(key) != slotTag(keys[0]) {
				t.Fatalf("%q and %q are of different slots", key, keys[0])
			}
			if seen[key] {
				t.Fatalf("%q has two meanings", key)
			}
			seen[key] = true
		}
	})
}
