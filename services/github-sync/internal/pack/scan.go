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

	// mostEntries bounds what is set aside before entries come; a pack may claim any number.
	mostEntries = 1 << 16
)

// entry is one object of a pack.
type entry struct {
	offset int64
	size   int64 // of the content; of a delta, its own
	crc    uint32
	kind   plumbing.ObjectType // as it is stored
	base   int64               // offset of the base of an offset delta
	ref    plumbing.Hash       // id of the base of a reference delta
	id     plumbing.Hash       // known once a delta is resolved
}

func (e *entry) isDelta() bool { return e.kind.IsDelta() }

// inflater reads deflated contents. It is not for concurrent use.
type inflater struct {
	reader io.ReadCloser
	buffer []byte
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
	n, err := io.CopyBuffer(to, io.LimitReader(reader, size+1), i.buffer)
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

// scan reads a pack to its end.
func scan(s *source) ([]entry, plumbing.Hash, error) {
	count, err := readHeader(s)
	if err != nil {
		return nil, plumbing.ZeroHash, err
	}
	entries := make([]entry, 0, min(count, mostEntries))
	var in inflater
	id := newIdentifier()
	for range count {
		e, err := scanEntry(s, &in, id)
		if err != nil {
			return nil, plumbing.ZeroHash, err
		}
		entries = append(entries, e)
	}
	checksum, err := s.finish()
	return entries, checksum, err
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

func scanEntry(s *source, in *inflater, id *identifier) (entry, error) {
	offset := s.begin()
	e, err := readEntry(s, offset)
	if err != nil {
		return e, err
	}
	if e.isDelta() {
		err = in.inflate(io.Discard, s, e.size)
	} else {
		id.begin(e.kind, e.size)
		err = in.inflate(id, s, e.size)
		e.id = id.sum()
	}
	e.crc = s.end()
	return e, err
}

// readEntry reads what stands before the deflated content.
func readEntry(r byteReader, offset int64) (entry, error) {
	e := entry{offset: offset}
	first, err := r.ReadByte()
	if err != nil {
		return e, fmt.Errorf("read object: %w", eof(err))
	}
	e.kind, e.size = plumbing.ObjectType(first>>4&7), int64(first&15)
	for shift := 4; first&0x80 != 0; shift += 7 {
		if first, err = r.ReadByte(); err != nil {
			return e, fmt.Errorf("read object: %w", eof(err))
		}
		if shift > 53 {
			return e, damaged("an object says it is larger than any")
		}
		e.size |= int64(first&0x7f) << shift
	}
	switch e.kind {
	case plumbing.CommitObject, plumbing.TreeObject, plumbing.BlobObject, plumbing.TagObject:
	case plumbing.OFSDeltaObject:
		e.base, err = readDistance(r, offset)
	case plumbing.REFDeltaObject:
		_, err = io.ReadFull(r, e.ref[:])
		err = eof(err)
	default:
		err = damaged("an object has the unknown type %d", e.kind)
	}
	return e, err
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
