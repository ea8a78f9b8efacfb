package pack

import (
	"bufio"
	"crypto/sha1" //nolint:gosec // Git's object ids
	"fmt"
	"hash"
	"hash/crc32"
	"io"

	"github.com/go-git/go-git/v5/plumbing"
)

const bufferSize = 64 << 10 // larger than any single read of the inflater, which so never reads past the buffer

// source is a pack that comes in. Each byte that is read from it goes to a file and into the checksums.
type source struct {
	*bufio.Reader
	tap *tap
}

func newSource(from io.Reader, to io.Writer) *source {
	t := &tap{from: from, to: bufio.NewWriterSize(to, bufferSize), sum: sha1.New()} //nolint:gosec // Git's checksums
	return &source{Reader: bufio.NewReaderSize(t, bufferSize), tap: t}
}

// begin marks the beginning of an object and returns where it is.
func (s *source) begin() int64 {
	s.settle()
	s.tap.crc = 0
	return s.tap.offset
}

// end returns the checksum of the object that has been read.
func (s *source) end() uint32 {
	s.settle()
	return s.tap.crc
}

func (s *source) settle() { s.tap.settle(len(s.tap.chunk) - s.Buffered()) }

// finish reads the checksum after the last object.
func (s *source) finish() (plumbing.Hash, error) {
	s.settle()
	var said, computed plumbing.Hash
	s.tap.sum.Sum(computed[:0])
	if _, err := io.ReadFull(s, said[:]); err != nil {
		return said, fmt.Errorf("read checksum of the pack: %w", eof(err))
	}
	if said != computed {
		return said, damaged("its checksum is another one")
	}
	if _, err := s.ReadByte(); err == nil {
		return said, damaged("it does not end where it should")
	} else if err != io.EOF { //nolint:errorlint // a reader's own end
		return said, fmt.Errorf("read pack: %w", err)
	}
	s.settle()
	if s.tap.err != nil {
		return said, fmt.Errorf("store pack: %w", s.tap.err)
	}
	if err := s.tap.to.Flush(); err != nil {
		return said, fmt.Errorf("store pack: %w", err)
	}
	return said, nil
}

// tap stands under a buffer that asks for more only when all it had has been read.
type tap struct {
	from  io.Reader
	to    *bufio.Writer
	err   error // of writing
	sum   hash.Hash
	crc   uint32
	chunk []byte // what the buffer was last filled with
	done  int    // how much of it has been taken account of
	// offset is that of the first byte which has not.
	offset int64
}

func (t *tap) Read(p []byte) (int, error) {
	t.settle(len(t.chunk))
	if t.err != nil {
		return 0, t.err
	}
	n, err := t.from.Read(p)
	t.chunk, t.done = p[:n], 0
	return n, err
}

// settle takes account of what has been read of the chunk.
func (t *tap) settle(upTo int) {
	part := t.chunk[t.done:upTo]
	if len(part) == 0 {
		return
	}
	t.done = upTo
	t.offset += int64(len(part))
	t.crc = crc32.Update(t.crc, crc32.IEEETable, part)
	_, _ = t.sum.Write(part) // a hash takes all
	if _, err := t.to.Write(part); err != nil && t.err == nil {
		t.err = err
	}
}
