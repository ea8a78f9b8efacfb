package events_test

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"
	"pgregory.net/rapid"

	"fgdsync.dev/libs/events"
	"fgdsync.dev/libs/redisconn"
	"fgdsync.dev/testkit/redistest"
)

// TestTrimmingReachesNothingUnread (S18) is the law of retention: whatever groups have read and acknowledged, what is
// trimmed is old or too many, and read and acknowledged by all of them; and all such entries at the old end go.
func TestTrimmingReachesNothingUnread(t *testing.T) {
	t.Parallel()
	redistest.Every(t, func(t *testing.T, conn *redisconn.Conn) {
		t.Parallel()
		rapid.Check(t, func(rt *rapid.T) {
			must(t, conn.Main.Del(t.Context(), stream).Err())
			var ids []string
			at := int64(1000)
			for range rapid.IntRange(0, 12).Draw(rt, "entries") {
				at += rapid.Int64Range(0, 2).Draw(rt, "later")
				id, err := conn.Main.XAdd(t.Context(), &redis.XAddArgs{
					Stream: stream, ID: fmt.Sprintf("%d-*", at),
					Values: []any{"e", "x"},
				}).Result()
				must(t, err)
				ids = append(ids, id)
			}
			needed := len(ids) // index of the first entry that somebody needs
			for group := range rapid.IntRange(0, 3).Draw(rt, "groups") {
				name := fmt.Sprint("group-", group)
				must(t, conn.Main.XGroupCreateMkStream(t.Context(), stream, name, "0").Err())
				read := rapid.IntRange(0, len(ids)).Draw(rt, "read")
				needed = min(needed, read)
				if read == 0 {
					continue
				}
				_, err := conn.Main.XReadGroup(t.Context(), &redis.XReadGroupArgs{
					Group: name, Consumer: "c",
					Streams: []string{stream, ">"}, Count: int64(read), Block: -1,
				}).Result()
				must(t, err)
				for i, id := range ids[:read] {
					if rapid.Bool().Draw(rt, "acknowledged") {
						must(t, conn.Main.XAck(t.Context(), stream, name, id).Err())
					} else {
						needed = min(needed, i)
					}
				}
			}
			oldest := rapid.Int64Range(1000, at+2).Draw(rt, "oldest")
			old := slices.IndexFunc(ids, func(id string) bool {
				var ms int64
				_,
					_ = fmt.Sscanf(id, "%d-", &ms)
				return ms >= oldest
			})
			if old < 0 {
				old = len(ids)
			}
			most := rapid.IntRange(0, 12).Draw(rt, "most")
			many := max(len(ids)-most, 0)
			gone, err := events.Trim(t.Context(), conn, stream, time.UnixMilli(oldest), most)
			must(t, err)
			left, err := conn.Main.XRange(t.Context(), stream, "-", "+").Result()
			must(t, err)
			if want := min(max(old, many), needed); int(gone) != want || len(left) != len(ids)-want {
				rt.Fatalf("%d of %v are gone and %d left; want %d gone: %d are old and %d too many, the first that is needed is %d",
					gone, ids, len(left), want, old, many, needed)
			}
		})
	})
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
