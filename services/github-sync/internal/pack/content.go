package pack

import (
	"errors"
	"io"
	"os"
)

// budget bounds what all contents of a pack hold in memory. What does not fit goes to files that have no name, and is
// bounded too: nobody sees how large they are.
type budget struct {
	left   int64 // of memory
	held   int64 // that may still go to files
	folder string
}

const memoryBudget = 16 << 20

// content is that of an object others are deltas of.
type content struct {
	budget *budget
	size   int64
	memory []byte
	file   *os.File
}

// make returns an empty content of a size to come.
func (b *budget) make(size int64) (*content, error) {
	c := &content{budget: b, size: size}
	if size <= b.left {
		b.left -= size
		c.memory = make([]byte, 0, size)
		return c, nil
	}
	if size > b.held {
		return nil, tooLarge("its deltas need more than %d bytes at the same time", mostHeld)
	}
	file, err := os.CreateTemp(b.folder, "tmp_base_*")
	if err != nil {
		return nil, err
	}
	c.file = file
	b.held -= size
	if err := os.Remove(file.Name()); err != nil {
		return nil, errors.Join(err, file.Close())
	}
	return c, nil
}

func (c *content) Write(p []byte) (int, error) {
	if c.file != nil {
		return c.file.Write(p)
	}
	c.memory = append(c.memory, p...)
	return len(p), nil
}

// copyTo writes a part of it.
func (c *content) copyTo(to io.Writer, offset, size int64, buffer []byte) error {
	if offset > c.size || size > c.size-offset {
		return damaged("a delta goes beyond its base")
	}
	if c.file == nil {
		_, err := to.Write(c.memory[offset : offset+size])
		return err
	}
	_, err := io.CopyBuffer(to, io.NewSectionReader(c.file, offset, size), buffer)
	return err
}

func (c *content) close() error {
	if c.file != nil {
		c.budget.held += c.size
		return c.file.Close()
	}
	c.budget.left += c.size
	c.memory = nil
	return nil
}
