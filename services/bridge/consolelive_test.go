package bridge_test

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"net"
	"net/http"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"
	"google.golang.org/grpc/metadata"
	"google.golang.org/protobuf/proto"

	"fgdsync.dev/libs/events"
	"fgdsync.dev/libs/rpc"
	bridgev1 "fgdsync.dev/proto/fgd/bridge/v1"
	"fgdsync.dev/services/bridge"
	"fgdsync.dev/testkit/redistest"
)

// livePage is a page that a browser has open. It takes no more memory of this process than its connection does.
type livePage struct {
	t    *testing.T
	conn net.Conn
}

// openLive opens a live page, and waits for what it shows first.
func (v *visitor) openLive(path, first string) *livePage {
	v.t.Helper()
	conn, err := (&net.Dialer{}).DialContext(v.t.Context(), "tcp", v.server.Listener.Addr().String())
	if err != nil {
		v.t.Fatal(err)
	}
	v.t.Cleanup(func() { _ = conn.Close() })
	_, err = fmt.Fprintf(conn, "GET %s HTTP/1.1\r\nHost: %s\r\nCookie: fgd-session=%s\r\n\r\n", path, v.host,
		v.cookies["fgd-session"].Value)
	if err != nil {
		v.t.Fatal(err)
	}
	page := &livePage{v.t, conn}
	page.shows(first)
	return page
}

// shows waits until a page was sent some words.
func (p *livePage) shows(words string) {
	p.t.Helper()
	if err := p.conn.SetReadDeadline(time.Now().Add(patience)); err != nil {
		p.t.Fatal(err)
	}
	for lines := bufio.NewReaderSize(p.conn, 512); ; {
		line, err := lines.ReadString('\n')
		if strings.Contains(line, words) {
			return
		}
		if err != nil {
			p.t.Fatalf("%q is not shown: %v", words, err)
		}
	}
}

// rename gives a fabric another name, and rings so many times because something has happened to it.
func (v *visitor) rename(server *redistest.Server, id int32, name string, times int) {
	v.t.Helper()
	v.backend.mu.Lock()
	changed := proto.CloneOf(v.backend.fabrics[id])
	changed.Name = name
	v.backend.fabrics[id] = changed
	v.backend.mu.Unlock()
	_, err := server.Conn(v.t).Main.Pipelined(v.t.Context(), func(p redis.Pipeliner) error {
		for range times {
			p.Publish(v.t.Context(), events.Bell, id)
		}
		return nil
	})
	if err != nil {
		v.t.Fatal(err)
	}
}

// TestRowsOfFabricsAreLive: a page has each row as it is, then those that change, without those of others.
func TestRowsOfFabricsAreLive(t *testing.T) {
	t.Parallel()
	v, server := visiting(t)
	v.register(35, 36)
	v.signIn(v.grant("viewer", "35"))
	if list := v.page("/"); !strings.Contains(list, `hx-sse:connect="/fabrics/live?id=35"`) ||
		!strings.Contains(list, `id="fabric-35"`) {
		t.Errorf("the list: %s", list)
	}
	page := v.openLive("/fabrics/live?id=36&id=35", "fabric-35")
	v.rename(server, 36, "theirs", 1)
	v.rename(server, 35, "<b>first</b>", 1)
	page.shows("&lt;b&gt;first&lt;/b&gt;")
	v.rename(server, 35, "second", 1)
	page.shows("second")
	again := v.openLive("/fabrics/live?id=35&id=36", "second") // whoever was cut off has the newest at once
	v.rename(server, 35, "third", 1)
	again.shows("third")
	if a := v.request("GET", "/fabrics/live?id=x", ""); a.status != 400 {
		t.Errorf("no number: %d", a.status)
	}
}

// TestFabricsAreWatched by whoever may see them, for as long as what they show is taken.
func TestFabricsAreWatched(t *testing.T) {
	t.Parallel()
	v, server := visiting(t)
	v.register(35, 36)
	text := v.grant("viewer", "35")
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	showing := metadata.AppendToOutgoingContext(ctx, rpc.AuthorizationKey, "Bearer "+text)
	stream, err := bridgev1.NewFabricServiceClient(v.self).WatchFabrics(showing,
		&bridgev1.WatchFabricsRequest{FabricIds: []int32{36, 35}})
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"fabric-35", "first", "second"} {
		got, err := stream.Recv()
		if err != nil || got.GetFabric().GetName() != name || got.GetFabric().GetFabricId() != 35 {
			t.Fatalf("%v, %v; want %s", got, err, name)
		}
		v.rename(server, 36, "theirs", 1)
		v.rename(server, 35, map[string]string{"fabric-35": "first", "first": "second"}[name], 1)
	}
	v.ok("DELETE", "/api/v1/tokens/"+idOf(text), "", bearer(v.bootstrap))
	for err == nil {
		_, err = stream.Recv()
	}
	if ctx.Err() != nil {
		t.Error("who has no token any more goes on")
	}
}

// notReads are commands of Redis that read nothing: those of this test, and those of connections.
var notReads = []string{ //nolint:gochecknoglobals // read only
	"publish", "info", "hello", "client|setinfo", "subscribe", "ping",
}

// reads returns how many commands of Redis have read something.
func reads(t *testing.T, server *redistest.Server) int {
	t.Helper()
	stats, err := server.Conn(t).Main.Info(t.Context(), "commandstats").Result()
	if err != nil {
		t.Fatal(err)
	}
	total := 0
	for line := range strings.Lines(stats) {
		name, rest, _ := strings.Cut(strings.TrimPrefix(line, "cmdstat_"), ":calls=")
		calls, _, _ := strings.Cut(rest, ",")
		if n, err := strconv.Atoi(calls); err == nil && !slices.Contains(notReads, name) {
			total += n
		}
	}
	return total
}

// memoryInUse returns the heap and the stacks that are in use, in bytes.
func memoryInUse() int64 {
	runtime.GC()
	var stats runtime.MemStats
	runtime.ReadMemStats(&stats)
	return int64(stats.HeapAlloc + stats.StackInuse)
}

// TestFiveHundredLivePages: what happens is looked at once for all of them. A lone event costs one look and no read of
// Redis beside it, many at a time no more; without events nothing is read. All of them together take 50 MiB at most.
func TestFiveHundredLivePages(t *testing.T) { //nolint:paralleltest // it measures memory
	const pages, bursts, each = 500, 10, 20
	v, server := visiting(t, func(c *bridge.Config) { c.CallerRequestsPerSecond = 10_000 })
	v.register(35)
	v.signIn(v.bootstrap)
	v.openLive("/fabrics/live?id=35", "fabric-35") // what all need is there
	before := memoryInUse()
	open := make([]*livePage, pages)
	for i := range open {
		open[i] = v.openLive("/fabrics/live?id=35", "fabric-35")
	}
	taken := memoryInUse() - before
	if taken > 50<<20 {
		t.Errorf("%d pages take %d bytes", pages, taken)
	}
	for _, happens := range []struct{ bursts, each, looks int }{{bursts, 1, bursts}, {bursts, each, 2 * bursts}} {
		readsBefore, looksBefore := reads(t, server), v.backend.lookedAt()
		for burst := range happens.bursts {
			name := fmt.Sprintf("burst-%d-of-%d-", burst, happens.each)
			v.rename(server, 35, name, happens.each)
			for _, page := range open {
				page.shows(name)
			}
		}
		read, looks := reads(t, server)-readsBefore, v.backend.lookedAt()-looksBefore
		t.Logf("%d pages take %.1f MiB; %d times %d events: %d reads and %d looks", pages, float64(taken)/(1<<20),
			happens.bursts, happens.each, read, looks)
		if read != 0 || looks > happens.looks {
			t.Errorf("%d times %d events took %d reads and %d looks", happens.bursts, happens.each, read, looks)
		}
	}
}

// lookedAt returns how often a fabric was asked for.
func (b *backend) lookedAt() int {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.looks
}

// TestFabricsAreWatchedOverHTTP: a line of JSON for each, as a fabric is written everywhere.
func TestFabricsAreWatchedOverHTTP(t *testing.T) {
	t.Parallel()
	v, server := visiting(t)
	v.register(35)
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, v.server.URL+"/api/v1/fabrics:watch?fabric_ids=35",
		http.NoBody)
	if err != nil {
		t.Fatal(err)
	}
	request.Header.Set("Authorization", "Bearer "+v.bootstrap)
	response, err := v.server.Client().Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = response.Body.Close() }()
	lines := bufio.NewScanner(response.Body)
	for _, name := range []string{"fabric-35", "renamed"} {
		var fabric map[string]any
		if !lines.Scan() || json.Unmarshal(lines.Bytes(), &fabric) != nil || fabric["name"] != name {
			t.Fatalf("%s, want %s", lines.Text(), name)
		}
		v.rename(server, 35, "renamed", 1)
	}
	v.problem("GET", "/api/v1/fabrics:watch?fabric_ids=35&odd=1", "", 400, "FGD_1010", bearer(v.bootstrap))
}

// TestAFabricThatIsNotThereIsWatched: the answer begins though there is nothing to tell.
func TestAFabricThatIsNotThereIsWatched(t *testing.T) {
	t.Parallel()
	v, _ := visiting(t)
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, v.server.URL+"/api/v1/fabrics:watch?fabric_ids=35",
		http.NoBody)
	if err != nil {
		t.Fatal(err)
	}
	request.Header.Set("Authorization", "Bearer "+v.bootstrap)
	response, err := v.server.Client().Do(request)
	if err != nil {
		t.Fatalf("no answer: %v", err)
	}
	_ = response.Body.Close()
	if response.StatusCode != http.StatusOK {
		t.Errorf("it is answered with %s", response.Status)
	}
}

// TestWhatIsMissedIsSeen: while a bridge has no connection to Redis the bell may ring, so that being connected again
// makes it look.
func TestWhatIsMissedIsSeen(t *testing.T) {
	t.Parallel()
	v, server := visiting(t)
	v.register(35)
	v.signIn(v.bootstrap)
	page := v.openLive("/fabrics/live?id=35", "fabric-35")
	v.rename(server, 35, "unheard", 0)
	if err := server.Conn(t).Main.ClientKillByFilter(t.Context(), "TYPE", "pubsub").Err(); err != nil {
		t.Fatal(err)
	}
	page.shows("unheard")
}
