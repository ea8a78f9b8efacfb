package pack

import (
	"crypto/sha1" //nolint:gosec // Git's object ids
	"encoding/binary"
	"errors"
	"fmt"
	"hash"
	"io"
	"strconv"

	"github.com/go-git/go-git/v5/plumbing"
	"github.com/klauspost/compress/zlib"
)

const (
	version    = 2
	headerSize = 12
	idSize     = 20
	copySize   = 32 << 10
)

// entry is one object of a pack. There may be a million of them, so it has what the index needs and no more.
type entry struct {
	offset int64
	id     plumbing.Hash // known once a delta is resolved
	crc    uint32
	kind   plumbing.ObjectType // as it is stored
	taken  bool                // a delta whose base has been found
}

// head is what stands before the deflated content of an object.
type head struct {
	kind plumbing.ObjectType
	size int64         // of the content; of a delta, its own
	base int64         // offset of the base of an offset delta
	ref  plumbing.Hash // id of the base of a reference delta
}

func (e *entry) isDelta() bool { return e.kind.IsDelta() }

// inflater reads deflated contents. It is not for concurrent use.
type inflater struct {
	reader  io.ReadCloser
	buffer  []byte
	limited io.LimitedReader
}

// byteReader lets the inflater read no byte too much.
type byteReader interface {
	io.Reader
	io.ByteReader
}

func (i *inflater) open(from byteReader) (io.Reader, error) {
	if i.reader == nil {
		reader, err := zlib.NewReader(from)
		i.reader, i.buffer = reader, make([]byte, copySize)
		return reader, err
	}
	return i.reader, i.reader.(zlib.Resetter).Reset(from, nil)
}

// inflate reads a content of a known size to its end.
func (i *inflater) inflate(to io.Writer, from byteReader, size int64) error {
	reader, err := i.open(from)
	if err != nil {
		return unreadable(err)
	}
	i.limited = io.LimitedReader{R: reader, N: size + 1}
	n, err := io.CopyBuffer(to, &i.limited, i.buffer)
	switch {
	case err != nil:
		return unreadable(err)
	case n != size:
		return damaged("an object has another size than it says")
	}
	return nil
}

// unreadable distinguishes what no inflater can read from what did not come.
func unreadable(err error) error {
	if errors.Is(err, zlib.ErrHeader) || errors.Is(err, zlib.ErrChecksum) || errors.Is(err, zlib.ErrDictionary) {
		return fmt.Errorf("%w: %w", ErrDamaged, err)
	}
	return fmt.Errorf("read object: %w", err)
}

// contents is what a scan finds in a pack.
type contents struct {
	entries  []entry
	byOffset []offsetDelta
	byID     []idDelta
	waiting  int // deltas by id whose base has not been found
	checksum plumbing.Hash
}

// scan reads a pack of so many objects to its end.
func scan(s *source, count int, quota *quota) (*contents, error) {
	c := &contents{entries: make([]entry, 0, quota.room(count))}
	var in inflater
	id := newIdentifier()
	for range count {
		e, h, err := scanEntry(s, &in, id, quota)
		if err != nil {
			return nil, err
		}
		c.add(e, h)
	}
	var err error
	c.checksum, err = s.finish()
	return c, err
}

func (c *contents) add(e entry, h head) {
	index := int32(len(c.entries)) // bounded by what a header may claim
	switch e.kind {
	case plumbing.OFSDeltaObject:
		c.byOffset = append(c.byOffset, offsetDelta{h.base, index})
	case plumbing.REFDeltaObject:
		c.byID = append(c.byID, idDelta{h.ref, index})
		c.waiting++
	}
	c.entries = append(c.entries, e)
}

func readHeader(s *source) (uint32, error) {
	var header [headerSize]byte
	if _, err := io.ReadFull(s, header[:]); err != nil {
		return 0, fmt.Errorf("read pack: %w", err)
	}
	if string(header[:4]) != "PACK" || binary.BigEndian.Uint32(header[4:]) != version {
		return 0, damaged("it does not begin like a pack")
	}
	return binary.BigEndian.Uint32(header[8:]), nil
}

func scanEntry(s *source, in *inflater, id *identifier, quota *quota) (entry, head, error) {
	e := entry{offset: s.begin()}
	h, err := readEntry(s, e.offset)
	if err != nil {
		return e, h, err
	}
	if err := quota.inflate(h.size); err != nil {
		return e, h, err
	}
	if e.kind = h.kind; e.isDelta() {
		err = in.inflate(io.Discard, s, h.size)
	} else {
		id.begin(e.kind, h.size)
		err = in.inflate(id, s, h.size)
		e.id = id.sum()
	}
	e.crc = s.end()
	return e, h, err
}

// readEntry reads what stands before the deflated content.
func readEntry(r byteReader, offset int64) (head, error) {
	var h head
	first, err := r.ReadByte()
	if err != nil {
		return h, fmt.Errorf("read object: %w", eof(err))
	}
	h.kind, h.size = plumbing.ObjectType(first>>4&7), int64(first&15)
	for shift := 4; first&0x80 != 0; shift += 7 {
		if first, err = r.ReadByte(); err != nil {
			return h, fmt.Errorf("read object: %w", eof(err))
		}
		if shift > 53 {
			return h, damaged("an object says it is larger than any")
		}
		h.size |= int64(first&0x7f) << shift
	}
	switch h.kind {
	case plumbing.CommitObject, plumbing.TreeObject, plumbing.BlobObject, plumbing.TagObject:
	case plumbing.OFSDeltaObject:
		h.base, err = readDistance(r, offset)
	case plumbing.REFDeltaObject:
		_, err = io.ReadFull(r, h.ref[:])
		err = eof(err)
	default:
		err = damaged("an object has the unknown type %d", h.kind)
	}
	return h, err
}

// readDistance reads how far before an object its base stands.
func readDistance(r io.ByteReader, offset int64) (int64, error) {
	b, err := r.ReadByte()
	distance := int64(b & 0x7f)
	for err == nil && b&0x80 != 0 {
		if distance > offset {
			break
		}
		b, err = r.ReadByte()
		distance = (distance+1)<<7 | int64(b&0x7f)
	}
	if err != nil {
		return 0, fmt.Errorf("read object: %w", eof(err))
	}
	if distance <= 0 || distance > offset-headerSize {
		return 0, damaged("the base of a delta stands before the pack")
	}
	return offset - distance, nil
}

// eof says that an end came too early.
func eof(err error) error {
	if errors.Is(err, io.EOF) {
		return io.ErrUnexpectedEOF
	}
	return err
}

// identifier makes the ids of objects, whose contents are written to it.
type identifier struct {
	hash   hash.Hash
	header []byte
}

func newIdentifier() *identifier { return &identifier{hash: sha1.New()} } //nolint:gosec // Git's object ids

func (i *identifier) begin(kind plumbing.ObjectType, size int64) {
	i.hash.Reset()
	i.header = append(append(i.header[:0], kind.Bytes()...), ' ')
	i.header = append(strconv.AppendInt(i.header, size, 10), 0)
	_, _ = i.hash.Write(i.header) // a hash takes all
}

func (i *identifier) Write(p []byte) (int, error) { return i.hash.Write(p) }

func (i *identifier) sum() (id plumbing.Hash) {
	i.hash.Sum(id[:0])
	return id
}
