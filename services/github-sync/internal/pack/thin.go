package pack

import (
	"bytes"
	"context"
	"crypto/sha1" //nolint:gosec // Git's checksums
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"io"

	"github.com/go-git/go-git/v5/plumbing"
	"github.com/klauspost/compress/zlib"
)

// Bases returns an object that the receiver has, or an error with plumbing.ErrObjectNotFound in its chain.
type Bases func(id plumbing.Hash) (plumbing.EncodedObject, error)

// ErrBaseTooLarge says that a pack builds on an object that is too large to be held.
var ErrBaseTooLarge = errors.New("the pack builds on too large an object")

// complete resolves the deltas of a thin pack, whose bases only the receiver has, and adds these bases to the pack, so
// that it can be read by itself.
func (r *resolver) complete(ctx context.Context, bases Bases) error {
	for found := true; found && r.open > 0; {
		found = false
		for _, id := range r.wanted() {
			base, err := bases(id)
			if errors.Is(err, plumbing.ErrObjectNotFound) {
				continue // it may be one of those that are resolved with another
			}
			if err != nil {
				return fmt.Errorf("read the base of a delta: %w", err)
			}
			if !r.waits(id) {
				continue
			}
			if found = true; base.Size() > memoryBudget {
				return ErrBaseTooLarge
			}
			if err := r.adopt(ctx, id, base); err != nil {
				return err
			}
		}
	}
	return nil
}

// adopt adds an object to the pack, in the place of its checksum, and resolves what is made of it.
func (r *resolver) adopt(ctx context.Context, id plumbing.Hash, base plumbing.EncodedObject) (err error) {
	from, err := base.Reader()
	if err != nil {
		return fmt.Errorf("read the base of a delta: %w", err)
	}
	defer func() { err = errors.Join(err, from.Close()) }()
	e := entry{offset: r.end, kind: base.Type(), id: id}
	raw := bytes.NewBuffer(entryHead(e.kind, base.Size()))
	deflated := zlib.NewWriter(raw)
	if _, err := io.Copy(deflated, from); err != nil {
		return fmt.Errorf("read the base of a delta: %w", err)
	}
	if err := deflated.Close(); err != nil {
		return fmt.Errorf("deflate the base of a delta: %w", err)
	}
	if _, err := r.file.WriteAt(raw.Bytes(), r.end); err != nil {
		return fmt.Errorf("store pack: %w", err)
	}
	r.buffered.Reset(r.section) // which may have read what stood there
	e.crc = crc32.ChecksumIEEE(raw.Bytes())
	r.end += int64(raw.Len())
	r.entries = append(r.entries, e)
	return r.grow(ctx, &e)
}

// entryHead is what stands before the content of an object that is no delta.
func entryHead(kind plumbing.ObjectType, size int64) []byte {
	head := []byte{byte(kind)<<4 | byte(size&15)}
	for size >>= 4; size > 0; size >>= 7 {
		head[len(head)-1] |= 0x80
		head = append(head, byte(size&0x7f))
	}
	return head
}

// seal writes the number of objects and the checksum anew, after bases were added.
func (r *resolver) seal() (checksum plumbing.Hash, err error) {
	count := binary.BigEndian.AppendUint32(nil, uint32(len(r.entries)))
	if _, err := r.file.WriteAt(count, headerSize-int64(len(count))); err != nil {
		return checksum, fmt.Errorf("store pack: %w", err)
	}
	sum := sha1.New() //nolint:gosec // Git's checksums
	if _, err := io.Copy(sum, io.NewSectionReader(r.file, 0, r.end)); err != nil {
		return checksum, fmt.Errorf("read pack: %w", err)
	}
	sum.Sum(checksum[:0])
	if _, err := r.file.WriteAt(checksum[:], r.end); err != nil {
		return checksum, fmt.Errorf("store pack: %w", err)
	}
	return checksum, nil
}
