package hearing_test

import (
	"context"
	"fmt"
	"maps"
	"strconv"
	"strings"
	"sync"
	"testing"

	"github.com/redis/go-redis/v9"

	"fgdsync.dev/libs/netboxserver"
	"fgdsync.dev/libs/redisconn"
	"fgdsync.dev/services/bridge/internal/hearing"
	"fgdsync.dev/testkit/redistest"
)

// large is a change whose content is so many bytes.
func large(n, record, bytes int) netboxserver.Entry {
	e := entry(n, record, 1, fmt.Sprint("r", n))
	e.Message = fmt.Sprint(n)
	e.After["spec"] = map[string]any{"n": n, "text": strings.Repeat("x", bytes)}
	return e
}

// numbers returns how often changes were kept of a fabric by what their messages or contents say, and how many of them
// have no content.
func (w *world) numbers(conn *redisconn.Conn, fabric int32) (times map[int]int, bare int) {
	w.t.Helper()
	changes, _, err := hearing.Read(w.t.Context(), conn, fabric, "0", 100_000)
	if err != nil {
		w.t.Fatal(err)
	}
	times = map[int]int{}
	for _, c := range changes {
		n, err := strconv.Atoi(strings.TrimPrefix(c.RequestID, "r"))
		if err != nil {
			w.t.Fatal(err)
		}
		times[n]++
		if c.Bare != (c.After == nil) {
			w.t.Errorf("change %d is bare, or not, and has %v", n, c.After)
		}
		if c.Bare {
			bare++
		}
	}
	return times, bare
}

// once is so many numbers, each once.
func onceEach(numbers int) map[int]int {
	all := map[int]int{}
	for n := range numbers {
		all[n] = 1
	}
	return all
}

// arguments sees how many bytes the largest command has.
type arguments struct {
	mu   sync.Mutex
	most int
}

// DialHook changes nothing.
func (a *arguments) DialHook(next redis.DialHook) redis.DialHook { return next }

// ProcessPipelineHook changes nothing.
func (a *arguments) ProcessPipelineHook(next redis.ProcessPipelineHook) redis.ProcessPipelineHook {
	return next
}

// ProcessHook counts.
func (a *arguments) ProcessHook(next redis.ProcessHook) redis.ProcessHook {
	return func(ctx context.Context, cmd redis.Cmder) error {
		size := 0
		for _, arg := range cmd.Args() {
			if raw, is := arg.([]byte); is {
				size += len(raw)
			}
		}
		a.mu.Lock()
		a.most = max(a.most, size)
		a.mu.Unlock()
		return next(ctx, cmd)
	}
}

// TestLargeRecords are heard of from either source: each change is kept, those that are too large without contents, and
// no script gets much.
func TestLargeRecords(t *testing.T) {
	t.Parallel()
	for source, records := range map[string]int{"feed": 96, "log": 24} { // 96 are more than one answer may have
		t.Run(source, func(t *testing.T) {
			t.Parallel()
			w, conn := newWorld(t), redistest.Start(t).Conn(t)
			sent := &arguments{}
			conn.Main.AddHook(sent)
			w.netbox.NoFeed(source == "log")
			h := w.listener(conn)
			w.turn(h)
			for n := range records {
				size := 1 << 20
				if n%4 == 0 {
					size = hearing.MostEntry / 2
				}
				w.change(large(n, n, size))
			}
			for range 4 {
				w.turn(h)
			}
			if times, bare := w.numbers(conn, 101); !maps.Equal(times, onceEach(records)) || bare != records*3/4 {
				t.Errorf("kept are %v, %d of them bare", times, bare)
			}
			if s := h.Status(); (s.Feed.State == hearing.On) != (source == "feed") {
				t.Errorf("it is not the source that is heard: %+v", s)
			}
			if len(w.told[101]) != records {
				t.Errorf("told are %d", len(w.told[101]))
			}
			if sent.most > hearing.MostPart+2*hearing.MostEntry {
				t.Errorf("a script got %d bytes", sent.most)
			}
		})
	}
}

// TestAStreamIsBoundedInBytes: what was told goes for what is new; as long as nothing can be told, nothing goes, and
// what comes is kept without contents.
func TestAStreamIsBoundedInBytes(t *testing.T) {
	t.Parallel()
	w, conn := newWorld(t), redistest.Start(t).Conn(t)
	h := w.listener(conn)
	w.turn(h)
	const size, each = 100_000, 40
	count := 0
	next := func(changes int) {
		for range changes {
			w.change(large(count, count, size))
			count++
		}
	}
	w.mu.Lock()
	w.held, w.free = 101, make(chan struct{})
	w.mu.Unlock()
	for range hearing.MostKeptBytes/size/each + 1 {
		next(each)
		if err := h.Look(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	times, bare := w.numbers(conn, 101)
	if !maps.Equal(times, onceEach(count)) || bare == 0 || count-bare < hearing.MostKeptBytes/size-1 {
		t.Errorf("of %d changes that nobody was told of are kept %d, %d of them bare", count, len(times), bare)
	}
	close(w.free)
	w.turn(h)
	if len(w.told[101]) != count {
		t.Errorf("told are %d of %d", len(w.told[101]), count)
	}
	for range 3 {
		next(each)
		w.turn(h)
	}
	changes, _, err := hearing.Read(t.Context(), conn, 101, "0", 100_000)
	if err != nil {
		t.Fatal(err)
	}
	if last := changes[len(changes)-1]; last.Bare || last.RequestID != fmt.Sprint("r", count-1) || len(changes) >= count {
		t.Errorf("%d changes are kept, and the last is %s, bare: %v", len(changes), last.RequestID, last.Bare)
	}
	w.bytes(conn)
}

// bytes holds that the stream has as many bytes as is counted, and no more than it may.
func (w *world) bytes(conn *redisconn.Conn) {
	w.t.Helper()
	counted, err := conn.Main.Get(w.t.Context(), hearing.HeardStream(101)+":bytes").Int()
	if err != nil {
		w.t.Fatal(err)
	}
	messages, err := conn.Main.XRange(w.t.Context(), hearing.HeardStream(101), "-", "+").Result()
	if err != nil {
		w.t.Fatal(err)
	}
	bytes := 0
	for _, message := range messages {
		entry, _ := message.Values["e"].(string)
		bytes += len(entry)
	}
	if bytes != counted || bytes > hearing.MostKeptBytes {
		w.t.Errorf("it has %d bytes, and %d are counted", bytes, counted)
	}
}

// TestABellIsHeardByTheOtherBridge: a webhook comes to any bridge, and one alone hears about NetBox.
func TestABellIsHeardByTheOtherBridge(t *testing.T) {
	t.Parallel()
	redistest.EachURL(t, bellIsHeard)
	t.Run("cluster", func(t *testing.T) { bellIsHeard(t, redistest.Cluster(t)) })
}

func bellIsHeard(t *testing.T, url string) {
	w := newWorld(t)
	here, other := redistest.Open(t, url), redistest.Open(t, url)
	ctx, end := context.WithCancel(t.Context())
	h := w.listener(here)
	bells := []*hearing.Bell{hearing.NewBell(here, w.log()), hearing.NewBell(other, w.log())}
	done := make(chan struct{}, 3)
	go func() { h.Listen(ctx); done <- struct{}{} }()
	for _, bell := range bells {
		go func() { _ = bell.Run(ctx); done <- struct{}{} }()
	}
	<-h.Woken() // it is connected
	for _, bell := range bells {
		bell.Ring()
		<-h.Woken()
	}
	end()
	for range cap(done) {
		<-done
	}
}
