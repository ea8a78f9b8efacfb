package object

import (
	"bytes"
	"crypto/sha1" //nolint:gosec // Git's object ids
	"encoding/binary"

	"github.com/go-git/go-git/v5/plumbing"
)

const (
	packVersion   = 2
	packHeader    = 12
	packOverhead  = 4 // bytes of an object's header, about
	packTrailer   = 20
	sizeBitsFirst = 4
	sizeBits      = 7
	more          = 0x80
)

// Pack returns a pack of objects, as they are: without deltas, which cost more than they save for files of a page.
// Format: gitformat-pack(5).
func Pack(objects []Object) []byte {
	size := packHeader + packTrailer
	for _, o := range objects {
		size += packOverhead + len(o.Deflated)
	}
	var b bytes.Buffer
	b.Grow(size)
	b.WriteString("PACK")
	b.Write(binary.BigEndian.AppendUint32(binary.BigEndian.AppendUint32(nil, packVersion), uint32(len(objects))))
	for _, o := range objects {
		b.Write(objectHeader(o.Type, o.Size))
		b.Write(o.Deflated)
	}
	sum := sha1.Sum(b.Bytes()) //nolint:gosec // Git's object ids
	b.Write(sum[:])
	return b.Bytes()
}

func objectHeader(kind plumbing.ObjectType, size int) []byte {
	first := byte(kind)<<sizeBitsFirst | byte(size&(1<<sizeBitsFirst-1))
	size >>= sizeBitsFirst
	var out []byte
	for size > 0 {
		out = append(out, first|more)
		first = byte(size & (1<<sizeBits - 1))
		size >>= sizeBits
	}
	return append(out, first)
}
