package pack

import (
	"fmt"
	"io"
	"os"
)

// budget bounds what all contents of a pack hold in memory. What does not fit goes to one file that has no name, and is
// bounded too: nobody sees how large it is. Contents are closed in the opposite order in which they are made, so that
// the file is a stack of them, however deep deltas stand on each other.
type budget struct {
	left   int64 // of memory
	folder string
	file   *os.File // nil until something goes there
	end    int64    // of what is held in the file
}

const memoryBudget = 16 << 20

// content is that of an object others are deltas of.
type content struct {
	budget  *budget
	size    int64
	memory  []byte
	spilled bool
	offset  int64 // in the file
	written int64
}

// make returns an empty content of a size to come.
func (b *budget) make(size int64) (*content, error) {
	c := &content{budget: b, size: size}
	if size <= b.left {
		b.left -= size
		c.memory = make([]byte, 0, size)
		return c, nil
	}
	if size > mostHeld-b.end {
		return nil, tooLarge("its deltas need more than %d bytes at the same time", mostHeld)
	}
	if err := b.open(); err != nil {
		return nil, err
	}
	c.spilled, c.offset = true, b.end
	b.end += size
	return c, nil
}

// open makes the file, which is gone from the folder at once.
func (b *budget) open() error {
	if b.file != nil {
		return nil
	}
	file, err := os.CreateTemp(b.folder, "tmp_base_*")
	if err != nil {
		return err
	}
	b.file = file
	return os.Remove(file.Name())
}

// close gives back what the file takes on the disk.
func (b *budget) close() error {
	if b.file == nil {
		return nil
	}
	return b.file.Close()
}

func (c *content) Write(p []byte) (int, error) {
	if c.spilled {
		n, err := c.budget.file.WriteAt(p, c.offset+c.written)
		c.written += int64(n)
		return n, err
	}
	c.memory = append(c.memory, p...)
	return len(p), nil
}

// copyTo writes a part of it.
func (c *content) copyTo(to io.Writer, offset, size int64, buffer []byte) error {
	if offset > c.size || size > c.size-offset {
		return damaged("a delta goes beyond its base")
	}
	if !c.spilled {
		_, err := to.Write(c.memory[offset : offset+size])
		return err
	}
	for size > 0 {
		part := buffer[:min(size, int64(len(buffer)))]
		if _, err := c.budget.file.ReadAt(part, c.offset+offset); err != nil {
			return fmt.Errorf("read an object that is held: %w", err)
		}
		if _, err := to.Write(part); err != nil {
			return err
		}
		offset, size = offset+int64(len(part)), size-int64(len(part))
	}
	return nil
}

// close gives back what it takes. Those that were made after it are closed.
func (c *content) close() {
	if c.spilled {
		c.budget.end = c.offset
		return
	}
	c.budget.left += c.size
	c.memory = nil
}
