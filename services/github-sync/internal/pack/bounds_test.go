package pack_test

import (
	"bytes"
	"context"
	"crypto/sha1"
	"encoding/binary"
	"errors"
	"io"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"github.com/klauspost/compress/zlib"

	"fgdsync.dev/libs/errs"
	"fgdsync.dev/services/github-sync/internal/pack"
)

const (
	blobKind   = 3
	offsetKind = 6
)

// builder makes a pack as Git would not.
type builder struct {
	bytes.Buffer
	claimed uint32
	last    int // where the last object begins

	content, deflated []byte // of the last delta
}

func newBuilder(claimed uint32) *builder {
	b := &builder{claimed: claimed}
	b.WriteString("PACK")
	b.Write(binary.BigEndian.AppendUint32(binary.BigEndian.AppendUint32(nil, 2), claimed))
	return b
}

// object adds one, whose content is deflated already, with what stands between its head and that.
func (b *builder) object(kind byte, size int, between, deflated []byte) {
	b.last = b.Len()
	first := kind<<4 | byte(size&15)
	for size >>= 4; size > 0; size >>= 7 {
		b.WriteByte(first | 0x80)
		first = byte(size & 0x7f)
	}
	b.WriteByte(first)
	b.Write(between)
	b.Write(deflated)
}

// delta adds one whose base is the object before it.
func (b *builder) delta(t testing.TB, content []byte) {
	t.Helper()
	back := b.Len() - b.last
	between := []byte{byte(back & 0x7f)}
	for back >>= 7; back > 0; back >>= 7 {
		back--
		between = append([]byte{0x80 | byte(back&0x7f)}, between...)
	}
	if b.deflated == nil || !bytes.Equal(content, b.content) { // thousands of deltas may be the same
		b.content, b.deflated = content, deflate(t, content)
	}
	b.object(offsetKind, len(content), between, b.deflated)
}

func (b *builder) sealed() []byte {
	sum := sha1.Sum(b.Bytes())
	return append(bytes.Clone(b.Bytes()), sum[:]...)
}

func deflate(t testing.TB, content []byte) []byte {
	t.Helper()
	var out bytes.Buffer
	w := zlib.NewWriter(&out)
	if _, err := w.Write(content); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

// grown is a delta that makes an object of so many bytes, all of them copies of the first 64 KiB of its base.
func grown(base, size int) []byte {
	out := append(binary.AppendUvarint(nil, uint64(base)), binary.AppendUvarint(nil, uint64(size))...)
	for made := 0; made < size; made += 1 << 16 {
		out = append(out, 0x80) // from the start, as long as a copy is when it does not say
	}
	return out
}

func receiveBounded(ctx context.Context, t testing.TB, bounds *pack.Bounds, content io.Reader) error {
	t.Helper()
	folder := filepath.Join(newRepository(t), "objects", "pack")
	err := pack.Folder{Path: folder, Bounds: bounds}.Receive(ctx, content)
	if err != nil {
		requireClean(t, filepath.Dir(filepath.Dir(folder)), 0)
	}
	return err
}

func requireTooLarge(t testing.TB, err error, words string) {
	t.Helper()
	if !errs.HasCode(err, errs.RepositoryUnsupported) || !strings.Contains(err.Error(), words) {
		t.Errorf("%v, and not that %s", err, words)
	}
}

// TestTooManyObjects: a pack that claims more objects than are allowed is refused before any of them comes.
func TestTooManyObjects(t *testing.T) {
	t.Parallel()
	never, writer := io.Pipe()
	defer writer.Close()
	head := newBuilder(1001)
	sent := io.MultiReader(bytes.NewReader(head.Bytes()), never)
	err := receiveBounded(t.Context(), t, pack.NewBounds(1000, 1<<20), sent)
	requireTooLarge(t, err, "1001 objects; the limit is 1000")
}

// TestChainsOfLargeDeltas: what a few kilobytes of deltas make of each other is not held in files beyond all bounds.
func TestChainsOfLargeDeltas(t *testing.T) {
	t.Parallel()
	const base, large = 16 << 20, 1 << 30
	b := newBuilder(5)
	b.object(blobKind, base, nil, deflate(t, make([]byte, base)))
	b.delta(t, grown(base, large))
	for range 3 {
		b.delta(t, grown(large, large))
	}
	requireTooLarge(t, receiveBounded(t.Context(), t, pack.NewBounds(1000, 256<<20), bytes.NewReader(b.sealed())),
		"at the same time")
}

// TestWhatAPackInflatesTo: the sum of all that a pack makes is bounded, also when each part is small.
func TestWhatAPackInflatesTo(t *testing.T) {
	t.Parallel()
	const size = 1 << 20
	chain, blobs := newBuilder(21), newBuilder(21)
	zeros := deflate(t, make([]byte, size))
	chain.object(blobKind, size, nil, zeros)
	blobs.object(blobKind, size, nil, zeros)
	for range 20 {
		chain.delta(t, grown(size, size))
		blobs.object(blobKind, size, nil, zeros)
	}
	for name, content := range map[string][]byte{"deltas": chain.sealed(), "blobs": blobs.sealed()} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			requireTooLarge(t, receiveBounded(t.Context(), t, pack.NewBounds(1000, size), bytes.NewReader(content)), "together")
			if err := receiveBounded(t.Context(), t, pack.NewBounds(1000, 2*size), bytes.NewReader(content)); err != nil {
				t.Errorf("within the bounds: %v", err)
			}
		})
	}
}

// TestDeepDeltas: deltas that are made of each other deeper than any Git makes them are refused.
func TestDeepDeltas(t *testing.T) {
	t.Parallel()
	const size, most = 100, 1 << 14
	for depth, refused := range map[int]bool{most: false, most + 1: true} {
		b := newBuilder(uint32(depth) + 1)
		b.object(blobKind, size, nil, deflate(t, make([]byte, size)))
		for range depth {
			b.delta(t, []byte{size, size, 0x90, size})
		}
		err := receiveBounded(t.Context(), t, pack.NewBounds(most+2, 1<<20), bytes.NewReader(b.sealed()))
		if refused {
			requireTooLarge(t, err, "more than 16384 deep")
		} else if err != nil {
			t.Errorf("%d deep: %v", depth, err)
		}
	}
}

// TestSmallParts: what a delta makes byte for byte costs more than its bytes, and most of a base that is not in memory.
func TestSmallParts(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct{ base, few, many int }{
		"in memory": {1 << 10, 10_000, 200_000},
		"on disk":   {17 << 20, 2000, 50_000},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			for _, number := range []int{test.few, test.many} {
				b := newBuilder(2)
				b.object(blobKind, test.base, nil, deflate(t, make([]byte, test.base)))
				head := binary.AppendUvarint(binary.AppendUvarint(nil, uint64(test.base)), uint64(number))
				b.delta(t, append(head, bytes.Repeat([]byte{0x90, 1}, number)...))
				bounds := pack.NewBounds(10, max(int64(test.base)/8, 1<<17))
				err := receiveBounded(t.Context(), t, bounds, bytes.NewReader(b.sealed()))
				if number == test.many {
					requireTooLarge(t, err, "too many small parts")
				} else if err != nil {
					t.Errorf("%d parts: %v", number, err)
				}
			}
		})
	}
}

// TestTheOutcomeOfADelta: a delta that claims to make more than a gigabyte is refused before it makes anything.
func TestTheOutcomeOfADelta(t *testing.T) {
	t.Parallel()
	for _, size := range []int{1<<30 + 1, 1 << 40} {
		b := newBuilder(2)
		b.object(blobKind, 1<<16, nil, deflate(t, make([]byte, 1<<16)))
		b.delta(t, append(binary.AppendUvarint(nil, 1<<16), binary.AppendUvarint(nil, uint64(size))...))
		requireTooLarge(t, receiveBounded(t.Context(), t, nil, bytes.NewReader(b.sealed())), "the limit is 1073741824")
	}
}

// empty is a pack of so many empty files.
func empty(t testing.TB, number uint32) []byte {
	t.Helper()
	b, nothing := newBuilder(number), deflate(t, nil)
	for range number {
		b.object(blobKind, 0, nil, nothing)
	}
	return b.sealed()
}

// TestMemoryOfManyObjects: what is taken for an object is little more than the index needs. It reads the memory of the
// whole process, and so runs alone.
func TestMemoryOfManyObjects(t *testing.T) { //nolint:paralleltest // see above
	const objects, mostOfOne = 200_000, 160
	content := empty(t, objects)
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	err := receiveBounded(t.Context(), t, pack.NewBounds(objects, 64<<20), bytes.NewReader(content))
	runtime.ReadMemStats(&after)
	if used := after.TotalAlloc - before.TotalAlloc; err != nil || used > objects*mostOfOne {
		t.Errorf("%d bytes for an object; %v", used/objects, err)
	}
}

// blocked is a pack whose objects do not come.
type blocked struct {
	head  io.Reader
	begun chan struct{}
	ctx   context.Context
}

func (b *blocked) Read(p []byte) (int, error) {
	if n, err := b.head.Read(p); err == nil {
		return n, nil
	}
	select {
	case b.begun <- struct{}{}:
	default:
	}
	<-b.ctx.Done()
	return 0, b.ctx.Err()
}

// TestLargePacksWaitForMemory: a large pack waits while another one has the memory; small ones do not.
func TestLargePacksWaitForMemory(t *testing.T) {
	t.Parallel()
	const large = 70_000
	bounds := pack.NewBounds(100_000, 1<<20)
	ctx, end := context.WithCancel(t.Context())
	first := &blocked{bytes.NewReader(newBuilder(large).Bytes()), make(chan struct{}, 1), ctx}
	ended := make(chan error, 1)
	go func() { ended <- receiveBounded(ctx, t, bounds, first) }()
	<-first.begun
	if err := receiveBounded(t.Context(), t, bounds, bytes.NewReader(empty(t, 10))); err != nil {
		t.Errorf("a small pack: %v", err)
	}
	over, cancel := context.WithCancel(t.Context())
	cancel()
	content := empty(t, large)
	if err := receiveBounded(over, t, bounds, bytes.NewReader(content)); !errors.Is(err, context.Canceled) {
		t.Errorf("a large pack did not wait: %v", err)
	}
	end()
	if err := <-ended; err == nil {
		t.Error("what was given up was received")
	}
	if err := receiveBounded(t.Context(), t, bounds, bytes.NewReader(content)); err != nil {
		t.Errorf("when the first has ended: %v", err)
	}
}
