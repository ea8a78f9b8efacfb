package pack

import (
	"context"
	"fmt"

	"golang.org/x/sync/semaphore"

	"fgdsync.dev/libs/errs"
)

const (
	// smallPack is a number of objects that needs so little memory that nobody waits for it.
	smallPack = 1 << 16
	// atOnce is how many packs are resolved at the same time. It takes a processor, and no network.
	atOnce = 2
	// mostHeld bounds the bytes of one pack that are held in a file while it is resolved.
	mostHeld = 512 << 20
	// mostDeep bounds how deep deltas are made of each other. Git itself makes them 4095 deep at most (pack.depth).
	mostDeep = 1 << 14
	// leastPart and leastRead are how many bytes a part of what a delta makes counts for at least, by the time that it
	// takes: the second of a base that is held in a file.
	leastPart = 64
	leastRead = 4 << 10
	// inflation is how many times its greatest size a pack may have when it is inflated. Text is deflated to a tenth;
	// files of a history are more, since each is made of the one before.
	inflation = 16
)

// Bounds bound the packs that come from elsewhere, and what all receptions take together of memory and disk. They may
// be used concurrently.
type Bounds struct {
	objects   int
	inflated  int64
	entries   *semaphore.Weighted // objects of large packs
	resolving *semaphore.Weighted
}

// NewBounds returns bounds for packs of so many objects and of so many bytes.
func NewBounds(objects int, bytes int64) *Bounds {
	return &Bounds{
		objects: objects, inflated: bytes * inflation, entries: semaphore.NewWeighted(int64(objects)),
		resolving: semaphore.NewWeighted(atOnce),
	}
}

// tooLaborious says that no Git has made a pack in this way.
func tooLaborious(format string, args ...any) error {
	return errs.New(errs.RepositoryUnsupported, "What the Git host sends takes too much work: %s.",
		fmt.Sprintf(format, args...)).
		WithRemedy("Have the repository packed anew on the Git host (git repack -adf).")
}

func tooLarge(format string, args ...any) error {
	return errs.New(errs.RepositoryUnsupported, "What the Git host sends is too large: %s.", fmt.Sprintf(format, args...)).
		WithRemedy("Make the repository smaller, or raise max_pack_objects or max_pack_bytes when it has to be so large.")
}

// admit waits until there is memory for so many objects. Nil bounds admit all.
func (b *Bounds) admit(ctx context.Context, objects uint32) (release func(), err error) {
	switch {
	case b == nil:
		return func() {}, nil
	case int64(objects) > int64(b.objects):
		return nil, tooLarge("the pack has %d objects; the limit is %d", objects, b.objects)
	case objects <= smallPack:
		return func() {}, nil
	}
	if err := b.entries.Acquire(ctx, int64(objects)); err != nil {
		return nil, fmt.Errorf("wait for memory to receive a pack: %w", context.Cause(ctx))
	}
	return func() { b.entries.Release(int64(objects)) }, nil
}

// resolve waits until deltas may be resolved.
func (b *Bounds) resolve(ctx context.Context) (release func(), err error) {
	if b == nil {
		return func() {}, nil
	}
	if err := b.resolving.Acquire(ctx, 1); err != nil {
		return nil, fmt.Errorf("wait to resolve a pack: %w", context.Cause(ctx))
	}
	return func() { b.resolving.Release(1) }, nil
}

// quota is what one pack may still inflate to.
type quota struct {
	bounds *Bounds
	left   int64
}

func (b *Bounds) quota() *quota {
	if b == nil {
		return &quota{}
	}
	return &quota{b, b.inflated}
}

// inflate takes account of an object that is about to be inflated, or made of another.
func (q *quota) inflate(size int64) error {
	if q.bounds == nil {
		return nil
	}
	if q.left -= size; size > q.bounds.inflated || q.left < 0 {
		return tooLarge("its objects have more than %d bytes together", q.bounds.inflated)
	}
	return nil
}

// work takes account of what an instruction of a delta costs beside the bytes that it makes.
func (q *quota) work(bytes int64) error {
	if q.bounds == nil || bytes <= 0 {
		return nil
	}
	if q.left -= bytes; q.left < 0 {
		return tooLaborious("its deltas are made of too many small parts")
	}
	return nil
}

// room is for how many of the objects that a pack claims to have there is memory at once. Without bounds it may claim
// any number.
func (q *quota) room(objects int) int {
	if q.bounds == nil {
		return min(objects, smallPack)
	}
	return objects
}
