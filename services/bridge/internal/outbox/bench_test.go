package outbox

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sync/errgroup"

	"fgdsync.dev/libs/netboxserver"
	"fgdsync.dev/libs/secret"
	"fgdsync.dev/services/bridge/internal/hnp"
	"fgdsync.dev/testkit/netboxtest"
)

// wide is a value that differs by its number, and is as large as a connection of a fabric says.
type wide int

// MarshalJSON returns what a connection says.
func (w wide) MarshalJSON() ([]byte, error) {
	link := func(n int) map[string]any {
		return map[string]any{
			"server": map[string]any{"port": fmt.Sprintf("server-%03d/enp2s%d", w, n)},
			"switch": map[string]any{"port": fmt.Sprintf("leaf-%02d/E1/%d", n, w%64)},
		}
	}
	return json.Marshal(map[string]any{"mclag": map[string]any{"links": []any{link(1), link(2)}, "mtu": 9000 + int(w)%2}})
}

func connection(i int) key { return key{"Connection", "default", fmt.Sprintf("server-%05d--mclag", i)} }

// request is one that went over the wire.
type request struct {
	method, target string
	header         http.Header
	body           []byte
}

// tap notes what goes over a real connection, for the same to be sent by a bare client.
type tap struct {
	next http.RoundTripper
	mu   sync.Mutex
	sent []request
}

func (p *tap) RoundTrip(r *http.Request) (*http.Response, error) {
	body, err := read(r)
	if err != nil {
		return nil, err
	}
	header := r.Header.Clone()
	header.Del("If-Match") // the record has changed since
	p.mu.Lock()
	p.sent = append(p.sent, request{r.Method, r.URL.RequestURI(), header, body})
	p.mu.Unlock()
	r = r.Clone(r.Context())
	r.Body = io.NopCloser(bytes.NewReader(body))
	return p.next.RoundTrip(r)
}

// replay sends the same requests to a NetBox, as many at a time as a gate lets through, and does nothing with what is
// answered.
func (p *tap) replay(b *testing.B, to string) {
	b.Helper()
	var running errgroup.Group
	running.SetLimit(mostRequests)
	for _, one := range p.sent {
		running.Go(func() error {
			r, err := http.NewRequestWithContext(b.Context(), one.method, to+one.target, bytes.NewReader(one.body))
			if err != nil {
				return err
			}
			r.Header = one.header
			answer, err := p.next.RoundTrip(r)
			if err != nil {
				return err
			}
			defer func() { _ = answer.Body.Close() }()
			if answer.StatusCode >= http.StatusBadRequest {
				return fmt.Errorf("%s %s: %d", one.method, one.target, answer.StatusCode)
			}
			_, err = io.Copy(io.Discard, answer.Body)
			return err
		})
	}
	if err := running.Wait(); err != nil {
		b.Fatal(err)
	}
}

func (p *tap) lists(path string) int {
	n := 0
	for _, one := range p.sent {
		if one.method == http.MethodGet && strings.HasPrefix(one.target, path) {
			n++
		}
	}
	return n
}

// spent is time that has gone by, and that of processors.
type spent struct{ wall, cpu time.Duration }

// stopwatch measures, in turns.
func stopwatch(do func()) spent {
	begun, before := time.Now(), processor()
	do()
	return spent{time.Since(begun), processor() - before}
}

func processor() time.Duration {
	var used syscall.Rusage
	_ = syscall.Getrusage(syscall.RUSAGE_SELF, &used) // it takes no other argument
	return time.Duration(used.Utime.Nano() + used.Stime.Nano())
}

func (s *spent) add(more spent) { s.wall, s.cpu = s.wall+more.wall, s.cpu+more.cpu }

// benched is a world whose NetBox is behind a real connection.
type benched struct {
	*world
	b   *testing.B
	tap *tap
}

func newBenched(b *testing.B, fabric int32, records int) *benched {
	b.Helper()
	transport := &http.Transport{MaxIdleConnsPerHost: mostRequests}
	b.Cleanup(transport.CloseIdleConnections)
	w := &benched{newWorld(b, b, redisFor(b), b.TempDir(), fabric), b, &tap{next: transport}}
	b.Cleanup(w.end)
	w.change(records, 0)
	client, err := hnp.New(w.netbox.URL, secret.New(netboxserver.Token), newGate("bench", w.tap, time.Now))
	if err == nil {
		w.d, err = open(b.Context(), w.deps, client, w.fence, w.linked)
	}
	if err != nil {
		b.Fatal(err)
	}
	return w
}

// change has so many records say something else.
func (w *benched) change(records, round int) {
	for i := range records {
		w.git.now[connection(i)] = wide(i + round*records)
	}
	w.commit()
}

// settle delivers all, and returns what that took.
func (w *benched) settle() spent {
	w.tap.sent = nil
	return stopwatch(func() { w.settled(w.b.Context()) })
}

// report reports what rounds took, beside what bare requests took.
func (w *benched) report(mine, bare spent, rounds int) {
	n := float64(rounds)
	w.b.ReportMetric(mine.wall.Seconds()/n, "s/round")
	w.b.ReportMetric(bare.wall.Seconds()/n, "bare-s/round")
	w.b.ReportMetric(mine.cpu.Seconds()*1000/n, "cpu-ms")
	w.b.ReportMetric((mine.cpu-bare.cpu).Seconds()*1000/n, "own-cpu-ms")
	w.b.ReportMetric(float64(len(w.tap.sent)), "requests")
	w.b.ReportMetric(0, "ns/op")
}

// BenchmarkFirstDelivery is the delivery of records that NetBox does not have. The bare requests go to another NetBox.
func BenchmarkFirstDelivery(b *testing.B) {
	for _, records := range []int{47, 1000} {
		b.Run(fmt.Sprint(records), func(b *testing.B) {
			var mine, bare spent
			var w *benched
			rounds := 0
			for b.Loop() {
				rounds++
				w = newBenched(b, 1, records)
				mine.add(w.settle())
				w.all(records)
				other := netboxtest.Start(b)
				other.AddFabric("fabric")
				bare.add(stopwatch(func() { w.tap.replay(b, other.URL) }))
			}
			w.report(mine, bare, rounds)
		})
	}
}

// BenchmarkChangedRecords is the delivery of a commit that changes a thousand records. The bare requests go to another
// NetBox with as many.
func BenchmarkChangedRecords(b *testing.B) {
	const records = 1000
	w := newBenched(b, 1, records)
	w.settle()
	other := netboxtest.Start(b)
	other.AddFabric("fabric")
	w.tap.replay(b, other.URL)
	var mine, bare spent
	rounds := 0
	for b.Loop() {
		rounds++
		w.change(records, rounds)
		mine.add(w.settle())
		w.all(records)
		bare.add(stopwatch(func() { w.tap.replay(b, other.URL) }))
	}
	w.report(mine, bare, rounds)
}

// BenchmarkCompare compares 10,000 records of a kind with what is known of them.
func BenchmarkCompare(b *testing.B) {
	const records = 10_000
	w := newBenched(b, 1, records)
	w.settle()
	w.all(records)
	var mine, bare spent
	rounds := 0
	for b.Loop() {
		rounds++
		w.tap.sent = nil
		mine.add(stopwatch(func() {
			if err := w.compare(b.Context()); err != nil {
				b.Fatal(err)
			}
		}))
		bare.add(stopwatch(func() { w.tap.replay(b, w.netbox.URL) }))
	}
	w.report(mine, bare, rounds)
	b.ReportMetric(float64(w.tap.lists("/api/plugins/hedgehog/connections/")), "lists-of-the-kind")
}

// all holds that so many records are proven.
func (w *benched) all(records int) {
	w.b.Helper()
	if !w.d.allProven() || len(w.d.receipts) != records {
		w.b.Fatalf("%d records, and not all of %d are proven: %s", len(w.d.receipts), records, firstOf(w.d))
	}
}

func firstOf(d *delivery) string {
	for _, r := range d.receipts {
		if r.GetProblem() != nil {
			return r.String()
		}
	}
	return ""
}
