package bench

import (
	"encoding/binary"
	"fmt"
	"io/fs"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"fgdsync.dev/test/fabric"
	"fgdsync.dev/test/system"
	"fgdsync.dev/testkit/gitserver"
)

const (
	commitNumber, treeNumber, blobNumber, offsetNumber = 1, 2, 3, 6 // kinds of objects in a pack (gitformat-pack(5))

	mostObjects  = 1_000_000        // the default of max_pack_objects
	mostInflated = 16 * (256 << 20) // what a pack of the default of max_pack_bytes may be when it is inflated
)

// hostilePack is a pack that no Git makes, beside what the host would have sent.
type hostilePack struct {
	objects int
	fill    func(*handPack)
	state   string // in which the sync ends
	code    string // of its error, if it has one
}

// BenchmarkHostilePack lets a Git host answer a fetch with packs that are made to cost much, and measures what fgd up
// has resident at most, what its data folder takes at most, with files that have no name any more, and how long it
// takes until the sync has ended as it should.
func BenchmarkHostilePack(b *testing.B) {
	built, host := programs(b), server(b)
	for name, hostile := range hostilePacks() {
		b.Run(name, func(b *testing.B) {
			var times []time.Duration
			var memory, disk int64
			for i := 0; b.Loop(); i++ {
				s := built.Up(b, nil)
				rest := s.Processes["fgd"].Resident()
				repository := fmt.Sprintf("%s%d.git", strings.ReplaceAll(name, " ", "-"), i)
				host.Create(b, repository, branch, map[string]string{directory + "/raw/good.yaml": fabric.VPC("good", 1)})
				content := hostile.beside(b, host, repository)
				host.Mend()
				host.Break(gitserver.Fault{On: gitserver.Fetch, Pack: content})
				watched := watchDisk(s)
				var registered system.Accepted
				began := time.Now() // the registration looks at the directory, and may fetch
				s.Call(http.MethodPost, "/api/v1/fabrics", registration(repository, host.URL(repository)), &registered)
				status := s.Ended(registered.SyncID)
				times = append(times, time.Since(began))
				disk = max(disk, watched.most())
				hostile.require(b, status)
				memory = max(memory, s.Processes["fgd"].Memory())
				b.ReportMetric(float64(len(content))/(1<<20), "pack-MiB")
				b.ReportMetric(float64(rest)/(1<<20), "rest-MiB")
				s.Processes["fgd"].Stop()
			}
			report(b, "ended", times)
			b.ReportMetric(float64(memory)/(1<<20), "peak-MiB")
			b.ReportMetric(float64(disk)/(1<<20), "disk-MiB")
		})
	}
}

func hostilePacks() map[string]hostilePack {
	const completed, failed, tooLarge = "completed", "failed", "FGD_4012"
	return map[string]hostilePack{
		"30 MiB of empty files":      {30 << 20 / emptySize, emptyFiles(30 << 20 / emptySize), failed, tooLarge},
		"a million empty files":      {mostObjects - 10, emptyFiles(mostObjects - 10), completed, ""},
		"a million different files":  {mostObjects - 10, differentFiles, completed, ""},
		"a million deltas":           {mostObjects - 10, tinyDeltas(1, mostObjects-11), completed, ""},
		"16,384 deep":                {1 + 1<<14, tinyDeltas(1<<14, 1<<14), completed, ""},
		"a million deep":             {mostObjects - 10, tinyDeltas(mostObjects, mostObjects-11), failed, tooLarge},
		"large deltas of each other": {5, largeDeltas(1<<30, 4, 0), failed, tooLarge},
		"deltas within all bounds":   {240, largeDeltas(16<<20, 30, 209), completed, ""},
		"byte for byte":              {41, byteForByte(16<<20, 40), failed, tooLarge},
		"byte for byte of a disk":    {41, byteForByte(17<<20, 40), failed, tooLarge},
	}
}

// beside returns the pack with all objects of the branch, after which come the hostile ones.
func (h hostilePack) beside(b *testing.B, host *gitserver.Server, repository string) []byte {
	b.Helper()
	numbers := map[string]byte{"commit": commitNumber, "tree": treeNumber, "blob": blobNumber}
	lines := strings.Split(strings.TrimSpace(host.Git(b, repository, "rev-list", "--objects", branch)), "\n")
	p := newPack(b, len(lines)+h.objects)
	for _, line := range lines {
		id := strings.Fields(line)[0]
		kind := strings.TrimSpace(host.Git(b, repository, "cat-file", "-t", id))
		p.put(numbers[kind], nil, host.Git(b, repository, "cat-file", kind, id))
	}
	h.fill(p)
	return p.end()
}

func (h hostilePack) require(b *testing.B, status system.Status) {
	b.Helper()
	code := ""
	if len(status.Errors) > 0 {
		code = status.Errors[0].Code
	}
	if !strings.EqualFold(status.State, h.state) || code != h.code {
		b.Errorf("the sync ended as %s %s, not as %s %s: %+v", status.State, code, h.state, h.code, status.Errors)
	}
}

// emptySize is that of an empty file in a pack, and emptyFile is one.
const emptySize, emptyFile = 9, "\x30\x78\x9c\x03\x00\x00\x00\x00\x01"

func emptyFiles(number int) func(*handPack) {
	return func(p *handPack) { p.out.WriteString(strings.Repeat(emptyFile, number)) }
}

func differentFiles(p *handPack) {
	for i := range mostObjects - 10 {
		p.put(blobNumber, nil, fmt.Sprintf("%011d", i))
	}
}

// tinyDeltas are deltas of one kilobyte each in chains of a depth, each of which begins with the first object.
func tinyDeltas(depth, number int) func(*handPack) {
	return func(p *handPack) {
		const size = 1 << 10
		p.put(blobNumber, nil, strings.Repeat("x", size))
		first := p.last
		for i := range number {
			base := p.last
			if i%depth == 0 {
				base = first
			}
			// a copy of all but the last four bytes, and these
			p.delta(base, deltaHead(size, size)+"\xb0\xfc\x03\x04"+fmt.Sprintf("%04x", i&0xffff))
		}
	}
}

// largeDeltas are deltas of a size of which each is made of the one before it, and others that are all made of the
// last.
func largeDeltas(size, depth, wide int) func(*handPack) {
	const first = 16 << 20
	return func(p *handPack) {
		p.put(blobNumber, nil, strings.Repeat("\x00", first))
		grown := func(base int) string { return deltaHead(base, size) + strings.Repeat("\x80", size>>16) }
		p.delta(p.last, grown(first))
		for range depth - 1 {
			p.delta(p.last, grown(size))
		}
		last := p.last
		for range wide {
			p.delta(last, grown(size))
		}
	}
}

// byteForByte are deltas of a file that is too large to be held in memory, of which each copies one byte at a time.
func byteForByte(size, number int) func(*handPack) {
	return func(p *handPack) {
		p.put(blobNumber, nil, strings.Repeat("\x00", size))
		first, delta := p.last, deltaHead(size, size)+strings.Repeat("\x90\x01", size)
		for range number {
			p.delta(first, delta)
		}
	}
}

func deltaHead(base, size int) string {
	return string(binary.AppendUvarint(binary.AppendUvarint(nil, uint64(base)), uint64(size)))
}

// delta adds one of the object at an offset.
func (p *handPack) delta(base int, content string) {
	back := p.out.Len() - base
	between := []byte{byte(back & 0x7f)}
	for back >>= 7; back > 0; back >>= 7 {
		back--
		between = append([]byte{0x80 | byte(back&0x7f)}, between...)
	}
	p.put(offsetNumber, between, content)
}

// diskWatch looks again and again at what a data folder takes.
type diskWatch struct {
	stop, stopped chan struct{}
	bytes         int64
}

func watchDisk(s *system.System) *diskWatch {
	w := &diskWatch{stop: make(chan struct{}), stopped: make(chan struct{})}
	fds := filepath.Join("/proc", s.Processes["fgd"].ID(), "fd")
	go func() {
		defer close(w.stopped)
		looks := time.NewTicker(50 * time.Millisecond) // the file system gives no signal
		defer looks.Stop()
		for {
			w.bytes = max(w.bytes, onDisk(s.Data)+nameless(fds, s.Data))
			select {
			case <-looks.C:
			case <-w.stop:
				return
			}
		}
	}()
	return w
}

func (w *diskWatch) most() int64 {
	close(w.stop)
	<-w.stopped
	return w.bytes
}

func onDisk(folder string) (bytes int64) {
	_ = filepath.WalkDir(folder, func(path string, _ fs.DirEntry, _ error) error { // files come and go
		bytes += blocks(os.Lstat(path))
		return nil
	})
	return bytes
}

// nameless is what the files take that a process has open and that have left a folder.
func nameless(fds, folder string) (bytes int64) {
	entries, _ := os.ReadDir(fds)
	for _, entry := range entries {
		path := filepath.Join(fds, entry.Name())
		if target, _ := os.Readlink(path); strings.HasPrefix(target, folder) && strings.HasSuffix(target, " (deleted)") {
			bytes += blocks(os.Stat(path))
		}
	}
	return bytes
}

func blocks(info os.FileInfo, err error) int64 {
	if err != nil {
		return 0
	}
	if status, known := info.Sys().(*syscall.Stat_t); known {
		return status.Blocks * 512 // as stat(2) counts them
	}
	return 0
}
