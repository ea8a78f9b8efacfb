package pack

import (
	"fmt"
	"io"
)

const (
	copyFlag    = 0x80
	copyDefault = 0x10000
	sizeShift   = 4 // bits of a copy instruction: four for the offset, then three for the size
	sizeEnd     = 7

	// mostMade bounds what a delta makes: a few bytes of it can stand for gigabytes. Git itself makes no deltas of files
	// above 512 MiB (core.bigFileThreshold).
	mostMade = 1 << 30
)

// readSizes reads the head of a delta: how large its base has to be, and how large its outcome is.
func readSizes(r io.ByteReader, base int64) (int64, error) {
	wanted, err := readSize(r)
	if err != nil {
		return 0, err
	}
	if wanted != base {
		return 0, damaged("a delta is made for another base")
	}
	size, err := readSize(r)
	if err == nil && size > mostMade {
		err = tooLarge("a delta makes an object of %d bytes; the limit is %d", size, mostMade)
	}
	return size, err
}

func readSize(r io.ByteReader) (size int64, err error) {
	for shift := 0; ; shift += 7 {
		b, err := r.ReadByte()
		if err != nil {
			return 0, fmt.Errorf("read delta: %w", eof(err))
		}
		if shift > 49 {
			return 0, damaged("a delta says it is larger than any object")
		}
		size |= int64(b&0x7f) << shift
		if b&0x80 == 0 {
			return size, nil
		}
	}
}

// patch makes an object of a base and a delta.
func patch(to io.Writer, delta byteReader, base *content, size int64, buffer []byte) error {
	for {
		instruction, err := delta.ReadByte()
		if err == io.EOF { //nolint:errorlint // a reader's own end
			break
		}
		if err != nil {
			return unreadable(err)
		}
		var n int64
		switch {
		case instruction&copyFlag != 0:
			n, err = patchCopy(to, delta, instruction, base, size, buffer)
		case instruction == 0:
			err = damaged("a delta has an instruction that is none")
		default:
			n, err = patchInsert(to, delta, int64(instruction), size, buffer)
		}
		if err != nil {
			return err
		}
		size -= n
	}
	if size != 0 {
		return damaged("a delta makes less than it says")
	}
	return nil
}

func patchCopy(to io.Writer, delta io.ByteReader, instruction byte, base *content, left int64, buffer []byte) (int64,
	error,
) {
	var fields [sizeEnd]byte
	for i := range fields {
		if instruction&(1<<i) == 0 {
			continue
		}
		b, err := delta.ReadByte()
		if err != nil {
			return 0, fmt.Errorf("read delta: %w", eof(err))
		}
		fields[i] = b
	}
	offset := littleEndian(fields[:sizeShift])
	n := littleEndian(fields[sizeShift:])
	if n == 0 {
		n = copyDefault
	}
	if n > left {
		return 0, damaged("a delta makes more than it says")
	}
	return n, base.copyTo(to, offset, n, buffer)
}

func littleEndian(bytes []byte) (n int64) {
	for i, b := range bytes {
		n |= int64(b) << (8 * i)
	}
	return n
}

func patchInsert(to io.Writer, delta io.Reader, n, left int64, buffer []byte) (int64, error) {
	if n > left {
		return 0, damaged("a delta makes more than it says")
	}
	if _, err := io.ReadFull(delta, buffer[:n]); err != nil {
		return 0, fmt.Errorf("read delta: %w", eof(err))
	}
	_, err := to.Write(buffer[:n])
	return n, err
}
