package store

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus/testutil"

	"fgdsync.dev/testkit/gitserver"
)

func noise(seed string, kilobytes int) string {
	content := make([]byte, kilobytes<<10)
	_, _ = rand.NewChaCha8([32]byte([]byte(fmt.Sprintf("%-32s", seed)))).Read(content) // never fails
	return string(content)
}

const (
	week    = 7 * 24 * time.Hour
	plenty  = 1 << 30
	nothing = 1
)

// TestAStoreThatNobodyUsesGoes: when it has not been used for long enough, and also when that was by an earlier
// process.
func TestAStoreThatNobodyUsesGoes(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.create("old.git", 1)
	b.create("new.git", 1)
	earlier := NewPool(Options{Dir: b.dir, MaxBytes: plenty, MaxAge: week, Bytes: b.bytes, Now: b.clock, Log: quiet})
	b.use(earlier, "old.git")
	b.later(week / 2)
	b.use(earlier, "new.git")
	if err := earlier.Close(); err != nil {
		t.Fatal(err)
	}
	p := b.pool(plenty, week)
	b.later(week/2 - time.Second)
	b.sweep(p)
	if kept := b.kept("1"); kept != "new old" {
		t.Errorf("before the time: %s", kept)
	}
	b.later(2 * time.Second)
	b.sweep(p)
	if kept := b.kept("1"); kept != "new" || len(p.stores) != 1 {
		t.Errorf("after the time: %s, %d in memory", kept, len(p.stores))
	}
	b.use(p, "old.git")
	b.later(week / 2)
	b.sweep(p)
	if kept := b.kept("1"); kept != "old" {
		t.Errorf("after its return: %s", kept)
	}
}

// TestStoresUsedLongestAgoGoFirst: until the others fit. One that is being read stays.
func TestStoresUsedLongestAgoGoFirst(t *testing.T) {
	t.Parallel()
	b := setup(t)
	p := b.pool(250<<10, week)
	for _, name := range []string{"r1.git", "r2.git", "r3.git"} {
		b.create(name, 100)
		b.use(p, name)
		b.later(time.Minute)
	}
	b.sweep(p)
	if kept := b.kept("1"); kept != "r2 r3" {
		t.Errorf("kept: %s", kept)
	}
	reading := b.mustOpen(p, "r2.git")
	b.later(time.Minute)
	b.use(p, "r3.git")
	b.later(time.Minute)
	b.use(p, "r1.git")
	b.sweep(p)
	if kept := b.kept("1"); kept != "r1 r2" {
		t.Errorf("kept while r2 is read: %s", kept)
	}
	if bytes := testutil.ToFloat64(b.bytes); bytes < 200<<10 || bytes > 250<<10 {
		t.Errorf("%v bytes", bytes)
	}
	b.close(reading)
}

// TestAStoreThatIsTooLarge: it goes before others do, as soon as nobody reads it; and while somebody does, the next one
// who fetches begins a new one.
func TestAStoreThatIsTooLarge(t *testing.T) {
	t.Parallel()
	b := setup(t)
	p := b.pool(250<<10, week)
	b.create("small.git", 50)
	b.use(p, "small.git")
	b.later(time.Minute)
	b.create("large.git", 150)
	b.use(p, "large.git")
	b.host.Commit(t, "large.git", branch, map[string]string{"noise": noise("other", 150)})
	reading := b.mustOpen(p, "large.git")
	b.sweep(p)
	if kept := b.kept("1"); kept != "large" {
		t.Errorf("kept while the large one is read: %s", kept)
	}
	b.host.Commit(t, "large.git", branch, map[string]string{"a.yaml": "a: 2\n"})
	b.use(p, "large.git")
	if generations := b.generations("large"); generations != "1 2" {
		t.Errorf("while the old one is read: %s", generations)
	}
	b.close(reading)
	if generations := b.generations("large"); generations != "2" {
		t.Errorf("left: %s", generations)
	}
	b.use(p, "small.git")
	b.host.Commit(t, "large.git", branch, map[string]string{"noise": noise("third", 150)})
	b.later(time.Minute)
	b.use(p, "large.git")
	b.sweep(p)
	if kept := b.kept("1"); kept != "small" {
		t.Errorf("kept: %s", kept)
	}
}

func (b *bench) generations(name string) string {
	b.t.Helper()
	found, err := filepath.Glob(filepath.Join(b.dir, "1", "*_"+name+"-*", "*"))
	if err != nil {
		b.t.Fatal(err)
	}
	for i := range found {
		found[i] = filepath.Base(found[i])
	}
	return strings.Join(found, " ")
}

// TestAHistoryIsFetchedOnce: those who ask for what is here get it without the host, and of a later head's history
// comes only what is new.
func TestAHistoryIsFetchedOnce(t *testing.T) {
	t.Parallel()
	const before, depth, kilobytes = 10, 12, 20
	b := setup(t)
	p := b.pool(1<<30, week)
	b.create("deep.git", kilobytes)
	for i := range before {
		b.host.Commit(t, "deep.git", branch, map[string]string{"noise": noise(strconv.Itoa(i), kilobytes)})
	}
	for _, step := range []struct {
		what           string
		depth, fetches int
		change         bool
		most           int64
	}{
		{"the head", 1, 1, false, 2 * kilobytes << 10},
		{"its history", depth, 1, false, (before + 3) * kilobytes << 10},
		{"the history again", depth, 0, false, 0},
		{"less of it", 5, 0, false, 0},
		{"the next head", 1, 1, true, 2 << 10},
		{"the history of the next", depth, 1, true, 4 << 10},
		{"the next head after all", 1, 0, false, 0},
	} {
		if step.change {
			b.host.Commit(t, "deep.git", branch, map[string]string{"a.yaml": "a: " + step.what + "\n"})
		}
		fetches, bytes := b.host.Requests(gitserver.Fetch), b.packed("deep")
		b.close(b.openTo(p, "deep.git", step.depth))
		if got := b.host.Requests(gitserver.Fetch) - fetches; got != step.fetches {
			t.Errorf("%s: %d fetches, not %d", step.what, got, step.fetches)
		}
		if got := b.packed("deep") - bytes; got > step.most {
			t.Errorf("%s: %d bytes came, which is more than %d", step.what, got, step.most)
		}
	}
}

func (b *bench) openTo(p *Pool, repository string, depth int) *Objects {
	b.t.Helper()
	objects, err := openHead(b.t.Context(), p, b.remotes, b.host.URL(repository), depth)
	if err != nil {
		b.t.Fatal(err)
	}
	return objects
}

// packed is the size of a store's packs.
func (b *bench) packed(name string) (bytes int64) {
	b.t.Helper()
	packs, err := filepath.Glob(filepath.Join(b.dir, "1", "*_"+name+"-*", "*", "objects", "pack", "*.pack"))
	if err != nil {
		b.t.Fatal(err)
	}
	for _, path := range packs {
		info, err := os.Stat(path)
		if err != nil {
			b.t.Fatal(err)
		}
		bytes += info.Size()
	}
	return bytes
}

// TestFewStoresStayOpen: those used last, so that the next look at one costs little; and none that has gone from the
// disk.
func TestFewStoresStayOpen(t *testing.T) {
	t.Parallel()
	const repositories = mostIdle + 4
	b := setup(t)
	p := b.pool(plenty, week)
	for i := range repositories {
		name := fmt.Sprintf("r%d.git", i)
		b.create(name, 1)
		b.use(p, name)
		b.use(p, name) // which leaves it open a second time
	}
	if open := b.stillOpen(); len(open) != mostIdle {
		t.Errorf("%d stores are open: %v", len(open), open)
	}
	last := fmt.Sprintf("r%d.git", repositories-1)
	b.host.Commit(t, last, branch, map[string]string{"a.yaml": "a: 1\n"})
	b.use(p, last) // with what has come since
	b.later(week + time.Minute)
	reading := b.mustOpen(p, last)
	b.sweep(p)
	if open := b.stillOpen(); len(open) != 1 {
		t.Errorf("open after the others have gone: %v", open)
	}
	b.close(reading)
	if err := p.Close(); err != nil {
		t.Error(err)
	}
	if open := b.stillOpen(); len(open) != 0 {
		t.Errorf("open at the end: %v", open)
	}
}

// TestWhoReadsLongLeavesNothingOldBehind: what somebody opened before others fetched does not know what they have
// fetched.
func TestWhoReadsLongLeavesNothingOldBehind(t *testing.T) {
	t.Parallel()
	b := setup(t)
	p := b.pool(plenty, week)
	b.create("r.git", 1)
	reading := b.mustOpen(p, "r.git")
	b.host.Commit(t, "r.git", branch, map[string]string{"a.yaml": "a: 1\n"})
	b.use(p, "r.git")
	b.close(reading)
	b.use(p, "r.git")
	if n := b.host.Requests(gitserver.Fetch); n != 2 {
		t.Errorf("%d fetches of two heads", n)
	}
}

// stillOpen lists the folders of packs in which this process has files open.
func (b *bench) stillOpen() []string {
	b.t.Helper()
	descriptors, err := filepath.Glob("/proc/self/fd/*")
	if err != nil {
		b.t.Fatal(err)
	}
	folders := map[string]bool{}
	for _, descriptor := range descriptors {
		if path, err := os.Readlink(descriptor); err == nil && strings.HasPrefix(path, b.dir) &&
			strings.Contains(path, "/pack/") {
			folders[filepath.Dir(path)] = true
		}
	}
	return slices.Sorted(maps.Keys(folders))
}

// TestWhatCouldNotBeTakenAwayGoesLater: a store that was put aside and not removed, by this process or an earlier one.
func TestWhatCouldNotBeTakenAwayGoesLater(t *testing.T) {
	t.Parallel()
	b := setup(t)
	aside := filepath.Join(b.dir, "1", "host_r-0123456789ab"+goneSuffix, "1", "objects")
	if err := os.MkdirAll(aside, 0o700); err != nil {
		t.Fatal(err)
	}
	b.sweep(b.pool(plenty, week))
	if kept := b.kept("1"); kept != "" {
		t.Errorf("kept: %s", kept)
	}
}

// TestManyUseAndSweep: while many read heads that move, and publish, everything that nobody uses is swept away all the
// time. Whoever has a store open can read it, and in the end nothing is left, on the disk or in memory.
func TestManyUseAndSweep(t *testing.T) {
	t.Parallel()
	const users, rounds, repositories = 12, 6, 3
	b := setup(t)
	p := b.pool(nothing, week)
	for i := range repositories {
		b.create(fmt.Sprintf("r%d.git", i), 1)
	}
	var work, sweeping sync.WaitGroup
	ctx, stop := context.WithCancel(t.Context())
	sweeping.Go(func() {
		for ctx.Err() == nil {
			b.sweep(p)
		}
	})
	for user := range users {
		work.Go(func() {
			for round := range rounds {
				repository := fmt.Sprintf("r%d.git", (user+round)%repositories)
				objects, err := b.open(p, repository)
				if err != nil {
					t.Errorf("open: %v", err)
					return
				}
				if user == 0 {
					b.host.Commit(t, repository, branch, map[string]string{"a.yaml": fmt.Sprintf("a: %d\n", round)})
				}
				if user == 1 && round%2 == 0 {
					if err := objects.discard(errors.New("damaged")); err != nil {
						t.Errorf("discard: %v", err)
					}
				}
				b.close(objects)
			}
		})
	}
	work.Wait()
	stop()
	sweeping.Wait()
	b.sweep(p)
	if kept := b.kept("1"); kept != "" || len(p.stores) > 0 {
		t.Errorf("kept: %s, %d in memory", kept, len(p.stores))
	}
}

// TestAPoolIsClosedWhileItIsRead: its slot stays locked, so that no other process takes what is read.
func TestAPoolIsClosedWhileItIsRead(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.create("r.git", 1)
	first := NewPool(Options{Dir: b.dir, MaxBytes: plenty, MaxAge: week, Bytes: b.bytes, Now: b.clock, Log: quiet})
	reading := b.mustOpen(first, "r.git")
	if err := first.Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := b.open(first, "r.git"); err == nil {
		t.Error("a closed pool fetches")
	}
	second := b.pool(nothing, week)
	b.sweep(second)
	if kept := b.kept("1") + "," + b.kept("2"); kept != "r," {
		t.Errorf("kept: %s", kept)
	}
	b.close(reading)
	if err := first.slot.release(); err != nil { // what the end of a process does
		t.Fatal(err)
	}
	third := b.pool(plenty, week)
	b.use(third, "r.git")
	if n := b.host.Requests(gitserver.Fetch); n != 1 {
		t.Errorf("%d fetches, not 1", n)
	}
}
