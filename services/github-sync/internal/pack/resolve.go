package pack

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"math"
	"os"

	"github.com/go-git/go-git/v5/plumbing"
)

// resolver finds out which objects the deltas of a pack are. It goes from bases to what is made of them, deep before
// wide, so that few contents are held at a time.
type resolver struct {
	*contents
	file     *os.File
	budget   *budget
	quota    *quota
	buffered *bufio.Reader
	inflater inflater
	delta    *bufio.Reader
	id       *identifier

	open int   // deltas not yet resolved
	end  int64 // of the objects, where more can be added
}

// branch is an object on the way from a base to the deltas above it.
type branch struct {
	kind    plumbing.ObjectType
	content *content
	deltas  []int32 // still to do
}

func newResolver(file *os.File, folder string, found *contents, quota *quota) *resolver {
	found.sort()
	return &resolver{
		contents: found, file: file, budget: &budget{left: memoryBudget, held: mostHeld, folder: folder}, quota: quota,
		buffered: bufio.NewReaderSize(nil, bufferSize), delta: bufio.NewReader(nil), id: newIdentifier(),
		open: len(found.byOffset) + len(found.byID),
	}
}

// resolve resolves all deltas whose bases the pack has.
func (r *resolver) resolve(ctx context.Context) error {
	for i := 0; i < len(r.entries) && r.open > 0; i++ {
		if e := &r.entries[i]; !e.isDelta() {
			if err := r.grow(ctx, e); err != nil {
				return err
			}
		}
	}
	return nil
}

// grow resolves all that is made of an object, directly or not.
func (r *resolver) grow(ctx context.Context, root *entry) (err error) {
	deltas := r.take(root)
	if len(deltas) == 0 {
		return nil
	}
	base, err := r.read(root)
	if err != nil {
		return err
	}
	path := []branch{{root.kind, base, deltas}}
	defer func() {
		for _, b := range path {
			err = errors.Join(err, b.content.close())
		}
	}()
	for len(path) > 0 {
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		top := &path[len(path)-1]
		if len(top.deltas) == 0 {
			path = path[:len(path)-1]
			if err := top.content.close(); err != nil {
				return err
			}
			continue
		}
		e := &r.entries[top.deltas[0]]
		top.deltas = top.deltas[1:]
		above, err := r.apply(e, top)
		if err != nil {
			return err
		}
		if above != nil {
			path = append(path, *above)
		}
	}
	return nil
}

// read returns the content of an object that is no delta.
func (r *resolver) read(e *entry) (*content, error) {
	h, err := r.skipTo(e)
	if err != nil {
		return nil, err
	}
	c, err := r.budget.make(h.size)
	if err != nil {
		return nil, fmt.Errorf("hold an object: %w", err)
	}
	if err := r.inflater.inflate(c, r.buffered, h.size); err != nil {
		return nil, errors.Join(err, c.close())
	}
	return c, nil
}

// skipTo goes to where the deflated content of an object begins.
func (r *resolver) skipTo(e *entry) (head, error) {
	r.buffered.Reset(io.NewSectionReader(r.file, e.offset, math.MaxInt64-e.offset))
	return readEntry(r.buffered, e.offset)
}

// apply resolves a delta, and returns its content when more are made of it.
func (r *resolver) apply(e *entry, base *branch) (*branch, error) {
	if _, err := r.skipTo(e); err != nil {
		return nil, err
	}
	inflated, err := r.inflater.open(r.buffered)
	if err != nil {
		return nil, unreadable(err)
	}
	r.delta.Reset(inflated)
	size, err := readSizes(r.delta, base.content.size)
	if err == nil {
		err = r.quota.inflate(size)
	}
	if err != nil {
		return nil, err
	}
	r.id.begin(base.kind, size)
	var to io.Writer = r.id
	var made *content
	if len(r.at(e.offset)) > 0 || r.waiting > 0 {
		if made, err = r.budget.make(size); err != nil {
			return nil, fmt.Errorf("hold an object: %w", err)
		}
		to = io.MultiWriter(r.id, made)
	}
	if err := patch(to, r.delta, base.content, size, r.inflater.buffer); err != nil {
		return nil, errors.Join(err, closed(made))
	}
	e.id = r.id.sum()
	r.open--
	if made == nil {
		return nil, nil
	}
	if deltas := r.take(e); len(deltas) > 0 {
		return &branch{base.kind, made, deltas}, nil
	}
	return nil, made.close()
}

func closed(c *content) error {
	if c == nil {
		return nil
	}
	return c.close()
}
