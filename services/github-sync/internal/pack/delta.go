package pack

import (
	"bufio"
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

// patcher makes an object of a base and a delta.
type patcher struct {
	to     *bufio.Writer
	delta  *bufio.Reader
	base   *content
	quota  *quota
	left   int64 // still to be made
	buffer []byte
}

func (p *patcher) patch() error {
	for {
		instruction, err := p.delta.ReadByte()
		if err == io.EOF { //nolint:errorlint // a reader's own end
			break
		}
		if err != nil {
			return unreadable(err)
		}
		switch {
		case instruction&copyFlag != 0:
			err = p.copy(instruction)
		case instruction == 0:
			err = damaged("a delta has an instruction that is none")
		default:
			err = p.insert(int64(instruction))
		}
		if err != nil {
			return err
		}
	}
	if p.left != 0 {
		return damaged("a delta makes less than it says")
	}
	return nil
}

// take takes account of so many bytes that an instruction makes.
func (p *patcher) take(n, least int64) error {
	if n > p.left {
		return damaged("a delta makes more than it says")
	}
	p.left -= n
	return p.quota.work(least - n)
}

func (p *patcher) copy(instruction byte) error {
	var fields [sizeEnd]byte
	for i := range fields {
		if instruction&(1<<i) == 0 {
			continue
		}
		b, err := p.delta.ReadByte()
		if err != nil {
			return fmt.Errorf("read delta: %w", eof(err))
		}
		fields[i] = b
	}
	offset := littleEndian(fields[:sizeShift])
	n := littleEndian(fields[sizeShift:])
	if n == 0 {
		n = copyDefault
	}
	least := int64(leastPart)
	if p.base.spilled {
		least = leastRead
	}
	if err := p.take(n, least); err != nil {
		return err
	}
	return p.base.copyTo(p.to, offset, n, p.buffer)
}

func littleEndian(bytes []byte) (n int64) {
	for i, b := range bytes {
		n |= int64(b) << (8 * i)
	}
	return n
}

func (p *patcher) insert(n int64) error {
	if err := p.take(n, leastPart); err != nil {
		return err
	}
	if _, err := io.ReadFull(p.delta, p.buffer[:n]); err != nil {
		return fmt.Errorf("read delta: %w", eof(err))
	}
	_, err := p.to.Write(p.buffer[:n])
	return err
}
