package pack

import (
	"bytes"
	"crypto/sha1" //nolint:gosec // Git's checksums
	"encoding/binary"
	"math"
	"slices"

	"github.com/go-git/go-git/v5/plumbing"
)

// index makes the index of a pack, version 2. An object that is there twice is listed twice, as Git wants it.
func index(entries []entry, checksum plumbing.Hash) []byte {
	sorted := slices.Clone(entries)
	slices.SortStableFunc(sorted, func(a, b entry) int { return bytes.Compare(a.id[:], b.id[:]) })
	out := binary.BigEndian.AppendUint32([]byte("\xfftOc"), version)
	next := 0
	for first := range 256 {
		for next < len(sorted) && int(sorted[next].id[0]) == first {
			next++
		}
		out = binary.BigEndian.AppendUint32(out, uint32(next))
	}
	for i := range sorted {
		out = append(out, sorted[i].id[:]...)
	}
	for i := range sorted {
		out = binary.BigEndian.AppendUint32(out, sorted[i].crc)
	}
	var far []byte
	for i := range sorted {
		offset := sorted[i].offset
		if offset > math.MaxInt32 {
			far, offset = binary.BigEndian.AppendUint64(far, uint64(offset)), math.MaxInt32+1+int64(len(far)/8)
		}
		out = binary.BigEndian.AppendUint32(out, uint32(offset))
	}
	out = append(append(out, far...), checksum[:]...)
	sum := sha1.Sum(out) //nolint:gosec // Git's checksums
	return append(out, sum[:]...)
}
