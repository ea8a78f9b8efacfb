package pack

import (
	"bufio"
	"crypto/sha1" //nolint:gosec // Git's checksums
	"encoding/binary"
	"io"
	"math"
	"slices"

	"github.com/go-git/go-git/v5/plumbing"
)

// writeIndex writes the index of a pack, version 2, and sorts the entries for it. An object that is there twice is
// listed twice, as Git wants it.
func writeIndex(to io.Writer, entries []entry, checksum plumbing.Hash) error {
	slices.SortFunc(entries, func(a, b entry) int {
		if order := compareIDs(a.id, b.id); order != 0 {
			return order
		}
		return int(min(max(a.offset-b.offset, -1), 1))
	})
	sum := sha1.New() //nolint:gosec // Git's checksums
	buffered := bufio.NewWriterSize(io.MultiWriter(to, sum), bufferSize)
	w := &indexWriter{buffered}
	w.writeTable(entries)
	w.writeEntries(entries)
	w.put(checksum[:])
	if err := buffered.Flush(); err != nil {
		return err
	}
	_, err := to.Write(sum.Sum(nil))
	return err
}

// indexWriter keeps its first error, which flushing tells.
type indexWriter struct{ to *bufio.Writer }

func (w *indexWriter) put(bytes []byte) { _, _ = w.to.Write(bytes) }

func (w *indexWriter) putNumber(n uint32) { w.put(binary.BigEndian.AppendUint32(nil, n)) }

// writeTable writes the head, and how many ids begin with each byte or one before it.
func (w *indexWriter) writeTable(entries []entry) {
	w.put([]byte("\xfftOc"))
	w.putNumber(version)
	next := 0
	for first := range 256 {
		for next < len(entries) && int(entries[next].id[0]) == first {
			next++
		}
		w.putNumber(uint32(next))
	}
}

func (w *indexWriter) writeEntries(entries []entry) {
	for i := range entries {
		w.put(entries[i].id[:])
	}
	for i := range entries {
		w.putNumber(entries[i].crc)
	}
	var far []byte
	for i := range entries {
		offset := entries[i].offset
		if offset > math.MaxInt32 {
			far, offset = binary.BigEndian.AppendUint64(far, uint64(offset)), math.MaxInt32+1+int64(len(far)/8)
		}
		w.putNumber(uint32(offset))
	}
	w.put(far)
}
